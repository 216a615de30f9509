//! Components whose image is there, found without a container.
//!
//! A component's task begins with `sw cache lookup`, and after a hit its other steps are off. In a build of 190 components of which
//! one changed, 189 containers would be made for one question each to a registry; the process of the build can ask it as well.

use std::path::Path;

use base::wildcard::matches;
use clap::Parser;
use engine::foreknown::{Foreknown, Known};
use tekton::prepare::PreparedTask;
use tekton::prepare::container::PreparedStep;
use tekton::prepare::paths;
use tekton::types::{ParamType, RunResult};

use super::cache_lookup::{Answer, answer};
use super::engine::is_own_image;
use crate::cli::{CacheCommand, Cli, Command, EngineArgs, LookupArgs};

/// Asks what the first step of a component's task would ask.
pub struct FoundAtOnce {
    /// Patterns of images that the command line exchanges: nothing is asked in place of what may do something else.
    exchanged: Vec<String>,
}

impl FoundAtOnce {
    /// For a run with these arguments.
    pub fn new(args: &EngineArgs) -> Self {
        Self { exchanged: args.images.iter().map(|(pattern, _)| pattern.clone()).collect() }
    }

    /// What the step asks, if it does nothing else.
    fn lookup_args(&self, first: &PreparedStep) -> Option<LookupArgs> {
        let step = &first.step;
        let exchanged = self.exchanged.iter().any(|pattern| matches(pattern, &step.image));
        if exchanged || first.script.is_some() || !step.when.is_empty() || !is_own_image(&step.image) {
            return None;
        }
        let words = step.command.iter().chain(step.args.iter().flatten());
        match Cli::try_parse_from(words).ok()?.command {
            Command::Cache(CacheCommand::Lookup(args)) => Some(args),
            _ => None,
        }
    }
}

impl Foreknown for FoundAtOnce {
    fn known(&self, task: &PreparedTask) -> Option<Known> {
        let (first, rest) = task.steps.split_first()?;
        let args = self.lookup_args(first)?;
        let hit = hit_result(first, &args)?;
        if !task.sidecars.is_empty() || !rest.iter().all(|step| is_off_after(step, &hit)) {
            return None;
        }
        // What went wrong is told by the step, which asks again.
        let answer = answer(&args).ok().filter(|answer| answer.hit)?;
        let results = task.results.iter().filter_map(|result| {
            let value = answer.written(Path::new(&paths::result(&result.name)))?;
            Some(RunResult {
                name: result.name.clone(),
                r#type: Some(ParamType::String),
                value: value.into(),
            })
        });
        let results = results.collect();
        let log = answer.said.join("\n");
        Some(Known { results, whence: "sw cache lookup", step: first.name.clone(), log })
    }
}

/// How later steps write whether there was a hit: `$(steps.NAME.results.RESULT)`.
fn hit_result(first: &PreparedStep, args: &LookupArgs) -> Option<String> {
    let file = args.hit_file.as_deref()?;
    let is_it = |name: &str| file == Path::new(&paths::step_result(&first.container, name));
    let result = first.step.results.iter().find(|result| is_it(&result.name))?;
    Some(format!("$(steps.{}.results.{})", first.name, result.name))
}

/// Whether the step does not run when `hit` is `true`.
fn is_off_after(step: &PreparedStep, hit: &str) -> bool {
    step.step.when.iter().any(|guard| {
        guard.cel.is_empty()
            && guard.input == hit
            && guard.operator == "notin"
            && guard.values.iter().any(|value| value == "true")
    })
}

impl Answer {
    /// What it writes into `file`.
    fn written(&self, file: &Path) -> Option<String> {
        let (_, text) = self.files.iter().find(|(path, _)| path == file)?;
        Some(text.clone())
    }
}
