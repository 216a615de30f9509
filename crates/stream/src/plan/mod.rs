//! What a build will do, and why, before anything runs.
//!
//! - [`known`]: what was built before, asked through a trait
//! - [`code`]: the codes of reasons, and [`art`]: those of ART in these words
//! - [`reason`]: what changed since the last time
//! - [`swap`]: bases that are exchanged under images
//! - [`table`]: a plan as text
//! - [`estimate`](mod@estimate): how long it will take
//! - [`dependents`](mod@dependents): what is looked at again when a component changes
//! - [`against`](mod@against): a plan beside a published release

pub mod against;
pub mod art;
pub mod code;
pub mod dependents;
pub mod estimate;
pub mod known;
pub mod reason;
pub mod swap;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use serde::Serialize;

pub use self::against::against;
pub use self::code::ReasonCode;
pub use self::dependents::dependents;
pub use self::estimate::estimate;
pub use self::known::{FailedBuild, Found, KnownBuilds, LastBuild, Newest};
use self::reason::KnownImages;
pub use self::reason::{Change, Reason};
pub use self::swap::Swap;
use crate::definition::{Platform, Rebuild};
use crate::graph::{BaseImage, Edge, Graph, Graphs, Node};
use crate::key::policy::{WeakImage, WeakKeys};
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
    /// Something that it depends on is built first; if that comes out as it was, the image is reused, else it is built.
    Maybe,
    /// Its base is exchanged under the image that is there; if that turns out not to fit, it is built.
    Rebase,
}

impl Action {
    /// `reuse`, `build`, `maybe`, `rebase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Build => "build",
            Self::Maybe => "maybe",
            Self::Rebase => "rebase",
        }
    }
}

/// A plan for all components of a stream on all of its platforms.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The stream's name.
    pub stream: String,
    /// Its platforms.
    pub platforms: Vec<Platform>,
    /// The components, each once for each of its platforms, after those that it depends on.
    pub components: Vec<Planned>,
    /// How many of which.
    pub counts: Counts,
    /// The payload's tags, each with its component.
    pub payload: BTreeMap<String, String>,
    /// By platform, the tags whose components are not for it, each with the component that stands in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stand_ins: BTreeMap<Platform, BTreeMap<String, String>>,
}

/// How many images have which fate: a component has one for each of its platforms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Images that are there.
    pub reuse: usize,
    /// Images that are built.
    pub build: usize,
    /// Images that are built if something that they depend on changes.
    pub maybe: usize,
    /// Images that are set on another base.
    #[serde(skip_serializing_if = "is_zero")]
    pub rebase: usize,
    /// Of those that are there, the ones that would be looked at again with `rebuild: transitive`.
    #[serde(skip_serializing_if = "is_zero")]
    pub held_back: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The plan for one component on one platform.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// Its name.
    pub component: String,
    /// The platform.
    pub platform: Platform,
    /// What happens.
    pub action: Action,
    /// Why; for an image that is held back, what would have it looked at again.
    pub reasons: Vec<Reason>,
    /// What holds back a rebuild, as a stream says it: `rebuild: local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<&'static str>,
    /// The base that is exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap: Option<Swap>,
    /// The digest of everything known before the run; what the component's task gets.
    pub inputs: Digest,
    /// The key, when everything that it depends on is known already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// The image, when it is reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// The components it depends on.
    pub depends_on: Vec<Dependency>,
    /// Other components that are built from the same repository: a commit there is new to them too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub same_repository: Vec<String>,
    /// The pull spec of an image that is there already and never built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prebuilt: Option<String>,
    /// The stream that it is inherited from; none for one of the stream's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<String>,
    /// The labels that its image gets.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// The keys that leave out something about what it depends on; none for an image that is never built.
    #[serde(skip)]
    pub weak_keys: Option<WeakKeys>,
}

/// A component that another one depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Its name.
    pub component: String,
    /// How.
    pub edge: Edge,
}

