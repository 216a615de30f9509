#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use base::{Digest, Source};
use jiff::civil::{Date, date};

use super::*;
use crate::definition::{ApiVersion, File, parse, parse_file};
use crate::lock::{Commit, Kind, Packages, Pin};
use crate::overlay::flatten;
use crate::sample::{self, STREAM};

const TODAY: Date = date(2026, 11, 22);

/// A stream with three components from one repository, and more text at its end.
fn stream(more: &str) -> String {
    let mut text = STREAM.replace("tests:\n", "TESTS\n");
    text.truncate(text.find("TESTS").unwrap());
    for (name, reference) in [("api", "main"), ("cli", "main"), ("kubelet", "old")] {
        text += &format!(
            "  {name}:\n    from: [mini/base]\n    source: {{git: {{url: https://git.example/kube, ref: {reference}}}}}\n"
        );
    }
    text + more
}

fn definition(more: &str) -> Definition {
    parse(&Source::new("stream.yaml", stream(more))).unwrap_or_else(|e| panic!("{}", e.render(false)))
}

/// [`definition`] with an overlay on it.
fn overlay(more: &str, operations: &str) -> Definition {
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: edge\nrepository: localhost:5757/edge\nfrom: {{path: ../mini}}\noperations:\n{operations}"
    );
    let File::Overlay(overlay) = parse_file(&Source::new("edge.yaml", text)).unwrap() else { panic!() };
    flatten(&definition(more), &overlay).unwrap_or_else(|e| panic!("{}", e.render(false)))
}

fn pins(pins: &[(&str, &str)]) -> Packages {
    let pin = |(name, version): &(&str, &str)| Pin {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        sha256: Digest::of(version),
    };
    Packages { wanted: Vec::new(), beyond: Digest::of(""), pinned: pins.iter().map(pin).collect() }
}

/// A lock with these commits and packages.
fn lock(commits: &[(&str, &str)], packages: &[(&str, &[(&str, &str)])]) -> Lock {
    let commit = |(name, commit): &(&str, &str)| {
        let (url, reference) = ("https://git.example/kube".to_owned(), "main".to_owned());
        ((*name).to_owned(), Commit { url, reference, commit: (*commit).to_owned() })
    };
    Lock {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Lock,
        stream: "mini".to_owned(),
        from: None,
        epoch: 0,
        packages: BTreeMap::from([(
            crate::definition::Platform::Amd64,
            packages.iter().map(|(name, all)| ((*name).to_owned(), pins(all))).collect(),
        )]),
        images: BTreeMap::new(),
        commits: commits.iter().map(commit).collect(),
    }
}

fn reviewed(definition: &Definition, lock: &Lock) -> Reviewed {
    let checked = crate::check(definition, &sample::files(), &sample::tasks());
    let graphs = checked.unwrap_or_else(|e| panic!("{}", e.render(false))).graphs;
    review(Subject { definition, graphs: &graphs, lock, images: &ImagePlatforms::default(), today: TODAY })
}

/// What nobody waived, as it is printed.
fn open(definition: &Definition, lock: &Lock) -> String {
    let open = reviewed(definition, lock).open;
    open.iter().map(|finding| finding.diagnostic.render(false)).collect::<Vec<_>>().join("\n\n")
}

/// Codes and components.
fn codes(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|f| (f.diagnostic.code, f.component.as_deref().unwrap_or(""))).collect()
}

const SAME: [(&str, &str); 3] = [("api", "a1"), ("cli", "a1"), ("kubelet", "a1")];
const SKEWED: [(&str, &str); 3] = [("api", "a1"), ("cli", "a1"), ("kubelet", "b2")];

#[test]
fn nothing_is_found_in_a_consistent_stream() {
    let lock = lock(&SAME, &[("base", &[("bash", "5.2-1")]), ("etcd", &[("etcd-server", "3.4-1")])]);
    assert_eq!(reviewed(&definition(""), &lock), Reviewed::default());
}

