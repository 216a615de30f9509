//! A stream that is another one with a small difference.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{Component, Edit, Git, Origin, Patch};
use super::pipeline_operation::{InsertTask, MoveTask, RemoveTask, ReplaceTask, SetTask};
use super::test::Test;
use super::waiver::Waiver;
use super::{ApiVersion, Base, Kind, Platform, Rebuild, RebuildInherited, is_default};

/// An overlay: a stream that inherits everything from another one and says only what is different.
///
/// It is a folder with a file `stream.yaml` too. Overlays stack: `from` may name an overlay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Overlay")]
pub struct Overlay {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What the file is.
    pub kind: Kind,
    /// The stream's name; no stream below it may have the same.
    #[schemars(regex(pattern = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"))]
    pub name: String,
    /// What is inherited.
    pub from: Parent,
    /// What the stream is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The version that releases of this stream carry; inherited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the images run on, instead of what the stream below says; inherited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub platforms: Option<BTreeSet<Platform>>,
    /// Whether components are rebuilt because of what they start from: `transitive`, `direct` or `local`; inherited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<Rebuild>,
    /// Bases that may be exchanged under images that are there, instead of building these again; inherited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_rebase: Option<Vec<String>>,
    /// Which inherited components are built in this stream: `none`, `affected` (default) or `all`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rebuild_inherited: RebuildInherited,
    /// Where images are published. Never inherited: nobody publishes into the repository of others by accident.
    pub repository: String,
    /// Repositories of other streams whose images are used when their keys are the ones that are wanted, beside those of the
    /// streams below. Who can write there can put images into this stream's releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<String>,
    /// What is different, applied in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
}

/// What an overlay inherits; exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Parent {
    /// The folder of a stream, relative to this one's folder. The overlay follows it: what changes there changes here.
    Path(String),
    /// The folder of a stream in a git repository. `stream.lock` keeps the commit; `sw update STREAM from` moves it.
    Git(Git),
    /// A published release payload, by digest: every component is the image that the payload has.
    Payload(String),
}

/// One difference; exactly one of them. Each may say `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Operation {
    /// A component that the stream below does not have.
    Add(Add),
    /// A component is left out.
    Remove(Remove),
    /// A component is made from something else: another source, or an image that is there already.
    Replace(Replace),
    /// Patch files are applied to a component's source, after those of the streams below.
    Patch(PatchSource),
    /// A component stays at a commit, whatever the streams below do.
    Pin(Pin),
    /// Packages, arguments, labels, bases, operands, platforms or the task of a component are changed.
    Change(Change),
    /// A name in `FROM` means something else, or something at all.
    SetBase(SetBase),
    /// A test that the stream below does not have.
    AddTest(AddTest),
    /// A test is left out.
    RemoveTest(RemoveTest),
    /// A test blocks or informs, or may take another time.
    ChangeGate(ChangeGate),
    /// Fields of a task of the pipeline are changed.
    SetTask(SetTask),
    /// A task that the pipeline does not have.
    InsertTask(InsertTask),
    /// Another task in the place of one of the pipeline.
    ReplaceTask(ReplaceTask),
    /// A task is left out of the pipeline.
    RemoveTask(RemoveTask),
    /// A task of the pipeline runs earlier or later.
    MoveTask(MoveTask),
    /// A finding about the stream is known and no mistake.
    Waive(Waiver),
}

