//! Loads a stream from its folder, and keeps its lock; shared by plan, render, lock and build.
//!
//! - [`lineage`]: a stream with the streams that it is from
//! - [`sources`]: the sources that do not lie in its folder
//! - [`altered`]: sources with patches, edits and other bases
//! - [`findings`]: what is probably not meant
//! - [`bases`]: `sw bases`
//! - [`show`]: `sw stream show` and `sw stream diff`
//! - [`unlocked`]: a stream without its lock

mod altered;
pub mod bases;
pub mod findings;
pub mod lineage;
pub mod show;
mod sources;
pub mod unlocked;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::{Digest, Exit, Source};
use jiff::Timestamp;
use oci::Reference;
use stream::check::check;
use stream::definition::{Component, Definition};
use stream::graph::Graph;
use stream::lint::{self, Reviewed, Subject};
use stream::lock::debian::Apt;
use stream::lock::{self, Lock, ResolveError, ResolveImage, Resolvers, stale};
use stream::source::folder::Folder;
use stream::task::Tasks;

use self::lineage::Lineage;
use self::sources::Sources;
use super::{Ended, registry_client};
use crate::cli::{KnobArgs, LockArgs, StreamArg};
use crate::failure::Failure;
use crate::settings::Home;
use crate::shipped;

/// The name of the stream file.
const STREAM_FILE: &str = "stream.yaml";
/// The name of the lock.
const LOCK_FILE: &str = "stream.lock";

/// A stream that makes sense, with its lock.
pub struct Loaded {
    /// Its folder.
    pub folder: Folder,
    /// What the file says, and where.
    pub definition: Definition,
    /// The tasks it may use.
    pub tasks: Tasks,
    /// The stream with all its references resolved.
    pub graph: Graph,
    /// What the references resolved to.
    pub lock: Lock,
    /// What is probably not meant, and what is known and no mistake.
    pub findings: Reviewed,
    /// The published releases that the stream is from, by pull spec.
    pub from_releases: Vec<String>,
    /// The folders of the stream and of those below it, by name.
    folders: BTreeMap<String, PathBuf>,
}

impl Loaded {
    /// The stream with what the command line says about rebuilding.
    ///
    /// # Errors
    /// When it is about what is inherited, and nothing is.
    pub fn turned(mut self, knobs: KnobArgs) -> Result<Self, Failure> {
        let stream = &mut self.definition.stream;
        if let Some(which) = knobs.rebuild_inherited {
            if self.definition.history.parents.is_empty() {
                let message = format!("--rebuild-inherited: `{}` is not from another stream", stream.name);
                return Err(Failure::invalid(message));
            }
            stream.rebuild_inherited = which;
        }
        stream.rebuild = knobs.rebuild.unwrap_or(stream.rebuild);
        self.graph.set_policies(&self.definition);
        Ok(self)
    }

    /// Fetches the sources that a plan can do without, of the components for which `wanted` says so, and checks them against
    /// what the plan was made with.
    ///
    /// # Errors
    /// What cannot be fetched or altered; Containerfiles that are not what the stream says of them.
    pub fn fetch(&mut self, home: &Home, wanted: &dyn Fn(&str) -> bool) -> Result<(), Failure> {
        let missing = |name: &str, component: &Component| {
            component.planned_without_source() && !self.folder.fetched().contains_key(name) && wanted(name)
        };
        let sources = Sources::fetch(home, &self.definition, &self.folders, Some(&self.lock), &missing)?;
        if sources.fetched.is_empty() {
            return Ok(());
        }
        let mut fetched = self.folder.fetched().clone();
        fetched.extend(sources.fetched);
        self.folder = self.folder.clone().with_fetched(fetched);
        check(&self.definition, &self.folder, &self.tasks)?;
        Ok(())
    }
}

/// `sw lock`: writes the lock if it is missing or stale.
pub fn lock(home: &Home, args: &LockArgs) -> Result<Ended, Failure> {
    let loaded = load_locked(home, &args.stream, args.update)?;
    findings::tell(&loaded.findings);
    let packages: usize = loaded.lock.packages.values().map(|p| p.pinned.len()).sum();
    anstream::println!(
        "{}: {packages} packages, {} images, {} commits",
        loaded.folder.path().join(LOCK_FILE).display(),
        loaded.lock.images.len(),
        loaded.lock.commits.len()
    );
    Ok(Exit::Success.into())
}

/// Loads a stream. A lock that is missing or stale is made, as a build needs one; that is told on standard error.
///
/// # Errors
/// Everything that is wrong with the files; what cannot be resolved.
pub fn load(home: &Home, arg: &StreamArg) -> Result<Loaded, Failure> {
    load_locked(home, arg, false)
}

