//! ART's build data (<https://github.com/openshift-eng/ocp-build-data>), by which OpenShift is built.
//!
//! It gives two streams: the images of the payload with the bases that they need, and an overlay for the variant OKD.
//!
//! - `arches`: for which processors what is built
//! - `data`: files to values, variables put in; taking values out, so that what is left can be told
//! - `image`: one image's values to a component

mod arches;
mod data;
mod image;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use base::{Diagnostic, Diagnostics, Source};
use serde_json::{Map, Value};

use self::data::{Vars, object, take};
use self::image::{Converted, Names};
use super::difference::difference;
use super::report::Report;
use super::{Imported, text};
use crate::definition::overlay::{Operation, Overlay, Parent};
use crate::definition::platform::listed;
use crate::definition::{ApiVersion, Kind, Platform, Rebuild, RebuildInherited, Stream};

/// The component whose image is the base of a payload.
const RELEASE_BASE: &str = "cluster-version-operator";

/// Fields that have no place in a stream, by how they begin, and why.
const REASONS: [(&str, &str); 25] = [
    ("arches", "Processors that no stream can be for."),
    ("base_only", "An image that no tag of the payload names is `payload: false`."),
    ("cachito", "How ART fetches what a build downloads; a task of the stream decides that here."),
    ("canonical_builders_from_upstream", "`from` says what the stages start from, whatever upstream says."),
    ("content.source.artifacts", "How ART fetches what a build downloads."),
    ("content.source.ci_alignment", "Pull requests that ART's bots open upstream."),
    ("content.source.okd_alignment", "How OpenShift's CI was told to build OKD."),
    ("content.source.pkg_managers", "How ART fetches what a build downloads."),
    (
        "content.set_build_variables",
        "ART's arguments for versions; set `args` where a Containerfile wants them.",
    ),
    ("content.source.git.branch.fallback", "A stream names one reference; there is no second choice."),
    ("delivery", "Where Red Hat delivers the image."),
    (
        "dependents",
        "These operators are not in the payload, and so not in the stream, or they are on platforms that the image is not on; the \
         others have `operands`.",
    ),
    ("distgit", "Red Hat's internal repositories."),
    (
        "enabled_repos",
        "Which of Red Hat's package repositories a build sees; the base images of the stream bring theirs.",
    ),
    ("external_scanners", "How ART scans."),
    ("for_release", "Red Hat's advisories."),
    ("group", "How ART builds everything: its systems, repositories and advisories."),
    ("konflux", "How Red Hat's Konflux builds it."),
    ("maintainer", "Whom ART writes to."),
    ("name", "What ART calls the image; the stream calls it as the payload does."),
    ("owners", "Whom ART writes to."),
    ("scan_sources", "When ART rebuilds; a stream rebuilds when an input changes."),
    ("stream", "What ART mirrors for OpenShift's CI."),
    ("unused stream", "Nothing in the payload starts from it."),
    ("update-csv", "How ART makes operator bundles; they are not in the payload."),
];

/// The files.
#[derive(Debug, Clone)]
pub struct BuildData {
    /// `group.yml`
    pub group: Source,
    /// `streams.yml`
    pub streams: Source,
    /// `images/*.yml`, each with its name without `.yml`.
    pub images: Vec<(String, Source)>,
}

