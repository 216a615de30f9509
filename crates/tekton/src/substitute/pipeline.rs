//! Which fields of a pipeline task are substituted, and which of them may refer to results.

use crate::types::{PipelineTask, TaskSpec};

use super::Replacements;
use super::walk::{self, Keys, Replace, Visit};

/// Walks the fields of a pipeline task itself: params, matrix, guards, workspaces, reference, onError, display name
/// (§2.16). Its inline task is another matter ([`replace`]).
pub fn fields(task: &mut PipelineTask, visit: &mut impl Visit) {
    walk::params(&mut task.params, visit);
    match &mut task.matrix {
        Some(matrix) => {
            walk::params(&mut matrix.params, visit);
            matrix.include.iter_mut().for_each(|i| walk::params(&mut i.params, visit));
        }
        // With a matrix the name may contain the params of each child; they are known only then (§2.23).
        None => visit.text(&mut task.display_name),
    }
    task.workspaces.iter_mut().for_each(|w| visit.text(&mut w.sub_path));
    task.when.iter_mut().for_each(|g| visit.guard(g));
    if let Some(reference) = &mut task.task_ref {
        visit.text(&mut reference.name);
        walk::params(&mut reference.params, visit);
    }
    if let Some(reference) = &mut task.pipeline_ref {
        visit.text(&mut reference.name);
        walk::params(&mut reference.params, visit);
    }
    visit.text(&mut task.on_error);
}

/// Replaces in the fields of a pipeline task and, with inner params taking precedence, in its inline task (§2.17).
pub fn replace(task: &mut PipelineTask, table: &Replacements) {
    fields(task, &mut Replace(table));
    propagate(task, table);
}

/// Replaces in the inline task what it refers to without declaring it; the pipeline task's own params win over outer
/// ones of the same name (§2.17).
fn propagate(task: &mut PipelineTask, table: &Replacements) {
    let Some(embedded) = task.task_spec.as_mut().filter(|t| !t.is_custom()) else { return };
    let shadowed: Vec<_> =
        task.params.iter().filter(|p| table.knows(&format!("params.{}", p.name))).collect();
    if shadowed.is_empty() {
        walk::replace(&mut embedded.task, table);
    } else {
        let mut inner = table.clone();
        inner.params(shadowed);
        walk::replace(&mut embedded.task, &inner);
    }
}

/// The keys of all references in the places where a reference to a result orders the tasks: params, matrix, guards,
/// workspaces, reference, and steps and sidecars of an inline task (§2.18).
pub fn keys(task: &PipelineTask) -> Vec<String> {
    let mut keys = Keys::default();
    fields(&mut task.clone(), &mut keys);
    if let Some(inline) = task.inline() {
        inline_fields(&mut inline.clone(), &mut keys);
    }
    keys.0
}

/// Name, image, pull policy, script, working directory, command, args and env of steps and sidecars; a reference
/// elsewhere in an inline task orders nothing.
fn inline_fields(task: &mut TaskSpec, visit: &mut impl Visit) {
    for step in &mut task.steps {
        walk::params(&mut step.params, visit);
        step.when.iter_mut().for_each(|g| visit.guard(g));
        for text in [
            &mut step.name,
            &mut step.image,
            &mut step.image_pull_policy,
            &mut step.script,
            &mut step.working_dir,
        ] {
            visit.text(text);
        }
        visit.list(&mut step.command);
        visit.list(step.args.get_or_insert_default());
        step.env.iter_mut().for_each(|e| visit.text(&mut e.value));
    }
    for sidecar in &mut task.sidecars {
        for text in [
            &mut sidecar.name,
            &mut sidecar.image,
            &mut sidecar.image_pull_policy,
            &mut sidecar.script,
            &mut sidecar.working_dir,
        ] {
            visit.text(text);
        }
        visit.list(&mut sidecar.command);
        visit.list(&mut sidecar.args);
        sidecar.env.iter_mut().for_each(|e| visit.text(&mut e.value));
    }
}
