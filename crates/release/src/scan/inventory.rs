//! Layers to what the image holds. Nothing is unpacked: entries are looked at as they pass.

use std::collections::BTreeMap;
use std::io::{self, Read};

use oci::layer::read::LayerReader;
use oci::layer::tar::{Entry, Kind, TarError, TarReader};
use oci::manifest::Manifest;
use oci::reference::Reference;
use serde::Serialize;

use crate::payload::content::{Content, ContentError};

/// Where dpkg keeps what is installed; images made without a package manager have a file for each package in the folder.
const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";
/// Where rpm keeps it, in the forms that it had.
const RPM: [&str; 4] = [
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
];
/// The largest list of packages that is read.
const LARGEST_STATUS: u64 = 32 << 20;
/// The most files of interest in one image.
const MOST_FILES: usize = 100_000;
/// The most bytes that a layer may unpack to.
const LARGEST_LAYER: u64 = 64 << 30;
/// Prefixes of names that remove what lower layers have (OCI image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// What an image holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Debian packages by name, with their versions.
    pub packages: BTreeMap<String, String>,
    /// Files with the setuid or setgid bit, with their modes in octal.
    pub privileged: BTreeMap<String, String>,
    /// Whether there is a database of rpm, whose packages are not read.
    pub rpm: bool,
}

/// Why an image cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// It could not be fetched.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It is something else.
    #[error("{at} is no image: {reason}")]
    Other {
        /// The reference.
        at: String,
        /// What it is instead.
        reason: String,
    },
    /// A layer could not be read.
    #[error("reading a layer: {0}")]
    Io(#[from] io::Error),
    /// A layer is not what it should be.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// There is more than is kept in memory.
    #[error("the image has {0}, which is more than is looked at")]
    TooMuch(&'static str),
}

/// Looks into an image.
///
/// # Errors
/// When it cannot be fetched or read, or holds too much.
pub fn read(content: &dyn Content, at: &Reference) -> Result<Inventory, InventoryError> {
    let other = |reason: String| InventoryError::Other { at: at.to_string(), reason };
    let raw = content.manifest(at)?;
    let manifest = match Manifest::parse(&raw.media_type, &raw.bytes).map_err(|e| other(e.to_string()))? {
        Manifest::Image(manifest) => manifest,
        Manifest::Index(_) => return Err(other("it is an index; name the image of one platform".to_owned())),
    };
    let mut files = Files::default();
    for layer in &manifest.layers {
        let blob = content.blob(at, layer)?;
        files.layer(LayerReader::new(blob, &layer.media_type, LARGEST_LAYER)?)?;
    }
    Ok(files.inventory())
}

/// What is of interest, by path.
#[derive(Default)]
struct Files {
    there: BTreeMap<String, Interesting>,
}

#[derive(Clone)]
enum Interesting {
    Privileged(u32),
    Packages(String),
    Rpm,
}

impl Files {
    /// Lays a layer over what is there. What it removes is of lower layers, wherever in it that is said.
    fn layer(&mut self, from: impl Read) -> Result<(), InventoryError> {
        let mut tar = TarReader::new(from);
        let mut new: BTreeMap<String, Interesting> = BTreeMap::new();
        while let Some(entry) = tar.next_entry()? {
            let path = normal(&entry.path);
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == OPAQUE {
                self.remove_below(folder);
            } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
                self.remove(&if folder.is_empty() {
                    hidden.to_owned()
                } else {
                    format!("{folder}/{hidden}")
                });
            } else {
                // What is no folder takes the place of all that was there.
                if entry.kind == Kind::Dir {
                    self.there.remove(&path)
                } else {
                    self.remove(&path)
                };
                new.remove(&path);
                if let Some(found) = self.interesting(&path, &entry, &mut tar, &new)? {
                    new.insert(path, found);
                }
            }
            if self.there.len() + new.len() > MOST_FILES {
                return Err(InventoryError::TooMuch("more files with special rights than can be"));
            }
        }
        // The rest is padding, which the digest covers.
        io::copy(&mut tar.into_inner(), &mut io::sink())?;
        self.there.append(&mut new);
        Ok(())
    }

    fn interesting(
        &self,
        path: &str,
        entry: &Entry,
        data: &mut impl Read,
        new: &BTreeMap<String, Interesting>,
    ) -> Result<Option<Interesting>, InventoryError> {
        match entry.kind {
            Kind::File if path == STATUS || path.starts_with(STATUS_FOLDER) => {
                let mut text = Vec::new();
                data.take(LARGEST_STATUS + 1).read_to_end(&mut text)?;
                if text.len() as u64 > LARGEST_STATUS {
                    return Err(InventoryError::TooMuch("a list of packages of more than 32 MiB"));
                }
                Ok(Some(Interesting::Packages(String::from_utf8_lossy(&text).into_owned())))
            }
            Kind::File if RPM.contains(&path) => Ok(Some(Interesting::Rpm)),
            Kind::File if entry.mode & 0o6000 != 0 => Ok(Some(Interesting::Privileged(entry.mode & 0o7777))),
            // Another name of a file.
            Kind::Hardlink => {
                let target = normal(&entry.link);
                Ok(new.get(&target).or_else(|| self.there.get(&target)).cloned())
            }
            _ => Ok(None),
        }
    }

    fn remove(&mut self, path: &str) -> Option<Interesting> {
        self.remove_below(path);
        self.there.remove(path)
    }

    fn remove_below(&mut self, folder: &str) {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.there.retain(|path, _| !path.starts_with(&prefix));
    }

    fn inventory(self) -> Inventory {
        let mut inventory = Inventory::default();
        for (path, found) in self.there {
            match found {
                Interesting::Privileged(mode) => {
                    inventory.privileged.insert(format!("/{path}"), format!("{mode:04o}"));
                }
                Interesting::Packages(text) => inventory.packages.extend(installed(&text)),
                Interesting::Rpm => inventory.rpm = true,
            }
        }
        inventory
    }
}

