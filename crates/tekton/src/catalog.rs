//! The objects of some texts by kind and name.

use std::collections::HashMap;

use base::{Diagnostic, Diagnostics};

use crate::load::{Document, Object};
use crate::types::{
    ConfigMap, ObjectMeta, PersistentVolumeClaim, Pipeline, PipelineRun, Secret, ServiceAccount, StepAction,
    Task, TaskRun,
};

/// Objects that can be asked for by name, and the runs in the order of the texts.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    documents: Vec<Document>,
    names: HashMap<(&'static str, String), usize>,
}

/// A run of the catalog.
#[derive(Debug, Clone, Copy)]
pub enum Run<'a> {
    /// A run of a task.
    Task(&'a TaskRun),
    /// A run of a pipeline.
    Pipeline(&'a PipelineRun),
}

impl Object {
    /// The kind, as it is written in files.
    pub fn kind(&self) -> &str {
        match self {
            Self::Task(_) => "Task",
            Self::Pipeline(_) => "Pipeline",
            Self::TaskRun(_) => "TaskRun",
            Self::PipelineRun(_) => "PipelineRun",
            Self::StepAction(_) => "StepAction",
            Self::ConfigMap(_) => "ConfigMap",
            Self::Secret(_) => "Secret",
            Self::ServiceAccount(_) => "ServiceAccount",
            Self::PersistentVolumeClaim(_) => "PersistentVolumeClaim",
            Self::Other { kind, .. } => kind,
        }
    }

    /// Name, labels and so on; of foreign objects none.
    pub fn metadata(&self) -> Option<&ObjectMeta> {
        Some(match self {
            Self::Task(o) => &o.metadata,
            Self::Pipeline(o) => &o.metadata,
            Self::TaskRun(o) => &o.metadata,
            Self::PipelineRun(o) => &o.metadata,
            Self::StepAction(o) => &o.metadata,
            Self::ConfigMap(o) => &o.metadata,
            Self::Secret(o) => &o.metadata,
            Self::ServiceAccount(o) => &o.metadata,
            Self::PersistentVolumeClaim(o) => &o.metadata,
            Self::Other { .. } => return None,
        })
    }

    /// Like [`Object::metadata`], for changing it.
    pub fn metadata_mut(&mut self) -> Option<&mut ObjectMeta> {
        Some(match self {
            Self::Task(o) => &mut o.metadata,
            Self::Pipeline(o) => &mut o.metadata,
            Self::TaskRun(o) => &mut o.metadata,
            Self::PipelineRun(o) => &mut o.metadata,
            Self::StepAction(o) => &mut o.metadata,
            Self::ConfigMap(o) => &mut o.metadata,
            Self::Secret(o) => &mut o.metadata,
            Self::ServiceAccount(o) => &mut o.metadata,
            Self::PersistentVolumeClaim(o) => &mut o.metadata,
            Self::Other { .. } => return None,
        })
    }
}

/// The key of a kind in the index; foreign objects have none.
fn indexed(object: &Object) -> Option<&'static str> {
    Some(match object {
        Object::Task(_) => "Task",
        Object::Pipeline(_) => "Pipeline",
        Object::TaskRun(_) => "TaskRun",
        Object::PipelineRun(_) => "PipelineRun",
        Object::StepAction(_) => "StepAction",
        Object::ConfigMap(_) => "ConfigMap",
        Object::Secret(_) => "Secret",
        Object::ServiceAccount(_) => "ServiceAccount",
        Object::PersistentVolumeClaim(_) => "PersistentVolumeClaim",
        Object::Other { .. } => return None,
    })
}

