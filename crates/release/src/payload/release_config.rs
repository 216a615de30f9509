//! The configuration of a release image, byte for byte as the reference program writes it (payload.md §1.1).

use base::Digest;
use serde_json::{Map, Value, json};

use crate::go::json::{compact, sorted};
use crate::go::time;

use super::{LABEL_BASE_DIGEST, LABEL_RELEASE};

/// Top-level fields in their order. `container_config` and `id` are always written, the others when they say something.
const FIELDS: [&str; 16] = [
    "id",
    "parent",
    "comment",
    "created",
    "container",
    "container_config",
    "docker_version",
    "author",
    "config",
    "architecture",
    "size",
    "rootfs",
    "history",
    "os",
    "os.version",
    "os.features",
];

/// Fields of `config` in their order; any other (`StopSignal`, `Healthcheck`, …) is dropped.
const CONTAINER_FIELDS: [&str; 27] = [
    "Hostname",
    "Domainname",
    "User",
    "Memory",
    "MemorySwap",
    "CpuShares",
    "Cpuset",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "PortSpecs",
    "ExposedPorts",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Env",
    "Cmd",
    "Dns",
    "Image",
    "Volumes",
    "VolumesFrom",
    "WorkingDir",
    "Entrypoint",
    "NetworkDisabled",
    "SecurityOpts",
    "OnBuild",
    "Labels",
];

/// Fields of a history entry in their order.
const HISTORY_FIELDS: [&str; 5] = ["created", "author", "created_by", "comment", "empty_layer"];

/// What a release image says about itself.
#[derive(Debug, Clone)]
pub struct ReleaseImage<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// When it was created, RFC 3339 in UTC.
    pub created: &'a str,
    /// Digest of the base image's own manifest.
    pub base_digest: Digest,
    /// Digest of the uncompressed layer that was added.
    pub diff_id: Digest,
    /// Sum of the sizes of all layers, as stored.
    pub size: u64,
    /// How many layers there are.
    pub layers: usize,
}

