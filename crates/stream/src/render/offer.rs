//! What a stream offers its tasks, as values of parameters.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use tekton::types::ParamValue;

use super::names::on_platform;
use super::pins::{self, PINS};
use super::pipeline::{CACHES, INSECURE, REPOSITORY};
use super::{Names, Request};
use crate::contract::{ASSEMBLE, IMAGE_RESULT};
use crate::definition::component::Component;
use crate::definition::{Origin, Platform, Test};
use crate::graph::{BaseImage, Graph, Node};
use crate::key::policy::Whence;
use crate::plan::{Planned, ReasonCode};
use crate::source::folder::lies_here;

/// Parameters by name.
pub(super) type Offer = Vec<(String, ParamValue)>;

/// The values of one stream.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub request: Request<'a>,
    pub names: &'a Names,
}

impl Values<'_> {
    /// `$(tasks.NAME.results.image)` of the task that builds `component` for a platform; the image itself when it is there already.
    fn image_of(&self, platform: Platform, component: &str) -> String {
        let graph = self.request.graphs.on(platform);
        let definition = graph.and_then(|graph| graph.stream.components.get(component));
        if let Some(image) = definition.and_then(Component::prebuilt) {
            return image.to_owned();
        }
        format!("$(tasks.{}.results.{IMAGE_RESULT})", self.names.component(component, platform))
    }

    /// What a task is offered that is done for a component; none for an image that is there already.
    pub fn component(&self, platform: Platform, name: &str) -> Option<Offer> {
        let Request { graphs, lock, plan, .. } = self.request;
        let graph = graphs.on(platform)?;
        let (component, node) = graph.stream.components.get(name).zip(graph.nodes.get(name))?;
        let planned = plan.on(platform, name)?;
        let context = match &component.source {
            Origin::Path(path) if lies_here(component) => path.clone(),
            Origin::Path(_) | Origin::Git(_) => fetched_context(name),
            Origin::Image(_) | Origin::Images(_) => return None,
        };
        let pins: Vec<String> = lock.pins(platform, name).iter().map(ToString::to_string).collect();
        let caches = match node.policy.whence {
            Whence::Own => Vec::new(),
            Whence::Anywhere | Whence::OthersFirst => vec![format!("$(params.{CACHES}[*])")],
        };
        let mut offered: Offer = vec![
            own("component", name),
            own("context", context),
            own("repository", format!("$(params.{REPOSITORY})/{name}")),
            own(CACHES, caches),
            own("rebuild", node.policy.as_str()),
            own("keys", weak_keys(planned)),
            own("swap", node.swap.clone()),
            own("inputs", planned.inputs.to_string()),
            own("bases", self.bases(platform, node)),
            own("operands", self.operands(platform, node)),
            own("args", pairs(&component.args)),
            own("labels", pairs(&planned.labels)),
            own("packages", pins),
            own("epoch", lock.epoch.to_string()),
            own("platform", graph.platform.as_str()),
            own(INSECURE, reference(INSECURE)),
            own("image", self.image_of(platform, name)),
        ];
        offered.extend(
            pins::name(self.request, self.names, (platform, name)).map(|config_map| own(PINS, config_map)),
        );
        if node.containerfile.is_some() || component.from.is_some() {
            offered.push(own("containerfile", component.containerfile_path()));
        }
        if is_forced(planned) {
            offered.push(own("force", "true"));
        }
        Some(offered)
    }

    fn bases(&self, platform: Platform, node: &Node) -> Vec<String> {
        let image = |image: &BaseImage| match image {
            BaseImage::Component(component) => self.image_of(platform, component),
            BaseImage::Image(reference) => match self.request.lock.image(reference) {
                Some(digest) => with_digest(reference, &digest),
                None => reference.clone(),
            },
        };
        node.bases.iter().map(|(name, base)| format!("{name}={}", image(&base.image))).collect()
    }

    fn operands(&self, platform: Platform, node: &Node) -> Vec<String> {
        node.operands.keys().map(|name| format!("{name}={}", self.image_of(platform, name))).collect()
    }

    /// What a task is offered that is done for a test.
    pub fn test(&self, platform: Platform, name: &str, test: &Test) -> Offer {
        let image = |(param, component): (&String, &String)| own(param, self.image_of(platform, component));
        let mut offered: Offer = test.images.iter().map(image).collect();
        offered.extend(test.params.iter().map(|(param, value)| own(param, value.as_str())));
        let set = |param: &str| test.images.contains_key(param) || test.params.contains_key(param);
        let more = [
            // What it leaves behind is kept under this name.
            own("test", on_platform(self.request.graphs, name, platform)),
            own("release", release()),
            own("platform", platform.as_str()),
            own(INSECURE, reference(INSECURE)),
        ];
        // The stream file may give a parameter of one of these names another value.
        offered.extend(more.into_iter().filter(|(param, _)| !set(param)));
        offered
    }

    /// What a task is offered that is done once.
    pub fn once(&self) -> Offer {
        let Request { graphs, lock, .. } = self.request;
        let stream = &graphs.stream;
        let tagged = |graph: &'_ Graph| {
            let image = |(tag, component)| format!("{tag}={}", self.image_of(graph.platform, component));
            graph.payload().into_iter().map(image).collect::<Vec<_>>()
        };
        // A list that is there already is the image of every platform.
        let images: BTreeSet<String> = graphs.iter().flat_map(tagged).collect();
        let base =
            stream.components.get(&stream.release_base).and_then(|c| c.payload_tag(&stream.release_base));
        let mut outcomes: Vec<String> = Vec::new();
        for graph in graphs.iter() {
            outcomes.extend(graph.stream.tests.iter().map(|(name, test)| {
                let weight = if test.blocking { "blocking" } else { "informing" };
                let (task, name) =
                    (self.names.test(name, graph.platform), on_platform(graphs, name, graph.platform));
                format!("{name}=$(tasks.{task}.status):{weight}")
            }));
        }
        let platforms: Vec<String> = stream.platforms.iter().map(ToString::to_string).collect();
        vec![
            own("images", Vec::from_iter(images)),
            own("stream", stream.name.as_str()),
            own("version", stream.version.as_str()),
            own("base", base.unwrap_or(&stream.release_base)),
            own(REPOSITORY, reference(REPOSITORY)),
            own("published", stream.repository.as_str()),
            own("epoch", lock.epoch.to_string()),
            own("platforms", platforms),
            own(INSECURE, reference(INSECURE)),
            own("release", release()),
            own("outcomes", outcomes),
        ]
    }
}

