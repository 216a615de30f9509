//! A stream with the streams that it is from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use base::{Diagnostic, Digest, Source};
use oci::Reference;
use stream::definition::overlay::Parent;
use stream::definition::pipeline::{TEMPLATE_FILE, TemplateDefinition};
use stream::definition::{Definition, File, OverlayDefinition, Platform, parse, parse_file};
use stream::import::payload::stream_file;
use stream::lock::moving::FROM;
use stream::lock::{self, Commit, Lock};
use stream::overlay::flatten;
use stream::source::checkout::{CheckoutError, Checkouts};
use stream::source::fetch::Refusal;
use stream::source::folder::Folder;

use super::published::{claimed, published};
use super::sources::commits;
use super::{LOCK_FILE, STREAM_FILE};
use crate::failure::Failure;
use crate::settings::Home;

/// The most overlays on each other.
const DEEPEST: usize = 50;

/// A stream as it is with everything that it inherits.
pub struct Lineage {
    /// What the stream is.
    pub definition: Definition,
    /// The lock of the stream that it is from, when that has one.
    pub below: Option<Lock>,
    /// What the stream's own lock says.
    pub lock: Option<Lock>,
    /// What `from` resolved to, for the lock: the commit of a repository.
    pub from: Option<Commit>,
    /// The files of the locks, the stream's own first.
    pub lock_files: Vec<Source>,
    /// The folders of all streams that have one, by name.
    pub folders: BTreeMap<String, PathBuf>,
    /// The tasks of the streams below; the nearest first.
    pub tasks: Vec<Source>,
    /// The published releases below, by pull spec.
    pub releases: Vec<String>,
    /// What these releases are for, by their images.
    pub claimed: BTreeMap<Digest, BTreeSet<Platform>>,
}

/// What may be asked while a stream is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asking {
    /// Nothing: git servers and registries are left alone.
    pub offline: bool,
    /// The stream that an overlay is from is taken from git as it is now, not as the lock says.
    pub parent_anew: bool,
}

/// Reads the stream in `folder`, and everything that it is from.
///
/// # Errors
/// Files that are missing or wrong; parents that cannot be fetched; overlays that are from themselves.
pub fn read(home: &Home, folder: &Folder, asking: Asking) -> Result<Lineage, Failure> {
    descend(home, folder, asking, &mut Vec::new())
}

fn descend(
    home: &Home,
    folder: &Folder,
    asking: Asking,
    above: &mut Vec<PathBuf>,
) -> Result<Lineage, Failure> {
    let root = folder.path();
    let Some(text) = folder.text(STREAM_FILE)? else {
        return Err(Failure::invalid(format!(
            "{} has no {STREAM_FILE}; docs/guide/first-stream.md shows how to write one",
            root.display()
        )));
    };
    let mut lock_files: Vec<Source> = folder.text(LOCK_FILE)?.into_iter().collect();
    let lock = lock_files.first().map(lock::text::parse).transpose()?;
    let overlay = match parse_file(&text)? {
        File::Stream(mut definition) => {
            if let Some(template) = template(folder)? {
                own_pipeline(&mut definition, &template)?;
            }
            let folders = BTreeMap::from([(definition.stream.name.clone(), root.to_owned())]);
            let (tasks, releases, claimed) = (Vec::new(), Vec::new(), BTreeMap::new());
            return Ok(Lineage {
                definition,
                below: None,
                lock,
                from: None,
                lock_files,
                folders,
                tasks,
                releases,
                claimed,
            });
        }
        File::Overlay(overlay) => overlay,
    };
    above.push(fs::canonicalize(root)?);
    let locked = lock.as_ref().and_then(|lock| lock.from.as_ref()).filter(|_| !asking.parent_anew);
    let asking = Asking { parent_anew: false, ..asking };
    let (mut below, from) = parent(home, root, &overlay, locked, asking, above)?;
    above.pop();
    lock_files.extend(std::mem::take(&mut below.lock_files));
    if let Some(template) = template(folder)? {
        below.definition.set_pipeline(&template);
    }
    let definition = flatten(&below.definition, &overlay)?;
    let mut folders = below.folders;
    let mut tasks = Vec::new();
    if let Some(folder) = folders.get(&below.definition.stream.name) {
        tasks.extend(Folder::new(folder).tasks()?);
    }
    tasks.extend(below.tasks);
    folders.insert(definition.stream.name.clone(), root.to_owned());
    let (releases, claimed, below) = (below.releases, below.claimed, below.lock.or(below.below));
    Ok(Lineage { definition, below, lock, from, lock_files, folders, tasks, releases, claimed })
}

/// The pipeline that a stream's folder has instead of the inherited one.
fn template(folder: &Folder) -> Result<Option<TemplateDefinition>, Failure> {
    let text = folder.text(TEMPLATE_FILE)?;
    Ok(text.map(|text| TemplateDefinition::parse(&text)).transpose()?)
}

