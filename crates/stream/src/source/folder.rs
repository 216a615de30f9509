//! Sources below a stream's folder on this machine. The one file of this crate that reads and writes files.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use base::{Digest, Hasher, Source};

use super::tree::{self, Entry, Kind};
use super::{SourceError, Sources, Tree};
use crate::definition::{Component as Definition, Origin, Patch};

/// The largest text file that is read whole.
const LARGEST_TEXT: u64 = 4 << 20;
/// The most entries of one tree.
const MOST_ENTRIES: usize = 500_000;
/// The most symbolic links on one path, as Linux has it (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// A stream's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    fetched: BTreeMap<String, Fetched>,
    /// The folders that patches lie below, by the stream that they are inherited from; none for the stream's own.
    streams: BTreeMap<Option<String>, PathBuf>,
}

/// A source that does not lie below the stream's own folder: from git, of a parent, or altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that it must not lead out of.
    pub within: PathBuf,
    /// Its path below that.
    pub path: String,
    /// Of an altered copy: what it was made of, the component's Containerfile apart.
    pub before: Option<Tree>,
}

impl Folder {
    /// The folder at `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let streams = BTreeMap::from([(None, root.clone())]);
        Self { root, fetched: BTreeMap::new(), streams }
    }

    /// The same with the sources that lie elsewhere, by component.
    #[must_use]
    pub fn with_fetched(self, fetched: BTreeMap<String, Fetched>) -> Self {
        Self { fetched, ..self }
    }

    /// The same with the folders of the streams that it inherits from, by their names: patches may lie there.
    #[must_use]
    pub fn with_below(mut self, below: impl IntoIterator<Item = (String, PathBuf)>) -> Self {
        self.streams.extend(below.into_iter().map(|(name, folder)| (Some(name), folder)));
        self
    }

    /// The same with the patches of `other`: a copy of sources has none.
    #[must_use]
    pub fn with_patches_of(self, other: &Self) -> Self {
        Self { streams: other.streams.clone(), ..self }
    }

    /// The sources that lie elsewhere, by component.
    pub fn fetched(&self) -> &BTreeMap<String, Fetched> {
        &self.fetched
    }

    /// A folder below it.
    ///
    /// # Errors
    /// When `path` leads out, also by a symbolic link.
    pub fn below(&self, path: &str) -> Result<Self, SourceError> {
        resolve(&self.root, Path::new(path)).map(Self::new)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The text file `name` of the folder (`stream.yaml`, `stream.lock`); `None` when there is none.
    ///
    /// It is named in diagnostics by its path on this machine, so that an editor can jump to it.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or leads out of the folder.
    pub fn text(&self, name: &str) -> Result<Option<Source>, SourceError> {
        let file = resolve(&self.root, Path::new(name))?;
        let Some(text) = read_text(&file)? else { return Ok(None) };
        Ok(Some(Source::new(self.root.join(name).to_string_lossy(), text)))
    }

    /// The stream's own tasks: every `.yaml` and `.yml` file in `tasks/`, by name.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn tasks(&self) -> Result<Vec<Source>, SourceError> {
        let folder = self.root.join("tasks");
        let mut names = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries
                .and_then(|entries| entries.map(|e| e.map(|e| e.file_name())).collect::<io::Result<Vec<_>>>())
                .map_err(|error| SourceError::Io { path: folder.clone(), error })?,
        };
        names.retain(|name| {
            Path::new(name).extension().is_some_and(|e| e.as_bytes() == b"yaml" || e.as_bytes() == b"yml")
        });
        names.sort();
        let texts = names.iter().map(|name| self.text(&format!("tasks/{}", name.to_string_lossy())));
        texts.filter_map(Result::transpose).collect()
    }

    /// Writes the file `name` of the folder whole or not at all: under another name first, then moved.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let temporary = self.root.join(format!(".{name}.{}.tmp", base::name::suffix()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        let moved = written.and_then(|()| fs::rename(&temporary, self.root.join(name)));
        if moved.is_err() {
            // The first error is the one to report.
            drop(fs::remove_file(&temporary));
        }
        moved
    }

    /// Writes over the text file `name` of the folder, through its symbolic links as long as they stay in the folder.
    ///
    /// # Errors
    /// When it leads out, or cannot be written.
    pub fn write_existing(&self, name: &str, text: &str) -> Result<(), SourceError> {
        let file = resolve(&self.root, Path::new(name))?;
        fs::write(&file, text).map_err(|error| SourceError::Io { path: file, error })
    }

    /// The real folder of a component's source.
    ///
    /// # Errors
    /// When it leads out of its folder, or lies elsewhere and nobody fetched it.
    pub fn source(&self, name: &str, component: &Definition) -> Result<PathBuf, SourceError> {
        match (self.fetched.get(name), &component.source) {
            (Some(fetched), _) => resolve(&fetched.within, Path::new(&fetched.path)),
            (None, Origin::Path(path)) if lies_here(component) => resolve(&self.root, Path::new(path)),
            _ => Err(SourceError::NotFetched { component: name.to_owned() }),
        }
    }
}

