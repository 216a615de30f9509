//! A stream without its lock, for questions that need none: what it says, what its names mean, what depends on what.

use stream::check::check;
use stream::definition::Component;
use stream::graph::Graphs;
use stream::lock::known_commits;
use stream::source::folder::Folder;
use stream::task::Tasks;

use super::lineage::{self, Asking, Lineage};
use super::sources::Fetch;
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
        let folder = Folder::new(root(&arg.stream)?);
        let lineage = lineage::read(home, &folder, Asking::default())?;
        let tasks = Tasks::new(&folder.tasks()?, &[lineage.tasks.clone(), shipped_tasks(arg)?].concat())?;
        let commits =
            known_commits(&lineage.definition.stream, lineage.lock.as_ref(), lineage.below.as_ref());
        let now = |_: &str, component: &Component| all || !component.planned_without_source();
        let fetch = Fetch {
            home,
            definition: &lineage.definition,
            folders: &lineage.folders,
            commits: &commits,
            lock_files: &lineage.lock_files,
            offline: false,
        };
        let sources = fetch.run(&now)?;
        let folder = folder.with_fetched(sources.fetched).with_below(lineage.folders.clone());
        Ok(Self { lineage, folder, tasks })
    }

    /// What depends on what, on each platform.
    ///
    /// # Errors
    /// Everything that is wrong with the stream.
    pub fn graphs(&self) -> Result<Graphs, Failure> {
        Ok(check(&self.lineage.definition, &self.folder, &self.tasks)?.graphs)
    }
}
