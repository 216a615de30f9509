//! Names of other objects follow their renaming.

use std::collections::HashMap;

use base::{Diagnostic, Diagnostics};
use serde_json::Value;

use crate::field_spec::fits;
use crate::kustomization::NameReference;
use crate::object::{Id, Object};

/// An object that was renamed, or put into another namespace.
struct Renamed {
    ids: Vec<Id>,
    now: Id,
    affixes: Vec<(String, String)>,
}

/// Sets all fields that hold an earlier name of another object to what it is called now.
///
/// # Errors
/// A name that several objects had.
pub fn follow(objects: &mut [Object], references: &[NameReference]) -> Result<(), Diagnostics> {
    let mut by_name: HashMap<String, Vec<Renamed>> = HashMap::new();
    for object in objects.iter().filter(|object| !object.previous.is_empty()) {
        let mut names: Vec<&str> = object.previous.iter().map(|id| id.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let ids = object.previous.iter().filter(|id| id.name == name).cloned().collect();
            let renamed = Renamed { ids, now: object.id(), affixes: object.affixes.clone() };
            by_name.entry(name.to_owned()).or_default().push(renamed);
        }
    }
    if by_name.is_empty() {
        return Ok(());
    }
    for object in objects.iter_mut() {
        let id = object.id();
        for reference in references {
            for field in reference.field_specs.iter().filter(|field| field.is_for(&id)) {
                let finder = Finder { by_name: &by_name, reference, id: &id, affixes: &object.affixes };
                // A role binding says which of two kinds it means.
                if field.path == "roleRef/name" && object.value["roleRef"]["kind"] != reference.kind.as_str()
                {
                    continue;
                }
                let mut unclear = None;
                field.visit(&mut object.value, &mut |place| {
                    if let Err(message) = finder.update(place) {
                        unclear = Some(message);
                    }
                });
                if let Some(message) = unclear {
                    let problem = Diagnostic::error("name-reference", message)
                        .at(&object.origin.source, object.origin.span)
                        .help("give the objects different names, or refer to one by its new name");
                    return Err(problem.into());
                }
            }
        }
    }
    Ok(())
}

struct Finder<'a> {
    by_name: &'a HashMap<String, Vec<Renamed>>,
    reference: &'a NameReference,
    /// Of the object that refers.
    id: &'a Id,
    affixes: &'a [(String, String)],
}

impl Finder<'_> {
    fn update(&self, place: &mut Value) -> Result<(), String> {
        match place {
            Value::String(name) => {
                if let Some(found) = self.find(name, None)? {
                    *place = Value::from(found.name.as_str());
                }
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.update(item))?,
            // An account in a role binding, a service of a webhook: a name with its namespace.
            Value::Object(fields) => {
                let text = |key: &str| fields.get(key).and_then(Value::as_str);
                let Some(name) = text("name") else { return Ok(()) };
                if let Some(found) = self.find(name, text("namespace"))? {
                    fields.insert("name".into(), Value::from(found.name.as_str()));
                    if !found.namespace.is_empty() {
                        fields.insert("namespace".into(), Value::from(found.namespace.as_str()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What the object of that former name is called now.
    fn find(&self, name: &str, namespace: Option<&str>) -> Result<Option<&Id>, String> {
        let kind = |id: &Id| {
            let wanted = self.reference;
            fits(&wanted.kind, &id.kind)
                && fits(&wanted.group, &id.group)
                && fits(&wanted.version, &id.version)
        };
        let cluster_wide = |id: &Id| crate::default_fields::is_cluster_wide(&id.group, &id.kind);
        let mut found: Vec<&Renamed> = self.by_name.get(name).into_iter().flatten().collect();
        found.retain(|renamed| renamed.ids.iter().any(kind));
        found.retain(|renamed| match namespace {
            _ if cluster_wide(&renamed.now) => true,
            Some(namespace) => {
                renamed.ids.iter().chain([&renamed.now]).any(|id| id.same_namespace(namespace))
            }
            None => cluster_wide(self.id) || renamed.now.same_namespace(&self.id.namespace),
        });
        if found.len() > 1 {
            // Of the same folders, then.
            let same: Vec<&Renamed> = found.iter().copied().filter(|r| r.affixes == self.affixes).collect();
            if !same.is_empty() {
                found = same;
            }
        }
        let Some(first) = found.first() else { return Ok(None) };
        match found.iter().find(|other| other.now.name != first.now.name) {
            None => Ok(Some(&first.now)),
            Some(other) => Err(format!(
                "{} refers to {} {name}, which could be {} or {}",
                self.id, self.reference.kind, first.now.name, other.now.name
            )),
        }
    }
}

/// Runs and pipelines of Tekton that refer to what a prefix or suffix renamed. Neither kubectl nor a cluster follows them.
pub fn left_behind(objects: &[Object]) -> Diagnostics {
    let mut found = Diagnostics::default();
    let tekton = |kind: &str| {
        let of_kind = objects.iter().filter(move |o| o.value["kind"] == kind && o.id().group == "tekton.dev");
        of_kind.map(Object::id).collect::<Vec<_>>()
    };
    let tasks = (tekton("Task"), "Task");
    let pipelines = (tekton("Pipeline"), "Pipeline");
    for object in objects.iter().filter(|object| object.id().group == "tekton.dev") {
        let id = object.id();
        let spec = &object.value["spec"];
        let mut references = vec![(&spec["taskRef"], &tasks), (&spec["pipelineRef"], &pipelines)];
        for spec in [spec, &spec["pipelineSpec"]] {
            let lists =
                ["tasks", "finally"].into_iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
            references.extend(lists.map(|task| (&task["taskRef"], &tasks)));
        }
        for (reference, (there, kind)) in references {
            let Some(name) = reference["name"].as_str() else { continue };
            if there.iter().any(|id| id.name == name) {
                continue;
            }
            let renamed = objects.iter().find(|o| {
                o.value["kind"] == *kind
                    && o.previous.iter().any(|id| id.name == name && id.group == "tekton.dev")
            });
            if let Some(renamed) = renamed {
                let message =
                    format!("{id} refers to {kind} {name}, which is called {} now", renamed.id().name);
                let problem = Diagnostic::warning("name-reference", message)
                    .at(&object.origin.source, object.origin.span)
                    .help("kustomize knows no references of Tekton; add a nameReference under `configurations:`");
                if !found.0.contains(&problem) {
                    found.push(problem);
                }
            }
        }
    }
    found
}