/// The configuration: that of the base (author, environment, entrypoint, …) with the release's own facts: one line of JSON.
pub fn release_config(base: &Value, release: &ReleaseImage<'_>) -> Vec<u8> {
    let mut config = base.as_object().cloned().unwrap_or_default();
    for cleared in ["id", "parent", "container", "container_config"] {
        config.remove(cleared);
    }
    for (field, default) in [("os", "linux"), ("architecture", "amd64")] {
        if config.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            config.insert(field.to_owned(), default.into());
        }
    }
    config.insert("created".to_owned(), release.created.into());
    config.insert("size".to_owned(), release.size.into());
    let labels = json!({LABEL_RELEASE: release.name, LABEL_BASE_DIGEST: release.base_digest.to_string()});
    let container = config.entry("config").or_insert_with(|| json!({}));
    if !container.is_object() {
        *container = json!({});
    }
    container["Labels"] = labels;
    let mut diff_ids = config
        .get("rootfs")
        .and_then(|r| r.get("diff_ids"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    diff_ids.push(release.diff_id.to_string().into());
    config.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
    let mut history = vec![json!({"created": release.created, "comment": "Release image for OpenShift"})];
    history.resize(release.layers.max(1), json!({"created": release.created}));
    config.insert("history".to_owned(), history.into());
    compact(&as_decoded(&Value::Object(config)))
}

/// Any configuration as the reference program shows it after reading: known fields only, in their order, without those that
/// say nothing. `id`, `created` and `container_config` are always there.
pub fn as_decoded(config: &Value) -> Value {
    let Some(config) = config.as_object() else { return json!({}) };
    let mut out = Map::new();
    for field in &FIELDS {
        let value = config.get(*field);
        let value = match *field {
            "id" => Some(value.and_then(Value::as_str).unwrap_or_default().into()),
            "created" => Some(time::rewritten(value.and_then(Value::as_str)).into()),
            "container_config" => Some(value.map_or_else(|| json!({}), container)),
            // A pointer in Go: there or not there, however empty.
            "config" => value.filter(|v| v.is_object()).map(container),
            "rootfs" => value.filter(|v| v.is_object()).map(|v| chosen(v, &["type", "diff_ids"])),
            "history" => value.and_then(Value::as_array).map(|entries| entries.iter().map(history).collect()),
            _ => value.cloned(),
        };
        let always = matches!(*field, "id" | "created" | "container_config" | "config" | "rootfs");
        if let Some(value) = value.filter(|v| always || !says_nothing(v)) {
            out.insert((*field).to_owned(), value);
        }
    }
    Value::Object(out)
}

fn container(value: &Value) -> Value {
    chosen(value, &CONTAINER_FIELDS)
}

fn history(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(map) = entry.as_object_mut() {
        let created = time::rewritten(map.get("created").and_then(Value::as_str));
        map.insert("created".to_owned(), created.into());
    }
    chosen(&entry, &HISTORY_FIELDS)
}

/// The fields of an object that are known and say something, in the given order; maps below are sorted, as Go's are.
fn chosen(value: &Value, fields: &[&str]) -> Value {
    let field = |name: &&str| {
        let value = value.get(*name).filter(|v| !says_nothing(v))?;
        Some(((*name).to_owned(), sorted(value.clone())))
    };
    Value::Object(fields.iter().filter_map(field).collect())
}

/// What Go's `omitempty` leaves out.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn release(layers: usize) -> ReleaseImage<'static> {
        ReleaseImage {
            name: "1.0.0",
            created: "2026-01-02T03:04:05Z",
            base_digest: Digest::of("base"),
            diff_id: Digest::of("layer"),
            size: 7,
            layers,
        }
    }

    fn written(base: Value, layers: usize) -> Value {
        serde_json::from_slice(&release_config(&base, &release(layers))).unwrap()
    }

    #[test]
    fn the_reference_configuration_is_made_again_from_its_base() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let golden = std::fs::read(fixtures.join("payload-golden/release-config.json")).unwrap();
        let value: Value = serde_json::from_slice(&golden).unwrap();
        let diff_ids = value["rootfs"]["diff_ids"].as_array().unwrap();
        // What the synthetic base image says (mk.py, push.py).
        let base = json!({
            "created": "2026-01-02T03:04:05.123456789Z", "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/usr/bin", "BUILD_VERSION=v4.99.0"], "Entrypoint": ["/usr/bin/cluster-version-operator"],
                       "Labels": {"io.openshift.build.commit.id": "c"}},
            "rootfs": {"type": "layers", "diff_ids": &diff_ids[..2]},
            "history": [{"created": "x", "created_by": "test"}, {"created": "x", "created_by": "test"}], "author": "tester",
        });
        let release = ReleaseImage {
            name: "4.99.0-okd.1",
            created: "2026-11-22T09:24:44Z",
            base_digest: value["config"]["Labels"][LABEL_BASE_DIGEST].as_str().unwrap().parse().unwrap(),
            diff_id: diff_ids[2].as_str().unwrap().parse().unwrap(),
            size: 2438,
            layers: 3,
        };
        assert_eq!(
            String::from_utf8(release_config(&base, &release)).unwrap(),
            String::from_utf8(golden).unwrap()
        );
    }

    #[test]
    fn facts_of_the_base_are_kept_or_dropped_by_name() {
        let out = written(
            json!({
                "id": "x", "parent": "p", "container": "c", "container_config": {"Hostname": "h"}, "variant": "v8",
                "author": "a", "docker_version": "1", "comment": "", "os.features": ["f"],
                "config": {"StopSignal": "SIGINT", "Healthcheck": {}, "User": "1001", "Volumes": {"/b": {}, "/a": {}}, "Memory": 0, "Tty": true},
            }),
            1,
        );
        let keys: Vec<&String> = out.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "id",
                "created",
                "container_config",
                "docker_version",
                "author",
                "config",
                "architecture",
                "size",
                "rootfs",
                "history",
                "os",
                "os.features"
            ]
        );
        assert_eq!(out["id"], "");
        assert_eq!(out["container_config"], json!({}));
        assert_eq!((&out["os"], &out["architecture"]), (&json!("linux"), &json!("amd64")));
        let config: Vec<&String> = out["config"].as_object().unwrap().keys().collect();
        assert_eq!(config, ["User", "Tty", "Volumes", "Labels"]);
        let volumes: Vec<&String> = out["config"]["Volumes"].as_object().unwrap().keys().collect();
        assert_eq!(volumes, ["/a", "/b"]);
    }

    #[test]
    fn there_is_a_history_entry_for_every_layer() {
        let out = written(json!({"rootfs": {"diff_ids": ["a", "b", "c"]}}), 4);
        assert_eq!(out["history"].as_array().unwrap().len(), 4);
        assert_eq!(out["rootfs"]["diff_ids"].as_array().unwrap().len(), 4);
        assert_eq!(out["config"]["Labels"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn a_base_without_config_gets_one() {
        for base in [json!({}), json!({"config": null}), json!({"config": "x"}), json!([])] {
            assert_eq!(written(base, 1)["config"]["Labels"][LABEL_RELEASE], "1.0.0");
        }
    }
}