impl Planned {
    /// The reasons as text, without the one that goes without saying: that it is up to date.
    pub fn why(&self) -> Vec<String> {
        let said = self.reasons.iter().filter(|reason| reason.code != ReasonCode::UpToDate);
        let held_back = self.held_back.map(|knob| format!("held back by {knob}"));
        said.map(ToString::to_string).chain(held_back).collect()
    }
}

impl Plan {
    /// The plan for a component on one platform.
    pub fn on(&self, platform: Platform, name: &str) -> Option<&Planned> {
        self.components.iter().find(|planned| planned.platform == platform && planned.component == name)
    }

    /// The component whose image a tag of the payload is on a platform.
    pub fn component_of(&self, tag: &str, platform: Platform) -> Option<&str> {
        let stand_in = self.stand_ins.get(&platform).and_then(|tags| tags.get(tag));
        stand_in.or_else(|| self.payload.get(tag)).map(String::as_str)
    }

    /// The plans for a component, one for each of its platforms.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Planned> {
        self.components.iter().filter(move |planned| planned.component == name)
    }

    /// What a component on a platform is called: its name, with the processor in a stream for several platforms.
    pub fn title(&self, planned: &Planned) -> String {
        match self.platforms.len() {
            0 | 1 => planned.component.clone(),
            _ => format!("{} ({})", planned.component, planned.platform.architecture()),
        }
    }

    /// Whether nothing will be built.
    pub fn is_unchanged(&self) -> bool {
        self.counts.build == 0 && self.counts.maybe == 0 && self.counts.rebase == 0
    }
}

/// Plans a build for all platforms of a stream.
///
/// `inputs` come from [`key::inputs`](crate::key::inputs()), one for each component and platform; the lock is the one that they were
/// made with; `forced` are components that are built whatever is known, on every platform.
pub fn plan(
    graphs: &Graphs,
    lock: &Lock,
    inputs: &BTreeMap<Platform, BTreeMap<String, Inputs>>,
    known: &dyn KnownBuilds,
    forced: &BTreeSet<String>,
) -> Plan {
    let mut images: Images<'_> = BTreeMap::new();
    let mut planned: Vec<Planned> = Vec::new();
    for graph in graphs.iter() {
        for (name, component) in &graph.stream.components {
            if let Some(one) = component.prebuilt().and_then(|image| prebuilt(graph.platform, name, image)) {
                images.extend(one.image.map(|digest| ((graph.platform, name.as_str()), digest)));
                planned.push(one);
            }
        }
    }
    let deepest = graphs.iter().map(|graph| graph.levels().count()).max().unwrap_or(0);
    for level in 0..deepest {
        let mut candidates: Vec<Candidate<'_>> = graphs
            .iter()
            .flat_map(|graph| {
                graph.levels().nth(level).unwrap_or_default().iter().map(move |name| (graph, name))
            })
            .filter_map(|(graph, name)| {
                Candidate::new(name, graph, lock, inputs.get(&graph.platform)?, &images)
            })
            .collect();
        find_newest(&mut candidates, known);
        let asked = |candidate: &Candidate<'_>| candidate.key.filter(|_| candidate.newest.is_none());
        let wanted: Vec<(&str, Digest)> =
            candidates.iter().filter_map(|candidate| Some((candidate.name, asked(candidate)?))).collect();
        let mut answers = known.images(&wanted).into_iter();
        let found: Vec<Option<Found>> =
            candidates.iter().map(|c| asked(c).and_then(|_| answers.next()).flatten()).collect();
        let missing: Vec<&Candidate<'_>> = candidates
            .iter()
            .zip(&found)
            .filter(|(c, image)| image.is_none() && asked(c).is_some())
            .filter(|(c, _)| !c.node.swap.is_empty() && !forced.contains(c.name))
            .map(|(c, _)| c)
            .collect();
        let mut on_old_bases = images_to_rebase(&missing, known);
        for (candidate, image) in candidates.into_iter().zip(found) {
            let old = on_old_bases.remove(&(candidate.platform, candidate.name));
            let decided = candidate.decide(image, old, known, forced.contains(candidate.name));
            if let (Action::Reuse, Some(image)) = (decided.action, decided.image) {
                images.insert((candidate.platform, candidate.name), image);
            }
            planned.push(decided);
        }
    }
    let mut counts = Counts::default();
    let siblings = dependents::by_repository(&graphs.stream);
    for one in &mut planned {
        let component = graphs.stream.components.get(&one.component);
        one.inherited = component.and_then(|c| c.inherited.clone());
        let all = component
            .and_then(dependents::repository)
            .and_then(|url| siblings.get(url))
            .into_iter()
            .flatten();
        one.same_repository =
            all.filter(|name| **name != one.component).map(|name| (*name).to_owned()).collect();
        match one.action {
            Action::Reuse => {
                counts.reuse += 1;
                counts.held_back += usize::from(one.held_back.is_some());
            }
            Action::Build => counts.build += 1,
            Action::Maybe => counts.maybe += 1,
            Action::Rebase => counts.rebase += 1,
        }
    }
    Plan {
        stream: graphs.stream.name.clone(),
        platforms: graphs.iter().map(|graph| graph.platform).collect(),
        components: planned,
        counts,
        payload: graphs.payload().into_iter().map(|(tag, name)| (tag.to_owned(), name.to_owned())).collect(),
        stand_ins: graphs
            .iter()
            .filter(|graph| !graph.stand_ins.is_empty())
            .map(|graph| (graph.platform, graph.stand_ins.clone()))
            .collect(),
    }
}

