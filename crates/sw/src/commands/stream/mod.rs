//! Loads a stream from its folder, and keeps its lock; shared by plan, render, lock and build.
//!
//! - [`lineage`]: a stream with the streams that it is from
//! - [`published`]: of a published release, the images on all its platforms
//! - [`sources`]: the sources that do not lie in its folder
//! - [`altered`]: sources with patches, edits and other bases
//! - [`findings`]: what is probably not meant
//! - [`bases`]: `sw bases`
//! - `platforms`: for which platforms images from elsewhere are
//! - [`show`]: `sw stream show` and `sw stream diff`
//! - [`unlocked`]: a stream without its lock
//! - [`update`]: `sw update`
//! - [`verify`]: `sw lock --verify`

mod altered;
pub mod bases;
pub mod findings;
pub mod lineage;
mod platforms;
pub mod published;
pub mod show;
mod sources;
pub mod unlocked;
pub mod update;
mod verify;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::{Digest, Exit, Source, Span};
use jiff::Timestamp;
use oci::client::Client;
use oci::{Reference, Store};
use stream::check::check;
use stream::definition::{Component, Definition};
use stream::graph::Graphs;
use stream::lint::{self, ImagePlatforms, Reviewed, Subject};
use stream::lock::debian::Apt;
use stream::lock::moving::{FROM, Moving};
use stream::lock::noted::{Else, Noted};
use stream::lock::{self, Lock, ResolveError, ResolveImage, Resolvers, stale};
use stream::source::folder::Folder;
use stream::task::Tasks;

use self::lineage::{Asking, Lineage};
use self::sources::{Fetch, Sources};
use self::unlocked::Unlocked;
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
    /// The stream with all its references resolved, for each of its platforms.
    pub graphs: Graphs,
    /// What the references resolved to.
    pub lock: Lock,
    /// What is known of the platforms of images from elsewhere.
    images: ImagePlatforms,
    /// What is probably not meant, and what is known and no mistake.
    pub findings: Reviewed,
    /// The published releases that the stream is from, by pull spec.
    pub from_releases: Vec<String>,
    /// The folders of the stream and of those below it, by name.
    folders: BTreeMap<String, PathBuf>,
    /// The files of the locks, as they were read.
    lock_files: Vec<Source>,
    offline: bool,
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
        self.graphs.set_policies(&self.definition);
        Ok(self)
    }

    /// The stream with what registries say of the platforms of its images, where that is worth asking and nothing here says it.
    /// Findings follow.
    ///
    /// # Errors
    /// When nobody can be asked: credentials that cannot be read.
    pub fn with_platforms_asked(mut self, home: &Home) -> Result<Self, Failure> {
        if !self.offline && platforms::ask(home, &self.graphs, &self.lock, &mut self.images)? {
            self.findings = review(&self.definition, &self.graphs, &self.lock, &self.images);
        }
        Ok(self)
    }

    /// Where a lock says something, as [`lock::text::place`] knows it.
    pub fn locked_at(&self, written: &str) -> Option<(&Source, Span)> {
        self.lock_files.iter().find_map(|file| Some((file, lock::text::place(file, written)?)))
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
        let fetch = Fetch {
            home,
            definition: &self.definition,
            folders: &self.folders,
            commits: &self.lock.commits,
            lock_files: &self.lock_files,
            offline: self.offline,
        };
        let sources = fetch.run(&missing)?;
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
    if args.verify {
        return verify::run(home, args);
    }
    let loaded = load(home, &args.stream, args.offline)?;
    findings::tell(&loaded.findings);
    anstream::println!("{}: {}", loaded.folder.path().join(LOCK_FILE).display(), counted(&loaded.lock));
    Ok(Exit::Success.into())
}

/// How much a lock has.
fn counted(lock: &Lock) -> String {
    let packages: usize = lock.packages.values().flat_map(BTreeMap::values).map(|p| p.pinned.len()).sum();
    format!("{packages} packages, {} images, {} commits", lock.images.len(), lock.commits.len())
}

/// How a stream is read.
#[derive(Debug, Clone, Copy)]
struct How<'a> {
    /// Nobody is asked; what this machine does not know is an error.
    offline: bool,
    /// What moves to what is offered now; everything when it is empty.
    names: Option<&'a [String]>,
}

/// Loads a stream. A lock that is missing or stale is made, as a build needs one; that is told on standard error.
///
/// # Errors
/// Everything that is wrong with the files; what cannot be resolved, or with `offline` what is not known here.
pub fn load(home: &Home, arg: &StreamArg, offline: bool) -> Result<Loaded, Failure> {
    let (loaded, own) = read(home, arg, How { offline, names: None })?;
    if own.as_ref() != Some(&loaded.lock) {
        write_lock(&loaded.folder, &loaded.lock)?;
    }
    Ok(loaded)
}

