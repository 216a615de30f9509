//! Whether the layers of an image fit on another base.
//!
//! A layer has whole files. When a build step changed a file of the base (a package database, `/etc/passwd`, a cache of libraries), the
//! image's layer has all of it, with what the old base had in it. On another base that has another such file, this hides the new one: a
//! package database that does not know what is installed. So an image is refused when one of its entries, a whiteout among them,
//! meets a path that is not the same in both bases. Times of modification do not count, and of a folder only owner, mode and attributes do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Bound;

use base::{Digest, Hasher};

use crate::layer::tar::{Entry, Kind, TarError, TarReader};
use crate::unpack::Limits;
use crate::unpack::name::{Place, place};

/// An entry of an image that meets a path in which the bases differ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bases differ in {base}{}", also(own, base, *others))]
pub struct Conflict {
    /// The image's path.
    pub own: String,
    /// The path of the bases.
    pub base: String,
    /// How many more of the image's entries meet such paths.
    pub others: usize,
}

fn also(own: &str, base: &str, others: usize) -> String {
    let own = if own == base {
        ", which a layer of the image has too".to_owned()
    } else {
        format!(", and a layer of the image has {own}")
    };
    if others == 0 { own } else { format!("{own} ({others} more like it)") }
}

/// Why the entries of a layer cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not a tar archive, or it cannot be read.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A name that leads out of the image.
    #[error("the layer has an entry `{name}`: {why}")]
    Name {
        /// As it is written.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// More than a layer may have.
    #[error("the layers have more than {0} entries")]
    TooMany(u64),
}

/// What some layers, lowest first, put where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    paths: BTreeMap<Vec<u8>, What>,
    /// Folders whose content below is hidden.
    opaque: BTreeSet<Vec<u8>>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A folder, with a digest of its owner, mode and attributes.
    Dir(Digest),
    /// Anything else, with a digest of all of it.
    Other(Digest),
    /// Nothing: it is hidden.
    Hidden,
}

impl Listing {
    /// Adds the layer on top, an uncompressed tar archive. Reads it to its end.
    ///
    /// # Errors
    /// When it is not one, or not one that is unpacked.
    pub fn add(&mut self, tar: impl Read) -> Result<(), ListError> {
        let limits = Limits::default();
        let mut reader = TarReader::new(tar);
        // What this layer has: names in it may be linked to by later ones.
        let mut layer: BTreeMap<Vec<u8>, What> = BTreeMap::new();
        while let Some(entry) = reader.next_entry()? {
            if (self.paths.len() + layer.len()) as u64 >= limits.entries {
                return Err(ListError::TooMany(limits.entries));
            }
            let find = |raw: &[u8]| {
                place(raw, &limits)
                    .map_err(|why| ListError::Name { name: raw.escape_ascii().to_string(), why })
            };
            match find(&entry.path)? {
                Place::Root => {
                    layer.insert(Vec::new(), What::Dir(attributes(&entry)));
                }
                Place::Object(path) => {
                    let what = match entry.kind {
                        Kind::Dir => What::Dir(attributes(&entry)),
                        Kind::Hardlink => match find(&entry.link)? {
                            // Another name of a file of this layer is that file.
                            Place::Object(target) => {
                                let missing = What::Other(Digest::of(target.full()));
                                layer.get(target.full()).copied().unwrap_or(missing)
                            }
                            _ => What::Other(Digest::of(&entry.link)),
                        },
                        _ => What::Other(content(&entry, &mut reader)?),
                    };
                    layer.insert(path.full().to_vec(), what);
                }
                Place::Whiteout(path) => {
                    layer.insert(path.full().to_vec(), What::Hidden);
                }
                Place::Opaque(path) => {
                    self.opaque.insert(path);
                }
                Place::Bookkeeping => {}
            }
        }
        // The archive's padding belongs to what is digested by whoever gave the reader.
        io::copy(&mut reader.into_inner(), &mut io::sink()).map_err(TarError::Io)?;
        self.paths.extend(layer);
        Ok(())
    }
}