/// Adds a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Add {
    /// Its name.
    pub component: String,
    /// What it is.
    pub definition: Component,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Removes a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remove {
    /// Its name.
    pub component: String,
    /// Only on these platforms; on the others it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub platforms: Option<BTreeSet<Platform>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Makes a component from something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replace {
    /// Its name.
    pub component: String,
    /// What it is made from now; a `path` is below this overlay's folder.
    pub source: Origin,
    /// Its Containerfile, below the new source; as before if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containerfile: Option<String>,
    /// What its stages start from, when there are others than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Patches a component's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchSource {
    /// The component.
    pub component: String,
    /// Patch files (unified diffs, `a/` and `b/` before their paths), below this overlay's folder, in order.
    pub files: Vec<Patch>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Keeps a component at a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// The component; its source is from git.
    pub component: String,
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    /// The last day on which the pin is meant, as `2026-12-31`; after it, `sw` warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Changes how a component is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The component.
    pub component: String,
    /// Another task builds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Whether it is in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<bool>,
    /// Another tag in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The platforms that it is for, instead of those that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub platforms: Option<BTreeSet<Platform>>,
    /// The component whose image has its tag on platforms that it is not for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
    /// Another Containerfile, below the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containerfile: Option<String>,
    /// What its stages start from, instead of what they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Texts of the Containerfile that are replaced, instead of those that were; an empty list replaces none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<Vec<Edit>>,
    /// Components whose images its own names by digest, instead of those that it named; an empty list for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operands: Option<Vec<String>>,
    /// Packages that are installed too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_packages: Vec<String>,
    /// Packages that are asked for no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_packages: Vec<String>,
    /// Arguments that are set, instead of earlier ones of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Labels that are set, instead of earlier ones of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Says what a name in `FROM` means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetBase {
    /// The name or pattern, a key of the table `bases`.
    pub name: String,
    /// What it means.
    pub base: Base,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Adds a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddTest {
    /// Its name.
    pub test: String,
    /// What it is.
    pub definition: Test,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Removes a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveTest {
    /// Its name.
    pub test: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Changes what a test decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeGate {
    /// The test.
    pub test: String,
    /// Whether a failure rejects the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocking: Option<bool>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The last day on which the change is meant, as `2026-12-31`; after it, `sw` warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Operation {
    /// The word that it is written with: `remove`, `setBase`, …
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove(_) => "remove",
            Self::Replace(_) => "replace",
            Self::Patch(_) => "patch",
            Self::Pin(_) => "pin",
            Self::Change(_) => "change",
            Self::SetBase(_) => "setBase",
            Self::AddTest(_) => "addTest",
            Self::RemoveTest(_) => "removeTest",
            Self::ChangeGate(_) => "changeGate",
            Self::SetTask(_) => "setTask",
            Self::InsertTask(_) => "insertTask",
            Self::ReplaceTask(_) => "replaceTask",
            Self::RemoveTask(_) => "removeTask",
            Self::MoveTask(_) => "moveTask",
            Self::Waive(_) => "waive",
        }
    }

    /// The component, base, test, task of the pipeline or code that it is about.
    pub fn target(&self) -> &str {
        match self {
            Self::Add(Add { component, .. })
            | Self::Remove(Remove { component, .. })
            | Self::Replace(Replace { component, .. })
            | Self::Patch(PatchSource { component, .. })
            | Self::Pin(Pin { component, .. })
            | Self::Change(Change { component, .. }) => component,
            Self::SetBase(SetBase { name, .. }) => name,
            Self::AddTest(AddTest { test, .. })
            | Self::RemoveTest(RemoveTest { test, .. })
            | Self::ChangeGate(ChangeGate { test, .. }) => test,
            Self::SetTask(SetTask { task, .. })
            | Self::InsertTask(InsertTask { task, .. })
            | Self::ReplaceTask(ReplaceTask { task, .. })
            | Self::RemoveTask(RemoveTask { task, .. })
            | Self::MoveTask(MoveTask { task, .. }) => task,
            Self::Waive(Waiver { code, .. }) => code,
        }
    }

    /// Why, if it says so.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Add(Add { why, .. })
            | Self::Remove(Remove { why, .. })
            | Self::Replace(Replace { why, .. })
            | Self::Patch(PatchSource { why, .. })
            | Self::Pin(Pin { why, .. })
            | Self::Change(Change { why, .. })
            | Self::SetBase(SetBase { why, .. })
            | Self::AddTest(AddTest { why, .. })
            | Self::RemoveTest(RemoveTest { why, .. })
            | Self::ChangeGate(ChangeGate { why, .. })
            | Self::SetTask(SetTask { why, .. })
            | Self::InsertTask(InsertTask { why, .. })
            | Self::ReplaceTask(ReplaceTask { why, .. })
            | Self::RemoveTask(RemoveTask { why, .. })
            | Self::MoveTask(MoveTask { why, .. }) => why.as_deref(),
            Self::Waive(Waiver { why, .. }) => Some(why),
        }
    }

    /// The last day on which it is meant, as it is written.
    pub fn expires(&self) -> Option<&str> {
        match self {
            Self::Pin(Pin { expires, .. })
            | Self::ChangeGate(ChangeGate { expires, .. })
            | Self::Waive(Waiver { expires, .. }) => expires.as_deref(),
            _ => None,
        }
    }
}
