//! Objects with their names then and now.

use base::{Source, Span};
use serde_json::{Map, Value};
use tekton::yaml::Node;

/// What tells one object from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct Id {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

impl Id {
    /// Of a tree with `apiVersion`, `kind` and `metadata`.
    pub fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let api_version = value["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(&value["kind"]),
            namespace: text(&value["metadata"]["namespace"]),
            name: text(&value["metadata"]["name"]),
        }
    }

    /// Whether both are the same object to a cluster; no namespace is the namespace `default`.
    pub fn same(&self, other: &Self) -> bool {
        self.same_namespace(&other.namespace)
            && (&self.group, &self.version, &self.kind, &self.name)
                == (&other.group, &other.version, &other.kind, &other.name)
    }

    /// Whether it is in this namespace.
    pub fn same_namespace(&self, namespace: &str) -> bool {
        let effective = |n: &'_ str| if n.is_empty() { "default".to_owned() } else { n.to_owned() };
        effective(&self.namespace) == effective(namespace)
    }
}

impl std::fmt::Display for Id {
    /// `Kind name` with its namespace.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        if !self.namespace.is_empty() {
            write!(f, " in namespace {}", self.namespace)?;
        }
        Ok(())
    }
}

/// Where an object was written.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The resource's file, or the kustomization that generates it.
    pub source: Source,
    /// The place in it.
    pub span: Span,
    /// The object as it stands there; a generated one has none.
    pub node: Option<Node>,
}

/// An object on its way through the folders.
#[derive(Debug, Clone)]
pub struct Object {
    /// As it is now.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// What it was called before, oldest first.
    pub(crate) previous: Vec<Id>,
    /// Prefixes and suffixes that it got, in this order.
    pub(crate) affixes: Vec<(String, String)>,
    /// Whether its name ends with a hash of its content.
    pub(crate) hashed: bool,
}

impl Object {
    /// A new one.
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin, previous: Vec::new(), affixes: Vec::new(), hashed: false }
    }

    /// What it is called now.
    pub fn id(&self) -> Id {
        Id::of(&self.value)
    }

    /// What it is and was called.
    pub fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.previous.iter().cloned().chain([self.id()])
    }

    /// Keeps what it is called now, before that changes.
    pub fn remember(&mut self) {
        let id = self.id();
        if self.previous.last() != Some(&id) {
            self.previous.push(id);
        }
    }

    /// Sets a field of the metadata.
    pub fn set_metadata(&mut self, field: &str, text: &str) {
        if let Some(metadata) = child(&mut self.value, "metadata") {
            metadata.insert(field.to_owned(), Value::from(text));
        }
    }
}

/// The mapping under `key`, made when there is nothing; none when there is something else.
pub fn child<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let slot = value.as_object_mut()?.entry(key).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// A tree as a value. `y`, `yes`, `on` and their opposites without quotes are texts here, as kustomize passes them on;
/// only `true` and `false` are booleans.
pub fn value_of(node: &Node, source: &Source) -> Value {
    use tekton::yaml::Kind;
    match &node.kind {
        Kind::Bool(_) => {
            let text = source.text().get(node.span.start..node.span.end).unwrap_or_default();
            let words = ["y", "n", "yes", "no", "on", "off"];
            if words.iter().any(|word| text.eq_ignore_ascii_case(word)) {
                Value::from(text)
            } else {
                node.to_json()
            }
        }
        Kind::Sequence(items) => Value::Array(items.iter().map(|item| value_of(item, source)).collect()),
        Kind::Mapping(entries) => {
            let fields = entries.iter().map(|e| (e.key.clone(), value_of(&e.value, source)));
            Value::Object(fields.collect())
        }
        _ => node.to_json(),
    }
}
