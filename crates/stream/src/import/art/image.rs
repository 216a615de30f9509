//! One image's values to a component.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::data::{merge, take, take_text};
use crate::definition::{Base, Component, Edit, Git, Origin};

/// How an image may name what it starts from.
pub(super) const PARENTS: [&str; 3] = ["stream", "member", "image"];

/// A component, and the names in its `from`.
pub(super) struct Converted {
    pub component: Component,
    pub bases: Vec<String>,
}

/// What the names in the data mean.
pub(super) struct Names<'a> {
    streams: &'a Map<String, Value>,
    images: &'a BTreeMap<String, Map<String, Value>>,
    /// Other names of streams.
    aliases: BTreeMap<String, String>,
    /// Whether they are asked for the variant OKD.
    okd: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        streams: &'a Map<String, Value>,
        images: &'a BTreeMap<String, Map<String, Value>>,
        okd: bool,
    ) -> Self {
        let mut aliases = BTreeMap::new();
        for (name, stream) in streams {
            for alias in stream.get("aliases").and_then(Value::as_array).into_iter().flatten() {
                aliases.extend(alias.as_str().map(|alias| (alias.to_owned(), name.clone())));
            }
        }
        Self { streams, images, aliases, okd }
    }

    /// What the component of an image is called: as its tag in the payload, else as its file.
    pub(super) fn of_image(&self, name: &str) -> String {
        let tag = self.images.get(name).and_then(|image| image.get("payload_name")).and_then(Value::as_str);
        tag.unwrap_or(name).to_owned()
    }

    /// Makes the component; what it is made of is taken out of `image`.
    ///
    /// # Errors
    /// The field that it cannot do without.
    pub(super) fn component(&self, image: &mut Map<String, Value>) -> Result<Converted, &'static str> {
        const SOURCE: [&str; 2] = ["content", "source"];
        let at = |path: &[&'static str]| [&SOURCE[..], path].concat();
        let private = take_text(image, &at(&["git", "url"]));
        let url = take_text(image, &at(&["git", "web"])).or(private.map(|url| public(&url)));
        let reference = take_text(image, &at(&["git", "branch", "target"]));
        let path = take_text(image, &at(&["path"])).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| ".".to_owned());
        let mut component = Component::of(Origin::Git(Git {
            url: url.ok_or("content.source.git.url")?,
            reference: reference.ok_or("content.source.git.branch.target")?,
            path,
        }));
        component.payload = take(image, &["for_payload"]) == Some(Value::Bool(true));
        drop(take(image, &["mode"]));
        drop(take(image, &["payload_name"]));
        let containerfile = take_text(image, &at(&["dockerfile"])).unwrap_or_else(|| "Dockerfile".to_owned());
        component.containerfile = Some(containerfile.trim_start_matches("./").to_owned());
        let bases = self.from(image);
        component.from = Some(bases.clone());
        component.edits = edits(image, &at(&["modifications"]));
        if let Some(Value::Object(labels)) = take(image, &["labels"]) {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            component.labels = labels.into_iter().map(|(key, value)| (key, text(value))).collect();
        }
        Ok(Converted { component, bases })
    }

    /// What the stages start from, builders first, as names of the table of bases.
    fn from(&self, image: &mut Map<String, Value>) -> Vec<String> {
        let builders = match take(image, &["from", "builder"]) {
            Some(Value::Array(builders)) => builders,
            _ => Vec::new(),
        };
        let mut names: Vec<String> = builders.iter().filter_map(|b| self.base_name(b.as_object()?)).collect();
        if let Some(Value::Object(from)) = image.get("from") {
            names.extend(self.base_name(from));
        }
        PARENTS.iter().for_each(|kind| drop(take(image, &["from", kind])));
        names
    }

    fn base_name(&self, from: &Map<String, Value>) -> Option<String> {
        let (kind, name) = PARENTS.iter().find_map(|kind| Some((*kind, from.get(*kind)?.as_str()?)))?;
        Some(match kind {
            "stream" => self.aliases.get(name).cloned().unwrap_or_else(|| name.to_owned()),
            "member" => self.of_image(name),
            _ => name.to_owned(),
        })
    }

    /// The components of the operators that name this image, as far as they are `wanted`; the others stay.
    pub(super) fn operators(&self, image: &mut Map<String, Value>, wanted: &BTreeSet<String>) -> Vec<String> {
        let Some(Value::Array(dependents)) = take(image, &["dependents"]) else { return Vec::new() };
        let known = |dependent: &Value| dependent.as_str().is_some_and(|name| wanted.contains(name));
        let (known, others): (Vec<Value>, Vec<Value>) = dependents.into_iter().partition(known);
        if !others.is_empty() {
            image.insert("dependents".to_owned(), Value::Array(others));
        }
        known.iter().filter_map(Value::as_str).map(|name| self.of_image(name)).collect()
    }

    /// Says in the table what every name in `used` means, and the names that Containerfiles have for the same images.
    pub(super) fn fill(
        &self,
        used: &BTreeSet<String>,
        wanted: &BTreeSet<String>,
        table: &mut BTreeMap<String, Base>,
    ) {
        let members: BTreeMap<String, &String> =
            self.images.keys().map(|name| (self.of_image(name), name)).collect();
        for name in used {
            let (base, upstream) = match (members.get(name), self.stream(name)) {
                (Some(image), _) if wanted.contains(*image) => {
                    (Some(Base::Component(name.clone())), self.upstream(image))
                }
                // An image that this variant does not build is what it resolves to.
                (Some(image), _) => (self.resolved(image), self.upstream(image)),
                (None, Some((image, upstream))) => (Some(Base::Image(image)), upstream),
                (None, None) if name.contains('/') => (Some(Base::Image(name.clone())), None),
                (None, None) => (None, None),
            };
            let Some(base) = base else { continue };
            // Two images with one name upstream: the one that starts from the other is meant.
            if let Some(upstream) = upstream {
                let first = table.get(&upstream).and_then(|known| match known {
                    Base::Component(known) => members.get(known).copied(),
                    _ => None,
                });
                let below = first.is_some_and(|first| self.starts_from(first, name));
                if !below {
                    table.insert(upstream, base.clone());
                }
            }
            table.insert(name.clone(), base);
        }
    }

    /// Tells of names that two images have upstream.
    pub(super) fn ambiguous(&self, wanted: &BTreeSet<String>) -> Vec<String> {
        let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for image in wanted {
            if let Some(upstream) = self.upstream(image) {
                by_name.entry(upstream).or_default().push(image);
            }
        }
        let several = by_name.into_iter().filter(|(_, images)| images.len() > 1);
        several
            .map(|(name, images)| {
                format!(
                    "{name} is the upstream name of {}; `bases` has the one that starts from the other.",
                    images.join(" and ")
                )
            })
            .collect()
    }

    fn starts_from(&self, image: &str, component: &str) -> bool {
        let members = self.images.get(image).into_iter().flat_map(members);
        members.into_iter().any(|member| self.of_image(member) == component)
    }

    /// The image of a stream of the data, and its name upstream.
    fn stream(&self, name: &str) -> Option<(String, Option<String>)> {
        let stream = self.streams.get(name)?;
        let text = |field: &str| stream.get(field).and_then(Value::as_str).map(str::to_owned);
        let resolved = stream.pointer("/okd/resolve_as/image").and_then(Value::as_str);
        let image = resolved.filter(|_| self.okd).map(str::to_owned).or_else(|| text("image"))?;
        Some((image, text("upstream_image")))
    }

    /// How upstream Containerfiles name the image that a member becomes.
    fn upstream(&self, image: &str) -> Option<String> {
        let source = self.images.get(image)?.get("content")?.get("source")?;
        let upstream = source.get("ci_alignment")?.get("upstream_image")?;
        upstream.as_str().map(str::to_owned)
    }

    /// What OKD has instead of a member.
    fn resolved(&self, image: &str) -> Option<Base> {
        let source = self.images.get(image)?.get("content")?.get("source")?;
        let resolve_as = source.get("okd_alignment")?.get("resolve_as")?;
        if let Some(image) = resolve_as.get("image").and_then(Value::as_str) {
            return Some(Base::Image(image.to_owned()));
        }
        Some(Base::Image(self.stream(resolve_as.get("stream")?.as_str()?)?.0))
    }
}

