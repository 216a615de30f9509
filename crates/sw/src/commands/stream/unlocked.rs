//! A stream without its lock, for questions that need none: what it says, what its names mean, what depends on what.

use stream::check::check;
use stream::definition::Component;
use stream::graph::Graphs;
use stream::lock::{Lock, known_commits};
use stream::source::folder::Folder;
use stream::task::Tasks;

use super::lineage::{self, Asking, Lineage};
use super::sources::{Fetch, Sources};
use super::{root, shipped_tasks};
use crate::cli::StreamArg;
use crate::failure::Failure;
use crate::settings::Home;

/// A stream that was read, and not checked yet.
pub struct Unlocked {
    /// What it says, with the streams that it is from.
    pub lineage: Lineage,
    /// Its folder, with the sources that were fetched.
    pub folder: Folder,
    /// The tasks it may use.
    pub tasks: Tasks,
}

impl Unlocked {
    /// Reads a stream. Sources from elsewhere are fetched where their Containerfiles say what they start from; with `all`, every one.
    ///
    /// # Errors
    /// Files that are missing or wrong; sources that cannot be fetched.
    pub fn read(home: &Home, arg: &StreamArg, all: bool) -> Result<Self, Failure> {
        let files = Self::files(home, arg, Asking::default())?;
        let lock = files.lineage.lock.clone();
        Ok(files.fetched(home, lock.as_ref(), false, all)?.0)
    }

    /// Reads the files of a stream; no source from elsewhere is there.
    ///
    /// # Errors
    /// Files that are missing or wrong.
    pub fn files(home: &Home, arg: &StreamArg, asking: Asking) -> Result<Self, Failure> {
        let folder = Folder::new(root(&arg.stream)?);
        let lineage = lineage::read(home, &folder, asking)?;
        let tasks = Tasks::new(&folder.tasks()?, &[lineage.tasks.clone(), shipped_tasks(arg)?].concat())?;
        Ok(Self { lineage, folder, tasks })
    }

    /// The stream with the sources from elsewhere that it cannot be read without, or `all` of them, at the commits of `lock`.
    ///
    /// # Errors
    /// Sources that cannot be fetched.
    pub fn fetched(
        self,
        home: &Home,
        lock: Option<&Lock>,
        offline: bool,
        all: bool,
    ) -> Result<(Self, Sources), Failure> {
        let Self { lineage, folder, tasks } = self;
        let fetch = Fetch {
            home,
            definition: &lineage.definition,
            folders: &lineage.folders,
            commits: &known_commits(&lineage.definition.stream, lock, lineage.below.as_ref()),
            lock_files: &lineage.lock_files,
            offline,
        };
        let wanted = |_: &str, component: &Component| all || !component.planned_without_source();
        let sources = fetch.run(&wanted)?;
        let folder = folder.with_fetched(sources.fetched.clone()).with_below(lineage.folders.clone());
        Ok((Self { lineage, folder, tasks }, sources))
    }

    /// What depends on what, on each platform.
    ///
    /// # Errors
    /// Everything that is wrong with the stream.
    pub fn graphs(&self) -> Result<Graphs, Failure> {
        Ok(check(&self.lineage.definition, &self.folder, &self.tasks)?.graphs)
    }
}
