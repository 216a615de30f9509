//! Pipelines and tasks before they run, as pictures.
//!
//! - [`text`]: for a terminal
//! - [`dot`]: for Graphviz
//! - [`mermaid`]: for pages that draw it, such as those of code hosts

pub mod dot;
pub mod mermaid;
pub mod text;

use serde::Serialize;
use tekton::outline::{Container, Edge, FanOut, Node, PipelineOutline, Runs, TaskOutline};

/// What is drawn.
#[derive(Debug, Serialize)]
#[serde(tag = "kind")]
pub enum Outline {
    /// A pipeline, of its own or of a run.
    Pipeline(PipelineOutline),
    /// A task, of its own or of a run.
    Task(TaskOutline),
}

/// The reasons of an edge in one line.
fn reasons(edge: &Edge) -> String {
    edge.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn fan_out(matrix: &FanOut) -> String {
    let runs = matrix.runs.map_or("as many runs as there are values".to_owned(), |n| match n {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    });
    format!("matrix {}: {runs}", matrix.params.join(" x "))
}

/// What a node says besides its name, but for its steps: reference, guards, fan-out, retries.
fn remarks(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    match &node.runs {
        Runs::Task { task: Some(task), .. } if *task != node.name => lines.push(format!("task {task}")),
        Runs::Task { .. } => {}
        Runs::Pipeline { pipeline, problem, .. } => {
            lines.push(pipeline.as_ref().map_or("a pipeline of its own".into(), |p| format!("pipeline {p}")));
            lines.extend(problem.as_ref().map(|problem| format!("unknown pipeline: {problem}")));
        }
        Runs::Custom { kind } => lines.push(format!("custom task {kind}")),
        Runs::Unknown { problem, .. } => lines.push(format!("unknown task: {problem}")),
    }
    lines.extend(node.when.iter().map(|guard| format!("when {guard}")));
    lines.extend(node.matrix.as_ref().map(fan_out));
    if node.retries > 0 {
        lines.push(format!("retries {}", node.retries));
    }
    lines
}

/// Steps and sidecars of a node; none of what cannot be looked into.
fn containers(node: &Node) -> (&[Container], &[Container]) {
    match &node.runs {
        Runs::Task { content, .. } => (&content.steps, &content.sidecars),
        _ => (&[], &[]),
    }
}

/// The pipeline that a node is.
fn inner(node: &Node) -> Option<&PipelineOutline> {
    match &node.runs {
        Runs::Pipeline { outline, .. } => outline.as_deref(),
        _ => None,
    }
}

/// The tasks with which a pipeline begins.
fn roots(outline: &PipelineOutline) -> &[String] {
    outline.levels.first().map_or(&[], Vec::as_slice)
}

/// The image of a container, else what it takes its image from. Of a digest twelve digits are enough to look at.
fn image(container: &Container) -> String {
    match (&container.action, container.image.is_empty()) {
        (Some(action), true) => format!("(step action {action})"),
        (None, true) => "(no image)".into(),
        _ => match container.image.split_once("@sha256:") {
            Some((name, hex)) if hex.is_ascii() && hex.len() > 12 => {
                format!("{name}@sha256:{}...", &hex[..12])
            }
            _ => container.image.clone(),
        },
    }
}

/// Names, as a label of some lines.
fn label(node: &Node) -> Vec<String> {
    let (steps, sidecars) = containers(node);
    let mut lines = vec![node.name.clone()];
    lines.extend(remarks(node));
    lines.extend(steps.iter().map(|s| format!("{}: {}", s.name, image(s))));
    lines.extend(sidecars.iter().map(|s| format!("sidecar {}: {}", s.name, image(s))));
    lines
}