/// The images of the components that are reused.
type Images<'a> = BTreeMap<(Platform, &'a str), Digest>;

/// Looks for the images of components that are rebuilt for less than anything that they depend on.
fn find_newest(candidates: &mut [Candidate<'_>], known: &dyn KnownBuilds) {
    let wanted = |c: &Candidate<'_>| {
        let rebuild = c.node.policy.rebuild;
        c.weak_keys.of(rebuild).map(|key| (rebuild, key))
    };
    let asked: Vec<(&str, Rebuild, Digest)> =
        candidates.iter().filter_map(|c| wanted(c).map(|(rebuild, key)| (c.name, rebuild, key))).collect();
    if asked.is_empty() {
        return;
    }
    let found = known.newest(&asked);
    for (candidate, newest) in candidates.iter_mut().filter(|c| wanted(c).is_some()).zip(found) {
        candidate.newest = newest;
    }
}

/// The newest images of components' inputs, whatever they stand on.
fn images_to_rebase<'a>(
    candidates: &[&Candidate<'a>],
    known: &dyn KnownBuilds,
) -> BTreeMap<(Platform, &'a str), Newest> {
    let asked: Vec<(&str, Rebuild, Digest)> =
        candidates.iter().map(|c| (c.name, Rebuild::Local, c.weak_keys.local)).collect();
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let found = candidates.iter().map(|c| (c.platform, c.name)).zip(known.newest(&asked));
    found.filter_map(|(which, newest)| Some((which, newest?))).collect()
}

/// The plan for an image that is there already; none when it is not named by digest, which checks refuse.
fn prebuilt(platform: Platform, name: &str, image: &str) -> Option<Planned> {
    let digest = image.split_once('@')?.1.parse().ok()?;
    Some(Planned {
        component: name.to_owned(),
        platform,
        action: Action::Reuse,
        reasons: vec![Reason::bare(ReasonCode::Prebuilt)],
        inputs: Digest::of(image),
        key: None,
        image: Some(digest),
        depends_on: Vec::new(),
        same_repository: Vec::new(),
        prebuilt: Some(image.to_owned()),
        inherited: None,
        held_back: None,
        swap: None,
        labels: BTreeMap::new(),
        weak_keys: None,
    })
}

