//! Patches: which objects they are for, and what they are.
//!
//! - [`merge`]: strategic merge; [`merge_keys`]: which lists are merged
//! - [`json`]: RFC 6902

pub mod json;
pub mod merge;
pub mod merge_keys;

use base::{Diagnostic, Diagnostics, Source};
use serde_json::Value;
use tekton::yaml::{self, Kind, Node};

use crate::budget::Budget;
use crate::kustomization::PatchOptions;
use crate::object::{Id, Object, value_of};
use crate::selector::Matcher;

/// A patch that was read.
#[derive(Debug)]
pub struct Patch {
    source: Source,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// A list of operations.
    Json(Vec<json::Operation>),
    /// Parts of objects.
    Merge(Vec<(Node, Value)>),
}

/// Reads a patch: a list is a JSON patch, objects are merged.
///
/// # Errors
/// What is neither.
pub fn parse(source: &Source) -> Result<Patch, Diagnostics> {
    let nodes: Vec<Node> = yaml::parse(source)?.into_iter().filter(|node| !node.is_null()).collect();
    let body = match nodes.as_slice() {
        [node] if matches!(node.kind, Kind::Sequence(_)) => Body::Json(json::operations(node, source)?),
        _ => Body::Merge(
            nodes.into_iter().map(|node| (value_of(&node, source), node)).map(|(v, n)| (n, v)).collect(),
        ),
    };
    if let Body::Merge(parts) = &body {
        if parts.is_empty() {
            let message =
                "the patch is empty; write the fields to change, or a list of JSON patch operations";
            return Err(Diagnostic::error("patch", message).at(source, base::Span::default()).into());
        }
        if let Some((node, _)) = parts.iter().find(|(node, _)| !matches!(node.kind, Kind::Mapping(_))) {
            let message =
                format!("a patch is an object or a list of operations, found {}", node.kind.describe());
            return Err(Diagnostic::error("patch", message).at(source, node.span).into());
        }
    }
    Ok(Patch { source: source.clone(), body })
}

impl Patch {
    /// Whether it is a JSON patch, which does not say itself what it is for.
    pub fn is_json(&self) -> bool {
        matches!(self.body, Body::Json(_))
    }

    /// Applies it to all objects that `target` selects, or without one to those it names itself; how many there were.
    ///
    /// # Errors
    /// Operations that do not fit an object, and a merge for an object that is not there.
    pub fn apply(
        &self,
        objects: &mut Vec<Object>,
        target: Option<&Matcher>,
        options: PatchOptions,
        budget: &mut Budget,
    ) -> Result<usize, Diagnostics> {
        let mut patched = 0;
        match &self.body {
            Body::Json(operations) => {
                for object in objects.iter_mut().filter(|o| target.is_some_and(|target| target.selects(o))) {
                    object.remember();
                    for operation in operations {
                        operation.apply(&mut object.value, budget).map_err(|message| {
                            let problem = format!("{message} ({})", object.id());
                            self.problem(operation.node(), problem, Some(object))
                        })?;
                    }
                    patched += 1;
                }
            }
            Body::Merge(parts) => {
                if let (Some(_), [_, (second, _), ..]) = (target, parts.as_slice()) {
                    let message = "a patch with a target is one object; write an entry for each";
                    return Err(self.problem(second, message.into(), None));
                }
                for (node, part) in parts {
                    patched += self.merge(node, part, objects, target, options, budget)?;
                }
            }
        }
        Ok(patched)
    }

    fn merge(
        &self,
        node: &Node,
        part: &Value,
        objects: &mut Vec<Object>,
        target: Option<&Matcher>,
        options: PatchOptions,
        budget: &mut Budget,
    ) -> Result<usize, Diagnostics> {
        let wanted = Id::of(part);
        let chosen: Vec<usize> = objects
            .iter()
            .enumerate()
            .filter(|(_, object)| match target {
                Some(target) => target.selects(object),
                None => object.ids().any(|id| id.same(&wanted)),
            })
            .map(|(index, _)| index)
            .collect();
        match (target, chosen.as_slice()) {
            (None, []) => return Err(self.unknown(node, &wanted, objects)),
            (None, [_, _, ..]) => {
                let message =
                    format!("several objects are or were called {wanted}; choose one with `target:`");
                return Err(self.problem(node, message, None));
            }
            _ => {}
        }
        let mut deleted = Vec::new();
        for &index in &chosen {
            let object = &mut objects[index];
            let failed = |message, object: &Object| self.problem(node, message, Some(object));
            budget.copy(part).map_err(|message| failed(message, object))?;
            if merge_into(object, part, options).map_err(|message| failed(message, object))? {
                deleted.push(index);
            }
        }
        for index in deleted.into_iter().rev() {
            objects.remove(index);
        }
        Ok(chosen.len())
    }

    fn unknown(&self, node: &Node, wanted: &Id, objects: &[Object]) -> Diagnostics {
        let names: Vec<String> =
            objects.iter().map(Object::id).filter(|id| id.kind == wanted.kind).map(|id| id.name).collect();
        let elsewhere =
            objects.iter().map(Object::id).find(|id| id.kind == wanted.kind && id.name == wanted.name);
        let help =
            match (elsewhere, base::diagnostic::did_you_mean(&wanted.name, names.iter().map(String::as_str)))
            {
                (Some(id), _) if id.same_namespace(&wanted.namespace) => {
                    format!(
                        "its apiVersion is {}",
                        if id.group.is_empty() { id.version } else { format!("{}/{}", id.group, id.version) }
                    )
                }
                (Some(id), _) => format!("it is in namespace `{}`; write that in the patch", id.namespace),
                (None, Some(help)) => help,
                (None, None) => {
                    "a patch names its object with apiVersion, kind and metadata.name, or has a `target:`"
                        .into()
                }
            };
        let problem = Diagnostic::error(
            "patch",
            format!("the patch is for {wanted}, which is not among the resources"),
        );
        problem.at(&self.source, node.span_of("metadata.name")).help(help).into()
    }

    fn problem(&self, node: &Node, message: String, object: Option<&Object>) -> Diagnostics {
        let mut problem = Diagnostic::error("patch", message).at(&self.source, node.span);
        if let Some(object) = object {
            problem = problem.related(&object.origin.source, object.origin.span, "of this object");
        }
        problem.into()
    }
}

/// Merges; whether the object is deleted by that.
fn merge_into(object: &mut Object, part: &Value, options: PatchOptions) -> Result<bool, String> {
    let before = object.id();
    let api_version = object.value["apiVersion"].clone();
    if options.allow_name_change || options.allow_kind_change {
        object.remember();
    }
    if merge::apply(&mut object.value, part, &before)? {
        return Ok(true);
    }
    object.value["apiVersion"] = api_version;
    if !options.allow_kind_change {
        object.value["kind"] = Value::from(before.kind);
    }
    if !options.allow_name_change {
        object.set_metadata("name", &before.name);
    }
    match before.namespace.as_str() {
        "" => {
            object.value["metadata"].as_object_mut().map(|metadata| metadata.shift_remove("namespace"));
        }
        namespace => object.set_metadata("namespace", namespace),
    }
    Ok(false)
}