#[test]
fn siblings_at_different_commits() {
    insta::assert_snapshot!(open(&definition(""), &lock(&SKEWED, &[])), @"
warning[mismatched-siblings]: `kubelet` is from https://git.example/kube at b2, and `api` and `cli` are from there at a1
  --> stream.yaml:26:56
   |
20 |     source: {git: {url: https://git.example/kube, ref: main}}
   |                                                        ---- a sibling
...
26 |     source: {git: {url: https://git.example/kube, ref: old}}
   |                                                        ^^^
   |
   = help: let them follow one reference, or pin them all to one commit; or say why it is so:
           waivers:
             - {code: mismatched-siblings, component: kubelet, why: …}
");
}

#[test]
fn of_two_siblings_the_one_that_the_overlay_changed_is_told() {
    let changed = overlay(
        "",
        "  - remove: {component: kubelet}\n  - replace: {component: api, source: {git: {url: https://git.example/kube.git, ref: mine}}}\n",
    );
    insta::assert_snapshot!(open(&changed, &lock(&[("api", "b2"), ("cli", "a1")], &[])), @"
warning[mismatched-siblings]: `api` is from https://git.example/kube at b2, and `cli` is from there at a1
  --> edge.yaml:8:86
   |
 8 |   - replace: {component: api, source: {git: {url: https://git.example/kube.git, ref: mine}}}
   |                                                                                      ^^^^
   |
  ::: stream.yaml:23:56
   |
23 |     source: {git: {url: https://git.example/kube, ref: main}}
   |                                                        ---- a sibling
   |
   = help: let them follow one reference, or pin them all to one commit; or say why it is so:
           operations:
             - waive: {code: mismatched-siblings, component: api, why: …}
");
}

#[test]
fn images_that_are_there_are_siblings_too() {
    let commit = |digit: &str| digit.repeat(40);
    let image = |name: &str, commit: &str| {
        format!(
            "  {name}:\n    source: {{image: \"r.example/x@{}\"}}\n    builtFrom: {{url: https://git.example/oc, ref: \"{commit}\"}}\n",
            Digest::of(name)
        )
    };
    let more = image("oc", &commit("1")) + &image("oc-mirror", &commit("2")) + &image("tools", &commit("1"));
    let found = reviewed(&definition(&more), &lock(&SAME, &[])).open;
    assert_eq!(codes(&found), [("mismatched-siblings", "oc-mirror")]);
    assert_eq!(
        found[0].diagnostic.message,
        "`oc-mirror` is from https://git.example/oc at 222222222222, and `oc` and `tools` are from there at 111111111111"
    );
}

#[test]
fn one_package_at_two_versions() {
    let ssl = |version| vec![("libssl3", version)];
    let (old, new) = (ssl("3.0.11-1"), ssl("3.0.13-1"));
    let lock = lock(&SAME, &[("api", &new), ("base", &new), ("etcd", &old)]);
    insta::assert_snapshot!(open(&definition(""), &lock), @"
warning[same-package-other-version]: `etcd` has libssl3 3.0.11-1, where `api` and `base` have 3.0.13-1
  --> stream.yaml:17:5
   |
17 |     packages: [etcd-server]
   |     ^^^^^^^^
   |
   = help: move the lock: sw update; or say why it is so:
           waivers:
             - {code: same-package-other-version, component: etcd, why: …}
");
}

#[test]
fn packages_that_are_in_no_image_of_the_payload_do_not_count() {
    let more =
        "  builder:\n    task: debian-base\n    payload: false\n    source: {path: components/builder}\n";
    let lock = lock(&SAME, &[("base", &[("gcc", "12")]), ("builder", &[("gcc", "11")])]);
    assert_eq!(reviewed(&definition(more), &lock), Reviewed::default());
}

#[test]
fn kernels_and_headers_of_different_builds() {
    let lock = lock(
        &SAME,
        &[
            ("base", &[("linux-image-6.1.0-31-amd64", "6.1.128-1"), ("linux-image-amd64", "6.1.128-1")]),
            ("etcd", &[("linux-headers-6.1.0-30-amd64", "6.1.124-1")]),
        ],
    );
    insta::assert_snapshot!(open(&definition(""), &lock), @"
warning[kernel-mismatch]: `etcd` has linux-headers-6.1.0-30-amd64 6.1.124-1, and `linux-image-6.1.0-31-amd64` and `linux-image-amd64` are at 6.1.128-1
  --> stream.yaml:17:5
   |
17 |     packages: [etcd-server]
   |     ^^^^^^^^
   |
   = help: move the lock (sw update), or ask for parts of one version; or say why it is so:
           waivers:
             - {code: kernel-mismatch, component: etcd, why: …}
");
}

#[test]
fn a_waiver_excuses_what_it_names_and_nothing_else() {
    let lock = lock(&SKEWED, &[]);
    let with = |waiver: &str| reviewed(&definition(&format!("waivers:\n  - {waiver}\n")), &lock);
    for waiver in [
        "{code: mismatched-siblings, component: kubelet, why: known}",
        "{code: mismatched-siblings, why: known}",
        "{code: mismatched-siblings, why: known, expires: \"2026-11-22\"}",
    ] {
        let reviewed = with(waiver);
        assert_eq!((reviewed.open.len(), reviewed.waived.len()), (0, 1), "{waiver}");
        assert_eq!(reviewed.waived[0].why, "known");
    }
    let another = with("{code: mismatched-siblings, component: api, why: known}");
    assert_eq!(codes(&another.open), [("mismatched-siblings", "kubelet"), ("useless-waiver", "api")]);
    let over = with("{code: mismatched-siblings, why: known, expires: \"2026-11-21\"}");
    assert_eq!(codes(&over.open), [("expired", ""), ("mismatched-siblings", "kubelet")]);
    assert!(over.waived.is_empty());
}

#[test]
fn an_overlay_waives_by_an_operation_and_inherits_the_waivers_below() {
    let waiver = "waivers:\n  - {code: mismatched-siblings, component: kubelet, why: known}\n";
    let waive = "  - waive: {code: mismatched-siblings, component: kubelet, why: known here}\n";
    let skewed = lock(&SKEWED, &[]);
    let (inherited, own) = (overlay(waiver, "  []\n"), overlay("", waive));
    assert_eq!(reviewed(&inherited, &skewed).waived[0].why, "known");
    assert_eq!(reviewed(&own, &skewed).waived[0].why, "known here");
    // A waiver below that nothing needs any more is not this stream's business.
    let gone = overlay(waiver, "  - remove: {component: kubelet}\n");
    assert_eq!(reviewed(&gone, &skewed), Reviewed::default());
    let useless = overlay("", "  - waive: {code: expired, why: known}\n");
    insta::assert_snapshot!(open(&useless, &lock(&SAME, &[])), @"
warning[useless-waiver]: nothing is found with the code `expired`, so the waiver excuses nothing
 --> edge.yaml:7:19
  |
7 |   - waive: {code: expired, why: known}
  |                   ^^^^^^^
  |
  = help: remove the waiver
");
}

#[test]
fn what_was_meant_for_a_while_and_still_holds() {
    let pin = format!("  - pin: {{component: api, commit: {}, expires: \"2026-11-21\"}}\n", "a".repeat(40));
    insta::assert_snapshot!(open(&overlay("", &pin), &lock(&SAME, &[])), @r#"
warning[expired]: `pin` of `api` was meant until 2026-11-21
 --> edge.yaml:7:5
  |
7 |   - pin: {component: api, commit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, expires: "2026-11-21"}
  |     ^^^
  |
  = help: remove the operation, or give it another day
"#);
    let today = pin.replace("21", "22");
    assert_eq!(reviewed(&overlay("", &today), &lock(&SAME, &[])), Reviewed::default());
}

#[test]
fn findings_as_data() {
    let reviewed =
        reviewed(&definition("waivers: [{code: mismatched-siblings, why: known}]\n"), &lock(&SKEWED, &[]));
    let data = serde_json::to_value(&reviewed).unwrap();
    assert_eq!(data["open"], serde_json::json!([]));
    let waived = &data["waived"][0];
    assert_eq!(
        (&waived["code"], &waived["component"], &waived["why"], &waived["line"]),
        (&"mismatched-siblings".into(), &"kubelet".into(), &"known".into(), &26.into())
    );
}

#[test]
fn waivers_are_checked() {
    let refused = |waivers: &str| {
        let definition = definition(&format!("waivers:\n{waivers}"));
        crate::check(&definition, &sample::files(), &sample::tasks()).unwrap_err().render(false)
    };
    insta::assert_snapshot!(refused("  - {code: mismatched-sibling, why: x}\n  - {code: expired, component: kubelt, why: \" \", expires: tomorrow}\n"), @r#"
error[unknown-code]: no finding has the code `mismatched-sibling`
  --> stream.yaml:28:12
   |
28 |   - {code: mismatched-sibling, why: x}
   |            ^^^^^^^^^^^^^^^^^^
   |
   = help: did you mean `mismatched-siblings`?

error[waiver-without-why]: the waiver does not say why
  --> stream.yaml:29:45
   |
29 |   - {code: expired, component: kubelt, why: " ", expires: tomorrow}
   |                                             ^^^
   |
   = help: write what whoever reads it next year needs to know

error[bad-date]: `tomorrow` is not a day
  --> stream.yaml:29:59
   |
29 |   - {code: expired, component: kubelt, why: " ", expires: tomorrow}
   |                                                           ^^^^^^^^
   |
   = help: write it like 2026-12-31

error[unknown-component]: the waiver is about the component `kubelt`, which does not exist
  --> stream.yaml:29:32
   |
29 |   - {code: expired, component: kubelt, why: " ", expires: tomorrow}
   |                                ^^^^^^
   |
   = help: did you mean `kubelet`?
"#);
}

#[test]
fn codes_are_different_and_in_order() {
    assert!(code::LINTS.windows(2).all(|pair| pair[0].code < pair[1].code));
}
