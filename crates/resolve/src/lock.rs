//! The record of a vendored folder: what each definition was, where it came from, and the images that its steps run in.

use std::collections::BTreeMap;

use base::Digest;
use serde::Serialize;

/// The name of the record in its folder. It is no `.yaml`: what reads the folder leaves it alone.
pub const FILE: &str = "vendor.lock";

/// The first lines of the record.
pub const HEADER: &str = "\
# Written by `sw vendor`: where the definitions in this folder came from.
# To take newer ones, remove the folder and write it again.
";

/// The record of a vendored folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lock {
    /// What remote references meant, in the order in which they were met.
    pub definitions: Vec<Definition>,
    /// The images of all steps and sidecars.
    pub images: Vec<Image>,
}

/// What a remote reference meant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// `Task`, `Pipeline` or `StepAction`.
    pub kind: String,
    /// Its name in the folder.
    pub name: String,
    /// The file that holds it.
    pub file: String,
    /// SHA-256 of that file.
    pub content: Digest,
    /// The resolver that got it.
    pub resolver: String,
    /// The resolver's parameters, without passwords.
    pub params: BTreeMap<String, serde_json::Value>,
    /// The repository, address or bundle.
    pub uri: String,
    /// Digests by algorithm: of the commit, the text or the bundle.
    pub digest: BTreeMap<String, String>,
    /// The file or entry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entry_point: String,
}

/// An image that a step or sidecar runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// As it is written.
    pub name: String,
    /// The digest of its manifest; none when it is not known before the run, or nobody has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Why there is no digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
