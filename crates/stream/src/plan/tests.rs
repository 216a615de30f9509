#![allow(clippy::unwrap_used)]

use std::cell::RefCell;

use super::*;
use crate::definition::{ApiVersion, Definition};
use crate::key::{self, Input};
use crate::lock::{Commit, Kind, Packages};
use crate::sample::{self, Files, STREAM, files};

/// Images by key and last builds by component.
#[derive(Default)]
struct Store {
    images: BTreeMap<Digest, Found>,
    newest: BTreeMap<Digest, Newest>,
    /// Why no base can be exchanged.
    misfit: Option<String>,
    last: BTreeMap<(Platform, String), LastBuild>,
    failed: BTreeMap<(Platform, String), FailedBuild>,
    looked_up: RefCell<Vec<Vec<String>>>,
}

impl KnownBuilds for Store {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        self.looked_up.borrow_mut().push(wanted.iter().map(|(name, _)| (*name).to_owned()).collect());
        wanted.iter().map(|(_, key)| self.images.get(key).cloned()).collect()
    }

    fn newest(&self, wanted: &[(&str, Rebuild, Digest)]) -> Vec<Option<Newest>> {
        wanted.iter().map(|(_, _, key)| self.newest.get(key).cloned()).collect()
    }

    fn rebase(&self, _: &str, _: Digest, _: &Swap) -> Result<(), String> {
        self.misfit.clone().map_or(Ok(()), Err)
    }

    fn last(&self, platform: Platform, component: &str) -> Option<LastBuild> {
        self.last.get(&(platform, component.to_owned())).cloned()
    }

    fn failed(&self, platform: Platform, component: &str) -> Option<FailedBuild> {
        self.failed.get(&(platform, component.to_owned())).cloned()
    }
}

/// A stream with what planning it takes.
struct Case {
    graphs: Graphs,
    lock: Lock,
    inputs: BTreeMap<Platform, BTreeMap<String, Inputs>>,
}

impl Case {
    fn new(stream: &str, files: &Files) -> Self {
        Self::locked(stream, files, |_| {})
    }

    /// With a lock that `change` changed.
    fn locked(stream: &str, files: &Files, change: impl Fn(&mut Lock)) -> Self {
        let (definition, graphs): (Definition, Graphs) = sample::checked(stream, files);
        let pin = |text: &str| Packages {
            wanted: vec![],
            beyond: Digest::of(""),
            pinned: vec![text.parse().unwrap()],
        };
        let pin = |name: &str| pin(&format!("{name}=1.0={}", Digest::of(name).hex()));
        let packages: BTreeMap<String, Packages> =
            BTreeMap::from([("base".into(), pin("bash")), ("etcd".into(), pin("etcd-server"))]);
        let commit = Commit {
            url: "https://git.example/etcd".to_owned(),
            reference: "main".to_owned(),
            commit: "1".repeat(40),
        };
        let mut lock = Lock {
            api_version: ApiVersion::V1Alpha1,
            kind: Kind::Lock,
            stream: "mini".into(),
            from: None,
            epoch: 0,
            packages: definition
                .stream
                .platforms
                .iter()
                .map(|platform| (*platform, packages.clone()))
                .collect(),
            images: BTreeMap::from([
                ("quay.io/tools:1".into(), Digest::of("tools")),
                ("quay.io/go:1".into(), Digest::of("go")),
            ]),
            commits: BTreeMap::from([("etcd".to_owned(), commit.clone()), ("etcdctl".to_owned(), commit)]),
        };
        change(&mut lock);
        let inputs = key::inputs(&graphs, &definition.places, &lock, files, &sample::tasks()).unwrap();
        Self { graphs, lock, inputs }
    }

    fn plan(&self, store: &Store, forced: &[&str]) -> Plan {
        let forced = forced.iter().map(|name| (*name).to_owned()).collect();
        plan(&self.graphs, &self.lock, &self.inputs, store, &forced)
    }

    /// Builds all; an image is what its key is, so that equal keys give equal images.
    fn build(&self, store: &mut Store) {
        self.graphs.iter().for_each(|graph| self.build_on(graph, store));
    }

    fn build_on(&self, graph: &Graph, store: &mut Store) {
        let mut images: BTreeMap<String, Digest> = BTreeMap::new();
        for name in graph.order() {
            if let Some(image) = graph.stream.components[name].prebuilt() {
                images.insert(name.to_owned(), image.split_once('@').unwrap().1.parse().unwrap());
                continue;
            }
            let last =
                LastBuild::new(&self.inputs[&graph.platform][name], &graph.nodes[name], &images, &self.lock);
            let image = Digest::of(last.key().to_string());
            store.images.insert(last.key(), Found::here(image));
            let weak = self.plan(&Store::default(), &[]).on(graph.platform, name).unwrap().weak_keys.unwrap();
            let bases = last.bases.iter().map(|(name, used)| (name.clone(), used.image)).collect();
            let newest = Newest { image, bases, operands: last.operands.clone() };
            store.newest.extend([(weak.direct, newest.clone()), (weak.local, newest)]);
            images.insert(name.to_owned(), image);
            store.last.insert((graph.platform, name.to_owned()), last);
        }
    }
}