/// The installed packages of a dpkg status file (deb-version(7), dpkg(1): paragraphs of fields). A file of `status.d` has no `Status`.
fn installed(text: &str) -> BTreeMap<String, String> {
    let paragraph = |text: &str| {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let there = field("Status:").is_none_or(|status| status.ends_with(" installed"));
        Some((field("Package:").filter(|_| there)?.to_owned(), field("Version:").unwrap_or("").to_owned()))
    };
    text.split("\n\n").filter_map(paragraph).collect()
}

/// A path as layers mean it: below the root, without `.` and with `..` resolved within it.
fn normal(path: &[u8]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let text = String::from_utf8_lossy(path);
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use oci::layer::write::LayerWriter;
    use oci::media::Compression;

    use super::*;

    fn layer(fill: impl FnOnce(&mut LayerWriter<Vec<u8>>)) -> Vec<u8> {
        let mut writer = LayerWriter::new(Vec::new(), Compression::None, 0).unwrap();
        fill(&mut writer);
        writer.finish().unwrap().out
    }

    fn inventory(layers: &[Vec<u8>]) -> Inventory {
        let mut files = Files::default();
        layers.iter().for_each(|layer| files.layer(layer.as_slice()).unwrap());
        files.inventory()
    }

    #[test]
    fn packages_and_privileged_files_of_all_layers() {
        let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let base = layer(|w| {
            w.file("usr/bin/su", 0o4755, b"su").unwrap();
            w.file("usr/bin/mount", 0o4755, b"mount").unwrap();
            w.file("usr/bin/wall", 0o2755, b"wall").unwrap();
            w.file("opt/a/tool", 0o6755, b"tool").unwrap();
            w.file(STATUS, 0o644, status.as_bytes()).unwrap();
        });
        let above = layer(|w| {
            w.whiteout("usr/bin/mount").unwrap();
            w.file("usr/bin/wall", 0o755, b"wall").unwrap();
            w.file("opt/a/.wh..wh..opq", 0o644, b"").unwrap();
            w.file("opt/a/new", 0o4711, b"new").unwrap();
            w.file("var/lib/dpkg/status.d/tzdata", 0o644, b"Package: tzdata\nVersion: 2026a\n").unwrap();
        });
        let found = inventory(&[base, above]);
        assert_eq!(found.privileged.keys().collect::<Vec<_>>(), ["/opt/a/new", "/usr/bin/su"]);
        assert_eq!(found.privileged["/opt/a/new"], "4711");
        let packages: Vec<_> = found.packages.iter().map(|(n, v)| format!("{n} {v}")).collect();
        assert_eq!(packages, ["bash 5.2-1", "tzdata 2026a"]);
        assert!(!found.rpm);
    }

    #[test]
    fn what_is_no_folder_takes_the_place_of_one() {
        let base = layer(|w| {
            w.file("usr/bin/su", 0o4755, b"su").unwrap();
            w.file("opt/tool/bin", 0o4755, b"x").unwrap();
        });
        let above = layer(|w| w.file("opt/tool", 0o644, b"file").unwrap());
        assert_eq!(inventory(&[base, above]).privileged.keys().collect::<Vec<_>>(), ["/usr/bin/su"]);
        assert_eq!(normal(b"./a//../../usr/./bin/su"), "usr/bin/su");
    }
}
