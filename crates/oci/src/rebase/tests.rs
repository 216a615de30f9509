#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::image::{Image, Layer};

use super::files::{Listing, conflict};
use super::*;

/// An image with layers of these contents; `edit` changes its configuration.
fn parts_of(layers: &[&str], edit: impl FnOnce(&mut Value)) -> Parts {
    let layers = layers.iter().map(|name| Layer::new().file(name, *name).gzip());
    let built = layers.fold(Image::new(), Image::layer).build();
    let mut config: Value = serde_json::from_slice(&built.config).unwrap();
    edit(&mut config);
    let config = serde_json::to_vec(&config).unwrap();
    let mut manifest: Value = serde_json::from_slice(&built.manifest).unwrap();
    manifest["config"]["digest"] = Digest::of(&config).to_string().into();
    manifest["config"]["size"] = config.len().into();
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let manifest =
        StoredManifest { digest: Digest::of(&bytes), media_type: built.media_type.to_owned(), bytes };
    Parts { manifest, config }
}

/// A base with the label, one layer, and what `run` says.
fn base(layer: &str, run: Value) -> Parts {
    parts_of(&[layer], |config| {
        config["config"] = run;
        config["config"]["Labels"][ABI_LABEL] = "1".into();
        config["history"] = json!([{"created_by": format!("ADD {layer}")}]);
    })
}

/// An image on the base `old`, with one layer of its own and what `run` says.
fn on_old(run: Value) -> Parts {
    parts_of(&["old", "own"], |config| {
        config["config"] = run;
        config["history"] = json!([{"created_by": "ADD old"}, {"created_by": "COPY own"}]);
    })
}

fn config(rebased: &Rebased) -> Value {
    serde_json::from_slice(&rebased.parts.config).unwrap()
}

/// What becomes of the part `config` of an image when that of its base goes from `old` to `new`.
fn merged(image: Value, old: Value, new: Value) -> Result<Value, Refusal> {
    let rebased = rebase(&on_old(image), &base("old", old), &base("new", new))?;
    Ok(config(&rebased)["config"].clone())
}

