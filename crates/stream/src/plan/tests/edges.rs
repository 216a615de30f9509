//! A stream with every kind of edge, and every code that it can give.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use base::Digest;
use proptest::prelude::*;

use super::super::*;
use super::{Case, Store};
use crate::sample::Files;

/// A stream with every kind of edge: `etcd` from git, with a patch, an edit and `from`; `operator`, which names it; a builder; an
/// image from a registry; an image that is there.
const STREAM: &str = r#"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: mini
version: 0.1.0
repository: localhost:5757/mini
releaseBase: operator
bases:
  mini/base: {component: base}
  mini/tools: {component: tools}
  mini/go: {image: "quay.io/go:1"}
components:
  base:
    task: debian-base
    payload: false
    source: {path: components/base}
  tools:
    payload: false
    source: {path: components/tools}
  etcd:
    source: {git: {url: "https://git.example/etcd", ref: main}}
    from: [mini/go, mini/tools, mini/base]
    patches: [patches/a.patch]
    edits: [{match: a, with: b}]
  etcdctl:
    source: {git: {url: "https://git.example/etcd", ref: main, path: ctl}}
    from: [mini/base]
  operator:
    source: {path: components/operator}
    operands: [etcd]
  given:
    source: {image: "quay.io/given@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
"#;

fn files() -> Files {
    Files(BTreeMap::from([
        ("components/tools/Containerfile", "FROM mini/base\n"),
        ("components/operator/Containerfile", "FROM mini/go AS go\nFROM mini/base\n"),
        ("patches/a.patch", "one"),
    ]))
}

fn sample() -> Case {
    Case::new(STREAM, &files())
}

/// A component on the platform of the sample.
fn at(component: &str) -> (Platform, String) {
    (Platform::Amd64, component.to_owned())
}

/// What is planned when the stream is built as it is and then has one text replaced by another.
fn after(from: &str, to: &str) -> Plan {
    assert!(STREAM.contains(from), "{from}");
    let mut store = Store::default();
    sample().build(&mut store);
    Case::new(&STREAM.replacen(from, to, 1), &files()).plan(&store, &[])
}

/// The same when what was changed has been built meanwhile, but what depends on it not.
fn after_building(component: &str, from: &str, to: &str) -> Plan {
    let mut store = Store::default();
    sample().build(&mut store);
    let changed = Case::new(&STREAM.replacen(from, to, 1), &files());
    let mut there = Store::default();
    changed.build(&mut there);
    let last = there.last[&at(component)].clone();
    store.images.insert(last.key(), there.images[&last.key()].clone());
    changed.plan(&store, &[])
}

/// The same with another lock.
fn locked(change: impl Fn(&mut Lock)) -> Plan {
    let mut store = Store::default();
    sample().build(&mut store);
    Case::locked(STREAM, &files(), change).plan(&store, &[])
}

/// The same with another file.
fn with(file: &'static str, text: &'static str) -> Plan {
    let mut store = Store::default();
    sample().build(&mut store);
    let mut files = files();
    files.0.insert(file, text);
    Case::new(STREAM, &files).plan(&store, &[])
}

/// The same with a store that `change` changed.
fn known(forced: &[&str], change: impl Fn(&mut Store)) -> Plan {
    let mut store = Store::default();
    sample().build(&mut store);
    change(&mut store);
    sample().plan(&store, forced)
}

/// A plan in which the component that is named has the code.
fn with_code(code: ReasonCode) -> (&'static str, Plan) {
    let other_base = ("path: components/base", "path: components/base2");
    let other_tools = (
        "    source: {path: components/tools}",
        "    args: {}\n    labels: {a: b}\n    source: {path: components/tools}",
    );
    match code {
        ReasonCode::Forced => ("etcd", known(&["etcd"], |_| {})),
        ReasonCode::LastBuildFailed => (
            "etcd",
            known(&[], |store| {
                store.images.clear();
                let failed = FailedBuild { run: "mini-abcde".to_owned(), task: "etcd".to_owned() };
                store.failed.insert(at("base"), failed.clone());
                store.failed.insert(at("etcd"), failed);
                store.last.remove(&at("etcd"));
            }),
        ),
        ReasonCode::NeverBuilt => ("etcd", sample().plan(&Store::default(), &[])),
        ReasonCode::KeyFormatChanged => (
            "etcd",
            known(&[], |store| {
                store.images.clear();
                store.last.values_mut().for_each(|last| last.format = 1);
            }),
        ),
        ReasonCode::CommitChanged => {
            ("etcd", locked(|lock| lock.commits.get_mut("etcd").unwrap().commit = "2".repeat(40)))
        }
        ReasonCode::SourceChanged => ("base", after(other_base.0, other_base.1)),
        ReasonCode::PatchesChanged => ("etcd", with("patches/a.patch", "two")),
        ReasonCode::ContainerfileChanged => (
            "operator",
            with("components/operator/Containerfile", "FROM mini/go AS go\nFROM mini/base\nRUN true\n"),
        ),
        ReasonCode::EditsChanged => ("etcd", after("with: b", "with: c")),
        ReasonCode::FromChanged => {
            ("etcd", after("[mini/go, mini/tools, mini/base]", "[mini/go, mini/go, mini/base]"))
        }
        ReasonCode::ArgsChanged => {
            ("etcd", after("    edits:", "    args: {SOURCE_DATE_EPOCH: \"1\"}\n    edits:"))
        }
        ReasonCode::LabelsChanged => ("etcd", after("    edits:", "    labels: {a: b}\n    edits:")),
        ReasonCode::PackagesChanged => (
            "base",
            locked(|lock| {
                let pin = format!("bash=2.0={}", Digest::of("bash 2").hex());
                lock.packages.get_mut(&Platform::Amd64).unwrap().get_mut("base").unwrap().pinned =
                    vec![pin.parse().unwrap()];
            }),
        ),
        ReasonCode::TaskChanged => ("base", after("    task: debian-base", "    task: other-base")),
        ReasonCode::PlatformAdded => {
            ("base", after("releaseBase:", "platforms: [linux/amd64, linux/arm64]\nreleaseBase:"))
        }
        ReasonCode::EpochChanged => ("base", locked(|lock| lock.epoch = 1)),
        ReasonCode::BaseChanged => ("tools", after_building("base", other_base.0, other_base.1)),
        ReasonCode::BuilderChanged => ("etcd", after_building("tools", other_tools.0, other_tools.1)),
        ReasonCode::ExternalImageChanged => (
            "etcd",
            locked(|lock| {
                lock.images.insert("quay.io/go:1".to_owned(), Digest::of("newer"));
            }),
        ),
        ReasonCode::OperandChanged => ("operator", after_building("etcd", "with: b", "with: c")),
        ReasonCode::NotRebased => ("etcd", super::policies::on_a_new_base(Some("they are too different"))),
        ReasonCode::BaseRebuilt => ("tools", after(other_base.0, other_base.1)),
        ReasonCode::BuilderRebuilt => ("etcd", after(other_tools.0, other_tools.1)),
        ReasonCode::OperandRebuilt => ("operator", after("with: b", "with: c")),
        ReasonCode::ImageGone => ("base", known(&[], |store| store.images.clear())),
        ReasonCode::UpToDate => ("etcd", known(&[], |_| {})),
        ReasonCode::FoundElsewhere => (
            "etcd",
            known(&[], |store| {
                let key = store.last[&at("etcd")].key();
                store.images.get_mut(&key).unwrap().elsewhere = Some("quay.io/okd/scos".to_owned());
            }),
        ),
        ReasonCode::Prebuilt => ("given", known(&[], |_| {})),
    }
}

#[test]
fn every_code_occurs() {
    let mut said = String::new();
    for code in ReasonCode::ALL {
        let (component, plan) = with_code(code);
        let has = |planned: &&Planned| planned.reasons.iter().any(|reason| reason.code == code);
        let planned = plan.of(component).find(has).unwrap_or_else(|| panic!("{code:?}: {plan:?}"));
        assert_eq!(code.is_for_reuse(), planned.action == Action::Reuse, "{code:?}");
        let reasons: Vec<String> = planned.reasons.iter().map(ToString::to_string).collect();
        said.push_str(&format!("{component:8} {:5} {}\n", planned.action.as_str(), reasons.join("; ")));
    }
    insta::assert_snapshot!(said, @"
    etcd     build forced
    etcd     build last-build-failed: mini-abcde; never-built
    etcd     build never-built
    etcd     build key-format-changed: 1 → 2
    etcd     build commit-changed: 111111111111 → 222222222222
    base     build source-changed: d11b2622b913 → a08e8748639a
    etcd     build patches-changed: patches/a.patch 7692c3ad3540 → 3fc4ccfe7458
    operator build containerfile-changed: 7c8782052cc7 → 2131ac0ac247
    etcd     build edits-changed: edit 1 cf6ab613e394 → c1c7e0523715
    etcd     build from-changed: stage 2 mini/tools → mini/go
    etcd     build args-changed: +SOURCE_DATE_EPOCH 1
    etcd     build labels-changed: +a b
    base     build packages-changed: bash 1.0 37d2b12d5d9a → 2.0 a97bfbeaa5f4
    base     build task-changed: debian-base 5f8590eb21aa → other-base a6931ffc5858
    base     build platform-added: linux/arm64
    base     build epoch-changed: 0 → 1
    tools    build base-changed: mini/base becc21764751 → b622202e6ce2
    etcd     build builder-changed: mini/tools a669c7694dfd → aeebf78178bf
    etcd     build external-image-changed: mini/go 4cd0e21a9a07 → 804f51f71254
    operator build operand-changed: etcd b750aea38614 → 3b5b5e96c431
    etcd     build base-changed: mini/base 71c9bcfefc12 → ca9009840503; not-rebased: they are too different
    tools    maybe base-rebuilt: base
    etcd     maybe builder-rebuilt: tools
    operator maybe operand-rebuilt: etcd
    base     build image-gone
    etcd     reuse up-to-date
    etcd     reuse found-elsewhere: quay.io/okd/scos
    given    reuse prebuilt
    ");
    let mut sorted = ReasonCode::ALL;
    sorted.sort();
    assert_eq!(sorted, ReasonCode::ALL, "the order of the list is the order in plans");
}

#[test]
fn every_code_of_art_has_a_place() {
    let names: BTreeSet<&str> = art::ART_CODES.iter().map(|code| code.name).collect();
    assert_eq!(names.len(), 19);
    for code in art::ART_CODES {
        assert!(
            !code.ours.is_empty() || !code.remark.is_empty(),
            "{} has neither code nor reason",
            code.name
        );
    }
}

#[test]
fn an_operand_that_comes_out_the_same_stops_the_rebuild() {
    let mut store = Store::default();
    sample().build(&mut store);
    let changed = Case::new(&STREAM.replacen("with: b", "with: c", 1), &files());
    let plan = changed.plan(&store, &[]);
    assert_eq!(plan.on(Platform::Amd64, "operator").unwrap().action, Action::Maybe);
    // The operand was built anew, and the image is the old one.
    let old = store.images[&store.last[&at("etcd")].key()].clone();
    store.images.insert(plan.on(Platform::Amd64, "etcd").unwrap().key.unwrap(), old);
    assert!(changed.plan(&store, &[]).is_unchanged());
}

#[test]
fn what_a_plan_depends_on() {
    let plan = sample().plan(&Store::default(), &[]);
    let order: Vec<&str> = plan.components.iter().map(|planned| planned.component.as_str()).collect();
    assert_eq!(order, ["given", "base", "etcdctl", "tools", "etcd", "operator"], "operators after operands");
    let json = |name: &str| serde_json::to_value(plan.on(Platform::Amd64, name).unwrap()).unwrap();
    assert_eq!(
        json("etcd")["dependsOn"],
        serde_json::json!([{"component": "base", "edge": "base"}, {"component": "tools", "edge": "builder"}])
    );
    assert_eq!(
        json("operator")["dependsOn"],
        serde_json::json!([{"component": "base", "edge": "base"}, {"component": "etcd", "edge": "operand"}])
    );
    assert_eq!(json("etcd")["sameRepository"], serde_json::json!(["etcdctl"]));
    assert_eq!(json("operator")["sameRepository"], serde_json::Value::Null);
}

#[test]
fn a_source_that_moved_from_git_to_a_folder() {
    let plan = after(
        "source: {git: {url: \"https://git.example/etcd\", ref: main, path: ctl}}",
        "source: {path: components/operator}",
    );
    let reasons = &plan.on(Platform::Amd64, "etcdctl").unwrap().reasons;
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"), @"
    source-changed: 111111111111 → 34c1bd53bd45
    external-image-changed: +mini/go 4cd0e21a9a07
    ");
}

/// What can change of `etcd` itself, in the order of the codes.
const OF_ETCD: [ReasonCode; 10] = [
    ReasonCode::CommitChanged,
    ReasonCode::PatchesChanged,
    ReasonCode::ContainerfileChanged,
    ReasonCode::EditsChanged,
    ReasonCode::FromChanged,
    ReasonCode::ArgsChanged,
    ReasonCode::LabelsChanged,
    ReasonCode::PackagesChanged,
    ReasonCode::EpochChanged,
    ReasonCode::ExternalImageChanged,
];

/// The stream with each of these changed.
fn with_changes(changes: &BTreeSet<ReasonCode>) -> Case {
    let mut stream = STREAM.to_owned();
    for (code, from, to) in [
        (ReasonCode::ContainerfileChanged, "    edits:", "    containerfile: Dockerfile\n    edits:"),
        (ReasonCode::EditsChanged, "with: b", "with: c"),
        (ReasonCode::FromChanged, "[mini/go, mini/tools, mini/base]", "[mini/go, mini/base]"),
        (ReasonCode::ArgsChanged, "    edits:", "    args: {A: b}\n    edits:"),
        (ReasonCode::LabelsChanged, "    edits:", "    labels: {a: b}\n    edits:"),
    ] {
        if changes.contains(&code) {
            stream = stream.replacen(from, to, 1);
        }
    }
    let mut files = files();
    if changes.contains(&ReasonCode::PatchesChanged) {
        files.0.insert("patches/a.patch", "two");
    }
    Case::locked(&stream, &files, |lock| {
        if changes.contains(&ReasonCode::CommitChanged) {
            lock.commits.get_mut("etcd").unwrap().commit = "2".repeat(40);
        }
        if changes.contains(&ReasonCode::PackagesChanged) {
            let pin = format!("etcd-server=2.0={}", Digest::of("etcd 2").hex());
            lock.packages.get_mut(&Platform::Amd64).unwrap().get_mut("etcd").unwrap().pinned =
                vec![pin.parse().unwrap()];
        }
        lock.epoch = i64::from(changes.contains(&ReasonCode::EpochChanged));
        if changes.contains(&ReasonCode::ExternalImageChanged) {
            lock.images.insert("quay.io/go:1".to_owned(), Digest::of("newer"));
        }
    })
}

proptest! {
    /// Every change of an input changes the key, nothing else does, and a plan names all that changed and nothing beside it.
    #[test]
    fn a_plan_names_exactly_what_changed(before in any::<[bool; 10]>(), after in any::<[bool; 10]>()) {
        let chosen = |on: [bool; 10]| OF_ETCD.into_iter().zip(on).filter(|(_, on)| *on).map(|(code, _)| code).collect();
        let (before, after): (BTreeSet<ReasonCode>, BTreeSet<ReasonCode>) = (chosen(before), chosen(after));
        let mut store = Store::default();
        with_changes(&before).build(&mut store);
        let case = with_changes(&after);
        let plan = case.plan(&store, &[]);
        let etcd = plan.on(Platform::Amd64, "etcd").unwrap();
        let codes: Vec<ReasonCode> = etcd.reasons.iter().map(|reason| reason.code).collect();
        let changed: Vec<ReasonCode> = before.symmetric_difference(&after).copied().collect();
        let expected = if changed.is_empty() { vec![ReasonCode::UpToDate] } else { changed };
        prop_assert_eq!(codes, expected);
        let own = |code: &&ReasonCode| **code != ReasonCode::ExternalImageChanged;
        let same = before.iter().filter(own).eq(after.iter().filter(own));
        prop_assert_eq!(store.last[&at("etcd")].inputs.digest() == etcd.inputs, same);
    }

    /// Whatever is known of earlier builds, an image is reused only under the very digests of its bases and operands.
    #[test]
    fn no_image_is_reused_with_another_base_or_operand(changed in any::<[bool; 5]>(), forget in any::<bool>()) {
        let [base, tools, go, etcd, operator] = changed;
        let mut store = Store::default();
        sample().build(&mut store);
        let mut stream = STREAM.to_owned();
        for (on, from, to) in [
            (base, "path: components/base", "path: components/base2"),
            (tools, "    source: {path: components/tools}", "    labels: {a: b}\n    source: {path: components/tools}"),
            (etcd, "with: b", "with: c"),
            (operator, "    operands: [etcd]", "    labels: {a: b}\n    operands: [etcd]"),
        ] {
            if on {
                stream = stream.replacen(from, to, 1);
            }
        }
        if forget {
            store.last.clear();
        }
        let case = Case::locked(&stream, &files(), |lock| {
            if go {
                lock.images.insert("quay.io/go:1".into(), Digest::of("newer"));
            }
        });
        let plan = case.plan(&store, &[]);
        let action = |name: &str| plan.on(Platform::Amd64, name).unwrap().action;
        let below_etcd = base || tools;
        prop_assert_eq!(action("tools") == Action::Reuse, !base && !tools);
        prop_assert_eq!(action("etcd") == Action::Reuse, !below_etcd && !go && !etcd);
        prop_assert_eq!(action("operator") == Action::Reuse, !below_etcd && !go && !etcd && !operator);
        // What is only waited for may still be reused; what changed itself, not.
        prop_assert_eq!(action("etcd") == Action::Maybe, below_etcd && !go && !etcd && !forget);
        prop_assert_eq!(action("operator") == Action::Maybe, (below_etcd || etcd) && !go && !operator && !forget);
        let mut rebuilt = Store::default();
        case.build(&mut rebuilt);
        for planned in plan.components.iter().filter(|planned| planned.prebuilt.is_none()) {
            if let Some(image) = planned.image {
                prop_assert_eq!(rebuilt.images[&planned.key.unwrap()].image, image);
            }
        }
    }
}