fn own_pipeline(definition: &mut Definition, template: &TemplateDefinition) -> Result<(), Failure> {
    if definition.stream.pipeline.is_some() {
        let message = format!("the stream has a `pipeline` here, and another in {TEMPLATE_FILE}");
        let finding = definition.places.at_key(&["pipeline"], Diagnostic::error("pipeline-twice", message));
        return Err(base::Diagnostics::from(finding.help("keep one of them")).into());
    }
    definition.set_pipeline(template);
    Ok(())
}

/// The stream that an overlay is from, and what its reference resolved to.
fn parent(
    home: &Home,
    root: &Path,
    overlay: &OverlayDefinition,
    locked: Option<&Commit>,
    asking: Asking,
    above: &mut Vec<PathBuf>,
) -> Result<(Lineage, Option<Commit>), Failure> {
    let wrong = |message: String| overlay.at(&["from"], Diagnostic::error("cannot-inherit", message));
    match &overlay.overlay.from {
        Parent::Path(path) => {
            let at = root.join(path);
            let real = fs::canonicalize(&at).map_err(|e| {
                let finding = wrong(format!("cannot read the stream {}: {e}", at.display()));
                Failure::from(base::Diagnostics::from(
                    finding.help("`path` is relative to the folder of this stream.yaml"),
                ))
            })?;
            if let Some(first) = above.iter().position(|seen| *seen == real) {
                let way: Vec<String> =
                    above[first..].iter().chain([&real]).map(|p| p.display().to_string()).collect();
                let finding = wrong(format!("the stream is from itself: {}", way.join(" → ")));
                return Err(base::Diagnostics::from(finding.help("one of them must have no `from`")).into());
            }
            if above.len() >= DEEPEST {
                return Err(base::Diagnostics::from(wrong(format!("more than {DEEPEST} overlays"))).into());
            }
            Ok((descend(home, &Folder::new(short(&at, &real)), asking, above)?, None))
        }
        Parent::Git(git) => {
            let failed = |e: String, help: Option<String>| {
                let finding = wrong(format!("cannot fetch the stream: {e}"));
                let finding = match help {
                    Some(help) => finding.help(help),
                    None => finding,
                };
                Failure::from(base::Diagnostics::from(finding))
            };
            let online = || asking.offline.then(|| "without --offline it is fetched".to_owned());
            let commit = match locked.filter(|locked| locked.answers(git)) {
                Some(locked) => locked.commit.clone(),
                None => commits(home, asking.offline)
                    .commit(&git.url, &git.reference)
                    .map_err(|e| failed(e.to_string(), online()))?,
            };
            let checkouts = Checkouts::new(home.checkouts()).offline(asking.offline);
            let checkout = checkouts.get(&git.url, &commit).map_err(|e| {
                let gone = matches!(e, CheckoutError::Refused { why: Refusal::Gone(_), .. });
                let moves = || {
                    let (root, reference) = (root.display(), &git.reference);
                    format!("`sw update {root} {FROM}` takes what `{reference}` means now")
                };
                failed(e.to_string(), if gone { Some(moves()) } else { online() })
            })?;
            // The path may not lead out of the repository, whatever links it has.
            let inside = Folder::new(checkout).below(&git.path)?;
            let (url, reference) = (git.url.clone(), git.reference.clone());
            Ok((descend(home, &inside, asking, above)?, Some(Commit { url, reference, commit })))
        }
        Parent::Payload(spec) => {
            let at: Reference = spec.parse().map_err(|e| {
                Failure::from(base::Diagnostics::from(wrong(format!("`{spec}` is not a pull spec: {e}"))))
            })?;
            if at.digest().is_none() {
                let finding = wrong(format!("`{spec}` may mean another release tomorrow"))
                    .help("write its digest, …@sha256:…; `sw release info` tells it");
                return Err(base::Diagnostics::from(finding).into());
            }
            let (_, published) = published(home, &at, asking.offline).map_err(|e| {
                let help = match asking.offline {
                    true => "without --offline it is read from its registry",
                    false => "check the pull spec, and that its registry can be reached",
                };
                let finding = wrong(format!("cannot read the release {spec}: {e}")).help(help);
                Failure::from(base::Diagnostics::from(finding))
            })?;
            let definition = parse(&Source::new(spec.clone(), stream_file(&published)))?;
            let (below, lock, from, lock_files) = (None, None, None, Vec::new());
            let (folders, tasks) = (BTreeMap::new(), Vec::new());
            let (releases, claimed) = (vec![spec.clone()], claimed(&published));
            let lineage =
                Lineage { definition, below, lock, from, lock_files, folders, tasks, releases, claimed };
            Ok((lineage, None))
        }
    }
}

/// `a/../b` as `b`, which reads better in messages, when it is the same folder.
fn short(at: &Path, real: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in at.components() {
        match (part, parts.last()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            (Component::CurDir, _) => {}
            _ => parts.push(part),
        }
    }
    let short: PathBuf = parts.iter().collect();
    let short = if parts.is_empty() { PathBuf::from(".") } else { short };
    // With a symbolic link on the way it may be another one.
    if fs::canonicalize(&short).is_ok_and(|found| found == real) { short } else { at.to_owned() }
}
