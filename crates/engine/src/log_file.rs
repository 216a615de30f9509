//! A log on disk that keeps its beginning and its end, however much is written.
//!
//! ```text
//! step.log              the beginning: a quarter of what a log may take
//! step.log.from-<n>     while the step runs: quarters that follow, the first of them at byte n of all; the last three stay
//! ```
//!
//! When the step ends, its parts become one file again, with a line where something is missing. [`copy`] shows the log of
//! a step that still runs, or of a run that was killed, in the same way.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base::size;

/// Bytes of a log that are kept when nobody says otherwise.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// Parts that stay beside the beginning.
const PARTS: usize = 3;

/// How far into its first part the end of a log is searched for the begin of a line.
const LONGEST_LINE: u64 = 16 * 1024;

/// A log that is being written.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    quarter: u64,
    current: File,
    /// Bytes that the current file may still take.
    room: u64,
    written: u64,
    /// Where the parts begin.
    parts: VecDeque<u64>,
}

impl LogFile {
    /// A new log at `path` that takes about `limit` bytes of the disk at most.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path, limit: u64) -> io::Result<Self> {
        let quarter = (limit / (PARTS as u64 + 1)).max(1);
        let current = File::create(path)?;
        Ok(Self {
            path: path.to_owned(),
            quarter,
            current,
            room: quarter,
            written: 0,
            parts: VecDeque::new(),
        })
    }

    /// Appends.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.room == 0 {
                self.next_part()?;
            }
            let fitting = usize::try_from(self.room).map_or(bytes.len(), |room| room.min(bytes.len()));
            let (now, later) = bytes.split_at(fitting);
            self.current.write_all(now)?;
            self.room -= now.len() as u64;
            self.written += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    fn next_part(&mut self) -> io::Result<()> {
        if self.parts.len() == PARTS
            && let Some(oldest) = self.parts.pop_front()
        {
            fs::remove_file(part(&self.path, oldest))?;
        }
        self.current = File::create(part(&self.path, self.written))?;
        self.parts.push_back(self.written);
        self.room = self.quarter;
        Ok(())
    }
}

impl Drop for LogFile {
    /// Puts the parts together. When that fails, they stay as they are: [`copy`] reads both.
    fn drop(&mut self) {
        if self.parts.is_empty() {
            return;
        }
        let parts = self.parts.make_contiguous();
        let Ok(mut whole) = OpenOptions::new().append(true).open(&self.path) else { return };
        match copy_end(&self.path, self.quarter, parts, &mut whole) {
            Ok(_) => parts.iter().for_each(|start| drop(fs::remove_file(part(&self.path, *start)))),
            Err(_) => drop(whole.set_len(self.quarter)),
        }
    }
}

/// Writes the log at `path` to `out`; gives its last byte.
///
/// # Errors
/// When it cannot be read, or `out` cannot be written.
pub fn copy(path: &Path, out: &mut dyn Write) -> io::Result<Option<u8>> {
    let parts = parts_of(path)?;
    let mut beginning = File::open(path)?;
    let size = io::copy(&mut beginning, out)?;
    match copy_end(path, size, &parts, out)? {
        Some(last) => Ok(Some(last)),
        None if size == 0 => Ok(None),
        None => last_byte(&mut beginning).map(Some),
    }
}

/// Writes the `parts` that follow a beginning of `size` bytes, and before them what is missing.
fn copy_end(path: &Path, size: u64, parts: &[u64], out: &mut dyn Write) -> io::Result<Option<u8>> {
    let mut last = None;
    let mut at = size;
    for start in parts {
        let mut file = BufReader::new(File::open(part(path, *start))?);
        if *start > at {
            // From the next whole line on, if there is one soon.
            let mut cut = Vec::new();
            (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut cut)?;
            if !cut.ends_with(b"\n") {
                file.seek(SeekFrom::Start(0))?;
                cut.clear();
            }
            let missing = size::bytes(*start - at + cut.len() as u64);
            let text = format!("[{missing} of this log were not kept; --max-log keeps more]\n");
            let begun = last_byte(&mut File::open(path)?)? != b'\n';
            out.write_all(if begun { b"\n" } else { b"" })?;
            out.write_all(text.as_bytes())?;
        }
        io::copy(&mut file, out)?;
        let mut file = file.into_inner();
        at = start + file.metadata()?.len();
        last = Some(last_byte(&mut file)?);
    }
    Ok(last)
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last[0])
}

fn part(path: &Path, start: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".from-{start}"));
    name.into()
}

/// Where the parts of a log begin, in order.
fn parts_of(path: &Path) -> io::Result<Vec<u64>> {
    let prefix = format!("{}.from-", path.file_name().unwrap_or_default().to_string_lossy());
    let mut parts = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap_or(Path::new(".")))? {
        let name = entry?.file_name();
        parts.extend(name.to_str().and_then(|n| n.strip_prefix(&prefix)?.parse::<u64>().ok()));
    }
    parts.sort_unstable();
    Ok(parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shown(path: &Path) -> String {
        let mut out = Vec::new();
        let last = copy(path, &mut out).unwrap();
        assert_eq!(last, out.last().copied());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_beginning_and_the_end_stay_and_the_middle_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.log");
        let mut log = LogFile::create(&path, 40).unwrap();
        // A quarter is ten bytes: two lines of five.
        for i in 0..20 {
            log.write(format!("{i:04}\n").as_bytes()).unwrap();
        }
        let expected = "0000\n0001\n[65 B of this log were not kept; --max-log keeps more]\n\
                        0015\n0016\n0017\n0018\n0019\n";
        assert_eq!(shown(&path), expected, "while it is written");
        drop(log);
        assert_eq!(fs::read_to_string(&path).unwrap(), expected, "as one file");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(shown(&path), expected);
    }

    #[test]
    fn a_log_that_fits_is_kept_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.log");
        let text = "0123456789".repeat(4);
        for length in [0, 1, 10, 11, 39, 40] {
            let mut log = LogFile::create(&path, 40).unwrap();
            for piece in text.as_bytes()[..length].chunks(7) {
                log.write(piece).unwrap();
            }
            assert_eq!(shown(&path), text[..length]);
            drop(log);
            assert_eq!(fs::read_to_string(&path).unwrap(), text[..length]);
        }
    }

    #[test]
    fn one_endless_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.log");
        let mut log = LogFile::create(&path, 40).unwrap();
        log.write(&[b'x'; 100]).unwrap();
        drop(log);
        let (x10, x30) = ("x".repeat(10), "x".repeat(30));
        let notice = "[60 B of this log were not kept; --max-log keeps more]";
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{x10}\n{notice}\n{x30}"));
    }
}
