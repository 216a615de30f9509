//! What a build will do, and why, before anything runs.
//!
//! - [`known`]: what was built before, asked through a trait
//! - [`reason`]: why something is built
//! - [`table`]: a plan as text
//! - [`estimate`](mod@estimate): how long it will take
//! - [`dependents`](mod@dependents): what is looked at again when a component changes
//! - [`against`](mod@against): a plan beside a published release

pub mod against;
pub mod dependents;
pub mod estimate;
pub mod known;
pub mod reason;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use serde::Serialize;

pub use self::against::against;
pub use self::dependents::dependents;
pub use self::estimate::estimate;
pub use self::known::{KnownBuilds, LastBuild};
pub use self::reason::{Change, Reason, ReasonCode};
use crate::graph::{BaseImage, Graph, Node};
use crate::key::{Inputs, final_key};
use crate::lock::Lock;

/// What a build will do with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Its image is there.
    Reuse,
    /// It is built.
    Build,
    /// A base is built first; if that comes out as it was, the image is reused, else it is built.
    Maybe,
}

impl Action {
    /// `reuse`, `build`, `maybe`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Build => "build",
            Self::Maybe => "maybe",
        }
    }
}

/// A plan for all components of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The stream's name.
    pub stream: String,
    /// The components, bases before what starts from them.
    pub components: Vec<Planned>,
    /// How many of which.
    pub counts: Counts,
    /// The payload's tags, each with its component.
    pub payload: BTreeMap<String, String>,
}

/// How many components have which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Images that are there.
    pub reuse: usize,
    /// Images that are built.
    pub build: usize,
    /// Images that are built if a base changes.
    pub maybe: usize,
}

/// The plan for one component.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// Its name.
    pub component: String,
    /// What happens.
    pub action: Action,
    /// Why; empty for a reuse.
    pub reasons: Vec<Reason>,
    /// The digest of everything known before the run; what the component's task gets.
    pub inputs: Digest,
    /// The key, when all bases are known already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// The image, when it is reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// The components it starts from.
    pub bases: Vec<String>,
    /// The pull spec of an image that is there already and never built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prebuilt: Option<String>,
    /// The stream that it is inherited from; none for one of the stream's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<String>,
    /// The labels that its image gets.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

impl Plan {
    /// The plan for one component.
    pub fn component(&self, name: &str) -> Option<&Planned> {
        self.components.iter().find(|planned| planned.component == name)
    }

    /// Whether nothing will be built.
    pub fn is_unchanged(&self) -> bool {
        self.counts.build == 0 && self.counts.maybe == 0
    }
}

/// Plans a build.
///
/// `inputs` come from [`key::inputs`](crate::key::inputs()), one for each component; the lock is the one that they were made with;
/// `forced` are components that are built whatever is known.
pub fn plan(
    graph: &Graph,
    lock: &Lock,
    inputs: &BTreeMap<String, Inputs>,
    known: &dyn KnownBuilds,
    forced: &BTreeSet<String>,
) -> Plan {
    let mut images: BTreeMap<&str, Digest> = BTreeMap::new();
    let mut planned: Vec<Planned> = Vec::new();
    for (name, component) in &graph.stream.components {
        if let Some(one) = component.prebuilt().and_then(|image| prebuilt(name, image)) {
            images.extend(one.image.map(|digest| (name.as_str(), digest)));
            planned.push(one);
        }
    }
    for level in graph.levels() {
        let candidates: Vec<Candidate<'_>> =
            level.iter().filter_map(|name| Candidate::new(name, graph, lock, inputs, &images)).collect();
        let wanted: Vec<(&str, Digest)> = candidates.iter().filter_map(|c| Some((c.name, c.key?))).collect();
        let mut found =
            wanted.iter().map(|(name, _)| *name).zip(known.images(&wanted)).collect::<BTreeMap<_, _>>();
        for candidate in candidates {
            let image = found.remove(candidate.name).flatten();
            let decided = candidate.decide(image, known, forced.contains(candidate.name));
            if let (Action::Reuse, Some(image)) = (decided.action, decided.image) {
                images.insert(candidate.name, image);
            }
            planned.push(decided);
        }
    }
    let mut counts = Counts::default();
    for one in &mut planned {
        one.inherited = graph.stream.components.get(&one.component).and_then(|c| c.inherited.clone());
        match one.action {
            Action::Reuse => counts.reuse += 1,
            Action::Build => counts.build += 1,
            Action::Maybe => counts.maybe += 1,
        }
    }
    let payload = graph.payload().into_iter().map(|(tag, name)| (tag.to_owned(), name.to_owned())).collect();
    Plan { stream: graph.stream.name.clone(), components: planned, counts, payload }
}