/// Like [`load`]; `anew` forgets the lock that there is.
fn load_locked(home: &Home, arg: &StreamArg, anew: bool) -> Result<Loaded, Failure> {
    let folder = Folder::new(root(&arg.stream)?);
    let lineage = lineage::read(home, &folder, anew)?;
    let tasks = Tasks::new(&folder.tasks()?, &[lineage.tasks.clone(), shipped_tasks(arg)?].concat())?;
    let known = lineage.lock.as_ref().or(lineage.below.as_ref());
    let now = |_: &str, component: &Component| !component.planned_without_source();
    let sources = Sources::fetch(home, &lineage.definition, &lineage.folders, known, &now)?;
    let folder = folder.with_fetched(sources.fetched.clone()).with_below(lineage.folders.clone());
    let checked = check(&lineage.definition, &folder, &tasks)?;
    let lock = current_lock(&folder, &checked.graph, &lineage, &sources)?;
    let definition = &lineage.definition;
    let findings = lint::review(Subject { definition, graph: &checked.graph, lock: &lock, today: today() });
    let from_releases = lineage.releases;
    Ok(Loaded {
        folder,
        definition: lineage.definition,
        tasks,
        graph: checked.graph,
        lock,
        findings,
        from_releases,
        folders: lineage.folders,
    })
}

/// The day that it is, everywhere the same.
fn today() -> jiff::civil::Date {
    Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The folder that a user means who names it or the stream.yaml in it.
///
/// # Errors
/// When it cannot be read.
pub fn root(given: &Path) -> Result<PathBuf, Failure> {
    let cannot = |e: std::io::Error| Failure::invalid(format!("cannot read {}: {e}", given.display()));
    let is_file = fs::metadata(given).map_err(cannot)?.is_file();
    let root = if is_file { given.parent().unwrap_or(Path::new("")) } else { given };
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    Ok(root.to_owned())
}

/// The tasks that come with the program, or those that the user has instead.
fn shipped_tasks(arg: &StreamArg) -> Result<Vec<Source>, Failure> {
    arg.tasks.as_ref().map_or_else(|| Ok(shipped::tasks()), |dir| read_tasks(dir))
}

fn read_tasks(dir: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| Failure::invalid(format!("--tasks {}: {e}", dir.display())))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            sources.push(Source::new(path.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    Ok(sources)
}

/// The lock as it must be: what the streams below have locked, what the stream's own lock has, and what must be found.
fn current_lock(
    folder: &Folder,
    graph: &Graph,
    lineage: &Lineage,
    sources: &Sources,
) -> Result<Lock, Failure> {
    let own = lineage.lock.as_ref();
    let mut old = match &lineage.below {
        Some(below) => Some(lock::inherit(graph, own, below)),
        None => own.cloned(),
    };
    if let Some(old) = &mut old {
        old.from.clone_from(&lineage.from);
    }
    let disagreements = old.as_ref().map(|old| stale(graph, old)).unwrap_or_default();
    if let Some(old) = &old
        && disagreements.is_empty()
    {
        if own != Some(old) {
            write_lock(folder, old)?;
        }
        return Ok(old.clone());
    }
    match disagreements.as_slice() {
        [] => anstream::eprintln!("finding versions of all packages and images for {LOCK_FILE}"),
        reasons => {
            anstream::eprintln!("{LOCK_FILE} does not fit the stream any more:");
            reasons.iter().for_each(|reason| anstream::eprintln!("  {reason}"));
        }
    }
    let work = tempfile::tempdir()?;
    let resolvers =
        Resolvers { packages: &Apt::new(work.path()), images: &RegistryDigests, commits: sources };
    let places = &lineage.definition.places;
    let mut made = lock::make(graph, places, resolvers, old.as_ref(), Timestamp::now())?;
    made.from.clone_from(&lineage.from);
    write_lock(folder, &made)?;
    Ok(made)
}

fn write_lock(folder: &Folder, lock: &Lock) -> Result<(), Failure> {
    let at = folder.path().join(LOCK_FILE);
    folder
        .replace(LOCK_FILE, &lock::text::write(lock)?)
        .map_err(|e| anyhow::Error::from(e).context(format!("cannot write {}", at.display())))?;
    anstream::eprintln!("wrote {}", at.display());
    Ok(())
}

/// Asks registries what a tag means now.
struct RegistryDigests;

impl ResolveImage for RegistryDigests {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        let failed = |why: String| ResolveError::Failed { what: format!("asking for {reference}"), why };
        let parsed: Reference = reference.parse().map_err(|e| failed(format!("{e}")))?;
        let client = registry_client(None).map_err(|e| failed(e.to_string()))?;
        let found = client.head(&parsed).map_err(|e| failed(e.to_string()))?;
        found.map(|descriptor| descriptor.digest).ok_or_else(|| ResolveError::Unknown {
            what: format!("the image {reference}"),
            hint: "; check its name and tag".to_owned(),
        })
    }
}
