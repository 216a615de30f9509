//! A catalog that knows resolvers.

use std::sync::Arc;

use tekton::catalog::Catalog;
use tekton::load::{Document, Object};
use tekton::prepare::{Definition, Definitions, NotFound};
use tekton::types::{Param, PipelineRef, PipelineSpec, StepActionSpec, StepRef, TaskRef, TaskSpec};

use crate::object::{self, Wanted};
use crate::problem::Problem;
use crate::remote::Remote;
use crate::source::Fetched;

/// The documents at hand, and behind them what resolvers fetch. The resolver `cluster` looks into the documents.
#[derive(Clone, Copy)]
pub struct Resolving<'a> {
    /// The documents at hand.
    pub catalog: &'a Catalog,
    /// Fetches the rest.
    pub remote: &'a Remote,
}

impl Resolving<'_> {
    /// The text and the object that a reference means.
    ///
    /// # Errors
    /// See [`Problem`].
    pub fn document(
        &self,
        wanted: Wanted,
        resolver: &str,
        params: &[Param],
    ) -> Result<(Arc<Fetched>, Document), Problem> {
        let fetched = self.remote.fetch(resolver, params, self.catalog)?;
        let document = object::read(&fetched, wanted)?;
        Ok((fetched, document))
    }

    fn found<T>(
        &self,
        wanted: Wanted,
        (resolver, params): (&str, &[Param]),
        spec: impl FnOnce(Object) -> Option<Definition<T>>,
    ) -> Result<Definition<T>, NotFound> {
        let failed = |problem: String| NotFound::Resolver { resolver: resolver.to_owned(), problem };
        let (fetched, document) =
            self.document(wanted, resolver, params).map_err(|e| failed(e.to_string()))?;
        let found = spec(document.object).ok_or_else(|| failed("it is of another kind".to_owned()))?;
        Ok(Definition { source: Some(fetched.source.clone()), ..found })
    }
}

/// Whether a reference is one that the documents at hand answer.
pub fn is_at_hand(resolver: &str) -> bool {
    matches!(resolver, "" | "cluster")
}

impl Definitions for Resolving<'_> {
    fn task(&self, reference: &TaskRef) -> Result<Definition<TaskSpec>, NotFound> {
        if is_at_hand(&reference.resolver) {
            return Definitions::task(self.catalog, reference);
        }
        self.found(Wanted::Task, (&reference.resolver, &reference.params), |object| match object {
            Object::Task(task) => Some(Definition { metadata: task.metadata, spec: task.spec, source: None }),
            _ => None,
        })
    }

    fn pipeline(&self, reference: &PipelineRef) -> Result<Definition<PipelineSpec>, NotFound> {
        if is_at_hand(&reference.resolver) {
            return Definitions::pipeline(self.catalog, reference);
        }
        self.found(Wanted::Pipeline, (&reference.resolver, &reference.params), |object| match object {
            Object::Pipeline(found) => {
                Some(Definition { metadata: found.metadata, spec: found.spec, source: None })
            }
            _ => None,
        })
    }

    fn step_action(&self, reference: &StepRef) -> Result<Definition<StepActionSpec>, NotFound> {
        if is_at_hand(&reference.resolver) {
            return Definitions::step_action(self.catalog, reference);
        }
        self.found(Wanted::StepAction, (&reference.resolver, &reference.params), |object| match object {
            Object::StepAction(found) => {
                Some(Definition { metadata: found.metadata, spec: found.spec, source: None })
            }
            _ => None,
        })
    }
}