/// The images that an image starts from, by the names of their files.
pub(super) fn members(image: &Map<String, Value>) -> Vec<&str> {
    let Some(Value::Object(from)) = image.get("from") else { return Vec::new() };
    let builders = from.get("builder").and_then(Value::as_array).into_iter().flatten();
    let builders = builders.filter_map(|builder| builder.get("member")?.as_str());
    builders.chain(from.get("member").and_then(Value::as_str)).collect()
}

/// Modifications that replace a text; the others stay.
pub(super) fn edits(image: &mut Map<String, Value>, path: &[&str]) -> Vec<Edit> {
    let Some(Value::Array(modifications)) = take(image, path) else { return Vec::new() };
    let mut edits = Vec::new();
    let mut others = Vec::new();
    for modification in modifications {
        let text = |field: &str| modification.get(field).and_then(Value::as_str).map(str::to_owned);
        match (text("action").as_deref(), text("match"), text("replacement")) {
            (Some("replace"), Some(text), Some(with)) => edits.push(Edit { text, with }),
            _ => others.push(modification),
        }
    }
    if !others.is_empty() {
        let mut back = Value::Array(others);
        for part in path.iter().rev() {
            back = Value::Object(Map::from_iter([((*part).to_owned(), back)]));
        }
        if let Value::Object(back) = back {
            merge(image, back);
        }
    }
    edits
}

/// `git@github.com:org/name.git` as an address that needs no key.
fn public(url: &str) -> String {
    match url.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
        Some((host, path)) => format!("https://{host}/{}", path.trim_end_matches(".git")),
        None => url.to_owned(),
    }
}
