//! Declared parameters: names, types, defaults, enums.

use std::collections::BTreeSet;

use super::finding::{At, Findings};
use super::name;
use super::variable::Names;
use crate::types::{ParamSpec, ParamType, ParamValue};

/// The names of parameters, all and by type.
pub(super) struct Declared {
    pub(super) all: Names,
    pub(super) arrays: Names,
    pub(super) objects: Vec<(String, Names)>,
}

impl Declared {
    pub(super) fn of(params: &[ParamSpec]) -> Self {
        let named = |kind| params.iter().filter(move |p| p.kind() == kind);
        Self {
            all: params.iter().map(|p| p.name.clone()).collect(),
            arrays: named(ParamType::Array).map(|p| p.name.clone()).collect(),
            objects: named(ParamType::Object)
                .map(|p| (p.name.clone(), p.properties.keys().cloned().collect()))
                .collect(),
        }
    }

    /// The names of the objects.
    pub(super) fn object_names(&self) -> Names {
        self.objects.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Types against defaults and properties (§3.2 #10). `at` is where the parameters are told and stand.
pub(super) fn types(f: &mut Findings<'_>, params: &[ParamSpec], at: &At) {
    for param in params {
        let kind = param.kind();
        let at = at.split(&param.name, &format!("[{}]", param.name));
        if let Some(default) = param.default.as_ref().map(ParamValue::kind).filter(|d| *d != kind) {
            f.error(
                format!(r#""{kind}" type does not match default value's type: "{default}""#),
                &[at.split("default.type", "default"), at.field("type")],
            );
            continue;
        }
        let wrong: Vec<&str> = param
            .properties
            .iter()
            .filter(|(_, p)| p.r#type.is_some_and(|t| t != ParamType::String))
            .map(|(key, _)| key.as_str())
            .collect();
        if !wrong.is_empty() {
            let message = format!("The value type specified for these keys [{}] is invalid", wrong.join(" "));
            f.error_with_help(message, &[at.field("properties")], "properties can only be strings");
        }
    }
}

/// Objects must say their keys (§3.2 #36).
pub(super) fn objects_have_properties(f: &mut Findings<'_>, params: &[ParamSpec], at: &At) {
    for param in params.iter().filter(|p| p.kind() == ParamType::Object && p.properties.is_empty()) {
        f.missing(at.split(&format!("{}.properties", param.name), &format!("params[{}]", param.name)));
    }
}

/// Names given once and well-formed, enums (§3.2 #11, #13).
pub(super) fn names(f: &mut Findings<'_>, params: &[ParamSpec], at: &At) {
    duplicates(f, params, at);
    enums(f, params, at);
    let (mut plain, mut objects) = (BTreeSet::new(), Vec::new());
    for param in params {
        if param.kind() != ParamType::Object {
            if !name::is_param(&param.name, true) {
                plain.insert(param.name.as_str());
            }
            continue;
        }
        let keys: Vec<&str> =
            param.properties.keys().map(String::as_str).filter(|k| !name::is_param(k, false)).collect();
        if !keys.is_empty() || !name::is_param(&param.name, false) {
            objects.push(format!("{}:[{}]", param.name, keys.join(" ")));
        }
    }
    if !plain.is_empty() {
        let list = plain.into_iter().collect::<Vec<_>>().join(" ");
        f.error_with_details(
            format!("The format of following array and string variable names is invalid: [{list}]"),
            &[at.field("params")],
            "String/Array Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_), and dots (.)\nMust begin with a letter or an underscore (_)",
        );
    }
    if !objects.is_empty() {
        f.error_with_details(
            format!("Object param name and key name format is invalid: map[{}]", objects.join(" ")),
            &[at.field("params")],
            "Object Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_) \nMust begin with a letter or an underscore (_)",
        );
    }
}

/// Names given once.
pub(super) fn duplicates(f: &mut Findings<'_>, params: &[ParamSpec], at: &At) {
    for duplicate in repeated(params.iter().map(|p| p.name.as_str())) {
        f.error("parameter appears more than once", &[at.key("params", duplicate)]);
    }
}

/// Enums of string parameters (alpha).
pub(super) fn enums(f: &mut Findings<'_>, params: &[ParamSpec], at: &At) {
    for param in params.iter().filter(|p| !p.r#enum.is_empty()) {
        let at = [at.key("params", &param.name)];
        if !f.features.param_enum {
            f.error("feature flag `enable-param-enum` should be set to true to use Enum", &at);
        }
        if param.kind() != ParamType::String {
            f.error("enum can only be set with string type param", &at);
        }
        for duplicate in repeated(param.r#enum.iter().map(String::as_str)) {
            f.error(format!("parameter enum value {duplicate} appears more than once"), &at);
        }
        let default = param.default.as_ref().and_then(ParamValue::as_str).filter(|d| !d.is_empty());
        if let Some(default) = default.filter(|d| !param.r#enum.iter().any(|e| e == d)) {
            f.error(format!("param default value {default} not in the enum list"), &at);
        }
    }
}

/// Texts that occur more than once, each once.
pub(super) fn repeated<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    for text in texts {
        if !seen.insert(text) && !twice.contains(&text) {
            twice.push(text);
        }
    }
    twice
}
