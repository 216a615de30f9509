//! Writes events to disk, numbers them, and tells observers, in that order.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base::Clock;

use crate::event::{Event, Happened, Observer};
use crate::mask::Mask;

/// The events of one run, one JSON object a line.
pub struct Journal {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    observers: Vec<Arc<dyn Observer>>,
    mask: Arc<Mask>,
}

struct State {
    file: File,
    next: u64,
}

impl Journal {
    /// A new journal at `path`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(
        path: &Path,
        clock: Arc<dyn Clock>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> std::io::Result<Self> {
        let file = File::create(path)?;
        let mask = Arc::default();
        Ok(Self { state: Mutex::new(State { file, next: 1 }), clock, observers, mask })
    }

    /// Hides these values in all that is recorded and told.
    pub fn hiding(mut self, mask: Mask) -> Self {
        self.mask = Arc::new(mask);
        self
    }

    /// What is hidden.
    pub fn mask(&self) -> &Arc<Mask> {
        &self.mask
    }

    /// Records and tells. A journal that cannot be written is told as a warning once per event: the run itself goes on.
    pub fn record(&self, happened: Happened) {
        let happened = self.mask.event(happened);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut event = Event { seq: state.next, time: self.clock.now(), event: happened };
        state.next += 1;
        let written = serde_json::to_vec(&event).map_err(std::io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            state.file.write_all(&line)
        });
        // Observers are told under the lock, so that they see events in order.
        self.tell(&event);
        if let Err(e) = written {
            event.event = Happened::Warning { message: format!("cannot write the run's journal: {e}") };
            self.tell(&event);
        }
    }

    /// Passes on what a step prints, with secrets hidden by the step's log; not recorded here.
    pub fn output(&self, task: &str, step: &str, bytes: &[u8]) {
        self.observers.iter().for_each(|o| o.output(task, step, bytes));
    }

    /// Lets observers leave the terminal to somebody else, and take it back.
    pub fn terminal_taken(&self, taken: bool) {
        self.observers.iter().for_each(|o| o.terminal_taken(taken));
    }

    /// Passes on the progress of a transfer; not recorded.
    pub fn transfer(&self, what: &str, done: u64, total: u64) {
        self.observers.iter().for_each(|o| o.transfer(what, done, total));
    }

    fn tell(&self, event: &Event) {
        self.observers.iter().for_each(|o| o.event(event));
    }
}

/// Reads a journal. A last line that was cut off by a crash is left out.
///
/// # Errors
/// When the file cannot be read, or a line before the last is not an event.
pub fn read(path: &Path) -> std::io::Result<Vec<Event>> {
    let mut lines = BufReader::new(File::open(path)?).split(b'\n').peekable();
    let mut events = Vec::new();
    while let Some(line) = lines.next() {
        match serde_json::from_slice(&line?) {
            Ok(event) => events.push(event),
            Err(_) if lines.peek().is_none() => {}
            Err(e) => return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, e)),
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::clock::FixedClock;

    use super::*;

    #[test]
    fn a_journal_reads_back_without_its_cut_off_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let journal =
            Journal::create(&path, Arc::new(FixedClock::new(jiff::Timestamp::UNIX_EPOCH)), vec![]).unwrap();
        journal.record(Happened::Warning { message: "one".into() });
        journal.record(Happened::TaskSkipped { task: "t".into(), reason: "r".into() });
        assert_eq!(
            std::fs::read_to_string(&path).unwrap().lines().next().unwrap(),
            r#"{"seq":1,"time":"1970-01-01T00:00:00Z","event":{"type":"warning","message":"one"}}"#
        );
        let whole = read(&path).unwrap();
        assert_eq!(whole.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2]);
        let mut text = std::fs::read(&path).unwrap();
        text.truncate(text.len() - 9);
        std::fs::write(&path, text).unwrap();
        assert_eq!(read(&path).unwrap(), whole[..1]);
    }
}