impl Catalog {
    /// Indexes documents. An object without a name gets `complete(generateName)`; a name that is given stays.
    ///
    /// # Errors
    /// Two objects of the same kind and name (naming both places), objects with neither name nor generateName.
    pub fn new(
        documents: Vec<Document>,
        complete: &mut dyn FnMut(&str) -> String,
    ) -> Result<Self, Diagnostics> {
        let mut catalog = Self::default();
        let mut found = Diagnostics::default();
        for mut document in documents {
            let Some(kind) = indexed(&document.object) else {
                catalog.documents.push(document);
                continue;
            };
            let Some(metadata) = document.object.metadata_mut() else { continue };
            if metadata.name.is_empty() && !metadata.generate_name.is_empty() {
                metadata.name = complete(&metadata.generate_name);
            }
            let name = metadata.name.clone();
            let place = document.node.span_of("metadata.name");
            if name.is_empty() {
                found.push(
                    Diagnostic::error("missing-name", format!("this {kind} has no name"))
                        .at(&document.source, document.node.span_of("metadata"))
                        .help("give it `metadata.name`, or `metadata.generateName` for a new name each time"),
                );
            } else if let Some(first) = catalog.names.get(&(kind, name.clone())) {
                let first = &catalog.documents[*first];
                found.push(
                    Diagnostic::error("duplicate-object", format!("there are two {kind}s called `{name}`"))
                        .at(&document.source, place)
                        .related(&first.source, first.node.span_of("metadata.name"), "first here")
                        .help("rename one of them, or leave one of the files out"),
                );
            } else {
                catalog.names.insert((kind, name), catalog.documents.len());
                catalog.documents.push(document);
            }
        }
        found.into_result(catalog)
    }

    /// All documents, in order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The document of an object.
    pub fn document(&self, kind: &'static str, name: &str) -> Option<&Document> {
        self.names.get(&(kind, name.to_owned())).map(|i| &self.documents[*i])
    }

    /// The names of all objects of a kind, in order.
    pub fn names<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.documents
            .iter()
            .filter(move |d| d.object.kind() == kind)
            .filter_map(|d| d.object.metadata())
            .map(|m| m.name.as_str())
    }

    /// The runs, in order.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.documents.iter().filter_map(|d| match &d.object {
            Object::TaskRun(run) => Some(Run::Task(run)),
            Object::PipelineRun(run) => Some(Run::Pipeline(run)),
            _ => None,
        })
    }

    /// The task called `name`.
    pub fn task(&self, name: &str) -> Option<&Task> {
        match &self.document("Task", name)?.object {
            Object::Task(task) => Some(task),
            _ => None,
        }
    }

    /// The pipeline called `name`.
    pub fn pipeline(&self, name: &str) -> Option<&Pipeline> {
        match &self.document("Pipeline", name)?.object {
            Object::Pipeline(pipeline) => Some(pipeline),
            _ => None,
        }
    }

    /// The step action called `name`.
    pub fn step_action(&self, name: &str) -> Option<&StepAction> {
        match &self.document("StepAction", name)?.object {
            Object::StepAction(action) => Some(action),
            _ => None,
        }
    }

    /// The config map called `name`.
    pub fn config_map(&self, name: &str) -> Option<&ConfigMap> {
        match &self.document("ConfigMap", name)?.object {
            Object::ConfigMap(map) => Some(map),
            _ => None,
        }
    }

    /// The secret called `name`.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match &self.document("Secret", name)?.object {
            Object::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// The service account called `name`.
    pub fn service_account(&self, name: &str) -> Option<&ServiceAccount> {
        match &self.document("ServiceAccount", name)?.object {
            Object::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// The volume claim called `name`.
    pub fn persistent_volume_claim(&self, name: &str) -> Option<&PersistentVolumeClaim> {
        match &self.document("PersistentVolumeClaim", name)?.object {
            Object::PersistentVolumeClaim(claim) => Some(claim),
            _ => None,
        }
    }
}

impl<'a> Run<'a> {
    /// Name, labels and so on.
    pub fn metadata(&self) -> &'a ObjectMeta {
        match self {
            Self::Task(run) => &run.metadata,
            Self::Pipeline(run) => &run.metadata,
        }
    }
}