/// A component of which everything that it depends on is planned already.
struct Candidate<'a> {
    platform: Platform,
    name: &'a str,
    node: &'a Node,
    inputs: &'a Inputs,
    digest: Digest,
    known: KnownImages<'a>,
    /// The components that it depends on and that may come out new.
    unknown: BTreeMap<&'a str, Edge>,
    key: Option<Digest>,
    weak_keys: WeakKeys,
    /// The image that its policy allows, with what that stands on.
    newest: Option<Newest>,
}

impl<'a> Candidate<'a> {
    fn new(
        name: &'a str,
        graph: &'a Graph,
        lock: &Lock,
        inputs: &'a BTreeMap<String, Inputs>,
        images: &Images<'_>,
    ) -> Option<Self> {
        let (platform, node) = (graph.platform, graph.nodes.get(name)?);
        let own = inputs.get(name)?;
        let mut known = KnownImages::default();
        for (from, base) in &node.bases {
            let digest = match &base.image {
                BaseImage::Component(component) => images.get(&(platform, component.as_str())).copied(),
                // A lock that does not know it is stale; the build refuses it.
                BaseImage::Image(reference) => lock.image(reference),
            };
            known.bases.extend(digest.map(|digest| (from.as_str(), digest)));
        }
        for operand in node.operands.keys() {
            known
                .operands
                .extend(images.get(&(platform, operand.as_str())).map(|digest| (operand.as_str(), *digest)));
        }
        let mut unknown = node.dependencies();
        unknown.retain(|component, _| !images.contains_key(&(platform, *component)));
        let digest = own.digest();
        let complete = known.bases.len() == node.bases.len() && known.operands.len() == node.operands.len();
        let pairs = |images: &BTreeMap<&'a str, Digest>| images.clone().into_iter();
        let key = complete.then(|| final_key(&digest, pairs(&known.bases), pairs(&known.operands)));
        let of = |component: &str, image: Option<Digest>| match inputs.get(component) {
            Some(inputs) => Some(WeakImage::Inputs(inputs.digest())),
            // One that is never built is its image.
            None => image.map(WeakImage::Image),
        };
        let bases = node.bases.iter().filter_map(|(from, base)| {
            let image = known.bases.get(from.as_str()).copied();
            let weak = match &base.image {
                BaseImage::Component(component) => of(component, image),
                BaseImage::Image(_) => image.map(WeakImage::Image),
            };
            Some((from.as_str(), weak?))
        });
        let operands = node.operands.keys().filter_map(|operand| {
            Some((operand.as_str(), of(operand, known.operands.get(operand.as_str()).copied())?))
        });
        let weak_keys = WeakKeys::new(digest, bases, operands);
        Some(Self { platform, name, node, inputs: own, digest, known, unknown, key, weak_keys, newest: None })
    }

    fn was_built_elsewhere(&self, builds: &dyn KnownBuilds) -> bool {
        Platform::ALL.into_iter().any(|platform| builds.last(platform, self.name).is_some())
    }

