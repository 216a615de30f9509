//! How steps use parameters, contexts and results.

use super::finding::{At, Findings};
use super::param::{self, Declared};
use super::variable::{self, Names};
use crate::types::{ParamSpec, Step, StepActionSpec, TaskResult};

/// A text of a step in which references are looked at.
struct Text<'a> {
    text: &'a str,
    at: At,
    /// An argument, in which an array may stand alone.
    argument: bool,
    /// Not looked at for the use of arrays and objects.
    only_known: bool,
}

fn texts<'a>(step: &'a Step, at: &At) -> Vec<Text<'a>> {
    let plain = |text: &'a str, at: At| Text { text, at, argument: false, only_known: false };
    let mut all = vec![
        plain(&step.name, at.field("name")),
        plain(&step.image, at.field("image")),
        plain(&step.working_dir, at.field("workingDir")),
        plain(&step.script, at.field("script")),
    ];
    for (list, field) in [(step.command.as_slice(), "command"), (step.args(), "args")] {
        all.extend(
            list.iter()
                .enumerate()
                .map(|(i, text)| Text { argument: true, ..plain(text, at.index(field, i)) }),
        );
    }
    for variable in &step.env {
        let told = format!("env[{}]", variable.name);
        all.push(plain(&variable.value, at.split(&told, &format!("{told}.value"))));
    }
    for (i, mount) in step.volume_mounts.iter().enumerate() {
        let at = at.split(&format!("volumeMount[{i}]"), &format!("volumeMounts[{i}]"));
        all.push(plain(&mount.name, at.field("name")));
        all.push(plain(&mount.mount_path, at.field("mountPath")));
        all.push(plain(&mount.sub_path, at.field("subPath")));
    }
    all.push(Text { only_known: true, ..plain(&step.on_error, at.field("onError")) });
    all
}

/// The fields of a step action as those of a step, so that the same rules hold.
fn as_step(action: &StepActionSpec) -> Step {
    Step {
        image: action.image.clone(),
        script: action.script.clone(),
        command: action.command.clone(),
        args: Some(action.args.clone()),
        env: action.env.clone(),
        ..Step::default()
    }
}

fn each<'s>(steps: &'s [Step], at: &At, mut look: impl FnMut(Text<'s>)) {
    for (i, step) in steps.iter().enumerate() {
        texts(step, &at.index("steps", i)).into_iter().for_each(&mut look);
    }
}

/// Parameters that are used must be declared, objects by their keys (§3.2 #7, #8, #36). `params_at` holds `params`, `at`
/// holds `steps`.
pub(super) fn declared(f: &mut Findings<'_>, steps: &[Step], params: &[ParamSpec], at: &At, params_at: &At) {
    let declared = Declared::of(params);
    each(steps, at, |text| names(f, &text, &declared));
    param::objects_have_properties(f, params, params_at);
}

fn names(f: &mut Findings<'_>, text: &Text<'_>, declared: &Declared) {
    variable::known(f, text.text, "params", &declared.all, &text.at);
    for (object, keys) in &declared.objects {
        variable::known(f, text.text, &format!("params.{object}"), keys, &text.at);
    }
    if !text.only_known {
        variable::whole_prohibited(f, text.text, "params", &declared.object_names(), &text.at);
    }
}

/// Arrays stand alone in arguments and nowhere else (§3.2 #8, #9).
pub(super) fn arrays(f: &mut Findings<'_>, steps: &[Step], params: &[ParamSpec], at: &At) {
    let arrays = Declared::of(params).arrays;
    each(steps, at, |text| array(f, &text, &arrays));
}

fn array(f: &mut Findings<'_>, text: &Text<'_>, arrays: &Names) {
    if text.only_known {
        return;
    }
    if text.argument {
        variable::isolated(f, text.text, "params", arrays, &text.at);
    } else {
        variable::prohibited(f, text.text, "params", arrays, &text.at);
    }
}

/// Only the context variables that tasks have.
pub(super) fn contexts(f: &mut Findings<'_>, steps: &[Step], at: &At) {
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Names>();
    let (run, task) = (set(&["name", "namespace", "uid"]), set(&["name", "retry-count"]));
    each(steps, at, |text| {
        variable::known(f, text.text, "context.taskRun", &run, &text.at);
        variable::known(f, text.text, "context.task", &task, &text.at);
    });
}

/// Results that scripts write must be declared by the task, step results by the step.
pub(super) fn results(f: &mut Findings<'_>, steps: &[Step], results: &[TaskResult], at: &At) {
    let declared: Names = results.iter().map(|r| r.name.clone()).collect();
    for (i, step) in steps.iter().enumerate() {
        let at = at.index("steps", i).field("script");
        variable::known(f, &step.script, "results", &declared, &at);
        if !step.results.is_empty() {
            let own: Names = step.results.iter().map(|r| r.name.clone()).collect();
            variable::known(f, &step.script, "step.results", &own, &at);
        }
    }
}

/// All of the above for a step action.
pub(super) fn step_action(f: &mut Findings<'_>, action: &StepActionSpec, at: &At) {
    let declared = Declared::of(&action.params);
    for text in texts(&as_step(action), at) {
        names(f, &text, &declared);
        array(f, &text, &declared.arrays);
    }
    let own: Names = action.results.iter().map(|r| r.name.clone()).collect();
    variable::known(f, &action.script, "step.results", &own, &at.field("script"));
    param::objects_have_properties(f, &action.params, at);
}
