//! The content of a folder as a value: names, kinds, modes, owners, contents, links. Times are left out.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;

use base::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// A folder; paths are relative to it, its root is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Entry>);

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub what: What,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A folder.
    Folder,
    /// A file with this content.
    File(Digest),
    /// A symbolic link.
    Link(String),
}

/// What makes one folder of another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is gone; of a folder only the folder.
    pub gone: Vec<String>,
    /// What is new or different, folders before what is in them.
    pub put: BTreeMap<String, Entry>,
}

impl Tree {
    /// Reads the folder `root`. Nothing that steps left there leads out of it: links are not followed.
    ///
    /// # Errors
    /// When something cannot be read, is neither file, folder nor link, or has a name that is no text.
    pub fn of(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.read(root, String::new())?;
        Ok(tree)
    }

    fn read(&mut self, path: &Path, name: String) -> io::Result<()> {
        let meta = fs::symlink_metadata(path)?;
        let kind = meta.file_type();
        let text = |text: &std::ffi::OsStr| {
            let text = text.to_str().map(str::to_owned);
            text.ok_or_else(|| io::Error::other(format!("{} has a name that is no text", path.display())))
        };
        let what = if kind.is_dir() {
            What::Folder
        } else if kind.is_file() {
            let mut hasher = Hasher::new();
            io::copy(&mut File::open(path)?, &mut hasher)?;
            What::File(hasher.finish())
        } else if kind.is_symlink() {
            What::Link(text(fs::read_link(path)?.as_os_str())?)
        } else {
            return Err(io::Error::other(format!("{} is a device, pipe or socket", path.display())));
        };
        if what == What::Folder {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                let below = text(&entry.file_name())?;
                let below = if name.is_empty() { below } else { format!("{name}/{below}") };
                self.read(&entry.path(), below)?;
            }
        }
        let mode = meta.permissions().mode() & 0o7777;
        self.0.insert(name, Entry { what, mode, uid: meta.uid(), gid: meta.gid() });
        Ok(())
    }

    /// Two folders have the same digest when they are the same.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for (name, entry) in &self.0 {
            hasher.field(name);
            let (kind, content) = match &entry.what {
                What::Folder => ("folder", String::new()),
                What::File(digest) => ("file", digest.to_string()),
                What::Link(target) => ("link", target.clone()),
            };
            hasher.field(kind);
            hasher.field(content);
            hasher.field(format!("{:o} {} {}", entry.mode, entry.uid, entry.gid));
        }
        hasher.finish()
    }

    /// What makes `after` of this.
    pub fn change(&self, after: &Self) -> Change {
        let put = after.0.iter().filter(|(name, entry)| self.0.get(*name) != Some(entry));
        Change {
            gone: self.0.keys().filter(|name| !after.0.contains_key(*name)).cloned().collect(),
            put: put.map(|(name, entry)| (name.clone(), entry.clone())).collect(),
        }
    }
}

impl Change {
    /// The contents that it needs.
    pub fn contents(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.put.iter().filter_map(|(name, entry)| match entry.what {
            What::File(digest) => Some((name.as_str(), digest)),
            _ => None,
        })
    }

    /// Changes the folder `root`, which has to be the one that this was made from. `content` opens a file's content.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn apply(&self, root: &Path, content: impl Fn(Digest) -> io::Result<File>) -> io::Result<()> {
        // What is in a folder stands behind it: backwards, folders are empty when their turn comes.
        for name in self.gone.iter().rev() {
            remove(&root.join(name))?;
        }
        for (name, entry) in &self.put {
            let path = if name.is_empty() { root.to_owned() } else { root.join(name) };
            match &entry.what {
                What::Folder if fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) => {}
                What::Folder => {
                    remove(&path)?;
                    fs::create_dir(&path)?;
                }
                What::Link(target) => {
                    remove(&path)?;
                    symlink(target, &path)?;
                    lchown(&path, Some(entry.uid), Some(entry.gid))?;
                    continue;
                }
                What::File(digest) => {
                    remove(&path)?;
                    io::copy(&mut content(*digest)?, &mut File::create_new(&path)?)?;
                }
            }
            chown(&path, Some(entry.uid), Some(entry.gid))?;
            fs::set_permissions(&path, Permissions::from_mode(entry.mode))?;
        }
        Ok(())
    }
}

/// Makes the folder `to` the same as `from`.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let tree = Tree::of(from)?;
    let change = Tree::of(to)?.change(&tree);
    let names: BTreeMap<Digest, &str> = change.contents().map(|(name, digest)| (digest, name)).collect();
    change.apply(to, |digest| File::open(from.join(names.get(&digest).copied().unwrap_or_default())))
}

/// Removes a file, a link or a folder; that it is not there is fine.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// What a step may do to a folder.
    #[derive(Debug, Clone)]
    enum Doing {
        Write(String, u8),
        Folder(String),
        Link(String, String),
        Mode(String, u32),
        Remove(String),
    }

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "a/c", "a/b", "a/b/c", "b/a"]).prop_map(str::to_owned)
    }

    fn doing() -> impl Strategy<Value = Doing> {
        prop_oneof![
            (name(), any::<u8>()).prop_map(|(n, c)| Doing::Write(n, c)),
            name().prop_map(Doing::Folder),
            (name(), name()).prop_map(|(n, t)| Doing::Link(n, t)),
            (name(), prop::sample::select(vec![0o600, 0o755])).prop_map(|(n, m)| Doing::Mode(n, m)),
            name().prop_map(Doing::Remove),
        ]
    }

    /// Does what can be done; the rest fails as it would for a step.
    fn carry_out(root: &Path, all: &[Doing]) {
        for doing in all {
            let _ = match doing {
                Doing::Write(name, content) => fs::write(root.join(name), [*content]),
                Doing::Folder(name) => fs::create_dir(root.join(name)),
                Doing::Link(name, target) => symlink(target, root.join(name)),
                Doing::Mode(name, mode) => {
                    fs::set_permissions(root.join(name), Permissions::from_mode(*mode))
                }
                Doing::Remove(name) => remove(&root.join(name)),
            };
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_change_makes_one_folder_of_the_other(first in prop::collection::vec(doing(), 0..12), then in prop::collection::vec(doing(), 0..12)) {
            let dir = tempfile::tempdir().unwrap();
            let [here, there] = ["here", "there"].map(|name| dir.path().join(name));
            for root in [&here, &there] {
                fs::create_dir(root).unwrap();
                carry_out(root, &first);
            }
            let before = Tree::of(&here).unwrap();
            prop_assert_eq!(&before, &Tree::of(&there).unwrap());
            carry_out(&here, &then);
            let after = Tree::of(&here).unwrap();
            let change = before.change(&after);
            prop_assert_eq!(change == Change::default(), before == after);
            copy(&here, &there).unwrap();
            let replayed = Tree::of(&there).unwrap();
            prop_assert_eq!(&replayed, &after);
            prop_assert_eq!(before.digest() == after.digest(), before == after);
        }
    }

    #[test]
    fn pipes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(Tree::of(dir.path()).unwrap_err().to_string().contains("pipe"));
    }
}
