//! What is different in another lock of the same stream.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use git::address::redacted;
use serde::Serialize;

use super::moving::FROM;
use super::{Commit, Lock, Pin};
use crate::definition::Platform;

/// One thing that moved, came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// What kind of thing.
    pub kind: Kind,
    /// The component, the image or the package; `from` for the stream that an overlay is from.
    pub name: String,
    /// The component that has the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The platform that the package is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The repository of a commit, without a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Commit, digest or version before; nothing for what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Commit, digest or version now; nothing for what is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// What can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The commit of the stream that an overlay is from.
    Parent,
    /// The commit of a component's source.
    Commit,
    /// The digest of an image.
    Image,
    /// A package of a component.
    Package,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Commit => "commit",
            Self::Image => "image",
            Self::Package => "package",
        }
    }
}

/// All differences: parent, commits, images, packages; by name in each.
pub fn moved(old: &Lock, new: &Lock) -> Vec<Moved> {
    let parent =
        |lock: &Lock| lock.from.clone().map(|commit| (FROM.to_owned(), commit)).into_iter().collect();
    let mut found = commits(Kind::Parent, &parent(old), &parent(new));
    found.extend(commits(Kind::Commit, &old.commits, &new.commits));
    let image = |(name, old, new): (&String, Option<&Digest>, Option<&Digest>)| Moved {
        kind: Kind::Image,
        name: name.clone(),
        component: None,
        platform: None,
        url: None,
        old: old.map(Digest::to_string),
        new: new.map(Digest::to_string),
    };
    found.extend(changes(&old.images, &new.images).map(image));
    let all = [old, new].into_iter().flat_map(|lock| &lock.packages);
    let components =
        all.flat_map(|(platform, here)| here.keys().map(move |component| (component, *platform)));
    let components: BTreeSet<(&String, Platform)> = components.collect();
    found.extend(components.into_iter().flat_map(|(component, on)| packages(component, on, old, new)));
    found
}

fn commits(kind: Kind, old: &BTreeMap<String, Commit>, new: &BTreeMap<String, Commit>) -> Vec<Moved> {
    // Another branch of the same commit is no move.
    let differ = |(_, old, new): &(&String, Option<&Commit>, Option<&Commit>)| {
        old.map(|old| (&old.url, &old.commit)) != new.map(|new| (&new.url, &new.commit))
    };
    let moved = |(name, old, new): (&String, Option<&Commit>, Option<&Commit>)| Moved {
        kind,
        name: name.clone(),
        component: None,
        platform: None,
        url: new.or(old).map(|commit| redacted(&commit.url)),
        old: old.map(|commit| commit.commit.clone()),
        new: new.map(|commit| commit.commit.clone()),
    };
    changes(old, new).filter(differ).map(moved).collect()
}

fn packages(component: &str, platform: Platform, old: &Lock, new: &Lock) -> Vec<Moved> {
    let pins = |lock: &Lock| -> BTreeMap<String, Pin> {
        lock.pins(platform, component).iter().map(|pin| (pin.name.clone(), pin.clone())).collect()
    };
    let (old, new) = (pins(old), pins(new));
    let moved = |(name, old, new): (&String, Option<&Pin>, Option<&Pin>)| {
        // The same version in another file: built anew by somebody who did not count it up.
        let same = old.map(|pin| &pin.version) == new.map(|pin| &pin.version);
        let version = |pin: &Pin| match same {
            true => format!("{} ({})", pin.version, pin.sha256.short()),
            false => pin.version.clone(),
        };
        Moved {
            kind: Kind::Package,
            name: name.clone(),
            component: Some(component.to_owned()),
            platform: Some(platform),
            url: None,
            old: old.map(version),
            new: new.map(version),
        }
    };
    changes(&old, &new).map(moved).collect()
}

/// The keys that do not have the same value in both.
fn changes<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key))).filter(|(_, old, new)| old != new)
}