/// Makes the stream `ocp` and the overlay `okd` on it, for the platforms that the data say, or for others if somebody wants them.
///
/// # Errors
/// Texts that are not YAML, or not build data: what is missing, and where.
pub fn import(data: &BuildData, platforms: Option<&BTreeSet<Platform>>) -> Result<Imported, Diagnostics> {
    let (vars, version, mut group) = Vars::of(&data.group)?;
    let (for_ocp, for_okd) = arches::of_group(&mut group, platforms);
    let streams = object(&data.streams, &vars)?;
    let mut images = BTreeMap::new();
    for (name, source) in &data.images {
        images.insert(name.clone(), (object(source, &vars)?, source.clone()));
    }
    let mut report = Report::new(&format!("ART's build data for {version} as streams"), &REASONS);
    report.decisions.push(format!("`ocp` is for {}: {}.", listed(&for_ocp.platforms), for_ocp.why));
    report.decisions.push(format!("`okd` is for {}: {}.", listed(&for_okd.platforms), for_okd.why));
    let ocp = Variant::new(&streams, &images, (&version, for_ocp.platforms), false, Some(&mut report))?;
    let okd = Variant::new(&streams, &images, (&version, for_okd.platforms), true, None)?;
    let of_both = [("ocp", &ocp.stream), ("okd", &okd.stream)];
    if let Some((name, stream)) = of_both.into_iter().find(|(_, stream)| stream.components.is_empty()) {
        let message = format!("nothing of `{name}` is built for {}", listed(&stream.platforms));
        let finding = Diagnostic::error("nothing-built", message);
        return Err(finding
            .help("name platforms of `arches` in group.yml, and in the files of images/")
            .into());
    }
    ocp.note_left(&images, &okd, &mut report);
    report.left("group.yml", &serde_json::json!({"group": group}));
    for (name, stream) in &streams {
        note_stream(name, stream, &[&ocp, &okd], &mut report);
    }
    let (mut operations, lost) = difference(&ocp.stream, &okd.stream);
    report.decisions.extend(lost);
    for operation in &mut operations {
        explain(operation);
    }
    let overlay = Overlay {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Stream,
        name: "okd".to_owned(),
        from: Parent::Path("../ocp".to_owned()),
        description: format!("The variant OKD of OpenShift {version}, from ART's build data."),
        version: None,
        platforms: (okd.stream.platforms != ocp.stream.platforms).then(|| okd.stream.platforms.clone()),
        rebuild: None,
        rebuild_inherited: RebuildInherited::default(),
        layer_rebase: None,
        repository: "localhost:5757/okd".to_owned(),
        caches: Vec::new(),
        operations,
    };
    decisions(&ocp, &okd, &mut report);
    let unwritable = |e: serde_json::Error| Diagnostics::from(Diagnostic::error("unwritable", e.to_string()));
    let comment = "Made by `sw import art`; REPORT.md beside its folder tells what is not in it.";
    let texts = vec![
        ("ocp".to_owned(), text::stream(&ocp.stream, comment).map_err(unwritable)?),
        ("okd".to_owned(), text::overlay(&overlay, comment).map_err(unwritable)?),
    ];
    Ok(Imported { streams: texts, report })
}

/// Says why of an operation what the data say: that they say so.
fn explain(operation: &mut Operation) {
    let (why, text) = match operation {
        Operation::Remove(remove) => (&mut remove.why, "ART's data: `okd: {mode: disabled}`."),
        Operation::Add(add) => (&mut add.why, "ART's data: disabled, and `okd: {mode: enabled}`."),
        Operation::SetBase(set) => {
            (&mut set.why, "ART's data: `okd_alignment.resolve_as`, or used by OKD only.")
        }
        Operation::Change(change) => (&mut change.why, "ART's data: what `okd:` says of this image."),
        _ => return,
    };
    *why = Some(text.to_owned());
}

fn decisions(ocp: &Variant, okd: &Variant, report: &mut Report) {
    let payload = |variant: &Variant| variant.stream.components.values().filter(|c| c.payload).count();
    report.decisions.extend([
        format!(
            "{} images of the payload and {} that only others start from became components of `ocp`; {} other images \
             that ART builds are not in the payload and were left out.",
            payload(ocp),
            ocp.stream.components.len() - payload(ocp),
            ocp.left_out.len()
        ),
        format!("`okd` has {} images of the payload.", payload(okd)),
        "A base is one image for all platforms: it has to be a list with an image for each of them.".to_owned(),
        "What an image is not built for (`arches` of the image) its component leaves out, with `platforms`. Of members of the payload, \
         whose names operators need everywhere, ART puts the image `pod` in their place there: `standIn`."
            .to_owned(),
        "Sources are the public addresses (`content.source.git.web`), not the private forks that ART builds from.".to_owned(),
        "A component is called as the payload's tag; one without a tag as its file in `images/`.".to_owned(),
        "`from` names are ART's names of streams and the names of components. The names that upstream Containerfiles \
         have for the same images (`upstream_image`) are in `bases` too, for components that do not say `from`."
            .to_owned(),
        "`modifications` that replace a text are `edits`.".to_owned(),
        format!(
            "`dependents` of an image became `operands` of these operators: {} of the {} that the images of the payload name; \
             the others are operators outside of the payload.",
            ocp.carried,
            ocp.carried + ocp.dependents_left()
        ),
    ]);
    for (name, variant) in [("ocp", ocp), ("okd", okd)] {
        report.decisions.extend(arches::told(name, &variant.stream.components));
        report.decisions.extend(variant.elsewhere.iter().map(|image| {
            format!("{image} is built for none of the platforms of `{name}`, or on an image that is not, and was left out of it.")
        }));
    }
    for (name, image) in
        ocp.stream.bases.iter().filter_map(|(name, base)| Some((name, base.image(Platform::Amd64)?)))
    {
        if PRIVATE.iter().any(|host| image.starts_with(host)) && !name.contains('/') {
            report.decisions.push(format!(
                "The base `{name}` is {image}, which wants an account or can be reached from inside Red Hat only: set it to \
                 a public image, `setBase: {{name: {name}, base: {{image: …}}}}`."
            ));
        }
    }
}

