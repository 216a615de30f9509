//! The pipeline: what its template says, for this stream.

use base::{Diagnostic, Diagnostics};
use tekton::types::{
    ObjectMeta, ParamSpec, ParamType, Pipeline, PipelineResult, PipelineSpec, PipelineWorkspaceDeclaration,
};

use super::expand::Expansion;
use super::offer::Values;
use super::{Names, Request};
use crate::contract::{ASSEMBLE, VERDICT};
use crate::template::{Order, offered};

pub use super::offer::fetched_context;

/// The name of the pipeline's parameter that says where images are pushed.
pub const REPOSITORY: &str = "repository";
/// The name of the pipeline's parameter that allows a registry without TLS.
pub const INSECURE: &str = "insecure";
/// The name of the pipeline's parameter that says where else images are looked for by key.
pub const CACHES: &str = "caches";

/// Renders the pipeline.
///
/// # Errors
/// A component that is to be built whatever there is, with a task that cannot be told so; a template that is not whole.
pub(super) fn pipeline(request: Request<'_>, names: &Names) -> Result<Pipeline, Diagnostics> {
    let stream = &request.graphs.stream;
    let order = Order::new(stream.pipeline(), request.tasks).map_err(|cycle| {
        Diagnostic::error("pipeline-cycle", format!("the pipeline waits for itself: {}", cycle.join(" → ")))
    })?;
    let expansion = Expansion { values: Values { request, names }, order: &order };
    let (tasks, finally) = (expansion.graph(), expansion.finally());
    let workspace = |name: &str, description: &str, optional| PipelineWorkspaceDeclaration {
        name: name.to_owned(),
        description: description.to_owned(),
        optional,
    };
    let spec = PipelineSpec {
        description: format!("Builds, assembles and tests a release of the stream {}.", stream.name),
        params: vec![
            text_param(
                REPOSITORY,
                &stream.repository,
                "Where images are pushed, without a tag; one repository for each component below it.",
            ),
            text_param(INSECURE, "false", "\"true\" talks plain http to that registry."),
            ParamSpec {
                name: CACHES.to_owned(),
                r#type: Some(ParamType::Array),
                description: "Repositories of other streams, whose images are used when their keys are the ones wanted."
                    .to_owned(),
                default: Some(stream.caches.clone().into()),
                ..ParamSpec::default()
            },
        ],
        workspaces: vec![
            workspace("source", "The stream's folder; it is only read.", false),
            workspace("cache", "Keeps what tasks download, between runs.", true),
            workspace("evidence", "What the tests and the assembly leave behind.", false),
        ],
        tasks: tasks?,
        finally: finally?,
        results: results(request),
        ..PipelineSpec::default()
    };
    Ok(Pipeline::new(ObjectMeta::named(stream.name.as_str()), spec))
}

fn text_param(name: &str, default: &str, description: &str) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        r#type: Some(ParamType::String),
        description: description.to_owned(),
        default: Some(default.into()),
        ..ParamSpec::default()
    }
}

/// What the assembly and the verdict promise is what the pipeline promises.
fn results(request: Request<'_>) -> Vec<PipelineResult> {
    let template = request.graphs.stream.pipeline();
    let mut results: Vec<PipelineResult> = Vec::new();
    for (place, name) in [("tasks", ASSEMBLE), ("finally", VERDICT)] {
        let spec = template.task(name).and_then(|task| offered::spec(request.tasks, task));
        for result in spec.map_or(&[][..], |spec| &spec.results) {
            if result.kind() == ParamType::String && results.iter().all(|other| other.name != result.name) {
                results.push(PipelineResult {
                    name: result.name.clone(),
                    r#type: None,
                    description: result.description.clone(),
                    value: format!("$({place}.{name}.results.{})", result.name).into(),
                });
            }
        }
    }
    results
}
