#![allow(clippy::unwrap_used)]

use std::cell::RefCell;

use proptest::prelude::*;

use super::*;
use crate::definition::{ApiVersion, Definition, Platform};
use crate::key::{self, Input};
use crate::lock::{Kind, Packages};
use crate::sample::{self, Files, STREAM, files};

/// Images by key and last builds by component.
#[derive(Default)]
struct Store {
    images: BTreeMap<Digest, Digest>,
    last: BTreeMap<String, LastBuild>,
    looked_up: RefCell<Vec<Vec<String>>>,
}

impl KnownBuilds for Store {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Digest>> {
        self.looked_up.borrow_mut().push(wanted.iter().map(|(name, _)| (*name).to_owned()).collect());
        wanted.iter().map(|(_, key)| self.images.get(key).copied()).collect()
    }

    fn last(&self, component: &str) -> Option<LastBuild> {
        self.last.get(component).cloned()
    }
}

/// A stream with what planning it takes.
struct Case {
    graph: Graph,
    lock: Lock,
    inputs: BTreeMap<String, Inputs>,
}

impl Case {
    fn new(stream: &str, files: &Files) -> Self {
        let (definition, graph): (Definition, Graph) = sample::checked(stream, files);
        let pin = |text: &str| Packages {
            wanted: vec![],
            beyond: Digest::of(""),
            pinned: vec![text.parse().unwrap()],
        };
        let pin = |name: &str| pin(&format!("{name}=1.0={}", Digest::of(name).hex()));
        let lock = Lock {
            api_version: ApiVersion::V1Alpha1,
            kind: Kind::Lock,
            stream: "mini".into(),
            platform: Platform::Amd64,
            from: None,
            epoch: 0,
            packages: BTreeMap::from([("base".into(), pin("bash")), ("etcd".into(), pin("etcd-server"))]),
            images: BTreeMap::from([("quay.io/tools:1".into(), Digest::of("tools"))]),
            commits: BTreeMap::new(),
        };
        let inputs = key::inputs(&graph, &definition.places, &lock, files, &sample::tasks()).unwrap();
        Self { graph, lock, inputs }
    }

    fn plan(&self, store: &Store, forced: &[&str]) -> Plan {
        let forced = forced.iter().map(|name| (*name).to_owned()).collect();
        plan(&self.graph, &self.lock, &self.inputs, store, &forced)
    }

