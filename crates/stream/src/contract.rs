//! What tasks get and give: the contract between a stream and the Tekton tasks that it names.
//!
//! A task declares what it wants of this; only that is passed.

use tekton::types::ParamType;

/// A parameter that a task may declare.
#[derive(Debug, Clone, Copy)]
pub struct Offered {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ParamType,
    /// What it holds.
    pub meaning: &'static str,
}

const fn string(name: &'static str, meaning: &'static str) -> Offered {
    Offered { name, kind: ParamType::String, meaning }
}

const fn array(name: &'static str, meaning: &'static str) -> Offered {
    Offered { name, kind: ParamType::Array, meaning }
}

/// The task of the pipeline that builds each component.
pub const BUILD: &str = "build";

/// What a task that builds a component may declare.
pub const COMPONENT_PARAMS: [Offered; 19] = [
    string("component", "the component's name"),
    string("context", "the component's folder, below the workspace `source`"),
    string("containerfile", "the Containerfile, below the context"),
    string("repository", "where to push to: registry and path, without a tag"),
    array(
        "caches",
        "repositories of other streams whose images may be used when they have the key that is wanted; the component's are below \
         them, under its name",
    ),
    string("inputs", "the digest of all that is known before the run"),
    array(
        "bases",
        "what names in the Containerfile stand for, as they are written there, each `NAME=REPOSITORY@DIGEST`",
    ),
    array(
        "operands",
        "the components that the image names, each `NAME=REPOSITORY@DIGEST`; the digests are in the key, so nothing but the \
         digests may get into the image",
    ),
    array("args", "build arguments, each `NAME=VALUE`"),
    array("labels", "image labels, each `NAME=VALUE`"),
    array(
        "packages",
        "distribution packages, each `name=version=<sha256>`; good for few, as they are part of the pipeline",
    ),
    string(
        "pins",
        "instead of `packages`: a ConfigMap that has them under the key `packages`, one a line; absent if there are none",
    ),
    string("epoch", "SOURCE_DATE_EPOCH, in seconds"),
    string("platform", "operating system and processor, like linux/amd64"),
    string("insecure", "`true` for a registry without TLS"),
    string(
        "rebuild",
        "which image is used instead of a build: `transitive` for one of the same inputs and base digests, `direct`, `local`, or \
         `inherited` for that of the streams below",
    ),
    array(
        "keys",
        "the digests under which the image is found besides, each `direct=DIGEST` or `local=DIGEST`",
    ),
    array(
        "swap",
        "the names of bases that may be exchanged under an image that is there, instead of building it again",
    ),
    string("force", "`true` to build even if an image with this key is there"),
];

/// Workspaces that such a task may declare.
pub const COMPONENT_WORKSPACES: [&str; 2] = ["source", "cache"];

/// The result that such a task, and [`ASSEMBLE`], must give: the image that it pushed, as `REPOSITORY@DIGEST`.
pub const IMAGE_RESULT: &str = "image";

/// The task that makes the payload.
pub const ASSEMBLE: &str = "assemble";

/// What [`ASSEMBLE`] may declare. It names the release itself, from what it is made of.
pub const ASSEMBLE_PARAMS: [Offered; 9] = [
    array("images", "the payload's images, each `TAG=REPOSITORY@DIGEST`"),
    string("stream", "the stream's name"),
    string("version", "the stream's version, which the release's name begins with"),
    string("base", "the tag whose image is the base of the payload"),
    string(
        "repository",
        "where components were pushed to: registry and path; the payload goes to `release` below it",
    ),
    string("published", "where images are published; references in the payload start with it"),
    string("epoch", "SOURCE_DATE_EPOCH, in seconds"),
    array("platforms", "the platforms of the release, each operating system and processor, like linux/amd64"),
    string("insecure", "`true` for a registry without TLS"),
];

/// Where payloads go, below the stream's repository; no component can have this name.
pub const RELEASE_REPOSITORY: &str = "release";

/// The task that decides about the release.
pub const VERDICT: &str = "verdict";

/// What [`VERDICT`] may declare.
pub const VERDICT_PARAMS: [Offered; 3] = [
    string("release", "the release payload's image, REPOSITORY@DIGEST"),
    array("outcomes", "how the tests ended, each `TEST=STATUS:blocking` or `TEST=STATUS:informing`"),
    string("insecure", "`true` for a registry without TLS"),
];

/// What other tasks that are done for each component may declare beside what building takes, without `force`.
pub const IMAGE_PARAM: Offered = string("image", "the component's image, as it was built: REPOSITORY@DIGEST");

/// What other tasks that are done once may declare beside what [`ASSEMBLE`] may.
pub const RELEASE_PARAM: Offered = VERDICT_PARAMS[0];

/// The task of the pipeline that runs each test.
pub const TEST: &str = "test";

/// What a test may declare beside the parameters that the stream file sets.
pub const TEST_PARAMS: [Offered; 4] = [
    string("test", "the test's name"),
    string("release", "the release payload's image, REPOSITORY@DIGEST"),
    string("platform", "operating system and processor, like linux/amd64"),
    string("insecure", "`true` for a registry without TLS"),
];

/// Workspaces that [`ASSEMBLE`], [`VERDICT`] and tests may declare.
pub const EVIDENCE_WORKSPACES: [&str; 1] = ["evidence"];

/// The build argument that holds the digest of the operand `component`, as the shipped task offers it: `OPERAND_MY_ETCD`.
pub fn operand_argument(component: &str) -> String {
    format!("OPERAND_{}", component.to_uppercase().replace(['-', '.'], "_"))
}

/// Workspaces that tasks of other names in the pipeline may declare.
pub const ALL_WORKSPACES: [&str; 3] = ["source", "cache", "evidence"];

/// The offered parameter `name`.
pub fn offered<'a>(all: &'a [Offered], name: &str) -> Option<&'a Offered> {
    all.iter().find(|offered| offered.name == name)
}
