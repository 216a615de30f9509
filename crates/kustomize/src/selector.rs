//! Which objects a patch or replacement is for.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::field_spec::fits;
use crate::kustomization::FieldOptions;
use crate::object::{Id, Object};

/// `target`, `select`: every part that is given must match, the ids as regular expressions from end to end.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    /// `a=b,c!=d,e in (f,g),h,!i`
    pub label_selector: String,
    /// The same for annotations.
    pub annotation_selector: String,
}

/// `source` of a replacement: names are meant literally.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct SourceSelector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    /// Which value; the name when it is empty.
    pub field_path: String,
    pub options: FieldOptions,
}

impl SourceSelector {
    /// Whether it is this object, by what it is or was called.
    pub fn is(&self, object: &Object) -> bool {
        object.ids().any(|id| {
            let kind = fits(&self.group, &id.group)
                && fits(&self.version, &id.version)
                && fits(&self.kind, &id.kind);
            let namespace = self.namespace.is_empty() || id.same_namespace(&self.namespace);
            kind && namespace && fits(&self.name, &id.name)
        })
    }
}

/// A selector ready to be asked.
#[derive(Debug)]
pub struct Matcher {
    ids: [Option<Regex>; 5],
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

#[derive(Debug)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// # Errors
    /// Which part is no regular expression or no selector, and why.
    pub fn matcher(&self) -> Result<Matcher, String> {
        let pattern = |what: &str, text: &String| {
            if text.is_empty() {
                return Ok(None);
            }
            let anchored = Regex::new(&format!("^(?:{text})$"));
            anchored.map(Some).map_err(|_| format!("{what}: `{text}` is not a regular expression"))
        };
        Ok(Matcher {
            ids: [
                pattern("group", &self.group)?,
                pattern("version", &self.version)?,
                pattern("kind", &self.kind)?,
                pattern("name", &self.name)?,
                pattern("namespace", &self.namespace)?,
            ],
            labels: requirements("labelSelector", &self.label_selector)?,
            annotations: requirements("annotationSelector", &self.annotation_selector)?,
        })
    }
}

impl Matcher {
    /// Whether it selects this object, by what it is or was called.
    pub fn selects(&self, object: &Object) -> bool {
        let metadata = &object.value["metadata"];
        object.ids().any(|id| self.fits(&id))
            && self.labels.iter().all(|r| r.met(&metadata["labels"]))
            && self.annotations.iter().all(|r| r.met(&metadata["annotations"]))
    }

    fn fits(&self, id: &Id) -> bool {
        let namespace = if id.namespace.is_empty() { "default" } else { &id.namespace };
        let texts = [&id.group, &id.version, &id.kind, &id.name, namespace];
        self.ids.iter().zip(texts).all(|(wish, text)| wish.as_ref().is_none_or(|wish| wish.is_match(text)))
    }
}

impl Requirement {
    fn met(&self, labels: &Value) -> bool {
        let value =
            |key: &str| labels.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        match self {
            Self::In(key, values) => value(key).is_some_and(|v| values.contains(&v)),
            Self::NotIn(key, values) => value(key).is_none_or(|v| !values.contains(&v)),
            Self::Exists(key) => value(key).is_some(),
            Self::Missing(key) => value(key).is_none(),
        }
    }
}

/// Reads a label selector as Kubernetes writes it.
fn requirements(what: &str, text: &str) -> Result<Vec<Requirement>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A comma in parentheses ends no requirement.
        let open = rest.find('(').unwrap_or(rest.len());
        let end = match rest.find(',') {
            Some(comma) if comma < open => comma,
            _ => rest[open..].find(')').map_or(rest.len(), |close| {
                let after = open + close;
                rest[after..].find(',').map_or(rest.len(), |comma| after + comma)
            }),
        };
        let wrong = || {
            format!(
                "{what}: `{}` is not understood; write a=b, a!=b, a in (b,c), a notin (b,c), a or !a",
                rest[..end].trim()
            )
        };
        found.push(requirement(rest[..end].trim()).ok_or_else(wrong)?);
        rest = rest[end..].trim_start_matches(',').trim_start();
    }
    Ok(found)
}

fn requirement(text: &str) -> Option<Requirement> {
    let key = |text: &str| {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
    };
    let value = |text: &str| {
        let text = text.trim();
        (!text.contains(['=', '!', '(', ')', ' '])).then(|| text.to_owned())
    };
    if let Some(list) = text.strip_suffix(')') {
        let (head, list) = list.split_once('(')?;
        let (name, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        let values: Option<Vec<String>> = list.split(',').map(value).collect();
        return match operator {
            "in" => Some(Requirement::In(key(name)?, values?)),
            "notin" => Some(Requirement::NotIn(key(name)?, values?)),
            _ => None,
        };
    }
    if let Some((name, wish)) = text.split_once("!=") {
        return Some(Requirement::NotIn(key(name)?, vec![value(wish)?]));
    }
    if let Some((name, wish)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Requirement::In(key(name)?, vec![value(wish)?]));
    }
    match text.strip_prefix('!') {
        Some(name) => Some(Requirement::Missing(key(name)?)),
        None => Some(Requirement::Exists(key(text)?)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors() {
        let labels = json!({"tier": "low", "app": "x"});
        for (text, met) in [
            ("tier=low", true),
            ("tier==low,app = x", true),
            ("tier!=low", false),
            ("absent!=low", true),
            ("tier in (high, low),app", true),
            ("tier notin (high, low)", false),
            ("!absent", true),
            ("absent", false),
            ("", true),
        ] {
            let all = requirements("labelSelector", text).unwrap();
            assert_eq!(all.iter().all(|r| r.met(&labels)), met, "{text}");
        }
        for wrong in ["a b", "a in b", "a in (b", "=b", "a=b=c", "a,,b=(", "!"] {
            assert!(requirements("labelSelector", wrong).is_err(), "{wrong}");
        }
    }
}
