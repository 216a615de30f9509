//! Steps that run a step action (§2.29).

use crate::status::reason;
use crate::substitute::reference::{Element, step_result};
use crate::substitute::walk::{self, Replace};
use crate::substitute::{Replacements, scan};
use crate::types::status::RefSource;
use crate::types::{Param, ParamType, ParamValue, Step, StepActionSpec, TaskSpec};

use super::failure::{Failure, list};
use super::{Definitions, params};

/// Puts every referenced step action in its step's place.
///
/// `task` stands for the task's params, which the steps' params may refer to.
///
/// Gives for each step where a resolver got its action.
///
/// # Errors
/// A step action that is not there; params that do not fit it.
pub(super) fn inline(
    spec: &mut TaskSpec,
    task: &Replacements,
    definitions: &dyn Definitions,
) -> Result<Vec<Option<RefSource>>, Failure> {
    let failed = |message: String| Failure::user(reason::TASK_RUN_RESOLUTION_FAILED, message);
    let mut sources = Vec::new();
    for step in &mut spec.steps {
        let Some(mut reference) = step.r#ref.take() else {
            sources.push(None);
            continue;
        };
        task.edit_params(&mut reference.params);
        let found = definitions.step_action(&reference).map_err(|e| failed(e.to_string()))?;
        let mut passed = std::mem::take(&mut step.params);
        task.edit_params(&mut passed);
        *step = merge(step, found.spec, &passed).map_err(failed)?;
        sources.push(found.source);
    }
    Ok(sources)
}

/// What the step action says, run as the step says. The action's fields are substituted with its own params only;
/// what their values refer to is for the task's passes.
fn merge(step: &Step, action: StepActionSpec, passed: &[Param]) -> Result<Step, String> {
    let declared = &action.params;
    let extra: Vec<&str> = sorted(
        passed.iter().map(|p| p.name.as_str()).filter(|name| !declared.iter().any(|d| d.name == *name)),
    );
    if !extra.is_empty() {
        return Err(format!("extra params passed by Step to StepAction: {}", list(&extra)));
    }
    let names: Vec<&str> = passed.iter().map(|p| p.name.as_str()).collect();
    let missing = params::missing(declared, &names);
    if !missing.is_empty() {
        return Err(format!(
            "non-existent params in Step: {}",
            list(&sorted(missing.iter().map(String::as_str)))
        ));
    }
    let table = table(&action, passed)?;
    let mut run = Step {
        image: action.image,
        command: action.command,
        args: (!action.args.is_empty()).then_some(action.args),
        env: action.env,
        script: action.script,
        working_dir: action.working_dir,
        security_context: action.security_context,
        volume_mounts: action.volume_mounts,
        results: action.results,
        ..Step::default()
    };
    walk::step(&mut run, &mut Replace(&table));
    Ok(Step {
        name: step.name.clone(),
        display_name: step.display_name.clone(),
        env_from: step.env_from.clone(),
        compute_resources: step.compute_resources.clone(),
        volume_devices: step.volume_devices.clone(),
        image_pull_policy: step.image_pull_policy.clone(),
        timeout: step.timeout.clone(),
        workspaces: step.workspaces.clone(),
        on_error: step.on_error.clone(),
        stdout_config: step.stdout_config.clone(),
        stderr_config: step.stderr_config.clone(),
        when: step.when.clone(),
        ..run
    })
}

fn table(action: &StepActionSpec, passed: &[Param]) -> Result<Replacements, String> {
    let (later, now): (Vec<&Param>, Vec<&Param>) =
        passed.iter().partition(|p| later_step_result(p).is_some());
    let now: Vec<Param> = now.into_iter().cloned().collect();
    if let Some(name) = params::clashing(&action.params, &now) {
        return Err(format!(
            "invalid parameter substitution: {name}. Please check the types of the default value and the passed value"
        ));
    }
    let known: Vec<_> =
        action.params.iter().filter(|d| !later.iter().any(|p| p.name == d.name)).cloned().collect();
    let mut table = params::task_table(&known, &now);
    for param in later {
        let Some(target) = later_step_result(param) else { continue };
        let kind = action.params.iter().find(|d| d.name == param.name).map(|d| d.kind());
        match kind {
            Some(ParamType::Array | ParamType::Object) => table.redirect_elements(&param.name, &target),
            _ => table.param(&param.name, &param.value),
        }
    }
    Ok(table)
}

/// The result of an earlier step that the value is a whole reference to, without its element; the value itself is
/// known only when that step has ended.
fn later_step_result(param: &Param) -> Option<String> {
    let ParamValue::String(text) = &param.value else { return None };
    let reference = scan::references(text).next().filter(|r| r.span == (0..text.len()))?;
    let result = step_result(reference.key)?;
    matches!(result.element, Element::Whole | Element::Star)
        .then(|| reference.key.strip_suffix("[*]").unwrap_or(reference.key).to_owned())
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn action() -> StepActionSpec {
        serde_json::from_value(json!({
            "params": [
                {"name": "s", "default": "d"},
                {"name": "list", "type": "array", "default": ["x"]},
                {"name": "o", "type": "object", "properties": {"k": {}}, "default": {"k": "v", "l": "w"}},
                {"name": "need"},
            ],
            "image": "i", "workingDir": "/$(params.need)",
            "args": ["$(params.s)", "$(params.list[*])", "$(params.list[0])", "$(params.o.k)", "$(params.o.l)"],
            "env": [{"name": "E", "value": "$(params.need) $(context.taskRun.name)"}],
            "results": [{"name": "r"}],
        }))
        .unwrap()
    }

    fn run(params: Value) -> Result<Step, String> {
        let step = Step { name: "n".into(), on_error: "continue".into(), ..Step::default() };
        merge(&step, action(), &serde_json::from_value::<Vec<_>>(params).unwrap())
    }

    #[test]
    fn values_over_defaults_in_the_actions_fields() {
        let step = run(
            json!([{"name": "need", "value": "$(workspaces.w.path)"}, {"name": "o", "value": {"k": "2"}}]),
        )
        .unwrap();
        assert_eq!(step.args(), ["d", "x", "x", "2", "w"]);
        assert_eq!(step.working_dir, "/$(workspaces.w.path)");
        assert_eq!(step.env[0].value, "$(workspaces.w.path) $(context.taskRun.name)");
        assert_eq!((step.name.as_str(), step.on_error.as_str(), step.results.len()), ("n", "continue", 1));
    }

    #[test]
    fn results_of_earlier_steps_are_passed_on() {
        let step = run(json!([
            {"name": "need", "value": "$(steps.a.results.r)"},
            {"name": "list", "value": "$(steps.a.results.l[*])"},
            {"name": "o", "value": "$(steps.a.results.o[*])"},
        ]))
        .unwrap();
        assert_eq!(
            step.args(),
            [
                "d",
                "$(steps.a.results.l[*])",
                "$(steps.a.results.l[0])",
                "$(steps.a.results.o.k)",
                "$(steps.a.results.o.l)"
            ]
        );
        assert_eq!(step.working_dir, "/$(steps.a.results.r)");
    }

    #[test]
    fn params_that_do_not_fit() {
        let message = |params| run(params).unwrap_err();
        assert_eq!(message(json!([])), "non-existent params in Step: [need]");
        assert_eq!(
            message(json!([{"name": "z", "value": ""}, {"name": "b", "value": ""}])),
            "extra params passed by Step to StepAction: [b z]"
        );
        assert_eq!(
            message(json!([{"name": "need", "value": ""}, {"name": "list", "value": "text"}])),
            "invalid parameter substitution: list. Please check the types of the default value and the passed value"
        );
    }
}