/// Registries that the public cannot pull from, or not without an account.
const PRIVATE: [&str; 3] = [
    "registry-proxy.engineering.redhat.com/",
    "registry.redhat.io/",
    "quay.io/redhat-user-workloads/ocp-art-tenant/",
];

/// Values of an image, with the file that has them.
type Images = BTreeMap<String, (Map<String, Value>, Source)>;

/// The payload as one of the two variants has it.
struct Variant {
    stream: Stream,
    /// What is left of the values of each image that is in it.
    left: BTreeMap<String, Map<String, Value>>,
    /// Images that are not in it.
    left_out: BTreeSet<String>,
    /// Images that would be in it if it were for other platforms.
    elsewhere: BTreeSet<String>,
    /// How many `dependents` became operands.
    carried: usize,
}

impl Variant {
    fn new(
        streams: &Map<String, Value>,
        images: &Images,
        (version, platforms): (&str, BTreeSet<Platform>),
        okd: bool,
        report: Option<&mut Report>,
    ) -> Result<Self, Diagnostics> {
        let mut merged: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for (name, (image, _)) in images {
            merged.insert(name.clone(), variant_of(image.clone(), okd));
        }
        let names = Names::new(streams, &merged, okd);
        let everywhere = wanted(&merged, &BTreeSet::new());
        let on = arches::of_images(&merged, &everywhere, &platforms);
        let elsewhere = on.iter().filter(|(_, on)| on.is_empty()).map(|(name, _)| name.clone()).collect();
        let wanted = wanted(&merged, &elsewhere);
        let mut stream = empty(version, platforms);
        let mut left = BTreeMap::new();
        let mut used = BTreeSet::new();
        for name in &wanted {
            let Some(image) = merged.get(name) else { continue };
            let mut image = image.clone();
            let Converted { mut component, bases } = names.component(&mut image).map_err(|missing| {
                let message = format!("the image {name} has no `{missing}`");
                let mut finding = Diagnostic::error("not-build-data", message);
                if let Some((_, source)) = images.get(name) {
                    finding = finding.at(source, base::Span::new(0, 0));
                }
                finding.help(
                    "a file of images/ says where its source is: content.source.git.{url,branch.target}",
                )
            })?;
            used.extend(bases);
            arches::take_known(&mut image, &["arches"]);
            component.platforms = on.get(name).filter(|on| **on != stream.platforms).cloned();
            stream.components.insert(names.of_image(name), component);
            left.insert(name.clone(), image);
        }
        for (name, image) in &mut left {
            // An operator names its operands wherever it is.
            let covered =
                |operator: &&String| on.get(*operator).is_some_and(|there| there.is_subset(&on[name]));
            let able = wanted.iter().filter(covered).cloned().collect();
            for operator in names.operators(image, &able) {
                if let Some(operator) = stream.components.get_mut(&operator) {
                    operator.operands.push(names.of_image(name));
                }
            }
        }
        arches::name_stand_ins(&mut stream.components);
        names.fill(&used, &wanted, &mut stream.bases);
        if let Some(report) = report {
            report.decisions.extend(names.ambiguous(&wanted));
        }
        let left_out = images.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
        let carried = stream.components.values().map(|component| component.operands.len()).sum();
        Ok(Self { stream, left, left_out, elsewhere, carried })
    }

    /// How many operators are named that are not in it.
    fn dependents_left(&self) -> usize {
        let named = self.left.values().filter_map(|image| image.get("dependents")?.as_array());
        named.map(Vec::len).sum()
    }

