//! BuildConfigs and ImageStreams, as okd-payload-pipeline has them, built by kustomize.
//!
//! A BuildConfig that pushes to a tag of an ImageStream becomes a component. What it starts from is said by tags too, so that
//! what was put in order by batches becomes a dependency: a tag that a BuildConfig makes is a component, another tag is the
//! image that the ImageStream imports.

use std::collections::{BTreeMap, BTreeSet};

use base::{Diagnostic, Diagnostics};
use serde_json::{Map, Value};

use super::difference::difference;
use super::report::Report;
use super::{Imported, text};
use crate::definition::overlay::{Overlay, Parent};
use crate::definition::platform::listed;
use crate::definition::{
    ApiVersion, Base, Component, Git, Kind, Origin, Platform, Rebuild, RebuildInherited, Stream,
};

/// The ImageStream whose tags are the payload.
const RELEASE: &str = "release";

/// Fields that have no place in a stream, by how they begin, and why.
const REASONS: [(&str, &str); 6] = [
    ("not a BuildConfig", "The stream renders its own pipeline; other objects are what ran the builds."),
    ("metadata", "Labels that select objects for patches."),
    (
        "spec.strategy.dockerStrategy.from",
        "Instead of the last FROM; `bases` maps what that says, see above.",
    ),
    ("spec.strategy.dockerStrategy.imageOptimizationPolicy", "Every image has one layer on top of its base."),
    (
        "spec.source.images",
        "Files copied out of an image, or replacements that differ from those of other builds.",
    ),
    ("spec", "How OpenShift runs the build."),
];

/// A variant: its name and the objects of its kustomization.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The name of its folder.
    pub name: String,
    /// Everything that it builds.
    pub objects: Vec<Value>,
}

/// Makes a stream of the objects in `base`, and an overlay on it for each variant; for the platforms that their workflows say, or
/// for others if somebody wants them.
///
/// # Errors
/// When there is no BuildConfig.
pub fn import(
    base: &[Value],
    variants: &[Variant],
    platforms: Option<&BTreeSet<Platform>>,
) -> Result<Imported, Diagnostics> {
    let mut report = Report::new("okd-payload-pipeline as streams", &REASONS);
    let mut stream = stream(base, "okd", &mut report);
    stream.platforms = chosen("okd", base, platforms, &mut report);
    if stream.components.is_empty() {
        let finding = Diagnostic::error("no-buildconfigs", "there is no BuildConfig with a source in git");
        return Err(finding.help("name a checkout of okd-payload-pipeline").into());
    }
    let unwritable = |e: serde_json::Error| Diagnostics::from(Diagnostic::error("unwritable", e.to_string()));
    let comment =
        "Made by `sw import okd-payload-pipeline`; REPORT.md beside its folder tells what is not in it.";
    let mut streams = vec![("okd".to_owned(), text::stream(&stream, comment).map_err(unwritable)?)];
    for variant in variants {
        let name = format!("okd-{}", variant.name);
        let mut there = self::stream(&variant.objects, "okd", &mut report);
        there.platforms = chosen(&name, &variant.objects, platforms, &mut report);
        let (operations, lost) = difference(&stream, &there);
        report
            .decisions
            .extend(lost.into_iter().map(|lost| format!("In the variant {}: {lost}.", variant.name)));
        let overlay = Overlay {
            api_version: ApiVersion::V1Alpha1,
            kind: Kind::Stream,
            name: name.clone(),
            from: Parent::Path("../okd".to_owned()),
            description: format!("The variant {} of okd-payload-pipeline.", variant.name),
            version: None,
            platforms: (there.platforms != stream.platforms).then_some(there.platforms),
            rebuild: None,
            rebuild_inherited: RebuildInherited::default(),
            layer_rebase: None,
            repository: format!("localhost:5757/{name}"),
            caches: Vec::new(),
            operations,
        };
        streams.push((name, text::overlay(&overlay, comment).map_err(unwritable)?));
    }
    report.decisions.extend([
        format!("{} BuildConfigs became components.", stream.components.len()),
        "What replaces the last FROM (`dockerStrategy.from`) is written in `bases` for the name that OpenShift's CI has for that \
         tag, `registry.ci.openshift.org/*/*:TAG`: a guess, as a BuildConfig does not know what its Dockerfile says. \
         `sw bases` tells where it fails."
            .to_owned(),
        "Tags of ImageStreams became entries of `bases`; how and when they are imported anew is not carried over: `stream.lock` \
         keeps their digests."
            .to_owned(),
        "Components do not say `from`, so that a plan fetches their sources and reads their Dockerfiles.".to_owned(),
    ]);
    Ok(Imported { streams, report })
}