#[test]
fn the_layers_of_the_new_base_are_below_its_own() {
    let (image, old) = (on_old(json!({})), base("old", json!({})));
    let new = parts_of(&["new", "more"], |config| {
        config["config"]["Labels"][ABI_LABEL] = "1".into();
        config["history"] = json!([{"created_by": "ADD new"}, {"created_by": "ADD more"}]);
    });
    let rebased = rebase(&image, &old, &new).unwrap();
    assert_eq!(rebased, rebase(&image, &old, &new).unwrap(), "the same bytes");
    assert_eq!(rebased.base_layers, 2);
    let opened = Opened::of("image", &rebased.parts).unwrap();
    let (of_image, of_new) = (Opened::of("", &image).unwrap(), Opened::of("", &new).unwrap());
    assert_eq!(opened.diff_ids, [of_new.diff_ids.as_slice(), &of_image.diff_ids[1..]].concat());
    assert_eq!(
        opened.manifest.layers,
        [of_new.manifest.layers.as_slice(), &of_image.manifest.layers[1..]].concat()
    );
    let steps: Vec<&str> = opened.config["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["created_by"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["ADD new", "ADD more", "COPY own", "streamwright layer rebase"]);
    assert_eq!(opened.config["history"][3]["created"], "2026-01-01T00:00:00Z");
    assert_eq!(Provenance::read(&rebased.parts.config), Some(rebased.provenance));
    let expected =
        Provenance { image: image.manifest.digest, from: old.manifest.digest, to: new.manifest.digest };
    assert_eq!(rebased.provenance, expected);
    assert_eq!(Provenance::read(&image.config), None);
    assert_eq!(rebase(&rebased.parts, &new, &old), Err(Refusal::Rebased(image.manifest.digest)));
    assert_eq!(expected.to_string().parse(), Ok(expected));
}

#[test]
fn layers_are_named_as_the_image_names_its_own() {
    let mut image = on_old(json!({}));
    let text = String::from_utf8(image.manifest.bytes).unwrap();
    let text = text
        .replace("vnd.oci.image.layer.v1.tar+gzip", "vnd.docker.image.rootfs.diff.tar.gzip")
        .replace("vnd.oci.image.config.v1+json", "vnd.docker.container.image.v1+json")
        .replace(media::OCI_MANIFEST, media::DOCKER_MANIFEST);
    image.manifest = StoredManifest {
        digest: Digest::of(&text),
        media_type: media::DOCKER_MANIFEST.to_owned(),
        bytes: text.into_bytes(),
    };
    let rebased = rebase(&image, &base("old", json!({})), &base("new", json!({}))).unwrap();
    let opened = Opened::of("image", &rebased.parts).unwrap();
    assert!(opened.manifest.layers.iter().all(|layer| layer.media_type == media::DOCKER_LAYER_GZIP));
    assert_eq!(opened.manifest.config.media_type, media::DOCKER_CONFIG);
}

#[test]
fn what_was_inherited_becomes_what_the_new_base_says() {
    let old = json!({"Env": ["PATH=/bin", "A=1", "GONE=x"], "Labels": {"a": "1", "gone": "x"}, "User": "one", "Cmd": ["sh"]});
    let new = json!({"Env": ["PATH=/bin", "NEW=n", "A=2"], "Labels": {"a": "2", "new": "n"}, "User": "one", "StopSignal": "SIGINT"});
    let image = json!({
        "Env": ["PATH=/bin", "A=1", "GONE=x", "OWN=o"], "Labels": {"a": "1", "gone": "x", "own": "o", ABI_LABEL: "1"},
        "User": "one", "Cmd": ["sh"], "WorkingDir": "/srv",
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&merged(image, old, new).unwrap()).unwrap(), @r#"
    {
      "Env": [
        "PATH=/bin",
        "NEW=n",
        "A=2",
        "OWN=o"
      ],
      "Labels": {
        "a": "2",
        "own": "o",
        "streamwright.dev/abi": "1",
        "new": "n"
      },
      "User": "one",
      "WorkingDir": "/srv",
      "StopSignal": "SIGINT"
    }
    "#);
}

#[test]
fn what_an_image_says_itself_stays() {
    let old =
        json!({"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"a": "1"}, "ExposedPorts": {"1/tcp": {}}});
    let new =
        json!({"Env": ["PATH=/bin"], "Cmd": ["bash"], "Labels": {"a": "2"}, "ExposedPorts": {"2/tcp": {}}});
    let image = json!({
        "Env": ["PATH=/opt/bin:/bin"], "Entrypoint": ["/app"], "Labels": {"a": "mine"},
        "ExposedPorts": {"1/tcp": {}, "8080/tcp": {}}, "Healthcheck": {"Test": ["CMD", "true"]},
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&merged(image, old, new).unwrap()).unwrap(), @r#"
    {
      "Env": [
        "PATH=/opt/bin:/bin"
      ],
      "Entrypoint": [
        "/app"
      ],
      "Labels": {
        "a": "mine"
      },
      "ExposedPorts": {
        "8080/tcp": {},
        "2/tcp": {}
      },
      "Healthcheck": {
        "Test": [
          "CMD",
          "true"
        ]
      }
    }
    "#);
    // An own command on the base's entrypoint.
    let kept = merged(json!({"Cmd": ["x"]}), json!({"Cmd": ["sh"]}), json!({"Cmd": ["bash"]})).unwrap();
    assert_eq!(kept["Cmd"], json!(["x"]));
}

#[test]
fn what_cannot_be_told_is_refused() {
    let refused = |image, old, new| merged(image, old, new).unwrap_err().to_string();
    let env = |list: &[&str]| json!({"Env": list});
    insta::assert_snapshot!(refused(env(&["PATH=/opt:/bin"]), env(&["PATH=/bin"]), env(&["PATH=/sbin:/bin"])), @"the image sets the variable PATH itself, and it is another one in the new base");
    insta::assert_snapshot!(refused(env(&["A=2"]), env(&["A=1"]), env(&[])), @"the image sets the variable A itself, and it is another one in the new base");
    assert!(merged(env(&["A=1"]), env(&[]), env(&["A=2"])).is_err(), "it may be one or the other");
    let dir = |at: &str| json!({"WorkingDir": at});
    insta::assert_snapshot!(refused(dir("/app"), dir("/src"), dir("/work")), @"the bases differ in WorkingDir, which every instruction of the build went by");
    assert!(merged(json!({"User": "9"}), json!({"User": "1"}), json!({})).is_err(), "its own user came last");
    insta::assert_snapshot!(refused(json!({}), json!({"OnBuild": ["RUN x"]}), json!({})), @"a base has ONBUILD instructions, which only a build carries out");
}

#[test]
fn bases_that_do_not_promise_the_same_are_refused() {
    let (image, old, new) = (on_old(json!({})), base("old", json!({})), base("new", json!({})));
    let refused = |image: &Parts, old: &Parts, new: &Parts| rebase(image, old, new).unwrap_err().to_string();
    let labelled =
        |value: &str| parts_of(&["new"], |config| config["config"]["Labels"][ABI_LABEL] = value.into());
    insta::assert_snapshot!(refused(&image, &old, &labelled("2")), @"the label streamwright.dev/abi is `1` in the old base and `2` in the new one");
    insta::assert_snapshot!(refused(&image, &old, &labelled("")), @"the new base has no label streamwright.dev/abi");
    let bare = parts_of(&["old"], |_| ());
    insta::assert_snapshot!(refused(&image, &bare, &new), @"the old base has no label streamwright.dev/abi");
    insta::assert_snapshot!(refused(&image, &base("other", json!({})), &new), @"the image does not stand on the layers of the old base");
    let scratch = parts_of(&[], |config| config["config"]["Labels"][ABI_LABEL] = "1".into());
    assert_eq!(rebase(&image, &scratch, &new), Err(Refusal::NotOnBase), "everything stands on nothing");
    let other = parts_of(&["new"], |config| {
        config["config"]["Labels"][ABI_LABEL] = "1".into();
        config["architecture"] = "arm64".into();
    });
    insta::assert_snapshot!(refused(&image, &old, &other), @"the images are for different platforms: linux/amd64, linux/amd64, linux/arm64");
    let squashed = parts_of(&["old", "own"], |config| config["history"] = json!([{"created_by": "squash"}]));
    insta::assert_snapshot!(refused(&squashed, &old, &new), @"the history of the image does not begin with that of the old base");
    let mut torn = image.clone();
    torn.config.push(b' ');
    insta::assert_snapshot!(refused(&torn, &old, &new), @"the image is not an image that can be rebased: its configuration is another one than its manifest says");
}

/// A listing of one layer.
fn listing(layer: Layer) -> Listing {
    let mut listing = Listing::default();
    listing.add(layer.tar().as_slice()).unwrap();
    listing
}

#[test]
fn an_entry_made_of_a_file_that_changed_is_found() {
    let old = listing(Layer::new().dir("var", 0o755).file("var/db", "a").file("etc", "1").dir("opt", 0o755));
    let new = listing(Layer::new().dir("var", 0o755).file("var/db", "b").file("etc", "1").dir("opt", 0o700));
    let found =
        |own: Layer| conflict(&listing(own), &old, &new).map(|found| found.to_string()).unwrap_or_default();
    assert_eq!(found(Layer::new().dir("var", 0o755).file("var/own", "x").file("etc", "2")), "");
    insta::assert_snapshot!(found(Layer::new().dir("var", 0o755).file("var/db", "a and own")), @"the bases differ in /var/db, which a layer of the image has too");
    insta::assert_snapshot!(found(Layer::new().whiteout("var/db").whiteout("var")), @"the bases differ in /var/db, and a layer of the image has /var (1 more like it)");
    insta::assert_snapshot!(found(Layer::new().opaque("var")), @"the bases differ in /var/db, and a layer of the image has /var");
    insta::assert_snapshot!(found(Layer::new().file("var/db/below", "x")), @"the bases differ in /var/db, and a layer of the image has /var/db/below");
    insta::assert_snapshot!(found(Layer::new().dir("opt", 0o755)), @"the bases differ in /opt, which a layer of the image has too");
    assert_eq!(found(Layer::new().dir("opt", 0o700)), "", "as the new base has it");
    // Other names of one file.
    let linked = |content| listing(Layer::new().file("a", content).hardlink("b", "a"));
    let (one, two) = (linked("1"), linked("2"));
    assert!(conflict(&listing(Layer::new().file("b", "x")), &one, &two).is_some());
    assert_eq!(conflict(&listing(Layer::new().file("c", "x")), &one, &two), None);
    let escape = Listing::default().add(Layer::new().file("../x", "").tar().as_slice());
    assert!(escape.unwrap_err().to_string().contains("`../x`"));
}

/// A file system: folders with their modes, files with their content.
type Files = BTreeMap<String, Node>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Dir(u32),
    File(String),
}

/// What a build does to its base.
#[derive(Debug, Clone)]
enum Step {
    Write(String, String),
    Append(String),
    Remove(String),
}

impl Step {
    fn path(&self) -> &str {
        let (Self::Write(path, _) | Self::Append(path) | Self::Remove(path)) = self;
        path
    }
}

fn any_path() -> impl Strategy<Value = String> {
    "[ab](/[ab]){0,2}"
}

/// A folder for everything that a path is in.
fn put(files: &mut Files, path: &str, node: Node) {
    for (end, _) in path.match_indices('/') {
        let dir = files.entry(path[..end].to_owned()).or_insert(Node::Dir(0o755));
        if matches!(dir, Node::File(_)) {
            return;
        }
    }
    // A file does not take the place of a folder.
    if !matches!((files.get(path), &node), (Some(Node::Dir(_)), Node::File(_))) {
        files.insert(path.to_owned(), node);
    }
}

fn any_base() -> impl Strategy<Value = Files> {
    let node =
        prop_oneof!["[xy]".prop_map(Node::File), prop_oneof![Just(0o755), Just(0o700)].prop_map(Node::Dir)];
    proptest::collection::vec((any_path(), node), 0..5).prop_map(|all| {
        let mut files = Files::new();
        all.into_iter().for_each(|(path, node)| put(&mut files, &path, node));
        files
    })
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any_path(), "[xy]").prop_map(|(path, content)| Step::Write(path, content)),
        any_path().prop_map(Step::Append),
        any_path().prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 1..4)
}

/// Carries the steps out; what is to be removed must be there, on the base that is built on.
fn build(base: &Files, steps: &[Step], removes: &mut Vec<String>) -> Files {
    let mut files = base.clone();
    for step in steps {
        match step {
            Step::Write(path, content) => put(&mut files, path, Node::File(content.clone())),
            Step::Append(path) => {
                let before = match files.get(path) {
                    Some(Node::File(content)) => content.clone(),
                    _ => String::new(),
                };
                put(&mut files, path, Node::File(before + "+"));
            }
            Step::Remove(path) => {
                if files.contains_key(path) {
                    removes.push(path.clone());
                }
                files.retain(|other, _| other != path && !other.starts_with(&format!("{path}/")));
            }
        }
    }
    files
}

/// The layer that makes `to` of `from`: what is different, with the folders that it is in.
fn layer(from: &Files, to: &Files) -> (Files, Vec<String>) {
    let mut own: Files = to.iter().filter(|(path, node)| from.get(*path) != Some(node)).map(clone).collect();
    let mut gone: Vec<String> = from.keys().filter(|path| !to.contains_key(*path)).cloned().collect();
    gone.retain(|path| {
        let above = path.rfind('/').map(|end| &path[..end]);
        above.is_none_or(|above| to.contains_key(above))
    });
    let parents: Vec<String> = own
        .keys()
        .chain(&gone)
        .flat_map(|path| path.match_indices('/').map(|(end, _)| path[..end].to_owned()))
        .collect();
    own.extend(parents.into_iter().filter_map(|dir| Some((dir.clone(), to.get(&dir)?.clone()))));
    (own, gone)
}

fn clone<'a>((path, node): (&'a String, &'a Node)) -> (String, Node) {
    (path.clone(), node.clone())
}

fn packed(files: &Files, gone: &[String]) -> Listing {
    let layer = gone.iter().fold(Layer::new(), |layer, path| layer.whiteout(path));
    listing(files.iter().fold(layer, |layer, (path, node)| match node {
        Node::Dir(mode) => layer.dir(path, *mode),
        Node::File(content) => layer.file(path, content),
    }))
}

/// `base` with the layer on it.
fn stacked(base: &Files, (own, gone): &(Files, Vec<String>)) -> Files {
    let mut files = base.clone();
    let hidden = |path: &str, by: &str| path == by || path.starts_with(&format!("{by}/"));
    files.retain(|path, _| !gone.iter().any(|by| hidden(path, by)));
    for (path, node) in own {
        // What is no folder hides all that was below it, and the other way round.
        if matches!(node, Node::File(_)) || matches!(files.get(path), Some(Node::File(_))) {
            files.retain(|other, _| !hidden(other, path));
        }
        files.insert(path.clone(), node.clone());
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    /// What is not refused is what a build on the new base gives, for builds that write, append and remove.
    #[test]
    fn a_layer_that_fits_is_what_a_build_gives(old in any_base(), new in any_base(), steps in any_steps()) {
        // Nor what was made and removed again.
        let apart = |a: &str, b: &str| a != b && !a.starts_with(&format!("{b}/")) && !b.starts_with(&format!("{a}/"));
        prop_assume!(steps.iter().enumerate().all(|(at, step)| {
            let others = || steps.iter().enumerate().filter(|(other, _)| *other != at);
            !matches!(step, Step::Remove(_)) || others().all(|(_, other)| apart(step.path(), other.path()))
        }));
        let (mut on_old, mut on_new) = (Vec::new(), Vec::new());
        let built = build(&old, &steps, &mut on_old);
        let expected = build(&new, &steps, &mut on_new);
        // A build that finds more to remove on the new base does not do the same there: the label would not be true.
        prop_assume!(on_old == on_new);
        // Nor can be seen what a step did that left everything as it was.
        prop_assume!(steps.iter().all(|step| built.get(step.path()) != old.get(step.path())));
        let own = layer(&old, &built);
        prop_assert_eq!(&stacked(&old, &own), &built, "the layer is what the build did");
        if conflict(&packed(&own.0, &own.1), &packed(&old, &[]), &packed(&new, &[])).is_none() {
            prop_assert_eq!(stacked(&new, &own), expected);
        }
    }

    /// On bases that are the same, everything fits.
    #[test]
    fn nothing_conflicts_with_the_same_base(old in any_base(), steps in any_steps()) {
        let own = layer(&old, &build(&old, &steps, &mut Vec::new()));
        let base = packed(&old, &[]);
        prop_assert_eq!(conflict(&packed(&own.0, &own.1), &base, &base), None);
    }
}
