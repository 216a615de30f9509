//! The stream file: what it may say, and where it says it.
//!
//! The doc comments of these types are the reference that people read (`docs/reference/stream.md`) and editors show.
//!
//! - [`component`]: what builds one image
//! - [`test`]: what proves a release
//! - [`pipeline`]: what is done with all of it, and in which order
//! - [`rebuild`]: when components are rebuilt that nobody changed
//! - [`waiver`]: what is said about findings
//! - [`overlay`]: a stream that is another one with a small difference
//! - [`pipeline_operation`]: what an overlay changes in the pipeline
//! - [`platform`]: operating system and processor, and a stream on one of its platforms
//! - [`places`]: where in the text a field stands
//! - [`parse`](mod@parse): text to [`Definition`]

pub mod component;
pub mod overlay;
pub mod parse;
pub mod pipeline;
pub mod pipeline_operation;
pub mod places;
pub mod platform;
pub mod rebuild;
pub mod test;
pub mod waiver;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::BUILD;
use crate::overlay::History;

pub use self::component::{Component, Edit, Git, Origin, Patch};
pub use self::overlay::Overlay;
pub use self::parse::{File, OverlayDefinition, parse, parse_file};
pub use self::pipeline::{Each, PipelineTemplate, TemplateDefinition, TemplateTask};
pub use self::places::Places;
pub use self::platform::Platform;
pub use self::rebuild::{Rebuild, RebuildInherited};
pub use self::test::Test;
pub use self::waiver::Waiver;

/// A stream with the places of its fields.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What it is.
    pub stream: Stream,
    /// Where that is written.
    pub places: Places,
    /// How it came to be that; empty for a stream with no parent.
    pub history: History,
}

/// A stream: one configuration of a distribution, in a folder with a file `stream.yaml`.
///
/// It names what is built and tested, never how: the work is done by Tekton tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Stream")]
pub struct Stream {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What the file is.
    pub kind: Kind,
    /// The stream's name: lower-case letters, digits and `-`, at most 40 characters.
    #[schemars(regex(pattern = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"))]
    pub name: String,
    /// What the stream is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The version that releases of this stream carry, a semantic version. The name of a release is made of it, the stream's
    /// name, and a short digest of what it holds.
    pub version: String,
    /// Where images are published, without a tag: `registry.example/okd/mine`. References in the payload start with it.
    /// A build on one machine pushes to its own registry instead and needs no access to this one.
    pub repository: String,
    /// Repositories of other streams whose images are used when their keys are the ones that are wanted. An overlay has those of
    /// the streams below it. Who can write there can put images into this stream's releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<String>,
    /// What the images run on; `[linux/amd64]` if absent. With several, every component is built for each of them, and every
    /// tag of the payload is a list with an image for each.
    #[serde(default = "platform::default_platforms")]
    #[schemars(length(min = 1))]
    pub platforms: BTreeSet<Platform>,
    /// Whether components are rebuilt because of what they start from: `transitive` (default), `direct` or `local`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rebuild: Rebuild,
    /// Bases that may be exchanged under images that are there, instead of building these again: names in `FROM`, or patterns as in
    /// `bases`. A new base must have the same value of the label `streamwright.dev/abi` as the old one; a component that is such a base
    /// sets it in its `labels`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layer_rebase: Vec<String>,
    /// Which components that an overlay inherits are built in it; only an overlay says it, and only of itself.
    #[serde(skip)]
    pub rebuild_inherited: RebuildInherited,
    /// The component whose image is the base of the release payload. Clusters run the payload as this image.
    pub release_base: String,
    /// What the names in `FROM`, `COPY --from=` and `RUN --mount=from=` mean. The key is such a name, or a pattern in which `*`
    /// stands for anything but `/` and `**` for anything; an exact name wins over patterns, and among patterns the one with the
    /// most literal characters. A name with a digest (`…@sha256:…`) needs no entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bases: BTreeMap<String, Base>,
    /// What is built, by name. A component makes one image, pushed to `<repository>/<name>`.
    pub components: BTreeMap<String, Component>,
    /// What is tried on the images after the payload is assembled, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: BTreeMap<String, Test>,
    /// What is done with all of it, and in which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineTemplate>,
    /// [Findings](stream-lints.md) about this stream that are known and no mistake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
}

impl Stream {
    /// The pipeline: the stream's own, else the one that comes with the program.
    pub fn pipeline(&self) -> &PipelineTemplate {
        self.pipeline.as_ref().unwrap_or_else(|| &TemplateDefinition::shipped().template)
    }

    /// The name of the Tekton task that builds `component`: its own, else that of the pipeline's task `build`.
    pub fn task_of<'a>(&'a self, component: &'a Component) -> &'a str {
        let of_all = || self.pipeline().tasks.get(BUILD).and_then(TemplateTask::task_name);
        component.task.as_deref().or_else(of_all).unwrap_or_default()
    }
}

impl Definition {
    /// Gives the stream a pipeline that is written in a file of its own.
    pub fn set_pipeline(&mut self, template: &TemplateDefinition) {
        self.stream.pipeline = Some(template.template.clone());
        self.places.lay(&["pipeline"], &template.source, None, template.root.clone());
    }
}

/// Whether it need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first one; it may still change between releases of this program.
    #[serde(rename = "streamwright.dev/v1alpha1")]
    V1Alpha1,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A stream.
    Stream,
}

/// What a base name means; exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Base {
    /// The image of this component of the stream.
    Component(String),
    /// An image from a registry, with a tag (its digest is kept in `stream.lock`) or a digest.
    Image(String),
    /// Such an image for each platform, where there is no single name for all of them.
    Images(BTreeMap<Platform, String>),
}

impl Base {
    /// The image that it means on `platform`; none for a component, and for a platform that has no image.
    pub fn image(&self, platform: Platform) -> Option<&str> {
        match self {
            Self::Component(_) => None,
            Self::Image(image) => Some(image),
            Self::Images(images) => images.get(&platform).map(String::as_str),
        }
    }

    /// The images that it means on any platform.
    pub fn images(&self) -> Vec<&str> {
        match self {
            Self::Component(_) => Vec::new(),
            Self::Image(image) => vec![image],
            Self::Images(images) => images.values().map(String::as_str).collect(),
        }
    }
}
