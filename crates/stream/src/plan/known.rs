//! What was built before.

use std::collections::BTreeMap;

use base::Digest;
use serde::{Deserialize, Serialize};

use super::Swap;
use crate::definition::{Platform, Rebuild};
use crate::graph::{Base, BaseImage, Edge, Node};
use crate::key::{self, Inputs};
use crate::lock::Lock;

/// Knows images and earlier builds: a store, a registry, both.
pub trait KnownBuilds {
    /// For each pair of component and key the image with that key, if there is one, in the same order.
    ///
    /// All components that can be looked up together come together, so that a registry can be asked in parallel.
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>>;

    /// For each component with a [weak key](crate::key::policy::WeakKeys) the newest image with that key, in the same order.
    fn newest(&self, wanted: &[(&str, Rebuild, Digest)]) -> Vec<Option<Newest>> {
        vec![None; wanted.len()]
    }

    /// Whether a base can be exchanged under an image of a component, as far as that can be said without its layers. Who cannot look says
    /// yes: the build looks anyway.
    ///
    /// # Errors
    /// Why not, for people.
    fn rebase(&self, _component: &str, _image: Digest, _swap: &Swap) -> Result<(), String> {
        Ok(())
    }

    /// The last build of a component on a platform that succeeded, to say what changed since.
    fn last(&self, platform: Platform, component: &str) -> Option<LastBuild>;

    /// The last attempt to build a component on a platform, if that failed. Who keeps no record of attempts knows none.
    fn failed(&self, _platform: Platform, _component: &str) -> Option<FailedBuild> {
        None
    }
}

/// An image of the key that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The image.
    pub image: Digest,
    /// The repository of another stream or machine that has it; none for what the stream itself has on this machine.
    pub elsewhere: Option<String>,
}

impl Found {
    /// An image that the stream itself has on this machine.
    pub fn here(image: Digest) -> Self {
        Self { image, elsewhere: None }
    }
}

/// The newest image of a weak key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The image.
    pub image: Digest,
    /// What it stands on: the digests of its bases, by the name as its Containerfile writes it.
    pub bases: BTreeMap<String, Digest>,
    /// The digests of the images that it names, by component.
    pub operands: BTreeMap<String, Digest>,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedBuild {
    /// The run.
    pub run: String,
    /// The component's task in it.
    pub task: String,
}

/// What a component was built from the last time; kept by whoever ran the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastBuild {
    /// The [`key::FORMAT`] of then.
    #[serde(default = "first_format")]
    pub format: u32,
    /// Its inputs, by name.
    #[serde(default)]
    pub inputs: Inputs,
    /// The images that it started from and copied out of, by the name as its Containerfile writes it.
    #[serde(default, rename = "uses")]
    pub bases: BTreeMap<String, Used>,
    /// The images that its own names, by component.
    #[serde(default)]
    pub operands: BTreeMap<String, Digest>,
}

/// An image that a component was built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The image.
    pub image: Digest,
    /// What it was to the component.
    pub role: Role,
}

/// What an image is to the component that is built with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A component's image, which this one is a layer on.
    Base,
    /// A component's image, used while this one is built.
    Builder,
    /// An image that no component makes, used in either way.
    External,
}

impl Role {
    /// The role of a base.
    pub fn of(base: &Base) -> Self {
        match (&base.image, base.role) {
            (BaseImage::Image(_), _) => Self::External,
            (BaseImage::Component(_), Edge::Base) => Self::Base,
            (BaseImage::Component(_), _) => Self::Builder,
        }
    }
}

/// That of the versions whose records do not say it.
fn first_format() -> u32 {
    1
}

impl LastBuild {
    /// The build of a component from `inputs`. `images` has the images of components; those of others are in the lock.
    pub fn new(inputs: &Inputs, node: &Node, images: &BTreeMap<String, Digest>, lock: &Lock) -> Self {
        let bases = node.bases.iter().filter_map(|(name, base)| {
            let image = match &base.image {
                BaseImage::Component(component) => images.get(component).copied(),
                BaseImage::Image(reference) => lock.image(reference),
            };
            Some((name.clone(), Used { image: image?, role: Role::of(base) }))
        });
        let operands = node.operands.keys().filter_map(|name| Some((name.clone(), *images.get(name)?)));
        Self {
            format: key::FORMAT,
            inputs: inputs.clone(),
            bases: bases.collect(),
            operands: operands.collect(),
        }
    }

    /// The build of [`Newest`], which was of these inputs.
    pub fn of_newest(newest: &Newest, inputs: &Inputs, node: &Node) -> Self {
        let used = |(name, image): (&String, &Digest)| {
            let role = node.bases.get(name).map_or(Role::Base, Role::of);
            (name.clone(), Used { image: *image, role })
        };
        Self {
            format: key::FORMAT,
            inputs: inputs.clone(),
            bases: newest.bases.iter().map(used).collect(),
            operands: newest.operands.clone(),
        }
    }

    /// The images that it used.
    pub fn images(&self) -> impl Iterator<Item = Digest> {
        self.bases.values().map(|used| used.image).chain(self.operands.values().copied())
    }

    /// Its key: what [`plan`](super::plan()) asks for when nothing changed.
    pub fn key(&self) -> Digest {
        let bases = self.bases.iter().map(|(name, used)| (name, used.image));
        let operands = self.operands.iter().map(|(name, image)| (name, *image));
        key::final_key(&self.inputs.digest(), bases, operands)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_of_the_first_version_is_of_the_first_format() {
        let old = serde_json::json!({
            "inputs": {"source": "c1", "arg A": "b"},
            "bases": {"mini/base": Digest::of("base")},
        });
        let read: LastBuild = serde_json::from_value(old).unwrap();
        assert_eq!((read.format, read.inputs.0.len()), (1, 2));
    }

    #[test]
    fn a_record_is_read_back() {
        let used = Used { image: Digest::of("base"), role: Role::External };
        let last = LastBuild {
            format: key::FORMAT,
            inputs: Inputs::default(),
            bases: BTreeMap::from([("mini/base".to_owned(), used)]),
            operands: BTreeMap::from([("etcd".to_owned(), Digest::of("etcd"))]),
        };
        let text = serde_json::to_string(&last).unwrap();
        assert_eq!(serde_json::from_str::<LastBuild>(&text).unwrap(), last);
        assert_eq!(last.images().collect::<Vec<_>>(), [Digest::of("base"), Digest::of("etcd")]);
    }
}