impl Sources for Folder {
    fn tree(&self, name: &str, component: &Definition, apart: Option<&str>) -> Result<Tree, SourceError> {
        if let Some(before) = self.fetched.get(name).and_then(|fetched| fetched.before) {
            return Ok(if apart.is_some() { before } else { Tree { apart: None, ..before } });
        }
        let root = self.source(name, component)?;
        if !root.is_dir() {
            return Err(SourceError::Missing(root));
        }
        let apart = apart.map(|path| normal(Path::new(path)));
        let mut content_apart = None;
        let mut entries = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let at = root.join(&folder);
            let io_error = |error| SourceError::Io { path: at.clone(), error };
            for entry in fs::read_dir(&at).map_err(io_error)? {
                let name = entry.map_err(io_error)?.file_name();
                if name == ".git" {
                    continue;
                }
                if entries.len() == MOST_ENTRIES {
                    let what = format!("more than {MOST_ENTRIES} entries");
                    return Err(SourceError::TooBig { path: root, what });
                }
                let path = folder.join(name);
                let mut kind = kind(&root, &path)?;
                if let (true, Kind::File { content, .. }) = (apart.as_deref() == Some(&path), &mut kind) {
                    content_apart = content.take();
                }
                entries.push(Entry { path: path.as_os_str().as_bytes().to_vec(), kind: kind.clone() });
                if kind == Kind::Folder {
                    folders.push(path);
                }
            }
        }
        Ok(Tree { digest: tree::digest(entries), apart: content_apart })
    }

    fn patch(&self, patch: &Patch) -> Result<Source, SourceError> {
        let folder = self.streams.get(&patch.inherited).map(Self::new);
        let text = folder.map_or(Ok(None), |folder| folder.text(&patch.file))?;
        text.ok_or_else(|| SourceError::NoPatch {
            file: patch.file.clone(),
            stream: patch.inherited.clone().unwrap_or_else(|| self.root.display().to_string()),
        })
    }

    fn file(&self, name: &str, component: &Definition, path: &str) -> Result<Option<Source>, SourceError> {
        let file = resolve(&self.source(name, component)?, Path::new(path))?;
        let Some(text) = read_text(&file)? else { return Ok(None) };
        let shown = match &component.source {
            Origin::Path(folder) if !self.fetched.contains_key(name) => self.root.join(folder).join(path),
            _ => file,
        };
        Ok(Some(Source::new(shown.to_string_lossy(), text)))
    }
}

/// Whether a source is used as it lies below the stream's own folder.
pub fn lies_here(component: &Definition) -> bool {
    matches!(component.source, Origin::Path(_)) && component.inherited.is_none() && !component.is_altered()
}

/// What stands at `path` of the tree `root`.
fn kind(root: &Path, path: &Path) -> Result<Kind, SourceError> {
    let at = root.join(path);
    let io_error = |error| SourceError::Io { path: at.clone(), error };
    let meta = fs::symlink_metadata(&at).map_err(io_error)?;
    if meta.is_dir() {
        Ok(Kind::Folder)
    } else if meta.is_symlink() {
        resolve(root, path)?;
        let target = fs::read_link(&at).map_err(io_error)?;
        Ok(Kind::Link { target: target.as_os_str().as_bytes().to_vec() })
    } else if meta.is_file() {
        let executable = meta.permissions().mode() & 0o100 != 0;
        let content = content(&at).map_err(io_error)?;
        Ok(Kind::File { executable, content: Some(content) })
    } else {
        Err(SourceError::Special(at))
    }
}

fn content(file: &Path) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    io::copy(&mut File::open(file)?, &mut hasher)?;
    Ok(hasher.finish())
}

fn read_text(file: &Path) -> Result<Option<String>, SourceError> {
    let io_error = |error| SourceError::Io { path: file.to_owned(), error };
    let opened = match File::open(file) {
        // `not/there` below a file is not there either.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened.map_err(io_error)?,
    };
    let mut bytes = Vec::new();
    opened.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > LARGEST_TEXT {
        let what = format!("more than {}", base::size::bytes(LARGEST_TEXT));
        return Err(SourceError::TooBig { path: file.to_owned(), what });
    }
    String::from_utf8(bytes).map(Some).map_err(|_| SourceError::NotText(file.to_owned()))
}

/// A path without `.` parts.
fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The file that `path` means below `root`, every symbolic link followed, none of them out of `root`.
///
/// Reading links one by one, not only their text, is needed: `a/b/c/../../..` stays inside unless `c` is itself a link.
/// What does not exist is taken as a plain name.
fn resolve(root: &Path, path: &Path) -> Result<PathBuf, SourceError> {
    let outside = || SourceError::Outside { path: path.to_owned(), root: root.to_owned() };
    let mut todo: VecDeque<OsString> = VecDeque::new();
    let mut done: Vec<OsString> = Vec::new();
    let mut links = 0;
    push_parts(&mut todo, path).ok_or_else(outside)?;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            done.pop().ok_or_else(outside)?;
            continue;
        }
        done.push(part);
        let at = root.join(done.iter().collect::<PathBuf>());
        if let Ok(target) = fs::read_link(&at) {
            links += 1;
            if links > MOST_LINKS {
                let error = io::Error::other("too many symbolic links");
                return Err(SourceError::Io { path: at, error });
            }
            done.pop();
            push_parts(&mut todo, &target).ok_or_else(outside)?;
        }
    }
    Ok(root.join(done.iter().collect::<PathBuf>()))
}

/// Puts the parts of `path` before what is to do; `None` for an absolute path.
fn push_parts(todo: &mut VecDeque<OsString>, path: &Path) -> Option<()> {
    for part in path.components().rev() {
        match part {
            Component::Normal(name) => todo.push_front(name.to_owned()),
            Component::ParentDir => todo.push_front(OsStr::new("..").to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(())
}