/// The platforms of a stream: those that somebody wants, else those that its workflows build for. A BuildConfig alone builds for the
/// processor of the cluster that it runs on.
fn chosen(
    name: &str,
    objects: &[Value],
    wanted: Option<&BTreeSet<Platform>>,
    report: &mut Report,
) -> BTreeSet<Platform> {
    let (built, unknown) = architectures(objects);
    if !unknown.is_empty() {
        report.left(name, &serde_json::json!({"processors that no stream can be for": unknown}));
    }
    let (platforms, why) = match wanted {
        Some(wanted) => (wanted.clone(), "what --platforms says"),
        None if built.is_empty() => (
            BTreeSet::from([Platform::default()]),
            "BuildConfigs do not say it, they build for the processor of their cluster",
        ),
        None => (built, "the parameter `architectures` of its workflows"),
    };
    report.decisions.push(format!("`{name}` is for {}: {why}.", listed(&platforms)));
    platforms
}

/// What the parameter `architectures` of Argo's WorkflowTemplates says: processors with commas between them, in Go's words. Those
/// that a stream can be for, and the others.
fn architectures(objects: &[Value]) -> (BTreeSet<Platform>, BTreeSet<&str>) {
    let templates = objects.iter().filter(|object| object["kind"] == "WorkflowTemplate");
    let parameters =
        templates.filter_map(|template| template.pointer("/spec/arguments/parameters")?.as_array()).flatten();
    let lists = parameters
        .filter(|parameter| parameter["name"] == "architectures")
        .filter_map(|parameter| parameter["value"].as_str().or_else(|| parameter["default"].as_str()));
    let all = lists.flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let mut unknown = BTreeSet::new();
    let known = all.filter_map(|name| {
        let platform = Platform::of_architecture(name);
        if platform.is_none() {
            unknown.insert(name);
        }
        platform
    });
    (known.collect(), unknown)
}

/// The stream of all BuildConfigs among the objects.
fn stream(objects: &[Value], name: &str, report: &mut Report) -> Stream {
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let mut built = BTreeSet::new();
    for config in of_kind("BuildConfig") {
        built.extend(config.pointer("/spec/output/to/name").and_then(Value::as_str).map(component_name));
    }
    let mut tags = Tags { built, imported: BTreeMap::new() };
    for image_stream in of_kind("ImageStream") {
        tags.add(image_stream);
    }
    let mut components = BTreeMap::new();
    let mut bases = BTreeMap::new();
    for config in of_kind("BuildConfig") {
        let mut config = config.clone();
        let who = config.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some((name, component)) = component(&mut config, &tags, &mut bases) {
            components.insert(name, component);
        }
        report.left(&who, &config);
    }
    for (tag, origin) in &tags.imported {
        // Tags of the payload that nothing builds are images that the payload has as they are; the stream wants their digests.
        if tag.starts_with("release:") && !tags.built.contains(&component_name(tag)) {
            report.left(
                tag,
                &serde_json::json!({"imported into the payload (add it with its digest)": origin}),
            );
        }
    }
    for object in objects.iter().filter(|o| o["kind"] != "BuildConfig" && o["kind"] != "ImageStream") {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        report.left(name, &serde_json::json!({"not a BuildConfig": object["kind"]}));
    }
    Stream {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Stream,
        name: name.to_owned(),
        description: "OKD as okd-payload-pipeline built it.".to_owned(),
        version: "0.1.0".to_owned(),
        repository: format!("localhost:5757/{name}"),
        caches: Vec::new(),
        platforms: BTreeSet::from([Platform::default()]),
        rebuild: Rebuild::default(),
        rebuild_inherited: RebuildInherited::default(),
        layer_rebase: Vec::new(),
        release_base: "cluster-version-operator".to_owned(),
        bases,
        components,
        tests: BTreeMap::new(),
        pipeline: None,
        waivers: Vec::new(),
    }
}

/// What the tags of ImageStreams are.
struct Tags {
    /// The components that are built.
    built: BTreeSet<String>,
    /// Images that tags import, or other tags, by `STREAM:TAG`.
    imported: BTreeMap<String, String>,
}

