//! The files that the topmost layer of an image has in one folder.
//!
//! Payload tools look at no other layer (payload.md §0.6): component images bring their manifests in one layer on top of
//! their base.

use std::io::{self, Read};

use base::{Digest, Hasher};
use oci::layer::LayerReader;
use oci::layer::tar::{Kind, TarError, TarReader};
use oci::manifest::Descriptor;

use super::content::{Content, ContentError};
use super::image::Image;

/// Most bytes of one file. The largest manifest of a real payload has 848 kB.
const FILE_LIMIT: u64 = 32 << 20;
/// Most bytes of all files of one folder.
const FOLDER_LIMIT: u64 = 256 << 20;
/// Most files in one folder.
const COUNT_LIMIT: usize = 20_000;
/// Most bytes that a layer may inflate to.
const LAYER_LIMIT: u64 = 64 << 30;
/// Names that mark removed files of lower layers.
const WHITEOUT: &str = ".wh.";

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFile {
    /// Name below the folder, without `/`.
    pub name: String,
    /// When it was changed.
    pub modified: Modified,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A file's time: seconds since 1970 and nanoseconds in that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Modified {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanoseconds: u32,
}

impl Modified {
    /// The nearest whole second, as Go's archive writer rounds.
    pub fn rounded(self) -> i64 {
        self.seconds + i64::from(self.nanoseconds >= 500_000_000)
    }
}

/// What a layer has in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    /// Files directly in the folder, by name; of a name that comes twice the last.
    pub files: Vec<LayerFile>,
    /// Names of symbolic links, hard links and devices there, which are not read.
    pub skipped: Vec<String>,
}

/// Whether names with `./`, `//` and the like in them count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `./manifests/x` is `manifests/x`: what `release new` reads.
    Cleaned,
    /// Only the exact prefix: what `release info` and update services read.
    Exact,
}

/// Why a layer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The image has no layer.
    #[error("the image has no layers")]
    NoLayers,
    /// It could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Not a compressed archive.
    #[error("its layer {digest} cannot be read: {source}")]
    Read {
        /// The layer.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// Not an archive.
    #[error("its layer {digest} cannot be used: {source}")]
    Archive {
        /// The layer.
        digest: Digest,
        /// Why.
        source: TarError,
    },
    /// Not what its digest says.
    #[error(
        "its layer failed content verification: {expected} was asked for, {found} came; push the image again"
    )]
    Mismatch {
        /// Digest in the manifest.
        expected: Digest,
        /// Digest of what came.
        found: Digest,
    },
    /// Beyond a limit.
    #[error("`{folder}/` in its layer {digest} {problem}")]
    TooMuch {
        /// The folder.
        folder: String,
        /// The layer.
        digest: Digest,
        /// What is too much.
        problem: String,
    },
}

/// Reads the files of `folder` (top level only) in the last layer of `image`. The layer is read and verified to its end.
///
/// # Errors
/// When the layer cannot be read, is damaged, or holds more than a payload can sensibly have.
pub fn read(content: &dyn Content, image: &Image, folder: &str, names: Names) -> Result<Folder, LayerError> {
    let layer = image.manifest.layers.last().ok_or(LayerError::NoLayers)?;
    let unreadable = |source| LayerError::Read { digest: layer.digest, source };
    let mut stored = Hashed { inner: content.blob(&image.at, layer)?, hasher: Hasher::new() };
    let mut archive = LayerReader::new(&mut stored, &layer.media_type, LAYER_LIMIT).map_err(unreadable)?;
    let found = collect(&mut archive, layer, folder, names);
    // What follows the archive belongs to the digest too. A wrong digest explains every other error.
    let rest = archive.finish().and_then(|_| io::copy(&mut stored, &mut io::sink())).map_err(unreadable);
    if rest.is_ok() {
        let found = stored.hasher.finish();
        if found != layer.digest {
            return Err(LayerError::Mismatch { expected: layer.digest, found });
        }
    }
    let found = found?;
    rest?;
    Ok(found)
}

fn collect(
    archive: &mut impl Read,
    layer: &Descriptor,
    folder: &str,
    names: Names,
) -> Result<Folder, LayerError> {
    let too_much =
        |problem: String| LayerError::TooMuch { folder: folder.to_owned(), digest: layer.digest, problem };
    let unusable = |source| LayerError::Archive { digest: layer.digest, source };
    let mut tar = TarReader::new(archive);
    let mut found = Folder::default();
    let mut total = 0;
    while let Some(entry) = tar.next_entry().map_err(unusable)? {
        let Some(name) = below(&entry.path, folder, names) else { continue };
        if entry.kind == Kind::Dir || name.starts_with(WHITEOUT) {
            continue;
        }
        if entry.kind != Kind::File || entry.sparse.is_some() {
            found.skipped.push(name);
            continue;
        }
        if entry.size > FILE_LIMIT {
            return Err(too_much(format!("has `{name}` with {}", base::size::bytes(entry.size))));
        }
        total += entry.size;
        if total > FOLDER_LIMIT || found.files.len() >= COUNT_LIMIT {
            let limit = base::size::bytes(FOLDER_LIMIT);
            return Err(too_much(format!("has more than {limit} or {COUNT_LIMIT} files")));
        }
        let mut bytes = Vec::new();
        tar.read_to_end(&mut bytes).map_err(|source| LayerError::Read { digest: layer.digest, source })?;
        let modified = Modified { seconds: entry.mtime.0, nanoseconds: entry.mtime.1 };
        found.files.push(LayerFile { name, modified, bytes });
    }
    // Stable, so that of equal names the last stays last.
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    found.files.reverse();
    found.files.dedup_by(|a, b| a.name == b.name);
    found.files.reverse();
    Ok(found)
}

/// The name of an entry directly in `folder`.
fn below(path: &[u8], folder: &str, names: Names) -> Option<String> {
    let path = String::from_utf8_lossy(path);
    let rest = match names {
        Names::Exact => path.strip_prefix(folder)?.strip_prefix('/')?.to_owned(),
        Names::Cleaned => {
            let mut parts = Vec::new();
            for part in path.split('/') {
                match part {
                    "" | "." => {}
                    ".." => {
                        parts.pop();
                    }
                    part => parts.push(part),
                }
            }
            match parts.split_first() {
                Some((first, rest)) if *first == folder => rest.join("/"),
                _ => return None,
            }
        }
    };
    let top_level = !rest.is_empty() && !rest.contains('/') && rest != "." && rest != "..";
    top_level.then_some(rest)
}

/// Hashes all that is read through it.
struct Hashed<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