fn sample() -> Case {
    Case::new(STREAM, &files())
}

/// The plan for the sample, built once, after `from` became `to`.
fn after(from: &str, to: &str) -> Plan {
    assert!(STREAM.contains(from), "{from}");
    let mut store = Store::default();
    sample().build(&mut store);
    Case::new(&STREAM.replacen(from, to, 1), &files()).plan(&store, &[])
}

#[test]
fn nothing_is_known() {
    let plan = sample().plan(&Store::default(), &[]);
    insta::assert_snapshot!(table::table(&plan), @"
    COMPONENT  ACTION  WHY
    base       build   never-built
    etcd       build   never-built

    2 components: 2 to build; 1 tag in the payload
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap(), @r#"
    {
      "stream": "mini",
      "platforms": [
        "linux/amd64"
      ],
      "components": [
        {
          "component": "base",
          "platform": "linux/amd64",
          "action": "build",
          "reasons": [
            {
              "code": "never-built"
            }
          ],
          "inputs": "sha256:8a6064d307cfb0bf9af112495abc1ad2bb2ea24f685e282d47d784eb5e36be01",
          "key": "sha256:c84ddc1b2c8168c60d2db9b2a10a7775a8edd6e0ec4e5fbe16fc492bb06616d9",
          "dependsOn": []
        },
        {
          "component": "etcd",
          "platform": "linux/amd64",
          "action": "build",
          "reasons": [
            {
              "code": "never-built"
            }
          ],
          "inputs": "sha256:8986dbf66e5a510686ca0afe12c45f191e699ac027b38b52ea76fe40afde6f39",
          "dependsOn": [
            {
              "component": "base",
              "edge": "base"
            }
          ]
        }
      ],
      "counts": {
        "reuse": 0,
        "build": 2,
        "maybe": 0
      },
      "payload": {
        "etcd": "etcd"
      }
    }
    "#);
}

#[test]
fn nothing_changed() {
    let mut store = Store::default();
    sample().build(&mut store);
    let plan = sample().plan(&store, &[]);
    assert!(plan.is_unchanged());
    insta::assert_snapshot!(table::table(&plan), @"
    COMPONENT  ACTION  WHY
    base       reuse
    etcd       reuse

    2 components: 2 reused; 1 tag in the payload
    ");
    assert_eq!(store.looked_up.into_inner(), [["base"], ["etcd"]], "level by level");
}

#[test]
fn a_changed_component_is_built_alone() {
    let plan =
        after("[etcd-server]\n", "[etcd-server]\n    args: {SOURCE_DATE_EPOCH: \"1\"}\n    labels: {a: b}\n");
    insta::assert_snapshot!(table::table(&plan), @"
    COMPONENT  ACTION  WHY
    base       reuse
    etcd       build   args-changed: +SOURCE_DATE_EPOCH 1; labels-changed: +a b

    2 components: 1 to build, 1 reused; 1 tag in the payload
    ");
}

#[test]
fn what_stands_on_a_changed_base_may_be_reused() {
    let plan = after("path: components/base", "path: components/base2");
    insta::assert_snapshot!(table::table(&plan), @"
    COMPONENT  ACTION  WHY
    base       build   source-changed: d11b2622b913 → a08e8748639a
    etcd       maybe   base-rebuilt: base

    2 components: 1 to build, 1 maybe; 1 tag in the payload
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan.components[1]).unwrap(), @r#"
    {
      "component": "etcd",
      "platform": "linux/amd64",
      "action": "maybe",
      "reasons": [
        {
          "code": "base-rebuilt",
          "changes": [
            {
              "name": "base"
            }
          ]
        }
      ],
      "inputs": "sha256:8986dbf66e5a510686ca0afe12c45f191e699ac027b38b52ea76fe40afde6f39",
      "dependsOn": [
        {
          "component": "base",
          "edge": "base"
        }
      ]
    }
    "#);
}

#[test]
fn a_base_that_comes_out_the_same_stops_the_rebuild() {
    let mut store = Store::default();
    sample().build(&mut store);
    let changed = Case::new(&STREAM.replacen("path: components/base", "path: components/base2", 1), &files());
    assert_eq!(changed.plan(&store, &[]).on(Platform::Amd64, "etcd").unwrap().action, Action::Maybe);
    // The base was built anew, and the image is the old one.
    let old =
        store.images[&final_key::<&str>(&sample().inputs[&Platform::Amd64]["base"].digest(), [], [])].clone();
    store.images.insert(final_key::<&str>(&changed.inputs[&Platform::Amd64]["base"].digest(), [], []), old);
    assert!(changed.plan(&store, &[]).is_unchanged());
}

#[test]
fn everything_that_can_change_has_its_reason() {
    let mut store = Store::default();
    sample().build(&mut store);
    let mut case = sample();
    let inputs = &mut case.inputs.get_mut(&Platform::Amd64).unwrap().get_mut("etcd").unwrap().0;
    for (input, value) in [
        (Input::Source, Digest::of("s").to_string()),
        (Input::Folder, "images/etcd".into()),
        (Input::Patch(1, "patches/a.patch".into()), Digest::of("p").to_string()),
        (Input::Edit(1), Digest::of("e").to_string()),
        (Input::From(2), "mini/go".into()),
        (Input::Containerfile, Digest::of("c").to_string()),
        (Input::Task, format!("other {}", Digest::of("t"))),
        (Input::Epoch, "86400".into()),
        (Input::Arg("A".into()), "new and long enough to be cut off where it hurts".into()),
        (Input::Label("l".into()), "x".into()),
        (Input::Package("etcd-server".into()), format!("2.0 {}", Digest::of("e2"))),
        (Input::Package("jq".into()), format!("1.6 {}", Digest::of("jq"))),
    ] {
        inputs.insert(input, value);
    }
    let plan = case.plan(&store, &[]);
    let reasons: Vec<String> =
        plan.on(Platform::Amd64, "etcd").unwrap().reasons.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"), @"
    source-changed: +folder images/etcd, e84b81a245f9 → 043a718774c5
    patches-changed: +patches/a.patch 148de9c5a7a4
    containerfile-changed: 9eaf991dac6a → 2e7d2c03a950
    edits-changed: +edit 1 3f79bb7b435b
    from-changed: +stage 2 mini/go
    args-changed: +A new and long enough to be cut off where …
    labels-changed: +l x
    packages-changed: etcd-server 1.0 e41b41103ac5 → 2.0 ac0f09c0f8bf, +jq 1.6 c84d384f2a25
    task-changed: containerfile a31eb6f63db4 → other e3b98a4da31a
    epoch-changed: 0 → 86400
    ");
}

#[test]
fn packages_that_are_gone_and_many() {
    let mut store = Store::default();
    sample().build(&mut store);
    let mut case = sample();
    let inputs = &mut case.inputs.get_mut(&Platform::Amd64).unwrap().get_mut("etcd").unwrap().0;
    inputs.remove(&Input::Package("etcd-server".into()));
    for name in ["a", "b", "c", "d"] {
        inputs.insert(Input::Package(name.into()), format!("1 {}", Digest::of(name)));
    }
    let plan = case.plan(&store, &[]);
    insta::assert_snapshot!(plan.on(Platform::Amd64, "etcd").unwrap().reasons[0], @"packages-changed: +a 1 ca978112ca1b, +b 1 3e23e8160039, +c 1 2e7d2c03a950 and 2 more");
}

#[test]
fn another_base_image() {
    let stream = STREAM.replace("{component: base}", "{image: \"quay.io/tools:1\"}");
    let mut store = Store::default();
    Case::new(&stream, &files()).build(&mut store);
    let mut case = Case::new(&stream, &files());
    case.lock.images.insert("quay.io/tools:1".into(), Digest::of("newer tools"));
    insta::assert_snapshot!(case.plan(&store, &[]).on(Platform::Amd64, "etcd").unwrap().reasons[0], @"external-image-changed: mini/base f9d35d43770d → 8f2eb064ede6");

    // From that image to the component, which is not built yet, and to a second name.
    let two = Files(BTreeMap::from([(
        "components/etcd/Containerfile",
        "FROM mini/base\nCOPY --from=mini/tools /a /a\n",
    )]));
    let stream = STREAM.replace("bases:", "bases:\n  mini/tools: {component: base}");
    let plan = Case::new(&stream, &two).plan(&store, &[]);
    let etcd = plan.on(Platform::Amd64, "etcd").unwrap();
    assert_eq!(etcd.action, Action::Build);
    // The component was built as it is; only its name in this stream is new.
    let reasons: Vec<String> = etcd.reasons.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"), @"
    containerfile-changed: 9eaf991dac6a → ee0f5aed744b
    base-changed: mini/base f9d35d43770d → becc21764751
    builder-changed: +mini/tools becc21764751
    ");
}

#[test]
fn an_image_that_is_gone() {
    let mut store = Store::default();
    sample().build(&mut store);
    store.images.clear();
    insta::assert_snapshot!(table::table(&sample().plan(&store, &[])), @"
    COMPONENT  ACTION  WHY
    base       build   image-gone
    etcd       maybe   base-rebuilt: base

    2 components: 1 to build, 1 maybe; 1 tag in the payload
    ");
}

#[test]
fn what_is_forced_is_built() {
    let mut store = Store::default();
    sample().build(&mut store);
    insta::assert_snapshot!(table::table(&sample().plan(&store, &["base"])), @"
    COMPONENT  ACTION  WHY
    base       build   forced
    etcd       maybe   base-rebuilt: base

    2 components: 1 to build, 1 maybe; 1 tag in the payload
    ");
}

#[test]
fn codes_are_written_as_they_are_named() {
    for code in ReasonCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

mod edges;
mod policies;