impl Tags {
    fn add(&mut self, image_stream: &Value) {
        let name = image_stream.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for tag in image_stream.pointer("/spec/tags").and_then(Value::as_array).into_iter().flatten() {
            let from = tag.pointer("/from/name").and_then(Value::as_str);
            if let (Some(tag), Some(from)) = (tag["name"].as_str(), from) {
                self.imported.insert(format!("{name}:{tag}"), from.to_owned());
            }
        }
    }

    /// What a reference to a tag, or to an image, means.
    fn base(&self, from: &Value) -> Option<Base> {
        let mut name = from["name"].as_str()?;
        if from["kind"] == "DockerImage" {
            return Some(Base::Image(name.to_owned()));
        }
        // A tag may be another tag.
        for _ in 0..=self.imported.len() {
            if self.built.contains(&component_name(name)) {
                return Some(Base::Component(component_name(name)));
            }
            name = self.imported.get(name)?;
            if name.contains('/') {
                return Some(Base::Image(name.to_owned()));
            }
        }
        None
    }
}

/// `release:etcd` as `etcd`; a tag of another ImageStream keeps that one's name.
fn component_name(tag: &str) -> String {
    match tag.split_once(':') {
        Some((RELEASE, tag)) => tag.to_owned(),
        _ => tag.replace(':', "-"),
    }
}

/// A BuildConfig as a component; what it is made of is taken out. None for one whose source is not in git.
fn component(
    config: &mut Value,
    tags: &Tags,
    bases: &mut BTreeMap<String, Base>,
) -> Option<(String, Component)> {
    let text = |config: &Value, at: &str| config.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let output = text(config, "/spec/output/to/name")?;
    let name = component_name(&output);
    let url = text(config, "/spec/source/git/uri")?;
    // A BuildConfig without a reference takes the default branch.
    let reference = text(config, "/spec/source/git/ref").unwrap_or_else(|| "HEAD".to_owned());
    let path = text(config, "/spec/source/contextDir").filter(|path| !path.is_empty());
    let path = path.map_or_else(|| ".".to_owned(), |path| path.trim_matches('/').to_owned());
    let mut component = Component::of(Origin::Git(Git { url, reference, path }));
    component.payload = output.starts_with("release:");
    let docker = "/spec/strategy/dockerStrategy";
    component.containerfile =
        Some(text(config, &format!("{docker}/dockerfilePath")).unwrap_or_else(|| "Dockerfile".to_owned()));
    if let Some(Value::Array(arguments)) = config.pointer_mut(&format!("{docker}/buildArgs")) {
        // One whose value is in a secret or field stays.
        arguments.retain(|argument| match (argument["name"].as_str(), argument["value"].as_str()) {
            (Some(name), Some(value)) => component.args.insert(name.to_owned(), value.to_owned()).is_some(),
            _ => true,
        });
        if arguments.is_empty() {
            remove(config, &["spec", "strategy", "dockerStrategy", "buildArgs"]);
        }
    }
    replacements(config, tags, bases);
    if let Some(from) = config.pointer(&format!("{docker}/from"))
        && let (Some(base), Some(tag)) = (tags.base(from), from["name"].as_str())
    {
        let tag = tag.rsplit(':').next().unwrap_or(tag);
        bases.entry(format!("registry.ci.openshift.org/*/*:{tag}")).or_insert(base);
    }
    for at in [
        &["apiVersion"][..],
        &["kind"],
        &["metadata", "name"],
        &["spec", "output"],
        &["spec", "source", "type"],
        &["spec", "source", "git", "uri"],
        &["spec", "source", "git", "ref"],
        &["spec", "source", "contextDir"],
        &["spec", "strategy", "type"],
        &["spec", "strategy", "dockerStrategy", "dockerfilePath"],
    ] {
        remove(config, at);
    }
    Some((name, component))
}

