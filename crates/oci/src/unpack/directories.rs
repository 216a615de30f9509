//! Directories of a layer: their mode and time are set when all that is in them has been written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::fs::Mode;
use rustix::io::Errno;

use super::beneath::{Beneath, times};

/// What an entry costs in memory beside its path, about.
const ENTRY: usize = 100;

/// All directories of a layer by path.
pub(super) struct Directories {
    known: BTreeMap<Vec<u8>, Finish>,
    /// Those that no entry described.
    implied: BTreeSet<Vec<u8>>,
    bytes: usize,
}

struct Finish {
    mode: u32,
    mtime: (i64, u32),
}

/// What a directory is that no entry described.
const PLAIN: Finish = Finish { mode: 0o755, mtime: (0, 0) };

impl Directories {
    /// The root alone; layers mostly do not describe it.
    pub(super) fn new() -> Self {
        Self { known: BTreeMap::from([(Vec::new(), PLAIN)]), implied: BTreeSet::from([Vec::new()]), bytes: 0 }
    }

    /// Memory that the paths take, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// An entry says what the directory is.
    pub(super) fn described(&mut self, path: &[u8], mode: u32, mtime: (i64, u32)) {
        self.implied.remove(path);
        self.add(path, Finish { mode, mtime });
    }

    /// The directory was made because something goes into it.
    pub(super) fn implied(&mut self, path: &[u8]) {
        self.implied.insert(path.to_vec());
        self.add(path, PLAIN);
    }

    fn add(&mut self, path: &[u8], finish: Finish) {
        if self.known.insert(path.to_vec(), finish).is_none() {
            self.bytes += path.len() + ENTRY;
        }
    }

    /// Something else takes the place of this path and of all below it.
    pub(super) fn forget(&mut self, path: &[u8]) {
        let inside = [path, b"/"].concat();
        let below = self.known.range(inside.clone()..).map(|(path, _)| path);
        let mut gone: Vec<Vec<u8>> = below.take_while(|path| path.starts_with(&inside)).cloned().collect();
        gone.push(path.to_vec());
        for path in gone {
            if self.known.remove(&path).is_some() {
                self.bytes -= path.len() + ENTRY;
            }
            self.implied.remove(&path);
        }
    }

    /// Sets modes and times; gives the paths that no entry described.
    pub(super) fn finish(self, root: &Beneath) -> io::Result<BTreeSet<Vec<u8>>> {
        // Deepest first, so that a directory without permissions does not hide those in it.
        for (path, finish) in self.known.into_iter().rev() {
            let dir = match root.dir_itself(&path) {
                Ok(dir) => dir,
                // It was known by a way through a symlink, and what that led to was replaced.
                Err(e) if is_gone(&e) => continue,
                Err(e) => return Err(e),
            };
            rustix::fs::fchmod(&dir, Mode::from_raw_mode(finish.mode))?;
            rustix::fs::futimens(&dir, &times(finish.mtime))?;
        }
        Ok(self.implied)
    }
}

fn is_gone(e: &io::Error) -> bool {
    let errno = e.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV))
}