    /// Builds all; an image is what its key is, so that equal keys give equal images.
    fn build(&self, store: &mut Store) {
        let mut images: BTreeMap<String, Digest> = BTreeMap::new();
        for name in self.graph.order() {
            let bases: BTreeMap<String, Digest> = self.graph.nodes[name]
                .bases
                .iter()
                .map(|(from, base)| match &base.image {
                    BaseImage::Component(component) => (from.clone(), images[component]),
                    BaseImage::Image(reference) => (from.clone(), self.lock.image(reference).unwrap()),
                })
                .collect();
            let key = final_key(&self.inputs[name].digest(), bases.iter().map(|(n, d)| (n, *d)));
            let image = Digest::of(key.to_string());
            store.images.insert(key, image);
            images.insert(name.to_owned(), image);
            store.last.insert(name.to_owned(), LastBuild { inputs: self.inputs[name].clone(), bases });
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
      "components": [
        {
          "component": "base",
          "action": "build",
          "reasons": [
            {
              "code": "never-built"
            }
          ],
          "inputs": "sha256:fef997386e68f7e2b5c2b28073448da6f285501fddab0a173a912b6cca1a3c61",
          "key": "sha256:1b46988a85d7c3291dd3511705caf8ac092fcfdbafc0388d7c9d5fbad7b8440a",
          "bases": []
        },
        {
          "component": "etcd",
          "action": "build",
          "reasons": [
            {
              "code": "never-built"
            }
          ],
          "inputs": "sha256:7fcfcabeb41b7e8c20c406a40850b22d33c024290b905a1674316d9d928ab8ed",
          "bases": [
            "base"
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
      "inputs": "sha256:7fcfcabeb41b7e8c20c406a40850b22d33c024290b905a1674316d9d928ab8ed",
      "bases": [
        "base"
      ]
    }
    "#);
}

#[test]
fn a_base_that_comes_out_the_same_stops_the_rebuild() {
    let mut store = Store::default();
    sample().build(&mut store);
    let changed = Case::new(&STREAM.replacen("path: components/base", "path: components/base2", 1), &files());
    assert_eq!(changed.plan(&store, &[]).component("etcd").unwrap().action, Action::Maybe);
    // The base was built anew, and the image is the old one.
    let old = store.images[&final_key::<&str>(&sample().inputs["base"].digest(), [])];
    store.images.insert(final_key::<&str>(&changed.inputs["base"].digest(), []), old);
    assert!(changed.plan(&store, &[]).is_unchanged());
}

#[test]
fn everything_that_can_change_has_its_reason() {
    let mut store = Store::default();
    sample().build(&mut store);
    let mut case = sample();
    let inputs = &mut case.inputs.get_mut("etcd").unwrap().0;
    for (input, value) in [
        (Input::Source, Digest::of("s").to_string()),
        (Input::Containerfile, Digest::of("c").to_string()),
        (Input::Task, format!("other {}", Digest::of("t"))),
        (Input::Platform, "linux/arm64".into()),
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
        plan.component("etcd").unwrap().reasons.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"), @"
    source-changed: e84b81a245f9 → 043a718774c5
    containerfile-changed: 9eaf991dac6a → 2e7d2c03a950
    args-changed: +A new and long enough to be cut off where …
    labels-changed: +l x
    packages-changed: etcd-server 1.0 e41b41103ac5 → 2.0 ac0f09c0f8bf, +jq 1.6 c84d384f2a25
    task-changed: containerfile 8a67ff871bf5 → other e3b98a4da31a
    platform-changed: linux/amd64 → linux/arm64
    epoch-changed: 0 → 86400
    ");
}

#[test]
fn packages_that_are_gone_and_many() {
    let mut store = Store::default();
    sample().build(&mut store);
    let mut case = sample();
    let inputs = &mut case.inputs.get_mut("etcd").unwrap().0;
    inputs.remove(&Input::Package("etcd-server".into()));
    for name in ["a", "b", "c", "d"] {
        inputs.insert(Input::Package(name.into()), format!("1 {}", Digest::of(name)));
    }
    let plan = case.plan(&store, &[]);
    insta::assert_snapshot!(plan.component("etcd").unwrap().reasons[0], @"packages-changed: +a 1 ca978112ca1b, +b 1 3e23e8160039, +c 1 2e7d2c03a950 and 2 more");
}

#[test]
fn another_base_image() {
    let stream = STREAM.replace("{component: base}", "{image: \"quay.io/tools:1\"}");
    let mut store = Store::default();
    Case::new(&stream, &files()).build(&mut store);
    let mut case = Case::new(&stream, &files());
    case.lock.images.insert("quay.io/tools:1".into(), Digest::of("newer tools"));
    insta::assert_snapshot!(case.plan(&store, &[]).component("etcd").unwrap().reasons[0], @"base-changed: mini/base f9d35d43770d → 8f2eb064ede6");

    // From that image to the component, which is not built yet, and to a second name.
    let two = Files(BTreeMap::from([(
        "components/etcd/Containerfile",
        "FROM mini/base\nCOPY --from=mini/tools /a /a\n",
    )]));
    let stream = STREAM.replace("bases:", "bases:\n  mini/tools: {component: base}");
    let plan = Case::new(&stream, &two).plan(&store, &[]);
    let etcd = plan.component("etcd").unwrap();
    assert_eq!(etcd.action, Action::Build);
    let base_changed = etcd.reasons.iter().find(|reason| reason.code == ReasonCode::BaseChanged).unwrap();
    // The component was built as it is; only its name in this stream is new.
    assert!(base_changed.to_string().contains("+mini/tools"), "{base_changed}");
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

proptest! {
    /// Whatever is known of earlier builds, an image is reused only under the very digests of its bases.
    #[test]
    fn no_image_is_reused_on_another_base(base_changed in any::<bool>(), etcd_changed in any::<bool>(), forget in any::<bool>()) {
        let mut store = Store::default();
        sample().build(&mut store);
        let mut stream = STREAM.to_owned();
        if base_changed {
            stream = stream.replace("path: components/base", "path: components/base2");
        }
        if etcd_changed {
            stream = stream.replace("[etcd-server]\n", "[etcd-server]\n    labels: {a: b}\n");
        }
        if forget {
            store.last.clear();
        }
        let case = Case::new(&stream, &files());
        let plan = case.plan(&store, &[]);
        let etcd = plan.component("etcd").unwrap();
        prop_assert_eq!(etcd.action == Action::Reuse, !base_changed && !etcd_changed);
        prop_assert_eq!(etcd.action == Action::Maybe, base_changed && !etcd_changed && !forget);
        let mut rebuilt = Store::default();
        case.build(&mut rebuilt);
        if let Some(image) = etcd.image {
            prop_assert_eq!(rebuilt.images[&etcd.key.unwrap()], image);
        }
    }
}