/// The names that a BuildConfig has replaced, which go into the table; what does not fit there stays.
fn replacements(config: &mut Value, tags: &Tags, bases: &mut BTreeMap<String, Base>) {
    let Some(Value::Array(images)) = config.pointer_mut("/spec/source/images") else { return };
    images.retain(|image| {
        let Some(base) = tags.base(&image["from"]) else { return true };
        let names: Vec<&str> =
            image["as"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let known = |name: &&str| bases.get(*name).is_none_or(|there| *there == base);
        if image.get("paths").is_some() || names.is_empty() || !names.iter().all(known) {
            return true;
        }
        bases.extend(names.into_iter().map(|name| (name.to_owned(), base.clone())));
        false
    });
    if images.is_empty() {
        remove(config, &["spec", "source", "images"]);
    }
}

/// Removes the value at `path`, and mappings that are empty then.
fn remove(value: &mut Value, path: &[&str]) {
    let (Some((first, rest)), Some(fields)) = (path.split_first(), value.as_object_mut()) else { return };
    if rest.is_empty() {
        fields.shift_remove(*first);
        return;
    }
    if let Some(inner) = fields.get_mut(*first) {
        remove(inner, rest);
        if inner.as_object().is_some_and(Map::is_empty) {
            fields.shift_remove(*first);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;
    use serde_json::json;

    use super::*;
    use crate::definition::{Definition, File, parse, parse_file};
    use crate::overlay::flatten;
    use crate::sample;

    fn config(name: &str, output: &str, from: &str, images: Value) -> Value {
        json!({
            "kind": "BuildConfig", "apiVersion": "build.openshift.io/v1",
            "metadata": {"name": name},
            "spec": {
                "source": {
                    "type": "Git",
                    "git": {"uri": format!("https://git.example/{name}"), "ref": "main"},
                    "contextDir": "images/",
                    "images": images,
                },
                "strategy": {"type": "Docker", "dockerStrategy": {
                    "dockerfilePath": "Dockerfile.rhel", "from": {"kind": "ImageStreamTag", "name": from},
                }},
                "output": {"to": {"kind": "ImageStreamTag", "name": output}},
            },
        })
    }

    fn objects(tags: &str) -> Vec<Value> {
        let builder = json!([
            {"from": {"kind": "ImageStreamTag", "name": "release:builder"}, "as": ["ci.example/builder:go"]},
            {"from": {"kind": "ImageStreamTag", "name": "release:files"}, "paths": [{"sourcePath": "/a"}]},
        ]);
        let mut etcd = config("etcd", "release:etcd", "release:base", builder);
        etcd["spec"]["strategy"]["dockerStrategy"]["buildArgs"] = json!([{"name": "TAGS", "value": tags}]);
        vec![
            json!({
                "kind": "ImageStream", "metadata": {"name": "release"},
                "spec": {"tags": [
                    {"name": "base", "from": {"kind": "ImageStreamTag", "name": "tools:centos9"}},
                    {"name": "kuryr", "from": {"kind": "DockerImage", "name": "quay.io/x/kuryr:1"}},
                ]},
            }),
            json!({
                "kind": "ImageStream", "metadata": {"name": "tools"},
                "spec": {"tags": [
                    {"name": "centos9", "from": {"kind": "DockerImage", "name": "quay.io/centos/centos:stream9"}},
                ]},
            }),
            config("go", "release:builder", "tools:centos9", json!([])),
            etcd,
            config("ctl", "release:ctl", "release:etcd", json!([])),
            json!({"kind": "Pipeline", "metadata": {"name": "build-all"}}),
        ]
    }

    fn read(imported: &Imported) -> Vec<Definition> {
        let base = parse(&Source::new("okd", imported.streams[0].1.as_str())).unwrap();
        let mut all = vec![base.clone()];
        for (name, text) in &imported.streams[1..] {
            let File::Overlay(overlay) = parse_file(&Source::new(name.as_str(), text.as_str())).unwrap()
            else {
                panic!()
            };
            all.push(flatten(&base, &overlay).unwrap_or_else(|e| panic!("{}", e.render(false))));
        }
        all
    }

    #[test]
    fn tags_become_components_and_bases() {
        let variant = Variant { name: "scos".to_owned(), objects: objects("scos") };
        let imported = import(&objects(""), &[variant], None).unwrap();
        let all = read(&imported);
        let stream = &all[0].stream;
        let names: Vec<&str> = stream.components.keys().map(String::as_str).collect();
        assert_eq!(names, ["builder", "ctl", "etcd"]);
        let etcd = &stream.components["etcd"];
        assert_eq!(etcd.containerfile_path(), "Dockerfile.rhel");
        let Origin::Git(git) = &etcd.source else { panic!() };
        assert_eq!(
            (git.url.as_str(), git.reference.as_str(), git.path.as_str()),
            ("https://git.example/etcd", "main", "images")
        );
        let centos = Base::Image("quay.io/centos/centos:stream9".to_owned());
        let bases: Vec<(&str, &Base)> =
            stream.bases.iter().map(|(name, base)| (name.as_str(), base)).collect();
        assert_eq!(
            bases,
            [
                ("ci.example/builder:go", &Base::Component("builder".to_owned())),
                ("registry.ci.openshift.org/*/*:base", &centos),
                ("registry.ci.openshift.org/*/*:centos9", &centos),
                ("registry.ci.openshift.org/*/*:etcd", &Base::Component("etcd".to_owned())),
            ]
        );
        assert_eq!(all[1].stream.components["etcd"].args["TAGS"], "scos");
        assert_eq!(all[1].history.applied.len(), 1, "nothing else differs");
    }

    #[test]
    fn workflows_say_for_which_processors() {
        let workflow = |parameters: Value| json!({"kind": "WorkflowTemplate", "metadata": {"name": "build"}, "spec": {"arguments": {"parameters": parameters}}});
        let mut several = objects("");
        several.extend([
            workflow(json!([{"name": "architectures", "default": "arm64, amd64"}, {"name": "os", "default": "s390x"}])),
            workflow(json!([{"name": "architectures", "value": "arm64,riscv64", "default": "ppc64le"}])),
            workflow(json!([{"name": "architectures"}])),
        ]);
        let variants = [
            Variant { name: "scos".to_owned(), objects: objects("") },
            Variant { name: "multi".to_owned(), objects: several },
        ];
        let imported = import(&objects(""), &variants, None).unwrap();
        let both = BTreeSet::from([Platform::Amd64, Platform::Arm64]);
        let all: Vec<BTreeSet<Platform>> = read(&imported).into_iter().map(|d| d.stream.platforms).collect();
        let one = BTreeSet::from([Platform::Amd64]);
        assert_eq!(all, [one.clone(), one, both]);
        let report = imported.report.text();
        for said in [
            "`okd` is for linux/amd64: BuildConfigs do not say it",
            "`okd-multi` is for linux/amd64, linux/arm64: the parameter `architectures` of its workflows.",
            "`[\"riscv64\"]`: okd-multi",
        ] {
            assert!(report.contains(said), "{said}\n{report}");
        }
        // The same for all, if somebody wants that.
        let wanted = BTreeSet::from([Platform::Arm64]);
        let imported = import(&objects(""), &variants, Some(&wanted)).unwrap();
        assert!(read(&imported).iter().all(|definition| definition.stream.platforms == wanted));
        assert!(imported.streams[2].1.lines().all(|line| !line.starts_with("platforms")), "inherited");
    }

    #[test]
    fn what_has_no_place_is_reported() {
        let report = import(&objects(""), &[], None).unwrap().report;
        for (field, inputs) in [
            ("not a BuildConfig", 1),
            ("spec.source.images", 1),
            ("imported into the payload (add it with its digest)", 2),
            ("spec.strategy.dockerStrategy.from", 3),
            ("spec.source.git.uri", 0),
        ] {
            assert_eq!(report.inputs_with(field), inputs, "{field}\n{}", report.text());
        }
        let none = import(&[json!({"kind": "Pipeline"})], &[], None).unwrap_err();
        assert!(none.render(false).contains("there is no BuildConfig"), "{}", none.render(false));
    }

    #[test]
    fn batches_become_dependencies() {
        // With the sources at hand, as `sw plan` has them.
        let imported = import(&objects(""), &[], None).unwrap();
        let text = imported.streams[0]
            .1
            .replace("git: {url: https://git.example/", "path: x/")
            .replace(", ref: main, path: images}", "");
        let files = sample::Files(BTreeMap::from([
            ("x/go/Dockerfile.rhel", "FROM registry.ci.openshift.org/ocp/4.15:centos9\n"),
            (
                "x/etcd/Dockerfile.rhel",
                "FROM ci.example/builder:go AS build\nFROM registry.ci.openshift.org/ocp/4.15:base\n",
            ),
            ("x/ctl/Dockerfile.rhel", "FROM registry.ci.openshift.org/ocp/4.15:etcd\n"),
        ]));
        let text = text.replace("releaseBase: cluster-version-operator", "releaseBase: etcd");
        let (_, graphs) = sample::checked(&text, &files);
        let graph = graphs.iter().next().unwrap();
        assert_eq!(graph.order().collect::<Vec<_>>(), ["builder", "etcd", "ctl"]);
    }
}
