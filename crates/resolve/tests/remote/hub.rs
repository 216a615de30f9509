//! The resolver `hub`.

use serde_json::json;

use crate::support::{Place, Web, fetch, message, task};

fn hub() -> Web {
    let package = |name: &str| json!({"name": "greet", "data": {"manifestRaw": task(name)}}).to_string();
    let versions =
        json!({"available_versions": [{"version": "0.6.0"}, {"version": "0.7.1"}, {"version": "0.10.0"}]});
    Web::of(vec![
        ("/api/v1/packages/tekton-task/tekton-catalog-tasks/greet", versions.to_string()),
        ("/api/v1/packages/tekton-task/tekton-catalog-tasks/greet/0.6.0", package("six")),
        ("/api/v1/packages/tekton-task/tekton-catalog-tasks/greet/0.10.0", package("ten")),
        ("/v1/resource/Tekton/task/greet/0.6/yaml", json!({"data": {"yaml": task("old")}}).to_string()),
    ])
}

#[test]
fn versions_and_constraints() {
    let (place, web) = (Place::new(), hub());
    let remote = place.remote();
    let get = |version: &str| {
        fetch(&remote, "hub", &[("url", &web.url("/")), ("name", "greet"), ("version", version)])
    };
    assert_eq!(get("0.6.0").unwrap().text, task("six"));
    assert_eq!(get("0.6").unwrap().text, task("six"), "two numbers are enough");
    assert_eq!(get(">= 0.7.0").unwrap().text, task("ten"), "the newest by number, not by text");
    assert_eq!(get("< 0.7.0").unwrap().text, task("six"));
    assert!(message(get("> 1")).contains("no version fits; there are 0.6.0, 0.7.1, 0.10.0"));
    assert!(message(get("../x")).contains("is not one such as 0.7.0"));
    assert!(message(get("9.9.9")).contains("no such document"));
}

#[test]
fn the_old_hub_is_gone_unless_it_is_ones_own() {
    let (place, web) = (Place::new(), hub());
    let remote = place.remote();
    let pairs = [("type", "tekton"), ("name", "greet"), ("version", "0.6")];
    assert!(message(fetch(&remote, "hub", &pairs)).contains("the Tekton Hub is shut down"));
    let own = web.url("");
    let found = fetch(&remote, "hub", &[&pairs[..], &[("url", &*own)]].concat()).unwrap();
    assert_eq!(found.text, task("old"));
    let strange = message(fetch(&remote, "hub", &[("name", "../x"), ("version", "1")]));
    assert!(strange.contains("has signs that no name has"), "{strange}");
}
