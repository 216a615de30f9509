//! Pinned packages as ConfigMaps: hundreds for each component are too many for one pipeline.

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use tekton::types::{ConfigMap, ObjectMeta, Pipeline};

use super::run::STREAM_LABEL;
use super::{Names, Request};
use crate::definition::Platform;

/// The parameter that names such a ConfigMap.
pub(super) const PINS: &str = "pins";
/// Its key; one pin a line.
const KEY: &str = "packages";

/// The ConfigMap of a component, when it has packages. The name says what is in it, so that runs of other locks keep theirs.
pub(super) fn name(
    request: Request<'_>,
    names: &Names,
    (platform, component): (Platform, &str),
) -> Option<String> {
    let text = text(request, (platform, component))?;
    let stream = &request.graphs.stream.name;
    Some(format!("{stream}-{}-packages-{}", names.component(component, platform), Digest::of(&text).short()))
}

/// The ConfigMaps that tasks of the pipeline name.
pub(super) fn config_maps(request: Request<'_>, names: &Names, pipeline: &Pipeline) -> Vec<ConfigMap> {
    let params = pipeline.spec.all_tasks().flat_map(|task| &task.params);
    let used: BTreeSet<&str> =
        params.filter(|param| param.name == PINS).filter_map(|param| param.value.as_str()).collect();
    let made = |of: (Platform, &str)| {
        let name = name(request, names, of).filter(|name| used.contains(name.as_str()))?;
        let stream = request.graphs.stream.name.clone();
        let labels = BTreeMap::from([(STREAM_LABEL.to_owned(), stream)]);
        Some(ConfigMap {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            metadata: ObjectMeta { labels, ..ObjectMeta::named(name) },
            data: BTreeMap::from([(KEY.to_owned(), text(request, of)?)]),
            immutable: Some(true),
            ..ConfigMap::default()
        })
    };
    let components = request.graphs.iter().flat_map(|graph| {
        graph.stream.components.keys().map(|component| (graph.platform, component.as_str()))
    });
    components.filter_map(made).collect()
}

fn text(request: Request<'_>, (platform, component): (Platform, &str)) -> Option<String> {
    let pins = request.lock.pins(platform, component);
    (!pins.is_empty()).then(|| pins.iter().map(|pin| format!("{pin}\n")).collect())
}