    /// Notes what is left of every image, as it is without the variant, and of what it says for the variant.
    fn note_left(&self, images: &Images, okd: &Self, report: &mut Report) {
        for (name, (image, _)) in images {
            let mut image = image.clone();
            let variant = image.shift_remove("okd");
            if self.left_out.contains(name) && okd.left_out.contains(name) {
                let of_payload = self.elsewhere.contains(name) || okd.elsewhere.contains(name);
                let field = if of_payload { "not on the platforms" } else { "not in the payload" };
                report.left(name, &serde_json::json!({field: image.get("name")}));
                if let Some(variant) = variant {
                    report.left(name, &serde_json::json!({"okd (not in the payload)": variant}));
                }
                continue;
            }
            let left = self.left.get(name).or(okd.left.get(name));
            report.left(name, &Value::Object(left.cloned().unwrap_or_default()));
            if let Some(Value::Object(mut variant)) = variant {
                // These became operations.
                for path in [
                    &["mode"][..],
                    &["arches"],
                    &["for_payload"],
                    &["labels"],
                    &["payload_name"],
                    &["from", "builder"],
                    &["from", "stream"],
                    &["from", "member"],
                    &["from", "image"],
                    &["content", "source", "dockerfile"],
                ] {
                    drop(take(&mut variant, path));
                }
                if okd.left.get(name).is_some_and(|left| !left.contains_key("dependents")) {
                    drop(take(&mut variant, &["dependents"]));
                }
                drop(image::edits(&mut variant, &["content", "source", "modifications"]));
                if !variant.is_empty() {
                    report.left(name, &serde_json::json!({"okd": variant}));
                }
            }
        }
    }
}

/// Notes what a stream of the data says beside what it is.
fn note_stream(name: &str, stream: &Value, variants: &[&Variant], report: &mut Report) {
    let Value::Object(mut rest) = stream.clone() else { return };
    if variants.iter().all(|variant| !variant.stream.bases.contains_key(name)) {
        let image = rest.shift_remove("image");
        report.left(name, &serde_json::json!({"unused stream": image}));
    }
    for field in [&["image"][..], &["upstream_image"], &["aliases"], &["okd", "resolve_as", "image"]] {
        drop(take(&mut rest, field));
    }
    if !rest.is_empty() {
        report.left(name, &serde_json::json!({"stream": rest}));
    }
}

fn empty(version: &str, platforms: BTreeSet<Platform>) -> Stream {
    Stream {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Stream,
        name: "ocp".to_owned(),
        description: format!("OpenShift {version}, from ART's build data."),
        version: format!("{version}.0"),
        repository: "localhost:5757/ocp".to_owned(),
        caches: Vec::new(),
        platforms,
        rebuild: Rebuild::default(),
        rebuild_inherited: RebuildInherited::default(),
        layer_rebase: Vec::new(),
        release_base: RELEASE_BASE.to_owned(),
        bases: BTreeMap::new(),
        components: BTreeMap::new(),
        tests: BTreeMap::new(),
        pipeline: None,
        waivers: Vec::new(),
    }
}

/// The values of an image in a variant: what `okd` says lies over the rest. A parent that it names is instead of any other.
fn variant_of(mut image: Map<String, Value>, okd: bool) -> Map<String, Value> {
    let variant = image.shift_remove("okd");
    if let (true, Some(Value::Object(variant))) = (okd, variant) {
        let parent = |from: &Map<String, Value>| image::PARENTS.iter().any(|kind| from.contains_key(*kind));
        if variant.get("from").and_then(Value::as_object).is_some_and(parent)
            && let Some(Value::Object(from)) = image.get_mut("from")
        {
            image::PARENTS.iter().for_each(|kind| drop(from.shift_remove(*kind)));
        }
        data::merge(&mut image, variant);
    }
    image
}

/// The images of the payload, and all that they start from, without those in `elsewhere`.
fn wanted(images: &BTreeMap<String, Map<String, Value>>, elsewhere: &BTreeSet<String>) -> BTreeSet<String> {
    let enabled = |image: &Map<String, Value>| image.get("mode").and_then(Value::as_str) != Some("disabled");
    let in_payload = |image: &Map<String, Value>| image.get("for_payload") == Some(&Value::Bool(true));
    let mut todo: Vec<&str> = images
        .iter()
        .filter(|(name, image)| enabled(image) && in_payload(image) && !elsewhere.contains(*name))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut found = BTreeSet::new();
    while let Some(name) = todo.pop() {
        let Some((name, image)) = images.get_key_value(name).filter(|(_, image)| enabled(image)) else {
            continue;
        };
        if found.insert(name.clone()) {
            todo.extend(image::members(image));
        }
    }
    found
}
