//! `sw branch`: a stream of one's own, written as an overlay.

use std::fs;
use std::path::{Path, PathBuf};

use base::Exit;
use oci::Reference;
use stream::definition::overlay::{
    Add, Operation, Parent, PatchSource, Pin, Remove, RemoveTest, Replace, SetBase,
};
use stream::definition::{ApiVersion, Base, Component, Git, Kind, Origin, Overlay, Patch, RebuildInherited};
use stream::source::folder::Folder;

use super::stream::lineage;
use super::{Ended, registry_client};
use crate::cli::BranchArgs;
use crate::failure::Failure;
use crate::settings::Home;

/// Writes the folder of a new overlay, and tells what comes next.
pub fn run(home: &Home, args: &BranchArgs) -> Result<Ended, Failure> {
    let to = args.to.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let mut made = Made::default();
    let ended = write(home, args, &to, &mut made)?;
    made.0.clear();
    Ok(ended)
}

/// What a branch has made so far. Whatever is in it when it goes is removed: nothing half-made stays, and a folder that was there
/// keeps what it had.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    /// Takes note of what will be made at `path`, with the folders around it that are not there yet.
    ///
    /// # Errors
    /// When something is there.
    fn plan(&mut self, path: &Path) -> Result<(), Failure> {
        if path.exists() {
            let path = path.display();
            return Err(Failure::invalid(format!(
                "{path} is there already; remove it, or name another folder with --to"
            )));
        }
        let missing = path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists());
        self.0.extend(missing.last().map(Path::to_owned));
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            // The first error is the one to report.
            drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
        }
    }
}

fn write(home: &Home, args: &BranchArgs, to: &Path, made: &mut Made) -> Result<Ended, Failure> {
    made.plan(&to.join("stream.yaml"))?;
    fs::create_dir_all(to)?;
    let overlay = overlay(args, to, made)?;
    fs::write(to.join("stream.yaml"), stream::yaml::document(&overlay)?)?;
    // What does not apply is said now, with the line that was just written.
    let lineage = lineage::read(home, &Folder::new(to), lineage::Asking::default())?;
    let stream = &lineage.definition.stream;
    let inherited = stream.components.values().filter(|c| c.inherited.is_some()).count();
    anstream::println!(
        "{}: {} components, {inherited} of them inherited, {}",
        to.join("stream.yaml").display(),
        stream.components.len(),
        match overlay.operations.len() {
            1 => "1 operation".to_owned(),
            count => format!("{count} operations"),
        }
    );
    let shown = to.display();
    anstream::eprintln!("\nNext:");
    for (command, what) in [
        (format!("sw stream show {shown}"), "the whole stream, with the line that says each of it"),
        (format!("sw plan {shown}"), "what will be built, and why"),
        (format!("sw build {shown}"), "the release"),
    ] {
        anstream::eprintln!("  {command:<40} {what}");
    }
    Ok(Exit::Success.into())
}

fn overlay(args: &BranchArgs, to: &Path, made: &mut Made) -> Result<Overlay, Failure> {
    let why = || args.why.clone();
    let mut operations = Vec::new();
    for test in &args.remove_test {
        operations.push(Operation::RemoveTest(RemoveTest { test: test.clone(), why: why() }));
    }
    for component in &args.remove {
        operations.push(Operation::Remove(Remove {
            component: component.clone(),
            platforms: None,
            why: why(),
        }));
    }
    for (component, source) in &args.replace {
        let source = origin(component, source, to, made)?;
        let (component, containerfile, from) = (component.clone(), None, None);
        operations.push(Operation::Replace(Replace { component, source, containerfile, from, why: why() }));
    }
    for (component, source) in &args.add {
        let definition = Component::of(origin(component, source, to, made)?);
        operations.push(Operation::Add(Add { component: component.clone(), definition, why: why() }));
    }
    for (component, file) in &args.patch {
        let files = vec![patch(Path::new(file), to, made)?];
        operations.push(Operation::Patch(PatchSource { component: component.clone(), files, why: why() }));
    }
    for (component, commit) in &args.pin {
        let (component, commit) = (component.clone(), commit.clone());
        operations.push(Operation::Pin(Pin { component, commit, expires: None, why: why() }));
    }
    for (name, image) in &args.set_base {
        let (name, base) = (name.clone(), Base::Image(image.clone()));
        operations.push(Operation::SetBase(SetBase { name, base, why: why() }));
    }
    Ok(Overlay {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Stream,
        name: args.name.clone(),
        from: parent(&args.source, to)?,
        description: String::new(),
        version: None,
        platforms: None,
        rebuild: None,
        rebuild_inherited: RebuildInherited::default(),
        layer_rebase: None,
        repository: args.repository.clone().unwrap_or_else(|| format!("localhost:5757/{}", args.name)),
        caches: Vec::new(),
        operations,
    })
}

