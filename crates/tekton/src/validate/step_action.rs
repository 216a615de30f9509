//! Step actions (§1.5).

use super::features::Level;
use super::finding::{At, Findings};
use super::{name, param, usage, variable};
use crate::substitute::scan;
use crate::types::StepActionSpec;

/// A step action.
pub(super) fn spec(f: &mut Findings<'_>, action: &StepActionSpec, at: &At) {
    if action.image.is_empty() {
        f.missing(at.field("Image"));
    }
    if !action.script.is_empty() {
        if !action.command.is_empty() {
            f.error("script cannot be used with command", &[at.field("script")]);
        }
        if action.script.trim_start().starts_with("#!win") {
            f.gate("windows script support", Level::Alpha, at.field("script"));
        }
        if variable::refers_to(&action.script, "params") {
            f.error_with_help(
                "param substitution in scripts is not allowed.",
                &[at.field("script")],
                "give the parameter to an environment variable and use that",
            );
        }
    }
    usage::step_action(f, action, at);
    param::types(f, &action.params, &at.field("params"));
    param::names(f, &action.params, at);
    for (i, result) in action.results.iter().enumerate() {
        name::result(f, &result.name, at.index("results", i).field("name"));
    }
    for (i, mount) in action.volume_mounts.iter().enumerate() {
        let at = at.index("volumeMounts", i);
        let one_param = scan::references(&mount.name)
            .next()
            .is_some_and(|r| r.span == (0..mount.name.len()) && variable::refers_to(&mount.name, "params"));
        if !one_param {
            f.error_with_details(
                format!("invalid value: {}", mount.name),
                &[at.field("name")],
                "expect the Name to be a single param reference",
            );
        }
    }
}
