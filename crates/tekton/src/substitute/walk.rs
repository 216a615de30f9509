//! Which fields of a task are substituted; one walk serves both replacing and looking.

use crate::types::core::env::{EnvFromSource, EnvVar};
use crate::types::core::volume::VolumeMount;
use crate::types::{Param, ParamValue, Sidecar, Step, StepTemplate, TaskSpec, WhenExpression};

use super::{Replacements, scan, volume};

/// What a walk does with the fields it meets.
pub trait Visit {
    /// A text.
    fn text(&mut self, text: &mut String);
    /// A list, in which a reference to an array may stand for many elements.
    fn list(&mut self, list: &mut Vec<String>);
    /// The value of a param.
    fn value(&mut self, value: &mut ParamValue);
    /// A guard.
    fn guard(&mut self, guard: &mut WhenExpression);
}

/// Replaces by a table.
#[derive(Debug)]
pub struct Replace<'a>(pub &'a Replacements);

impl Visit for Replace<'_> {
    fn text(&mut self, text: &mut String) {
        self.0.edit(text);
    }

    fn list(&mut self, list: &mut Vec<String>) {
        self.0.edit_list(list);
    }

    fn value(&mut self, value: &mut ParamValue) {
        *value = self.0.param_value(value);
    }

    fn guard(&mut self, guard: &mut WhenExpression) {
        match self.0.array(&guard.input) {
            // A whole array as input is looked for as its JSON text (§2.18).
            Some(items) => guard.input = ParamValue::Array(items.to_vec()).to_string(),
            None => self.0.edit(&mut guard.input),
        }
        self.0.edit_list(&mut guard.values);
        self.0.edit(&mut guard.cel);
    }
}

/// Collects the keys of all references.
#[derive(Debug, Default)]
pub struct Keys(pub Vec<String>);

impl Keys {
    fn look(&mut self, text: &str) {
        self.0.extend(scan::references(text).map(|r| r.key.to_owned()));
    }
}

impl Visit for Keys {
    fn text(&mut self, text: &mut String) {
        self.look(text);
    }

    fn list(&mut self, list: &mut Vec<String>) {
        list.iter().for_each(|text| self.look(text));
    }

    fn value(&mut self, value: &mut ParamValue) {
        value.texts().into_iter().for_each(|text| self.look(text));
    }

    fn guard(&mut self, guard: &mut WhenExpression) {
        self.look(&guard.input);
        self.look(&guard.cel);
        guard.values.iter().for_each(|text| self.look(text));
    }
}

/// Walks everything in a task that is substituted (§2.16, last paragraphs).
///
/// Not substituted: timeouts, resources, security contexts, ports, probes, and the defaults of params.
pub fn task(task: &mut TaskSpec, visit: &mut impl Visit) {
    task.steps.iter_mut().for_each(|s| step(s, visit));
    if let Some(t) = &mut task.step_template {
        template(t, visit);
    }
    task.volumes.iter_mut().for_each(|v| volume::volume(v, visit));
    task.workspaces.iter_mut().for_each(|w| visit.text(&mut w.mount_path));
    task.sidecars.iter_mut().for_each(|s| sidecar(s, visit));
}

/// Walks one step.
pub fn step(step: &mut Step, visit: &mut impl Visit) {
    params(&mut step.params, visit);
    for text in [&mut step.name, &mut step.display_name, &mut step.script, &mut step.on_error] {
        visit.text(text);
    }
    for config in [&mut step.stdout_config, &mut step.stderr_config].into_iter().flatten() {
        visit.text(&mut config.path);
    }
    step.when.iter_mut().for_each(|g| visit.guard(g));
    if let Some(reference) = &mut step.r#ref {
        params(&mut reference.params, visit);
    }
    for text in [&mut step.image, &mut step.image_pull_policy, &mut step.working_dir] {
        visit.text(text);
    }
    visit.list(&mut step.command);
    if let Some(args) = &mut step.args {
        visit.list(args);
    }
    environment(&mut step.env, &mut step.env_from, visit);
    mounts(&mut step.volume_mounts, visit);
}

/// Walks a sidecar.
pub fn sidecar(sidecar: &mut Sidecar, visit: &mut impl Visit) {
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
    environment(&mut sidecar.env, &mut sidecar.env_from, visit);
    mounts(&mut sidecar.volume_mounts, visit);
}

fn template(template: &mut StepTemplate, visit: &mut impl Visit) {
    for text in [&mut template.image, &mut template.image_pull_policy, &mut template.working_dir] {
        visit.text(text);
    }
    visit.list(&mut template.command);
    visit.list(&mut template.args);
    environment(&mut template.env, &mut template.env_from, visit);
    mounts(&mut template.volume_mounts, visit);
}

/// Walks the values of params.
pub fn params(params: &mut [Param], visit: &mut impl Visit) {
    params.iter_mut().for_each(|p| visit.value(&mut p.value));
}

/// Walks environment variables and their sources.
pub fn environment(env: &mut [EnvVar], env_from: &mut [EnvFromSource], visit: &mut impl Visit) {
    for variable in env {
        visit.text(&mut variable.value);
        let Some(source) = &mut variable.value_from else { continue };
        for key in [&mut source.secret_key_ref, &mut source.config_map_key_ref].into_iter().flatten() {
            visit.text(&mut key.name);
            visit.text(&mut key.key);
        }
    }
    for source in env_from {
        visit.text(&mut source.prefix);
        for object in [&mut source.config_map_ref, &mut source.secret_ref].into_iter().flatten() {
            visit.text(&mut object.name);
        }
    }
}

/// Walks volume mounts.
pub fn mounts(mounts: &mut [VolumeMount], visit: &mut impl Visit) {
    for mount in mounts {
        visit.text(&mut mount.name);
        visit.text(&mut mount.mount_path);
        visit.text(&mut mount.sub_path);
    }
}

/// Replaces in a whole task by one table.
pub fn replace(spec: &mut TaskSpec, table: &Replacements) {
    if !table.is_empty() {
        task(spec, &mut Replace(table));
    }
}

/// The keys of all references in a task, in the order of the walk.
pub fn keys(spec: &TaskSpec) -> Vec<String> {
    let mut keys = Keys::default();
    task(&mut spec.clone(), &mut keys);
    keys.0
}
