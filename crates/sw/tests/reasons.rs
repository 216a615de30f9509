//! Why components are built: as a build leaves it, and as plans tell it.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;

use serde_json::{Value, json};
use tiny::{Printed, Tiny, can_build};

fn json(printed: &Printed) -> Value {
    serde_json::from_str(&printed.stdout).unwrap_or_else(|e| panic!("{e}: {printed:?}"))
}

fn stream(tiny: &Tiny) -> String {
    tiny.stream().to_str().unwrap().to_owned()
}

/// The plan for one component.
fn planned(tiny: &Tiny, component: &str) -> Value {
    let plan = json(&tiny.sw(&["plan", &stream(tiny), "-o", "json"]));
    let found = plan["components"].as_array().unwrap().iter().find(|one| one["component"] == component);
    found.unwrap_or_else(|| panic!("no {component} in {plan}")).clone()
}

/// The codes of a component's reasons.
fn codes(tiny: &Tiny, component: &str) -> Vec<String> {
    let planned = planned(tiny, component);
    planned["reasons"].as_array().unwrap().iter().map(|reason| env::text(&reason["code"])).collect()
}

/// The tiny stream with an operator: `app` names `tool`.
fn with_operand() -> Tiny {
    let tiny = Tiny::new();
    tiny.edit(
        "    source: {path: components/app}",
        "    source: {path: components/app}\n    operands: [tool]",
    );
    tiny
}

#[test]
fn an_operator_is_built_with_the_digests_of_its_operands() {
    if !can_build() {
        return;
    }
    let tiny = with_operand();
    let built = tiny.build();
    assert_eq!(built.code, Some(0), "{built:?}");
    let marks = Tiny::marks(&built);
    let at = |mark: &str| marks.iter().position(|m| m == mark).unwrap_or_else(|| panic!("{mark}: {marks:?}"));
    assert!(at("tool done") < at("app done"), "{marks:?}");
    assert_eq!(codes(&tiny, "app"), ["up-to-date"]);

    // Another operand is another operator.
    tiny.content("tool", "another tool\n");
    assert_eq!(
        planned(&tiny, "app")["reasons"],
        json!([{"code": "operand-rebuilt", "changes": [{"name": "tool"}]}])
    );
    assert_eq!(planned(&tiny, "app")["action"], "maybe");
    let marks = Tiny::marks(&tiny.build());
    assert!(marks.contains(&"app done".to_owned()), "{marks:?}");

    // One that comes out as before is not: the remark is in the source and not in the image.
    tiny.content("tool", "# a remark\nanother tool\n");
    let built = tiny.build();
    let marks = Tiny::marks(&built);
    assert!(marks.contains(&"tool done".to_owned()) && marks.contains(&"app cached".to_owned()), "{marks:?}");
    assert!(built.stderr.contains("tool was rebuilt and came out as before: app not rebuilt"), "{built:?}");

    let rdeps = tiny.sw(&["rdeps", "tool", &stream(&tiny)]);
    assert_eq!(rdeps.stdout, "1 component depends on tool\n  app  names it as an operand\ntested by: tool\n");
    let rdeps = tiny.sw(&["rdeps", "base", &stream(&tiny), "-o", "json"]);
    assert_eq!(json(&rdeps)["direct"], json!({"app": {"edge": "base"}, "tool": {"edge": "base"}}));
    let refused = tiny.sw(&["rdeps", "https://git.example/none", &stream(&tiny)]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn a_failure_is_remembered_until_the_component_is_built() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    assert_eq!(tiny.build().code, Some(0));
    // Nothing but a remark: the task finds nothing to put into the image.
    tiny.content("tool", "# a remark\n");
    let failed = tiny.build();
    assert_ne!(failed.code, Some(0), "{failed:?}");
    assert_eq!(codes(&tiny, "tool"), ["last-build-failed", "source-changed"]);
    assert_eq!(codes(&tiny, "app"), ["up-to-date"], "what was built beside it");
    let why = tiny.sw(&["why", "tool", &stream(&tiny)]);
    let command = why.stdout.lines().find_map(|line| line.trim().strip_prefix("sw logs ")).unwrap();
    let arguments: Vec<&str> = ["logs"].into_iter().chain(command.split(' ')).collect();
    assert_eq!(arguments[2], "tool");
    assert_eq!(tiny.sw(&arguments).code, Some(0), "the command that it names works: {why:?}");
    let why = json(&tiny.sw(&["why", "tool", &stream(&tiny), "-o", "json"]));
    assert_eq!(why["lastFailures"]["linux/amd64"]["run"], arguments[1]);

    // As it was before, its image is there still.
    let good =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tiny-stream/components/tool/content"));
    tiny.content("tool", &good.unwrap());
    assert_eq!(codes(&tiny, "tool"), ["up-to-date"]);
    tiny.content("tool", "new\n");
    assert_eq!(tiny.build().code, Some(0));
    tiny.content("tool", "newer\n");
    assert_eq!(codes(&tiny, "tool"), ["source-changed"]);
}

#[test]
fn where_an_image_is_reused_from() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    assert_eq!(tiny.build().code, Some(0));
    let dir = tiny.stream().with_file_name("edge");
    fs::create_dir_all(&dir).unwrap();
    let text = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: edge\nrepository: localhost:5757/edge\n\
                from: {path: ../tiny}\noperations: [{removeTest: {test: tool}}]\n";
    fs::write(dir.join("stream.yaml"), text).unwrap();
    let plan = tiny.sw(&["plan", dir.to_str().unwrap()]);
    let row = plan.stdout.lines().find(|line| line.starts_with("tool ")).unwrap();
    assert_eq!(row, "tool       reuse   found-elsewhere: localhost:5757/tiny");
}