fn own(name: &str, value: impl Into<ParamValue>) -> (String, ParamValue) {
    (name.to_owned(), value.into())
}

fn release() -> ParamValue {
    format!("$(tasks.{ASSEMBLE}.results.{IMAGE_RESULT})").into()
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<String> {
    map.iter().map(|(k, v)| format!("{k}={v}")).collect()
}

/// Where the workspace `source` has the source of a component that does not lie in the stream's own folder; whoever fills the
/// workspace puts it there.
pub fn fetched_context(component: &str) -> String {
    format!(".sources/{component}")
}

/// `direct=DIGEST` and `local=DIGEST`.
fn weak_keys(planned: &Planned) -> Vec<String> {
    let keys = planned.weak_keys.map(|keys| [("direct", keys.direct), ("local", keys.local)]);
    keys.into_iter().flatten().map(|(policy, key)| format!("{policy}={key}")).collect()
}

pub(super) fn is_forced(planned: &Planned) -> bool {
    planned.reasons.iter().any(|reason| reason.code == ReasonCode::Forced)
}

/// The pipeline's parameter `name`.
fn reference(name: &str) -> ParamValue {
    format!("$(params.{name})").into()
}

/// The image of a reference at `digest`: without the tag.
fn with_digest(reference: &str, digest: &Digest) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let repository = name[last..].find(':').map_or(name, |colon| &name[..last + colon]);
    format!("{repository}@{digest}")
}