/// What the new stream inherits: a folder that is there, else a repository, else a release.
fn parent(source: &str, to: &Path) -> Result<Parent, Failure> {
    if Path::new(source).exists() {
        let folder = super::stream::root(Path::new(source))?;
        return Ok(Parent::Path(relative(to, &folder)?));
    }
    if let Some(git) = git(source) {
        return Ok(Parent::Git(git));
    }
    if !source.contains('/') {
        return Err(Failure::invalid(format!(
            "there is no folder {source}, and it is no pull spec of a release"
        )));
    }
    let at: Reference = source.parse().map_err(|e| {
        Failure::invalid(format!(
            "`{source}` is neither a folder here, nor GIT-URL@REF, nor the pull spec of a release ({e})"
        ))
    })?;
    if at.digest().is_some() {
        return Ok(Parent::Payload(source.to_owned()));
    }
    let found = registry_client(None)?.head(&at)?;
    let found = found.ok_or_else(|| {
        Failure::invalid(format!(
            "there is no release {source}; check the pull spec, or give a folder that exists"
        ))
    })?;
    Ok(Parent::Payload(at.at_digest(found.digest).to_string()))
}

/// What a component is built from: an image by digest, a repository, else a folder, which is named relative to the new stream
/// when it lies in it and copied there when not.
fn origin(component: &str, source: &str, to: &Path, made: &mut Made) -> Result<Origin, Failure> {
    if source.contains("@sha256:") {
        return Ok(Origin::Image(source.to_owned()));
    }
    let folder = Path::new(source);
    if !folder.is_dir() {
        return git(source).map(Origin::Git).ok_or_else(|| {
            Failure::invalid(format!(
                "{component}={source}: there is no such folder, and it is neither GIT-URL@REF nor an image by digest"
            ))
        });
    }
    if let Ok(inside) = fs::canonicalize(folder)?.strip_prefix(fs::canonicalize(to)?) {
        return Ok(Origin::Path(inside.display().to_string()));
    }
    let path = format!("components/{component}");
    made.plan(&to.join(&path))?;
    super::build::copy_tree(folder, &to.join(&path))?;
    anstream::eprintln!("copied {source} to {}", to.join(&path).display());
    Ok(Origin::Path(path))
}

/// `URL@REF` or `URL@REF#FOLDER`.
fn git(source: &str) -> Option<Git> {
    let (source, path) = source.split_once('#').unwrap_or((source, "."));
    let (url, reference) = source.rsplit_once('@')?;
    // `git@host:path` without a reference has its only `@` in the address.
    let is_url = url.contains("://") || url.contains('@') && url.contains(':') || url.ends_with(".git");
    is_url.then(|| Git { url: url.to_owned(), reference: reference.to_owned(), path: path.to_owned() })
}

/// Copies a patch file into the stream's folder `patches/`; several components may have the same.
fn patch(file: &Path, to: &Path, made: &mut Made) -> Result<Patch, Failure> {
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::invalid(format!("{} is no file", file.display())))?;
    let path = format!("patches/{name}");
    let text = fs::read(file)
        .map_err(|e| Failure::invalid(format!("cannot copy the patch {}: {e}", file.display())))?;
    if fs::read(to.join(&path)).is_ok_and(|there| there == text) {
        return Ok(Patch::from(path));
    }
    made.plan(&to.join(&path))?;
    fs::create_dir_all(to.join("patches"))?;
    fs::write(to.join(&path), text)?;
    Ok(Patch::from(path))
}

/// The way from the folder `from` to the folder `to`, without links.
fn relative(from: &Path, to: &Path) -> Result<String, Failure> {
    let (from, to) = (fs::canonicalize(from)?, fs::canonicalize(to)?);
    let same = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(same).map(|_| std::path::Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(same)).collect();
    let way = if way.as_os_str().is_empty() { PathBuf::from(".") } else { way };
    Ok(way.display().to_string())
}
