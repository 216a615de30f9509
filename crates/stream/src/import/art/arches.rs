//! For which processors ART builds what.
//!
//! `arches` of group.yml is what everything is built for, unless an image says less. OKD is built by Konflux, whose own list wins
//! over that one; what group.yml says of OKD wins over both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::data::{merge, take};
use super::image::members;
use crate::definition::platform::listed;
use crate::definition::{Component, Platform};

/// What OKD is built for where the data do not say it. ART's pipeline for OKD had it in its code; since June 2026 it is this, and
/// the published releases of 4.22 are for these two.
const OKD: [Platform; 2] = [Platform::Amd64, Platform::Arm64];

/// Where the data say what a variant is built for, the first of them that is there.
const OF_OCP: [&[&str]; 1] = [&["arches"]];
const OF_OKD: [&[&str]; 4] =
    [&["okd", "arches"], &["okd", "konflux", "arches"], &["konflux", "arches"], &["arches"]];

/// What a variant is built for, and why.
pub(super) struct Choice {
    pub platforms: BTreeSet<Platform>,
    pub why: String,
}

/// What group.yml says that OpenShift and OKD are built for, unless somebody `wants` something else. What was understood is taken
/// out of it.
pub(super) fn of_group(
    group: &mut Map<String, Value>,
    wanted: Option<&BTreeSet<Platform>>,
) -> (Choice, Choice) {
    let ocp = said(group, &OF_OCP);
    let okd = said(group, &OF_OKD);
    for path in [&ocp, &okd].into_iter().flatten().map(|(path, _)| *path).collect::<BTreeSet<_>>() {
        take_known(group, path);
    }
    let choice = |said: Option<(&[&str], BTreeSet<Platform>)>, okd: bool| {
        let field = said.as_ref().map(|(path, _)| path.join("."));
        if let Some(wanted) = wanted {
            let instead = field.map(|field| format!(", instead of what `{field}` of group.yml says"));
            let why = format!("what --platforms says{}", instead.unwrap_or_default());
            return Choice { platforms: wanted.clone(), why };
        }
        match (said, field.unwrap_or_default()) {
            (Some((path, platforms)), field) if !okd || path[0] == "okd" => {
                Choice { platforms, why: format!("`{field}` of group.yml") }
            }
            (Some((_, all)), field) if OKD.iter().any(|platform| all.contains(platform)) => Choice {
                platforms: all.into_iter().filter(|platform| OKD.contains(platform)).collect(),
                why: format!(
                    "group.yml says nothing of its own for OKD (`okd.arches`), and of `{field}` these are what ART builds \
                     OKD for; --platforms says otherwise"
                ),
            },
            (Some((_, platforms)), field) => Choice { platforms, why: format!("`{field}` of group.yml") },
            (None, _) => Choice {
                platforms: BTreeSet::from([Platform::default()]),
                why: "group.yml does not say it (`arches`)".to_owned(),
            },
        }
    };
    (choice(ocp, false), choice(okd, true))
}

/// The first list of processors that names one, and where it is.
fn said<'p>(
    group: &Map<String, Value>,
    paths: &[&'p [&'p str]],
) -> Option<(&'p [&'p str], BTreeSet<Platform>)> {
    let found = |path: &&'p [&'p str]| Some((*path, known(group, path)?)).filter(|(_, all)| !all.is_empty());
    paths.iter().find_map(found)
}

/// The platforms of the list at `path`; none when there is no list, or an empty one.
fn known(fields: &Map<String, Value>, path: &[&str]) -> Option<BTreeSet<Platform>> {
    let (last, above) = path.split_last()?;
    let mut at = fields;
    for part in above {
        at = at.get(*part)?.as_object()?;
    }
    let list = at.get(*last)?.as_array().filter(|list| !list.is_empty())?;
    Some(list.iter().filter_map(platform).collect())
}

/// Takes the list at `path` out. Processors that no stream can be for stay.
pub(super) fn take_known(fields: &mut Map<String, Value>, path: &[&str]) {
    if known(fields, path).is_none() {
        return;
    }
    let Some(Value::Array(mut list)) = take(fields, path) else { return };
    list.retain(|item| platform(item).is_none());
    if !list.is_empty() {
        let back = path.iter().rev().fold(Value::Array(list), |value, part| {
            Value::Object(Map::from_iter([((*part).to_owned(), value)]))
        });
        if let Value::Object(back) = back {
            merge(fields, back);
        }
    }
}

/// The platform of a processor, in ART's words, which are the kernel's.
fn platform(arch: &Value) -> Option<Platform> {
    Some(match arch.as_str()? {
        "x86_64" => Platform::Amd64,
        "aarch64" => Platform::Arm64,
        same => {
            Platform::of_architecture(same).filter(|p| !matches!(p, Platform::Amd64 | Platform::Arm64))?
        }
    })
}

/// The platforms of each image in `wanted`: those of `all` that the image says, as far as what it starts from is there. Images
/// that none are left for have none.
pub(super) fn of_images(
    images: &BTreeMap<String, Map<String, Value>>,
    wanted: &BTreeSet<String>,
    all: &BTreeSet<Platform>,
) -> BTreeMap<String, BTreeSet<Platform>> {
    let here = || wanted.iter().filter_map(|name| Some((name, images.get(name)?)));
    let own = |image| match known(image, &["arches"]) {
        Some(own) => own.intersection(all).copied().collect(),
        None => all.clone(),
    };
    let mut on: BTreeMap<String, BTreeSet<Platform>> =
        here().map(|(name, image)| (name.clone(), own(image))).collect();
    loop {
        let before = on.clone();
        for (name, image) in here() {
            for below in members(image).into_iter().filter_map(|member| before.get(member)) {
                if let Some(platforms) = on.get_mut(name) {
                    platforms.retain(|platform| below.contains(platform));
                }
            }
        }
        if on == before {
            return on;
        }
    }
}

/// The image that ART puts into a payload in place of one that is not built for its processor (the help of `doozer
/// release:gen-payload`).
const STAND_IN: &str = "pod";

/// Names what stands in for the members of the payload that are not on all platforms. Without ART's stand-in, which has to be
/// everywhere, they stay without.
pub(super) fn name_stand_ins(components: &mut BTreeMap<String, Component>) {
    if components.get(STAND_IN).is_none_or(|pod| pod.platforms.is_some()) {
        return;
    }
    for component in components.values_mut().filter(|one| one.payload && one.platforms.is_some()) {
        component.stand_in = Some(STAND_IN.to_owned());
    }
}

/// Tells which images are not on all platforms.
pub(super) fn told(variant: &str, components: &BTreeMap<String, Component>) -> Vec<String> {
    let mut by_platforms: BTreeMap<&BTreeSet<Platform>, Vec<&str>> = BTreeMap::new();
    for (name, component) in components {
        if let Some(platforms) = &component.platforms {
            by_platforms.entry(platforms).or_default().push(name);
        }
    }
    let groups = by_platforms.into_iter().map(|(platforms, names)| {
        format!("For {} only, of `{variant}`: {}.", listed(platforms), names.join(", "))
    });
    groups.collect()
}