#[test]
fn patches_are_told_from_the_source() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    let patch = |text: &str| {
        let text = format!("--- a/extra\n+++ b/extra\n@@ -1 +1 @@\n-one\n+{text}\n");
        fs::write(tiny.stream().join("a.patch"), text).unwrap();
    };
    fs::write(tiny.stream().join("components/app/extra"), "one\n").unwrap();
    patch("two");
    tiny.edit(
        "    source: {path: components/app}",
        "    source: {path: components/app}\n    patches: [a.patch]",
    );
    assert_eq!(tiny.build().code, Some(0));
    patch("three");
    assert_eq!(codes(&tiny, "app"), ["patches-changed"]);
    assert_eq!(planned(&tiny, "app")["reasons"][0]["changes"][0]["name"], "a.patch");
    patch("two");
    fs::write(tiny.stream().join("components/app/other"), "new\n").unwrap();
    assert_eq!(codes(&tiny, "app"), ["source-changed"]);
}

#[test]
fn what_hangs_on_a_repository_is_known_without_lock_and_network() {
    let tiny = Tiny::new();
    let okd = concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/okd-scos");
    let rdeps = |what: &str| tiny.command(&["rdeps", what, okd]).env("PATH", "").output().unwrap().into();
    let etcd: Printed = rdeps("etcd");
    let expected = "1 component depends on etcd\n  baremetal-installer  is built with it\n";
    assert!(etcd.stdout.starts_with(expected), "{etcd:?}");
    let kubernetes: Printed = rdeps("https://github.com/openshift/kubernetes.git");
    let expected =
        "a commit in https://github.com/openshift/kubernetes touches 4 components: hyperkube, kube-proxy, ";
    assert!(kubernetes.stdout.starts_with(expected), "{kubernetes:?}");
    assert!(kubernetes.stdout.contains("\nand by them 5: baremetal-installer, "), "{kubernetes:?}");
}

#[test]
fn the_shipped_task_gives_the_digests_of_operands_to_the_containerfile() {
    if !can_build() || !testkit::peer::has("buildah") {
        return;
    }
    let tiny = Tiny::new();
    let dir = tiny.stream().with_file_name("ops");
    let source = |component: &str, containerfile: &str| {
        let folder = dir.join("components").join(component);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Containerfile"), containerfile).unwrap();
        fs::write(folder.join("content"), "content\n").unwrap();
    };
    source("my-tool.x", "FROM scratch\nCOPY content /content\n");
    source(
        "operator",
        "FROM scratch\nARG OPERAND_MY_TOOL_X\nCOPY content /content\nLABEL operand=$OPERAND_MY_TOOL_X\n",
    );
    let text = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: ops\nversion: 1.0.0\nrepository: localhost:5757/ops\n\
                releaseBase: operator\ncomponents:\n  my-tool.x: {source: {path: components/my-tool.x}}\n  operator: {source: \
                {path: components/operator}, operands: [my-tool.x]}\n";
    fs::write(dir.join("stream.yaml"), text).unwrap();
    let built = tiny.sw(&["build", dir.to_str().unwrap()]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let images =
        &env::read_json(&tiny.home().join("builds/ops/last.json"))["platforms"]["linux/amd64"]["images"];
    let blob = |digest: &Value| {
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
        env::read_json(&tiny.home().join("store/blobs/sha256").join(hex))
    };
    let config = blob(&blob(&images["operator"])["config"]["digest"]);
    assert_eq!(config["config"]["Labels"]["operand"], images["my-tool.x"]);
    let text = config.to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("localhost"), "{text}");
}
