//! Why something is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::Digest;
use serde::Serialize;

use super::LastBuild;
use crate::graph::Base;
use crate::key::{Input, Inputs};

/// Reason codes; stable, for filters and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// It was asked for.
    Forced,
    /// No build of the component is known.
    NeverBuilt,
    /// The files that it is built from changed.
    SourceChanged,
    /// Its Containerfile changed.
    ContainerfileChanged,
    /// Build arguments changed.
    ArgsChanged,
    /// Labels changed.
    LabelsChanged,
    /// Packages or their versions changed.
    PackagesChanged,
    /// The task that builds it changed.
    TaskChanged,
    /// Operating system or processor changed.
    PlatformChanged,
    /// The time that images pretend to be made at changed.
    EpochChanged,
    /// An image that it starts from is another one than the last time.
    BaseChanged,
    /// A component that it starts from is built in this run. If that comes out as it was, this one is reused.
    BaseRebuilt,
    /// Nothing changed since the last build, but its image is no longer there.
    ImageGone,
}

impl ReasonCode {
    /// All codes, in the order in which a plan gives them.
    pub const ALL: [Self; 13] = [
        Self::Forced,
        Self::NeverBuilt,
        Self::SourceChanged,
        Self::ContainerfileChanged,
        Self::ArgsChanged,
        Self::LabelsChanged,
        Self::PackagesChanged,
        Self::TaskChanged,
        Self::PlatformChanged,
        Self::EpochChanged,
        Self::BaseChanged,
        Self::BaseRebuilt,
        Self::ImageGone,
    ];

    /// As it is written: `source-changed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::NeverBuilt => "never-built",
            Self::SourceChanged => "source-changed",
            Self::ContainerfileChanged => "containerfile-changed",
            Self::ArgsChanged => "args-changed",
            Self::LabelsChanged => "labels-changed",
            Self::PackagesChanged => "packages-changed",
            Self::TaskChanged => "task-changed",
            Self::PlatformChanged => "platform-changed",
            Self::EpochChanged => "epoch-changed",
            Self::BaseChanged => "base-changed",
            Self::BaseRebuilt => "base-rebuilt",
            Self::ImageGone => "image-gone",
        }
    }

    /// A sentence for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Forced => "It was asked for on the command line.",
            Self::NeverBuilt => "No build of the component is known.",
            Self::SourceChanged => "The files that it is built from changed.",
            Self::ContainerfileChanged => "Its Containerfile changed.",
            Self::ArgsChanged => "Its build arguments changed.",
            Self::LabelsChanged => "Its labels changed.",
            Self::PackagesChanged => "Its packages, or their versions, changed.",
            Self::TaskChanged => "The task that builds it changed, or another task builds it now.",
            Self::PlatformChanged => "The platform of the stream changed.",
            Self::EpochChanged => "The time that images pretend to be made at changed.",
            Self::BaseChanged => "An image that it starts from is another one than the last time.",
            Self::BaseRebuilt => {
                "A component that it starts from is built in this run. If that comes out as it was, this one is reused."
            }
            Self::ImageGone => "Nothing changed since the last build, but its image is no longer there.",
        }
    }

    fn of(input: &Input) -> Self {
        match input {
            Input::Source => Self::SourceChanged,
            Input::Containerfile => Self::ContainerfileChanged,
            Input::Task => Self::TaskChanged,
            Input::Platform => Self::PlatformChanged,
            Input::Epoch => Self::EpochChanged,
            Input::Arg(_) => Self::ArgsChanged,
            Input::Label(_) => Self::LabelsChanged,
            Input::Package(_) => Self::PackagesChanged,
        }
    }
}

/// One reason, with what changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind of reason.
    pub code: ReasonCode,
    /// What changed, where that says more than the code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name; empty where the code says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it was; absent for something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is; absent for something gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Change {
    /// A name alone.
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), from: None, to: None }
    }
}

impl Reason {
    /// A code that says it all.
    pub(super) fn bare(code: ReasonCode) -> Self {
        Self { code, changes: Vec::new() }
    }
}

/// What differs between the last build and now: inputs, the names of bases, and the digests of those bases that are known before
/// the run.
pub(super) fn changes(
    last: &LastBuild,
    now: &Inputs,
    names: &BTreeMap<String, Base>,
    known: &BTreeMap<&str, Digest>,
) -> Vec<Reason> {
    let mut by_code: BTreeMap<ReasonCode, Vec<Change>> = BTreeMap::new();
    let inputs: BTreeSet<&Input> = last.inputs.0.keys().chain(now.0.keys()).collect();
    for input in inputs {
        let (from, to) = (last.inputs.0.get(input), now.0.get(input));
        if from != to && !follows_from_source(input, last, now) {
            let name = match input {
                Input::Arg(name) | Input::Label(name) | Input::Package(name) => name.clone(),
                _ => String::new(),
            };
            let change = Change { name, from: from.map(|v| short(v)), to: to.map(|v| short(v)) };
            by_code.entry(ReasonCode::of(input)).or_default().push(change);
        }
    }
    let bases: BTreeSet<&str> = last.bases.keys().chain(names.keys()).map(String::as_str).collect();
    for name in bases {
        let from = last.bases.get(name);
        let to = known.get(name);
        // A base that is built in this run may come out as it was.
        let undecided = from.is_some() && to.is_none() && names.contains_key(name);
        if from != to && !undecided {
            let change =
                Change { name: name.to_owned(), from: from.map(Digest::short), to: to.map(Digest::short) };
            by_code.entry(ReasonCode::BaseChanged).or_default().push(change);
        }
    }
    by_code.into_iter().map(|(code, changes)| Reason { code, changes }).collect()
}

/// The labels that name the source change with it; the changed source says so already.
fn follows_from_source(input: &Input, last: &LastBuild, now: &Inputs) -> bool {
    let names_source = matches!(input, Input::Label(name) if name.starts_with("io.openshift.build."));
    names_source && last.inputs.0.get(&Input::Source) != now.0.get(&Input::Source)
}

/// A value as people can read it: digests cut to 12 digits, also those behind a version; long texts to 40 characters.
fn short(value: &str) -> String {
    if let Some((before, digest)) = value.split_once("sha256:")
        && let Ok(digest) = Digest::from_hex(digest)
    {
        return format!("{before}{}", digest.short());
    }
    match value.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

impl fmt::Display for Change {
    /// `name from → to`, `+name to` for something new, `-name` for something gone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        let space = if name.is_empty() { "" } else { " " };
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{name}{space}{from} → {to}"),
            (None, Some(to)) => write!(f, "+{name}{space}{to}"),
            (Some(_), None) => write!(f, "-{name}"),
            (None, None) => f.write_str(name),
        }
    }
}

/// The most changes that a reason shows as text; all are in the JSON.
const SHOWN: usize = 3;

impl fmt::Display for Reason {
    /// `code: change, change and 4 more`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        if self.changes.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = self.changes.iter().take(SHOWN).map(ToString::to_string).collect();
        write!(f, ": {}", shown.join(", "))?;
        match self.changes.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
