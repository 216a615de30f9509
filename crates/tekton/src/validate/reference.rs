//! References to tasks, pipelines and step actions.

use super::features::Level;
use super::finding::{At, Findings};
use super::name;
use crate::types::Param;

/// A name or a resolver with its parameters, not both (§3.2, "Run objects").
pub(super) fn by_name_or_resolver(
    f: &mut Findings<'_>,
    name: &str,
    resolver: &str,
    params: &[Param],
    at: &At,
) {
    if resolver.is_empty() && params.is_empty() {
        return named(f, name, at);
    }
    if !params.is_empty() {
        f.gate("resolver params", Level::Beta, at.field("params"));
        if !name.is_empty() {
            f.both(&[at.field("name"), at.field("params")]);
        }
        if resolver.is_empty() {
            f.missing(at.field("resolver"));
        }
        passed_once(f, params, at, "");
    }
    if !resolver.is_empty() {
        f.gate("resolver", Level::Beta, at.field("resolver"));
        if !name.is_empty() && !is_url(name) {
            f.error_with_help(
                "invalid value: invalid URI for request",
                &[at.field("name")],
                "give the name to the resolver as a parameter",
            );
        } else if !name.is_empty() && !f.features.concise_resolver_syntax {
            concise(f, at);
        }
    }
}

fn named(f: &mut Findings<'_>, name: &str, at: &At) {
    if name.is_empty() {
        f.missing(at.field("name"));
    } else if is_url(name) {
        if !f.features.concise_resolver_syntax {
            concise(f, at);
        }
        f.missing(at.field("resolver"));
    } else if let Some(problem) = name::qualified_problem(name).filter(|_| !name.contains("$(")) {
        f.invalid(problem, at.field("name"));
    }
}

fn concise(f: &mut Findings<'_>, at: &At) {
    let message =
        "feature flag enable-concise-resolver-syntax should be set to true to use concise resolver syntax";
    f.error(message, std::slice::from_ref(at));
}

fn is_url(name: &str) -> bool {
    name.split_once(":/")
        .is_some_and(|(scheme, _)| scheme.ends_with(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c)))
}

/// Parameters that are passed have different names; case does not make a difference. `told` is Tekton's field for them.
pub(super) fn passed_once(f: &mut Findings<'_>, params: &[Param], at: &At, told: &str) {
    let lower: Vec<String> = params.iter().map(|p| p.name.to_lowercase()).collect();
    for (i, param) in params.iter().enumerate() {
        if lower[..i].contains(&lower[i]) {
            f.both(&[at.split(&format!("{told}[{}].name", param.name), &format!("params[{i}].name"))]);
        }
    }
}
