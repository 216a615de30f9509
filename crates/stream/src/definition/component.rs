//! What builds one image.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Platform;

/// The file of components that name none.
pub const DEFAULT_CONTAINERFILE: &str = "Containerfile";

/// A component: one image, and usually one tag of the release payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// The Tekton task that builds the image, by its `metadata.name`: looked for in the stream's folder `tasks/`, then among the
    /// tasks that come with the program. Absent, it is the one of the pipeline's task `build`: `containerfile`, if nobody says
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Whether the image is a tag of the release payload. `false` for images that only others start from.
    #[serde(default = "default_true")]
    pub payload: bool,
    /// The tag in the payload; the component's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The platforms that it is for, of those of the stream; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub platforms: Option<BTreeSet<Platform>>,
    /// The component whose image has its tag in the payload of platforms that it is not for. Operators name all their images wherever they
    /// run; for those that never run on a platform OpenShift has the image `pod` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
    /// What the image is built from, or the image itself.
    pub source: Origin,
    /// Where the source of an image that is there already is: what a patch is applied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_from: Option<Git>,
    /// Patch files (unified diffs, `a/` and `b/` before their paths), below the stream's folder, applied to the source in this
    /// order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// The Containerfile, a path below the source; `Containerfile` if absent. Some tasks take none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containerfile: Option<String>,
    /// What the stages of the Containerfile start from: for each `FROM` that names an image from outside, in their order, a name
    /// of the table `bases`, which is written there instead of what the source says. With it a component from git is planned
    /// without its source, which is fetched only to be built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Texts of the Containerfile that are replaced, after the patches and in this order. A text that is not there is an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
    /// Distribution packages that the task installs. `stream.lock` keeps their exact versions and those of all that they need
    /// beyond what the base images bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Values for the `ARG`s of the Containerfile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Components whose images this one's names by their digests, as an operator names its operands. It is built after them, and
    /// again when one of them comes out new. Its task gets their digests; the shipped one offers each to the Containerfile, as
    /// `ARG OPERAND_NAME` in capitals with `_` for `-` and `.`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operands: Vec<String>,
    /// Labels of the image. The payload carries manifests only of images with `io.openshift.release.operator: "true"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The stream that it was inherited from, whose folder `source.path` is below; none for the stream's own.
    #[serde(skip)]
    pub inherited: Option<String>,
}

impl Component {
    /// A component of which nothing is said but its source.
    pub fn of(source: Origin) -> Self {
        Self {
            task: None,
            payload: true,
            tag: None,
            platforms: None,
            stand_in: None,
            source,
            built_from: None,
            patches: Vec::new(),
            containerfile: None,
            from: None,
            edits: Vec::new(),
            packages: Vec::new(),
            args: BTreeMap::new(),
            operands: Vec::new(),
            labels: BTreeMap::new(),
            inherited: None,
        }
    }

    /// The image on one platform (of [`Stream::on`](super::Stream::on)), when it is there already and nothing is built.
    pub fn prebuilt(&self) -> Option<&str> {
        if let Origin::Image(image) = &self.source { Some(image) } else { None }
    }

    /// Whether its images are there already.
    pub fn is_prebuilt(&self) -> bool {
        self.source.is_image()
    }

    /// Whether it is for `platform`, if the stream is.
    pub fn is_on(&self, platform: Platform) -> bool {
        self.platforms.as_ref().is_none_or(|only| only.contains(&platform))
    }

    /// Whether all that a plan needs is known without the source: it is from git, and says what it starts from.
    pub fn planned_without_source(&self) -> bool {
        matches!(self.source, Origin::Git(_)) && self.from.is_some()
    }

    /// Whether something is changed in a copy of the source before it is built.
    pub fn is_altered(&self) -> bool {
        !self.patches.is_empty() || !self.edits.is_empty() || self.from.is_some()
    }

    /// Where the Containerfile is looked for, below the source.
    pub fn containerfile_path(&self) -> &str {
        self.containerfile.as_deref().unwrap_or(DEFAULT_CONTAINERFILE)
    }

    /// The tag in the payload of the component called `name`; `None` when it is not in the payload.
    pub fn payload_tag<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.payload.then(|| self.tag.as_deref().unwrap_or(name))
    }
}

/// A patch file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Patch {
    /// Its path below the stream's folder.
    pub file: String,
    /// The stream whose folder that is; none for the stream's own.
    pub inherited: Option<String>,
}

impl From<String> for Patch {
    fn from(file: String) -> Self {
        Self { file, inherited: None }
    }
}

impl From<Patch> for String {
    fn from(patch: Patch) -> Self {
        patch.file
    }
}

/// A text that is replaced, wherever it stands in the Containerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edit {
    /// What the Containerfile says, exactly; it may have several lines.
    #[serde(rename = "match")]
    pub text: String,
    /// What it says then.
    pub with: String,
}

/// Where sources come from; exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Origin {
    /// A folder below the stream's folder.
    Path(String),
    /// A folder of a git repository, fetched with the git of the machine that builds.
    Git(Git),
    /// An image that is there already, by digest: `registry.example/okd/cli@sha256:…`. Nothing is built. It may be a list of
    /// images; then each platform takes its own.
    Image(String),
    /// Such an image for each platform, where there is no list of them.
    Images(BTreeMap<Platform, String>),
}

impl Origin {
    /// The images that it is, if any.
    pub fn images(&self) -> Vec<&str> {
        match self {
            Self::Image(image) => vec![image],
            Self::Images(images) => images.values().map(String::as_str).collect(),
            Self::Path(_) | Self::Git(_) => Vec::new(),
        }
    }

    /// Whether it is an image, or one for each platform.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::Image(_) | Self::Images(_))
    }
}

/// A folder of a git repository at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Git {
    /// The repository: `https://…`, `ssh://…` or `git@host:…`.
    pub url: String,
    /// Branch, tag or commit; `stream.lock` keeps the commit.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The folder in the repository; its root if absent.
    #[serde(default = "root_folder")]
    pub path: String,
}

fn default_true() -> bool {
    true
}

fn root_folder() -> String {
    ".".to_owned()
}
