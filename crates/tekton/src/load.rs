//! Text into the objects that are written in it.

use base::{Diagnostic, Diagnostics, Source, Span};
use serde::de::DeserializeOwned;

use crate::convert;
use crate::decode::{Keys, decode, decode_secretly};
use crate::types::{
    API_V1, API_V1BETA1, ConfigMap, PersistentVolumeClaim, Pipeline, PipelineRun, Secret, ServiceAccount,
    StepAction, Task, TaskRun,
};
use crate::yaml::{self, Kind, Node};

/// The objects of a text, and what is worth saying about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// In the order of the text; lists are flattened.
    pub documents: Vec<Document>,
    /// Foreign kinds, old versions, fields without effect.
    pub warnings: Diagnostics,
}

/// One object with the text it was read from.
#[derive(Debug, Clone)]
pub struct Document {
    /// The object, in the current version.
    pub object: Object,
    /// Its tree, in the current version, with the places of the text.
    pub node: Node,
    /// The text.
    pub source: Source,
}

/// An object that Tekton or its users know.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there are few of them, and boxes would be in every match")]
pub enum Object {
    /// A task; also what is called `ClusterTask`.
    Task(Task),
    /// A pipeline.
    Pipeline(Pipeline),
    /// A run of a task.
    TaskRun(TaskRun),
    /// A run of a pipeline.
    PipelineRun(PipelineRun),
    /// A reusable step.
    StepAction(StepAction),
    /// Settings.
    ConfigMap(ConfigMap),
    /// Secrets.
    Secret(Secret),
    /// An account with secrets.
    ServiceAccount(ServiceAccount),
    /// A wish for storage.
    PersistentVolumeClaim(PersistentVolumeClaim),
    /// Anything else; it is not looked into.
    Other {
        /// Group and version.
        api_version: String,
        /// Kind.
        kind: String,
        /// `metadata.name`, empty when there is none.
        name: String,
    },
}

impl Document {
    /// Where the object stands in the text.
    pub fn span(&self) -> Span {
        self.node.span
    }
}

/// Reads all objects of a text: `tekton.dev/v1`, `tekton.dev/v1beta1` (converted), step actions, and the core/v1 objects
/// that travel with them. JSON is read like YAML.
///
/// # Errors
/// What is no YAML, no object, or does not fit its type; everything that is wrong in the text at once.
pub fn load(source: &Source) -> Result<Loaded, Diagnostics> {
    load_with(source, Keys::GoCaseInsensitive)
}

/// Like [`load`], with this way of reading the keys of Tekton's objects.
///
/// # Errors
/// Those of [`load`].
pub fn load_with(source: &Source, keys: Keys) -> Result<Loaded, Diagnostics> {
    let mut loader = Loader { source, keys, documents: Vec::new(), found: Diagnostics::default() };
    for node in yaml::parse(source)? {
        loader.document(node);
    }
    if loader.found.has_errors() {
        return Err(loader.found);
    }
    Ok(Loaded { documents: loader.documents, warnings: loader.found })
}

struct Loader<'a> {
    source: &'a Source,
    /// Of Tekton's objects; those of core/v1 are always read exactly, as the API server does.
    keys: Keys,
    documents: Vec<Document>,
    found: Diagnostics,
}