/// Owner, mode and attributes.
fn attributes(entry: &Entry) -> Digest {
    hash_attributes(entry).finish()
}

fn hash_attributes(entry: &Entry) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.field(entry.mode.to_string());
    hasher.field(entry.uid.to_string());
    hasher.field(entry.gid.to_string());
    let xattrs: BTreeMap<&[u8], &[u8]> = entry.xattrs.iter().map(|(k, v)| (&**k, &**v)).collect();
    for (name, value) in xattrs {
        hasher.field(name);
        hasher.field(value);
    }
    hasher
}

/// The rest of an entry too: what it is, where it leads, what is in it.
fn content(entry: &Entry, data: &mut impl Read) -> Result<Digest, ListError> {
    let mut hasher = hash_attributes(entry);
    hasher.field(format!("{:?} {:?} {}", entry.kind, entry.device, entry.size));
    hasher.field(&entry.link);
    hasher.field(format!("{:?}", entry.sparse));
    let mut piece = [0; 16 << 10];
    loop {
        match data.read(&mut piece).map_err(TarError::Io)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&piece[..n]),
        }
    }
}

/// The first entry of `own`, the layers of an image above its base, that does not fit when `old` is exchanged for `new`: what both bases
/// have above the layers that they share.
pub fn conflict(own: &Listing, old: &Listing, new: &Listing) -> Option<Conflict> {
    let changed = changed(old, new);
    let is_dir = |base: &Listing, path: &[u8]| matches!(base.paths.get(path), Some(What::Dir(_)));
    let mut found: Option<Conflict> = None;
    let mut meets = |path: &[u8], base: &[u8]| match &mut found {
        None => found = Some(Conflict { own: shown(path), base: shown(base), others: 0 }),
        Some(first) => first.others += 1,
    };
    let below = |path: &[u8]| changed_below(&changed, path);
    for (path, what) in &own.paths {
        // A folder above it that one of the bases does not have as a folder.
        let above = ancestors(path).find(|dir| {
            changed.contains(*dir) && !(is_dir(old, dir) && is_dir(new, dir)) && !own_dir(own, dir)
        });
        if let Some(dir) = above {
            meets(path, dir);
            continue;
        }
        match what {
            What::Dir(mine) if changed.contains(path.as_slice()) => {
                // It has the look that it got on the old base, which a build on the new one would not give it.
                if new.paths.get(path) != Some(&What::Dir(*mine)) {
                    meets(path, path);
                }
            }
            What::Dir(_) => {}
            What::Other(_) | What::Hidden if changed.contains(path.as_slice()) => meets(path, path),
            What::Other(_) | What::Hidden => {
                if let Some(base) = below(path) {
                    meets(path, base);
                }
            }
        }
    }
    for path in &own.opaque {
        if let Some(base) = below(path) {
            meets(path, base);
        }
    }
    found
}

fn own_dir(own: &Listing, path: &[u8]) -> bool {
    matches!(own.paths.get(path), Some(What::Dir(_)))
}

/// The paths that are not the same in both.
fn changed<'a>(old: &'a Listing, new: &'a Listing) -> BTreeSet<&'a [u8]> {
    let paths = old.paths.keys().chain(new.paths.keys());
    let mut changed: BTreeSet<&[u8]> =
        paths.filter(|path| old.paths.get(*path) != new.paths.get(*path)).map(Vec::as_slice).collect();
    // What is below a hidden folder is in other layers, which both may share.
    changed.extend(old.opaque.symmetric_difference(&new.opaque).map(Vec::as_slice));
    changed
}

fn changed_below<'a>(changed: &BTreeSet<&'a [u8]>, path: &[u8]) -> Option<&'a [u8]> {
    let mut start = path.to_vec();
    if !start.is_empty() {
        start.push(b'/');
    }
    let next = changed.range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded)).next()?;
    next.starts_with(&start).then_some(*next)
}

/// The folders that a path is in, without the root.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

fn shown(path: &[u8]) -> String {
    format!("/{}", path.escape_ascii())
}