/// Loads a stream with the lock that it should have; gives the one that it has, too.
fn read(home: &Home, arg: &StreamArg, how: How<'_>) -> Result<(Loaded, Option<Lock>), Failure> {
    // Other names are understood once the stream is read.
    let parent_anew =
        how.names.is_some_and(|names| names.is_empty() || names.iter().any(|name| name == FROM));
    let offline = how.offline;
    let files = Unlocked::files(home, arg, Asking { offline, parent_anew })?;
    let (stream, own) = (&files.lineage.definition.stream, files.lineage.lock.as_ref());
    let moving = how.names.map(|names| Moving::new(names, stream, own)).transpose();
    let moving = moving.map_err(Failure::invalid)?;
    let stays = match (own, &moving) {
        (Some(own), Some(moving)) => Some(Lock { commits: moving.commits(own), ..own.clone() }),
        _ => own.cloned(),
    };
    let (Unlocked { lineage, folder, tasks }, sources) =
        files.fetched(home, stays.as_ref(), offline, false)?;
    let checked = check(&lineage.definition, &folder, &tasks)?;
    let lock = current_lock(home, &checked.graphs, &lineage, &sources, moving.as_ref(), offline)?;
    let images = platforms::known(home, &checked.graphs, &lock, lineage.claimed)?;
    let findings = review(&lineage.definition, &checked.graphs, &lock, &images);
    let from_releases = lineage.releases;
    let loaded = Loaded {
        folder,
        definition: lineage.definition,
        tasks,
        graphs: checked.graphs,
        lock,
        images,
        findings,
        from_releases,
        folders: lineage.folders,
        lock_files: lineage.lock_files,
        offline,
    };
    Ok((loaded, lineage.lock))
}

/// What is probably not meant today.
fn review(definition: &Definition, graphs: &Graphs, lock: &Lock, images: &ImagePlatforms) -> Reviewed {
    lint::review(Subject { definition, graphs, lock, images, today: today() })
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

/// The lock as it must be: what the streams below have locked, what the stream's own lock has and does not move, and what must be
/// found.
fn current_lock(
    home: &Home,
    graphs: &Graphs,
    lineage: &Lineage,
    sources: &Sources,
    moving: Option<&Moving>,
    offline: bool,
) -> Result<Lock, Failure> {
    let own = lineage.lock.as_ref();
    let with_below = |own: Option<&Lock>| match &lineage.below {
        Some(below) => Some(lock::inherit(graphs, own, below)),
        None => own.cloned(),
    };
    let stays = own.map(|own| moving.map_or_else(|| own.clone(), |moving| moving.stays(graphs, own)));
    let mut old = with_below(stays.as_ref());
    if let (Some(moving), Some(before), Some(old)) = (moving, with_below(own), &old)
        && let Some(component) = moving.immovable(graphs, &before, old).first()
    {
        return Err(immovable(lineage, component));
    }
    if let Some(old) = &mut old {
        old.from.clone_from(&lineage.from);
    }
    let disagreements = old.as_ref().map(|old| stale(graphs, old)).unwrap_or_default();
    if let Some(old) = &old
        && disagreements.is_empty()
    {
        return Ok(old.clone());
    }
    match disagreements.as_slice() {
        _ if moving.is_some() => anstream::eprintln!("asking for what is offered now"),
        [] => anstream::eprintln!("finding versions of all packages and images for {LOCK_FILE}"),
        reasons => {
            anstream::eprintln!("{LOCK_FILE} does not fit the stream any more:");
            reasons.iter().for_each(|reason| anstream::eprintln!("  {reason}"));
        }
    }
    let work = tempfile::tempdir()?;
    let images = images(home, offline)?;
    let resolvers = Resolvers { packages: &Apt::new(work.path()), images: &*images, commits: sources };
    let places = &lineage.definition.places;
    let mut made = lock::make(graphs, places, resolvers, old.as_ref(), Timestamp::now())?;
    made.from.clone_from(&lineage.from);
    Ok(made)
}

/// A component that was to move and of which the lock has nothing of its own.
fn immovable(lineage: &Lineage, component: &str) -> Failure {
    let stream = &lineage.definition.stream;
    let below = stream.components.get(component).and_then(|c| c.inherited.as_ref());
    let folder = below.and_then(|below| lineage.folders.get(below));
    Failure::invalid(match folder {
        Some(folder) => format!(
            "`{component}` is locked by the stream below, or not at all; sw update {} {component} moves it there",
            folder.display()
        ),
        None => format!(
            "the lock has nothing of `{component}` to move: its source is a folder or an image by digest, and what it starts from \
             others start from, too"
        ),
    })
}

fn write_lock(folder: &Folder, lock: &Lock) -> Result<(), Failure> {
    let at = folder.path().join(LOCK_FILE);
    folder
        .replace(LOCK_FILE, &lock::text::write(lock)?)
        .map_err(|e| anyhow::Error::from(e).context(format!("cannot write {}", at.display())))?;
    anstream::eprintln!("wrote {}", at.display());
    Ok(())
}

/// Who says what a tag means: its registry, and later, `offline`, what the registry said, else what the local store has.
fn images(home: &Home, offline: bool) -> Result<Box<dyn ResolveImage>, Failure> {
    let notes = Noted::new(home.answers());
    if offline {
        return Ok(Box::new(Else(notes, InStore(Store::open(home.store())?))));
    }
    Ok(Box::new(notes.asking(Registries(registry_client(None)?))))
}

/// Asks registries what a tag means now.
struct Registries(Client);

impl ResolveImage for Registries {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        let failed = |why: String| ResolveError::Failed { what: format!("asking for {reference}"), why };
        let parsed: Reference = reference.parse().map_err(|e| failed(format!("{e}")))?;
        let found = self.0.head(&parsed).map_err(|e| failed(e.to_string()))?;
        found.map(|descriptor| descriptor.digest).ok_or_else(|| ResolveError::Unknown {
            what: format!("the image {reference}"),
            hint: "; check its name and tag".to_owned(),
        })
    }
}

/// Looks up tags in the local store.
struct InStore(Store);

impl ResolveImage for InStore {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        let parsed: Option<Reference> = reference.parse().ok();
        let found = parsed.and_then(|reference| self.0.resolve(&reference).ok().flatten());
        let unknown = || ResolveError::NotHere { what: format!("the image {reference}") };
        found.map(|manifest| manifest.digest).ok_or_else(unknown)
    }
}
