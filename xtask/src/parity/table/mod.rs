//! Features with their level, what they do here and their tests.
//!
//! - `object`: kinds, versions, decoding
//! - `task`: tasks, steps, sidecars, step actions
//! - `pipeline`: pipelines and their tasks
//! - `run`: runs, workspaces, pods, status
//! - `behaviour`: what happens when it runs

mod behaviour;
mod object;
mod pipeline;
mod run;
mod task;

/// A part of the table.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// Its rows.
    pub rows: &'static [Row],
}

/// A feature.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// In Markdown.
    pub feature: &'static str,
    /// Tekton's own.
    pub level: Level,
    /// What it does here.
    pub ours: Ours,
    /// The fields of the API that the row is about: `Type.field` or `Type.*`.
    pub fields: &'static [&'static str],
    /// Tests that prove it: `FILE::NAME`, the file below `crates/` without its ending.
    pub tests: &'static [&'static str],
}

/// How stable a feature is, in Tekton's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Always on.
    Stable,
    /// On unless a cluster turns it off.
    Beta,
    /// Off unless a cluster turns it on. Here it is on.
    Alpha,
}

impl Level {
    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Beta => "beta",
            Self::Alpha => "alpha",
        }
    }
}

/// What a feature does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ours {
    /// The same as on a cluster.
    Works,
    /// Something else, and why.
    Differs(&'static str),
    /// It is accepted and has no effect, or is refused, because it makes no sense on one machine.
    NotHere(&'static str),
}

type Names = &'static [&'static str];

const fn works(feature: &'static str, level: Level, fields: Names, tests: Names) -> Row {
    Row { feature, level, ours: Ours::Works, fields, tests }
}

const fn differs(feature: &'static str, level: Level, how: &'static str, fields: Names, tests: Names) -> Row {
    Row { feature, level, ours: Ours::Differs(how), fields, tests }
}

const fn not_here(
    feature: &'static str,
    level: Level,
    why: &'static str,
    fields: Names,
    tests: Names,
) -> Row {
    Row { feature, level, ours: Ours::NotHere(why), fields, tests }
}

/// The whole table.
pub const SECTIONS: &[Section] = &[
    Section { title: "Objects", rows: object::ROWS },
    Section { title: "Tasks", rows: task::TASKS },
    Section { title: "Steps", rows: task::STEPS },
    Section { title: "Sidecars", rows: task::SIDECARS },
    Section { title: "Step actions", rows: task::STEP_ACTIONS },
    Section { title: "Pipelines", rows: pipeline::ROWS },
    Section { title: "Runs", rows: run::RUNS },
    Section { title: "Workspaces", rows: run::WORKSPACES },
    Section { title: "Pod templates", rows: run::PODS },
    Section { title: "Status", rows: run::STATUS },
    Section { title: "Behaviour", rows: behaviour::ROWS },
    Section { title: "Admission", rows: behaviour::ADMISSION },
];
