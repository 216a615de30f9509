//! Where referenced tasks, pipelines and step actions come from.

use thiserror::Error;

use crate::catalog::Catalog;
use crate::types::core::meta::ObjectMeta;
use crate::types::status::RefSource;
use crate::types::{Param, PipelineRef, PipelineSpec, StepActionSpec, StepRef, TaskRef, TaskSpec};

/// Finds what a reference means. The engine may wrap a catalog with one that asks remote resolvers (§2.27).
pub trait Definitions {
    /// The task that the reference names.
    ///
    /// # Errors
    /// There is none, or the resolver failed.
    fn task(&self, reference: &TaskRef) -> Result<Definition<TaskSpec>, NotFound>;

    /// The pipeline that the reference names.
    ///
    /// # Errors
    /// There is none, or the resolver failed.
    fn pipeline(&self, reference: &PipelineRef) -> Result<Definition<PipelineSpec>, NotFound>;

    /// The step action that the reference names.
    ///
    /// # Errors
    /// There is none, or the resolver failed.
    fn step_action(&self, reference: &StepRef) -> Result<Definition<StepActionSpec>, NotFound>;
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition<T> {
    /// Its name, labels and annotations.
    pub metadata: ObjectMeta,
    /// What it says.
    pub spec: T,
    /// Where a resolver got it; none for the documents at hand.
    pub source: Option<RefSource>,
}

/// A reference that leads nowhere; worded as the API server does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotFound {
    /// No object of that name.
    #[error("{resource} {name:?} not found")]
    Name {
        /// `tasks.tekton.dev`, `pipelines.tekton.dev`, `stepactions.tekton.dev`.
        resource: &'static str,
        /// The name that was asked for.
        name: String,
    },
    /// A resolver that is not there or did not find it.
    #[error("resolver {resolver:?}: {problem}")]
    Resolver {
        /// Its name.
        resolver: String,
        /// What went wrong.
        problem: String,
    },
}

/// The documents at hand; the `cluster` resolver looks there too, other resolvers are refused.
impl Definitions for Catalog {
    fn task(&self, reference: &TaskRef) -> Result<Definition<TaskSpec>, NotFound> {
        let name = local_name(&reference.name, &reference.resolver, &reference.params, "task")?;
        let task = Catalog::task(self, &name).ok_or(NotFound::Name { resource: "tasks.tekton.dev", name })?;
        Ok(Definition { metadata: task.metadata.clone(), spec: task.spec.clone(), source: None })
    }

    fn pipeline(&self, reference: &PipelineRef) -> Result<Definition<PipelineSpec>, NotFound> {
        let name = local_name(&reference.name, &reference.resolver, &reference.params, "pipeline")?;
        let found = Catalog::pipeline(self, &name)
            .ok_or(NotFound::Name { resource: "pipelines.tekton.dev", name })?;
        Ok(Definition { metadata: found.metadata.clone(), spec: found.spec.clone(), source: None })
    }

    fn step_action(&self, reference: &StepRef) -> Result<Definition<StepActionSpec>, NotFound> {
        let name = local_name(&reference.name, &reference.resolver, &reference.params, "stepaction")?;
        let found = Catalog::step_action(self, &name)
            .ok_or(NotFound::Name { resource: "stepactions.tekton.dev", name })?;
        Ok(Definition { metadata: found.metadata.clone(), spec: found.spec.clone(), source: None })
    }
}

fn local_name(name: &str, resolver: &str, params: &[Param], kind: &str) -> Result<String, NotFound> {
    let param = |wanted: &str| {
        params.iter().find(|p| p.name == wanted).and_then(|p| p.value.as_str()).unwrap_or_default()
    };
    match resolver {
        "" => Ok(name.to_owned()),
        "cluster" if matches!(param("kind"), "" | "task" | "pipeline" | "stepaction") => {
            let asked = param("kind");
            if asked.is_empty() || asked == kind {
                return Ok(param("name").to_owned());
            }
            let problem = format!("asked for a {asked} where a {kind} is needed");
            Err(NotFound::Resolver { resolver: resolver.to_owned(), problem })
        }
        other => Err(NotFound::Resolver {
            resolver: other.to_owned(),
            problem: "not available here; add the object to the files that are run and refer to it by name"
                .into(),
        }),
    }
}