    /// `old` is an image of the same inputs on other bases.
    fn decide(
        &self,
        found: Option<Found>,
        old: Option<Newest>,
        builds: &dyn KnownBuilds,
        forced: bool,
    ) -> Planned {
        if let Some(newest) = self.newest.as_ref().filter(|_| !forced) {
            return self.reuse_newest(newest);
        }
        let rebase = old.and_then(|old| self.rebase(&old, builds));
        if let Some(Ok(rebased)) = rebase {
            return rebased;
        }
        let found = found.filter(|_| !forced);
        let last = builds.last(self.platform, self.name);
        let mut reasons = match (&found, &last) {
            _ if forced => vec![Reason::bare(ReasonCode::Forced)],
            (Some(Found { elsewhere: None, .. }), _) => vec![Reason::bare(ReasonCode::UpToDate)],
            (Some(Found { elsewhere: Some(place), .. }), _) => {
                vec![Reason::about(ReasonCode::FoundElsewhere, place)]
            }
            (None, None) if self.was_built_elsewhere(builds) => {
                vec![Reason::about(ReasonCode::PlatformAdded, self.platform.as_str())]
            }
            (None, None) => vec![Reason::bare(ReasonCode::NeverBuilt)],
            (None, Some(last)) => reason::changes(last, self.inputs, self.node, &self.known),
        };
        let action = if found.is_some() {
            Action::Reuse
        } else if self.unknown.is_empty() {
            // Nothing changed, and yet there is no image of this key.
            if reasons.is_empty() {
                reasons.push(Reason::bare(ReasonCode::ImageGone));
            }
            Action::Build
        } else if reasons.is_empty() {
            reasons = self.rebuilt();
            Action::Maybe
        } else {
            Action::Build
        };
        if let Some(Err(why)) = rebase {
            reasons.push(Reason::about(ReasonCode::NotRebased, &why));
        }
        if let (Action::Build, Some(failed)) = (action, builds.failed(self.platform, self.name)) {
            let at = usize::from(forced);
            reasons.insert(at, Reason::about(ReasonCode::LastBuildFailed, &failed.run));
        }
        Planned { image: found.map(|found| found.image), ..self.planned(action, reasons) }
    }

    /// Exchanges the base under an image, if that is all there is to do. The error says why it does not fit.
    fn rebase(&self, old: &Newest, builds: &dyn KnownBuilds) -> Option<Result<Planned, String>> {
        let swap = Swap::between(old, &self.known.bases, &self.known.operands, &self.node.swap)?;
        if let Err(why) = builds.rebase(self.name, old.image, &swap) {
            return Some(Err(why));
        }
        let last = LastBuild::of_newest(old, self.inputs, self.node);
        let reasons = reason::changes(&last, self.inputs, self.node, &self.known);
        Some(Ok(Planned { swap: Some(swap), ..self.planned(Action::Rebase, reasons) }))
    }

    /// Keeps the image that the policy allows, and says what it does not look at.
    fn reuse_newest(&self, newest: &Newest) -> Planned {
        let last = LastBuild::of_newest(newest, self.inputs, self.node);
        let mut reasons = reason::changes(&last, self.inputs, self.node, &self.known);
        reasons.extend(self.rebuilt());
        let mut held_back = self.node.policy.knob();
        if reasons.is_empty() {
            held_back = None;
            reasons.push(Reason::bare(ReasonCode::UpToDate));
        }
        let key = self.weak_keys.of(self.node.policy.rebuild);
        Planned { key, image: Some(newest.image), held_back, ..self.planned(Action::Reuse, reasons) }
    }

    fn planned(&self, action: Action, reasons: Vec<Reason>) -> Planned {
        Planned {
            component: self.name.to_owned(),
            platform: self.platform,
            action,
            reasons,
            held_back: None,
            swap: None,
            inputs: self.digest,
            key: self.key,
            image: None,
            depends_on: self
                .node
                .dependencies()
                .into_iter()
                .map(|(component, edge)| Dependency { component: component.to_owned(), edge })
                .collect(),
            same_repository: Vec::new(),
            prebuilt: None,
            inherited: None,
            labels: self.inputs.labels(),
            weak_keys: Some(self.weak_keys),
        }
    }

    /// What may come out new, by what it is to the component.
    fn rebuilt(&self) -> Vec<Reason> {
        let mut by_code: BTreeMap<ReasonCode, Vec<Change>> = BTreeMap::new();
        for (component, edge) in &self.unknown {
            let code = match edge {
                Edge::Base => ReasonCode::BaseRebuilt,
                Edge::Builder => ReasonCode::BuilderRebuilt,
                Edge::Operand => ReasonCode::OperandRebuilt,
            };
            by_code.entry(code).or_default().push(Change::named(component));
        }
        by_code.into_iter().map(|(code, changes)| Reason { code, changes }).collect()
    }
}

#[cfg(test)]
mod tests;