/// The plan for an image that is there already; none when it is not named by digest, which checks refuse.
fn prebuilt(name: &str, image: &str) -> Option<Planned> {
    let digest = image.split_once('@')?.1.parse().ok()?;
    Some(Planned {
        component: name.to_owned(),
        action: Action::Reuse,
        reasons: Vec::new(),
        inputs: Digest::of(image),
        key: None,
        image: Some(digest),
        bases: Vec::new(),
        prebuilt: Some(image.to_owned()),
        inherited: None,
        labels: BTreeMap::new(),
    })
}

/// A component whose bases are planned already.
struct Candidate<'a> {
    name: &'a str,
    node: &'a Node,
    inputs: &'a Inputs,
    digest: Digest,
    /// Its bases, as far as they are known before the run.
    bases: BTreeMap<&'a str, Digest>,
    /// The components among its bases that may come out new.
    unknown: BTreeSet<&'a str>,
    key: Option<Digest>,
}

impl<'a> Candidate<'a> {
    /// `images` are the images of the components that are reused.
    fn new(
        name: &'a str,
        graph: &'a Graph,
        lock: &Lock,
        inputs: &'a BTreeMap<String, Inputs>,
        images: &BTreeMap<&str, Digest>,
    ) -> Option<Self> {
        let (node, inputs) = (graph.nodes.get(name)?, inputs.get(name)?);
        let mut bases = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for (from, base) in &node.bases {
            let digest = match &base.image {
                BaseImage::Component(component) => images.get(component.as_str()).copied(),
                BaseImage::Image(reference) => lock.image(reference),
            };
            match (digest, &base.image) {
                (Some(digest), _) => {
                    bases.insert(from.as_str(), digest);
                }
                (None, BaseImage::Component(component)) => {
                    unknown.insert(component.as_str());
                }
                // A lock that does not know it is stale; the build refuses it.
                (None, BaseImage::Image(_)) => {}
            }
        }
        let digest = inputs.digest();
        let key = (bases.len() == node.bases.len())
            .then(|| final_key(&digest, bases.iter().map(|(n, d)| (*n, *d))));
        Some(Self { name, node, inputs, digest, bases, unknown, key })
    }

    fn decide(&self, image: Option<Digest>, known: &dyn KnownBuilds, forced: bool) -> Planned {
        let last = known.last(self.name);
        let mut reasons = match &last {
            _ if forced => vec![Reason::bare(ReasonCode::Forced)],
            _ if image.is_some() => Vec::new(),
            None => vec![Reason::bare(ReasonCode::NeverBuilt)],
            Some(last) => reason::changes(last, self.inputs, &self.node.bases, &self.bases),
        };
        let action = if !forced && image.is_some() {
            Action::Reuse
        } else if self.unknown.is_empty() {
            // Nothing changed, and yet there is no image of this key.
            if reasons.is_empty() {
                reasons.push(Reason::bare(ReasonCode::ImageGone));
            }
            Action::Build
        } else if reasons.is_empty() {
            let changes = self.unknown.iter().map(|base| Change::named(base)).collect();
            reasons.push(Reason { code: ReasonCode::BaseRebuilt, changes });
            Action::Maybe
        } else {
            Action::Build
        };
        Planned {
            component: self.name.to_owned(),
            action,
            reasons,
            inputs: self.digest,
            key: self.key,
            image: if action == Action::Reuse { image } else { None },
            bases: self.node.base_components().into_iter().map(str::to_owned).collect(),
            prebuilt: None,
            inherited: None,
            labels: self.inputs.labels(),
        }
    }
}

#[cfg(test)]
mod tests;
