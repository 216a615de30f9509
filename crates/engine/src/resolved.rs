//! Definitions that came from elsewhere, noted in the journal: what a run was made of can be read from its record.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tekton::prepare::{Definition, Definitions, NotFound};
use tekton::types::{PipelineRef, PipelineSpec, StepActionSpec, StepRef, TaskRef, TaskSpec};

use crate::event::Happened;
use crate::journal::Journal;

/// Asks others, and notes once what a resolver got from where.
pub struct Noted<'a> {
    definitions: &'a (dyn Definitions + Sync),
    journal: Arc<Journal>,
    told: Mutex<HashSet<String>>,
}

impl<'a> Noted<'a> {
    /// Nothing is noted yet.
    pub fn new(definitions: &'a (dyn Definitions + Sync), journal: Arc<Journal>) -> Self {
        Self { definitions, journal, told: Mutex::default() }
    }

    fn note<T>(&self, kind: &str, found: Definition<T>) -> Definition<T> {
        let Some(source) = &found.source else { return found };
        let what = format!("{kind} {} {source:?}", found.metadata.name);
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            self.journal.record(Happened::Resolved {
                kind: kind.to_owned(),
                name: found.metadata.name.clone(),
                uri: source.uri.clone(),
                digest: source.digest.clone(),
                entry_point: source.entry_point.clone(),
            });
        }
        found
    }
}

impl Definitions for Noted<'_> {
    fn task(&self, reference: &TaskRef) -> Result<Definition<TaskSpec>, NotFound> {
        self.definitions.task(reference).map(|found| self.note("Task", found))
    }

    fn pipeline(&self, reference: &PipelineRef) -> Result<Definition<PipelineSpec>, NotFound> {
        self.definitions.pipeline(reference).map(|found| self.note("Pipeline", found))
    }

    fn step_action(&self, reference: &StepRef) -> Result<Definition<StepActionSpec>, NotFound> {
        self.definitions.step_action(reference).map(|found| self.note("StepAction", found))
    }
}