impl Loader<'_> {
    fn document(&mut self, node: Node) {
        if node.is_null() {
            return;
        }
        let Some((api_version, kind)) = self.head(&node) else { return };
        if api_version == "v1" && kind == "List" {
            let items = node.entries().iter().find(|e| e.key == "items").map(|e| e.value.items().to_vec());
            items.unwrap_or_default().into_iter().for_each(|item| self.document(item));
            return;
        }
        if let Some((object, node)) = self.object(&api_version, &kind, node) {
            self.documents.push(Document { object, node, source: self.source.clone() });
        }
    }

    /// apiVersion and kind.
    fn head(&mut self, node: &Node) -> Option<(String, String)> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let message = format!("expected an object, found {}", node.kind.describe());
            self.report(Diagnostic::error("not-an-object", message), node.span);
            return None;
        }
        let mut field = |name: &str| {
            let value =
                node.entry_ignoring_case(name).and_then(|e| e.value.as_str()).filter(|s| !s.is_empty());
            if value.is_none() {
                let problem = Diagnostic::error("not-an-object", format!("this object has no `{name}`"))
                    .help("every object begins with `apiVersion:` and `kind:`");
                self.report(problem, node.span_of(name));
            }
            value.map(str::to_owned)
        };
        let (api_version, kind) = (field("apiVersion"), field("kind"));
        Some((api_version?, kind?))
    }

    fn object(&mut self, api_version: &str, kind: &str, mut node: Node) -> Option<(Object, Node)> {
        let object = match (api_version, kind) {
            ("v1", "ConfigMap") => self.core(&node).map(Object::ConfigMap),
            ("v1", "Secret") => self.secret(&node).map(Object::Secret),
            ("v1", "ServiceAccount") => self.core(&node).map(Object::ServiceAccount),
            ("v1", "PersistentVolumeClaim") => self.core(&node).map(Object::PersistentVolumeClaim),
            ("tekton.dev/v1alpha1" | API_V1BETA1, "StepAction") => {
                self.tekton(&node).map(|action: StepAction| {
                    Object::StepAction(StepAction { api_version: API_V1BETA1.into(), ..action })
                })
            }
            (API_V1 | API_V1BETA1, "Task" | "ClusterTask" | "Pipeline" | "TaskRun" | "PipelineRun") => {
                let converts = api_version == API_V1BETA1 && self.convert(&mut node, kind);
                if api_version == API_V1BETA1 && !converts {
                    return None;
                }
                self.versioned(kind, &node)
            }
            (_, "Task" | "ClusterTask" | "Pipeline" | "TaskRun" | "PipelineRun" | "StepAction")
                if api_version.starts_with("tekton.dev/") =>
            {
                let served = if kind == "StepAction" { API_V1BETA1 } else { API_V1 };
                let problem =
                    Diagnostic::error("unknown-version", format!("{kind} has no version {api_version}"))
                        .help(format!("write apiVersion: {served}"));
                self.report(problem, node.span_of("apiVersion"));
                None
            }
            _ => Some(self.foreign(api_version, kind, &node)),
        };
        object.map(|object| (object, node))
    }

    fn versioned(&mut self, kind: &str, node: &Node) -> Option<Object> {
        let api_version = || API_V1.to_owned();
        match kind {
            "Pipeline" => {
                self.tekton(node).map(|p| Object::Pipeline(Pipeline { api_version: api_version(), ..p }))
            }
            "TaskRun" => {
                self.tekton(node).map(|r| Object::TaskRun(TaskRun { api_version: api_version(), ..r }))
            }
            "PipelineRun" => self
                .tekton(node)
                .map(|r| Object::PipelineRun(PipelineRun { api_version: api_version(), ..r })),
            _ => {
                if kind == "ClusterTask" {
                    let warning = Diagnostic::warning("cluster-task", "ClusterTask is read as Task")
                        .help("Tekton removed it; write kind: Task, or fetch it with the cluster resolver");
                    self.report(warning, node.span_of("kind"));
                }
                let task = self.tekton(node);
                task.map(|t| Object::Task(Task { api_version: api_version(), kind: "Task".into(), ..t }))
            }
        }
    }

    fn convert(&mut self, node: &mut Node, kind: &str) -> bool {
        let found = convert::to_v1(node, kind, self.source);
        let converts = !found.has_errors();
        self.found.extend(found);
        if !converts && let Err(more) = self.probe(node, kind) {
            // What is wrong besides is worth knowing in the same go.
            self.found.extend(more);
        }
        converts
    }

    fn probe(&self, node: &Node, kind: &str) -> Result<(), Diagnostics> {
        let keys = self.keys;
        match kind {
            "Pipeline" => decode::<Pipeline>(node, self.source, keys).map(drop),
            "TaskRun" => decode::<TaskRun>(node, self.source, keys).map(drop),
            "PipelineRun" => decode::<PipelineRun>(node, self.source, keys).map(drop),
            _ => decode::<Task>(node, self.source, keys).map(drop),
        }
    }

    fn tekton<T: DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        let read = decode(node, self.source, self.keys);
        self.keep(read)
    }

    fn core<T: DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        let read = decode(node, self.source, Keys::Exact);
        self.keep(read)
    }

    /// What is wrong in a secret is told without showing its lines.
    fn secret(&mut self, node: &Node) -> Option<Secret> {
        let read = decode_secretly(node, self.source, Keys::Exact).map_err(|problems| {
            let kind = node.span_of("kind");
            let hide = |mut problem: Diagnostic| {
                if let Some((source, span)) = problem.place.replace((self.source.clone(), kind)) {
                    problem.message = format!("{} (line {})", problem.message, source.position(span.start).0);
                }
                problem
            };
            Diagnostics(problems.into_iter().map(hide).collect())
        });
        self.keep(read)
    }

    fn keep<T>(&mut self, read: Result<T, Diagnostics>) -> Option<T> {
        read.map_err(|problems| self.found.extend(problems)).ok()
    }

    fn foreign(&mut self, api_version: &str, kind: &str, node: &Node) -> Object {
        let name = node.at("metadata.name").and_then(Node::as_str).unwrap_or_default().to_owned();
        let called = if name.is_empty() { String::new() } else { format!(" {name}") };
        let message = format!("skipped {kind}{called} ({api_version}): it is not used here");
        self.report(Diagnostic::warning("foreign-kind", message), node.span_of("kind"));
        Object::Other { api_version: api_version.to_owned(), kind: kind.to_owned(), name }
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        self.found.push(diagnostic.at(self.source, span));
    }
}
