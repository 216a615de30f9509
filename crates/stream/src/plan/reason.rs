//! Why something is built: what changed since the last time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::Digest;
use serde::Serialize;

use super::known::{Role, Used};
use super::{LastBuild, ReasonCode};
use crate::graph::Node;
use crate::key::{Input, Inputs};

/// One reason, with what changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind of reason.
    pub code: ReasonCode,
    /// What changed, or what it is about, where that says more than the code.
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

    fn new(name: impl Into<String>, from: Option<impl ToString>, to: Option<impl ToString>) -> Self {
        Self { name: name.into(), from: from.map(|v| v.to_string()), to: to.map(|v| v.to_string()) }
    }
}

impl Reason {
    /// A code that says it all.
    pub(super) fn bare(code: ReasonCode) -> Self {
        Self { code, changes: Vec::new() }
    }

    /// A code that is about one thing.
    pub(super) fn about(code: ReasonCode, name: &str) -> Self {
        Self { code, changes: vec![Change::named(name)] }
    }
}

/// The images that a component uses, as far as they are known before the run.
#[derive(Debug, Default)]
pub(super) struct KnownImages<'a> {
    /// Of its bases, by the name as it writes them.
    pub bases: BTreeMap<&'a str, Digest>,
    /// Of its operands, by component.
    pub operands: BTreeMap<&'a str, Digest>,
}

/// What differs between the last build and now: inputs, the names of bases and operands, and those of their digests that are
/// known before the run.
pub(super) fn changes(last: &LastBuild, now: &Inputs, node: &Node, known: &KnownImages<'_>) -> Vec<Reason> {
    if last.format != crate::key::FORMAT {
        let change = Change::new("", Some(last.format), Some(crate::key::FORMAT));
        return vec![Reason { code: ReasonCode::KeyFormatChanged, changes: vec![change] }];
    }
    let mut found = Changes::default();
    found.inputs(&last.inputs, now);
    found.bases(last, node, &known.bases);
    found.operands(last, node, &known.operands);
    found.0.into_iter().map(|(code, changes)| Reason { code, changes }).collect()
}

/// Changes by code; the order of codes is that of the reasons.
#[derive(Default)]
struct Changes(BTreeMap<ReasonCode, Vec<Change>>);

impl Changes {
    fn add(&mut self, code: ReasonCode, change: Change) {
        self.0.entry(code).or_default().push(change);
    }

    fn inputs(&mut self, last: &Inputs, now: &Inputs) {
        let moved = moved(last, now);
        if let Some(change) = &moved {
            self.add(ReasonCode::SourceChanged, change.clone());
        }
        let all: BTreeSet<&Input> = last.0.keys().chain(now.0.keys()).collect();
        for input in all {
            let (from, to) = (last.0.get(input), now.0.get(input));
            let of_source =
                matches!(input, Input::Commit | Input::Folder | Input::Source | Input::Containerfile);
            let said = moved.is_some() && of_source;
            if from != to && !said && !follows_from_source(input, last, now) {
                self.add(code(input), Change::new(input.name(), from, to));
            }
        }
    }

    fn bases(&mut self, last: &LastBuild, node: &Node, known: &BTreeMap<&str, Digest>) {
        let names: BTreeSet<&str> = last.bases.keys().chain(node.bases.keys()).map(String::as_str).collect();
        for name in names {
            let (from, to) = (last.bases.get(name), known.get(name));
            let base = node.bases.get(name);
            // A base that is built in this run may come out as it was.
            let undecided = from.is_some() && to.is_none() && base.is_some();
            // Other names in `from` have other images; which, it says itself.
            let said = self.0.contains_key(&ReasonCode::FromChanged) && (from.is_none() || base.is_none());
            if from.map(|used| &used.image) != to && !undecided && !said {
                let role = base.map(Role::of).or(from.map(|used| used.role));
                let code = match role {
                    Some(Role::Builder) => ReasonCode::BuilderChanged,
                    Some(Role::External) => ReasonCode::ExternalImageChanged,
                    Some(Role::Base) | None => ReasonCode::BaseChanged,
                };
                self.add(code, Change::new(name, from.map(|used: &Used| used.image), to));
            }
        }
    }

    fn operands(&mut self, last: &LastBuild, node: &Node, known: &BTreeMap<&str, Digest>) {
        let names: BTreeSet<&String> = last.operands.keys().chain(node.operands.keys()).collect();
        for name in names {
            let (from, to) = (last.operands.get(name), known.get(name.as_str()));
            let undecided = from.is_some() && to.is_none() && node.operands.contains_key(name);
            if from != to && !undecided {
                self.add(ReasonCode::OperandChanged, Change::new(name, from, to));
            }
        }
    }
}

fn code(input: &Input) -> ReasonCode {
    match input {
        Input::Commit => ReasonCode::CommitChanged,
        Input::Source | Input::Folder => ReasonCode::SourceChanged,
        Input::Patch(..) => ReasonCode::PatchesChanged,
        Input::Containerfile => ReasonCode::ContainerfileChanged,
        Input::Edit(_) => ReasonCode::EditsChanged,
        Input::From(_) => ReasonCode::FromChanged,
        Input::Arg(_) => ReasonCode::ArgsChanged,
        Input::Label(_) => ReasonCode::LabelsChanged,
        Input::Package(_) => ReasonCode::PackagesChanged,
        Input::Task => ReasonCode::TaskChanged,
        Input::Platform => ReasonCode::PlatformAdded,
        Input::Epoch => ReasonCode::EpochChanged,
    }
}

/// A source that was in git and is a folder now, or the other way.
fn moved(last: &Inputs, now: &Inputs) -> Option<Change> {
    let commit = |inputs: &Inputs| inputs.0.get(&Input::Commit).cloned();
    let tree = |inputs: &Inputs| inputs.0.get(&Input::Source).cloned();
    match (commit(last), tree(last), commit(now), tree(now)) {
        (from @ Some(_), None, None, to @ Some(_)) | (None, from @ Some(_), to @ Some(_), None) => {
            Some(Change::new("", from, to))
        }
        _ => None,
    }
}

/// The labels that name the source change with it; the changed source says so already.
fn follows_from_source(input: &Input, last: &Inputs, now: &Inputs) -> bool {
    let names_source = matches!(input, Input::Label(name) if name.starts_with("io.openshift.build."));
    let differs = |input: &Input| last.0.get(input) != now.0.get(input);
    names_source && [Input::Commit, Input::Source].iter().any(differs)
}

/// A value as people can read it: digests and commits cut to 12 digits, also digests behind a version; long texts to 40 characters.
fn short(value: &str) -> String {
    if let Some((before, digest)) = value.split_once("sha256:")
        && let Ok(digest) = Digest::from_hex(digest)
    {
        return format!("{before}{}", digest.short());
    }
    if value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return value[..12].to_owned();
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
            (Some(from), Some(to)) => write!(f, "{name}{space}{} → {}", short(from), short(to)),
            (None, Some(to)) => write!(f, "+{name}{space}{}", short(to)),
            (Some(from), None) => write!(f, "-{}", if name.is_empty() { short(from) } else { name.clone() }),
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
