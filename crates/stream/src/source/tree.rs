//! The digest of a tree of files.
//!
//! It covers what a build can see and git keeps: paths, contents, the executable bit and the targets of symbolic links. Times,
//! owners and other permission bits differ between two checkouts of one commit and do not count.

use base::{Digest, Hasher};

/// Written first into every digest; changes when the meaning of the rest changes.
const FORMAT: &str = "streamwright tree 1";

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path from the tree's root, `/` between parts, bytes as the file system has them.
    pub path: Vec<u8>,
    /// What stands there.
    pub kind: Kind,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder; its content has entries of its own.
    Folder,
    /// A file.
    File {
        /// Whether its owner may run it.
        executable: bool,
        /// The digest of its content; `None` for a file whose content is counted elsewhere.
        content: Option<Digest>,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as written.
        target: Vec<u8>,
    },
}

/// The digest of a tree with these entries, in whatever order they come.
pub fn digest(mut entries: Vec<Entry>) -> Digest {
    entries.sort();
    let mut hasher = Hasher::new();
    hasher.field(FORMAT);
    for entry in &entries {
        hasher.field(&entry.path);
        match &entry.kind {
            Kind::Folder => hasher.field("folder"),
            Kind::File { executable, content } => {
                hasher.field(if *executable { "program" } else { "file" });
                hasher.field(content.map(|digest| digest.to_string()).unwrap_or_default());
            }
            Kind::Link { target } => {
                hasher.field("link");
                hasher.field(target);
            }
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str, text: &str) -> Entry {
        let kind = Kind::File { executable: false, content: Some(Digest::of(text)) };
        Entry { path: path.into(), kind }
    }

    #[test]
    fn golden() {
        // A change here is a change of every key: raise FORMAT and say so in the changelog.
        let link = Entry { path: "link".into(), kind: Kind::Link { target: "a".into() } };
        insta::assert_snapshot!(digest(vec![file("a", "1"), link]), @"sha256:3a2fcdad663490c59fbcdd3ba10bd83cc44a24b0d86783a41e3255bacd44467b");
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let kind = prop_oneof![
            Just(Kind::Folder),
            (any::<bool>(), proptest::option::of("[ab]{0,2}"))
                .prop_map(|(executable, text)| Kind::File { executable, content: text.map(Digest::of) }),
            "[ab/]{1,3}".prop_map(|target| Kind::Link { target: target.into() }),
        ];
        proptest::collection::btree_map("[ab/]{1,3}", kind, 0..4)
            .prop_map(|map| map.into_iter().map(|(path, kind)| Entry { path: path.into(), kind }).collect())
    }

    proptest! {
        #[test]
        fn equal_if_and_only_if_the_trees_are(a in entries(), b in entries()) {
            let mut reversed = a.clone();
            reversed.reverse();
            prop_assert_eq!(digest(a.clone()), digest(reversed));
            prop_assert_eq!(digest(a.clone()) == digest(b.clone()), a == b);
        }
    }
}
