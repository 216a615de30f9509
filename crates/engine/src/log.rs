//! Logs of steps: what a container prints, in one file a step; byte for byte, but for the values of secrets.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Happened;
use crate::journal::Journal;
use crate::local::container::Sink;
use crate::log_file::LogFile;
use crate::mask::Stream;

/// A line longer than this is passed on to observers in pieces.
const LONGEST_LINE: usize = 16 * 1024;

/// Writes one step's log; standard output and standard error go to the same file.
#[derive(Clone)]
pub struct StepLog {
    file: Arc<Mutex<LogFile>>,
    journal: Arc<Journal>,
    task: String,
    step: String,
    lossy: Arc<AtomicBool>,
}

impl StepLog {
    /// The log of `step` of `task` at `path`, of which about `limit` bytes are kept.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(
        path: &Path,
        limit: u64,
        journal: Arc<Journal>,
        task: &str,
        step: &str,
    ) -> io::Result<Self> {
        // What stands there may be shared with the record of an earlier run.
        if let Err(e) = std::fs::remove_file(path)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(e);
        }
        let file = Arc::new(Mutex::new(LogFile::create(path, limit)?));
        let (task, step) = (task.to_owned(), step.to_owned());
        Ok(Self { file, journal, task, step, lossy: Arc::default() })
    }

    /// Takes one stream of the container: writes it as it comes, passes whole lines on to observers.
    pub fn sink(&self) -> Sink {
        let line = LineBuffer { bytes: Vec::new(), log: self.clone() };
        let mut printed = Printed { secrets: self.journal.mask().stream(), line };
        Box::new(move |bytes| printed.push(bytes))
    }

    /// A full disk must not stop the step: what it prints still reaches observers, and its owner is told once.
    fn write(&self, bytes: &[u8]) {
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
        if let Err(e) = written
            && !self.lossy.swap(true, Ordering::Relaxed)
        {
            let message = format!("the log of {}/{} is not complete: {e}", self.task, self.step);
            self.journal.record(Happened::Warning { message });
        }
    }

    /// Writes a line of the engine's own.
    pub fn note(&self, text: &str) {
        let line = format!("{}\n", self.journal.mask().text(text));
        self.write(line.as_bytes());
        self.journal.output(&self.task, &self.step, line.as_bytes());
    }
}

/// A sink that also copies what it takes into `copy`.
pub fn tee(mut sink: Sink, copy: Option<File>) -> Sink {
    let Some(mut file) = copy else { return sink };
    Box::new(move |bytes| {
        // The step's log has it anyway.
        let _ = file.write_all(bytes);
        sink(bytes);
    })
}

/// One stream of a container, secrets hidden.
struct Printed {
    secrets: Stream,
    line: LineBuffer,
}

impl Printed {
    fn push(&mut self, bytes: &[u8]) {
        let shown = self.secrets.push(bytes);
        self.line.log.write(&shown);
        self.line.push(&shown);
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        let rest = self.secrets.end();
        self.line.log.write(&rest);
        self.line.push(&rest);
    }
}

struct LineBuffer {
    bytes: Vec<u8>,
    log: StepLog,
}

impl LineBuffer {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let end = match self.bytes.iter().rposition(|b| *b == b'\n') {
            Some(newline) => newline + 1,
            None if self.bytes.len() > LONGEST_LINE => self.bytes.len(),
            None => return,
        };
        self.log.journal.output(&self.log.task, &self.log.step, &self.bytes[..end]);
        self.bytes.drain(..end);
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.log.journal.output(&self.log.task, &self.log.step, &self.bytes);
        }
    }
}

/// The last `lines` lines of a log, read from its end: at most 64 KiB whatever its size.
///
/// # Errors
/// When the file cannot be read.
pub fn tail(path: &Path, lines: usize) -> io::Result<Vec<String>> {
    const MOST: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|l| (*l).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_tail_of_a_long_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let text: String = (0..100_000).map(|i| format!("line {i}\n")).collect();
        std::fs::write(&path, text).unwrap();
        assert_eq!(super::tail(&path, 2).unwrap(), ["line 99998", "line 99999"]);
        std::fs::write(&path, "only").unwrap();
        assert_eq!(super::tail(&path, 5).unwrap(), ["only"]);
    }
}
