#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::definition::{Component, Definition, File, Origin, parse, parse_file};
use crate::overlay::flatten;

const GROUP: &str = "vars: {MAJOR: 4, MINOR: 22, GO: '1.24'}\nname: ignored\n";
const STREAMS: &str = "
golang: {aliases: ['golang-{GO}'], image: 'private.example/go:{GO}', upstream_image: 'ci.example/builder:golang-{GO}'}
golang-okd: {image: 'private.example/go:1', okd: {resolve_as: {image: 'public.example/go:1'}}}
rhel: {image: 'private.example/rhel:9'}
centos: {image: 'public.example/centos:9'}
";
const IMAGES: [(&str, &str); 8] = [
    ("openshift-enterprise-pod", "
for_payload: true
payload_name: pod
from: {member: base}
content: {source: {git: {url: 'https://git.example/pod', branch: {target: main}}}}
"),
    ("base", "
for_payload: false
from: {stream: rhel}
content:
  source:
    git: {url: 'git@github.com:private/images.git', branch: {target: 'release-{MAJOR}.{MINOR}'}}
    path: base
    ci_alignment: {upstream_image: 'ci.example/ocp:base'}
    okd_alignment: {resolve_as: {stream: centos}}
okd: {mode: disabled}
"),
    ("cvo", "
for_payload: true
payload_name: cluster-version-operator
from: {builder: [{stream: 'golang-{GO}'}, {stream: golang-okd}], member: base}
content:
  source: {dockerfile: ./Dockerfile.rhel, git: {url: 'git@github.com:private/cvo.git', web: 'https://github.com/openshift/cvo', branch: {target: main}}}
owners: [somebody]
"),
    ("ose-etcd", "
for_payload: true
payload_name: etcd
from: {builder: [{stream: golang}], member: base}
labels: {License: Apache 2.0, level: 1}
content:
  source:
    git: {url: 'https://git.example/etcd', branch: {target: main}}
    modifications:
    - {action: replace, match: a, replacement: b}
    - {action: command, command: [rm, -rf, /]}
dependents: [operator, cvo]
okd:
  dependents: [only-okd]
  enabled_repos: [extra]
  from: {stream: centos}
  content: {source: {dockerfile: Dockerfile.okd, modifications: [{action: replace, match: c, replacement: d}]}}
"),
    ("gone", "
for_payload: true
payload_name: gone
from: {member: base}
content: {source: {git: {url: 'https://git.example/gone', branch: {target: main}}}}
okd: {mode: disabled}
"),
    ("only-okd", "
mode: disabled
for_payload: true
payload_name: extra
from: {builder: [{member: ose-etcd}, {image: 'public.example/tool:1'}], member: base}
content: {source: {git: {url: 'https://git.example/extra', branch: {target: main}}}}
okd: {mode: enabled}
"),
    ("operator", "for_payload: false\nname: an/operator\nfrom: {member: base}\n"),
    ("ci", "for_payload: false\nfrom: {member: base}\nokd: {mode: disabled}\n"),
];

fn small() -> BuildData {
    BuildData {
        group: Source::new("group.yml", GROUP),
        streams: Source::new("streams.yml", STREAMS),
        images: IMAGES.iter().map(|(name, text)| ((*name).to_owned(), Source::new(*name, *text))).collect(),
    }
}

/// The two streams of an import, the overlay applied.
fn both(imported: &Imported) -> (Definition, Definition) {
    let [(ocp_folder, ocp), (okd_folder, okd)] = &imported.streams[..] else { panic!("not two streams") };
    assert_eq!((ocp_folder.as_str(), okd_folder.as_str()), ("ocp", "okd"));
    let ocp = parse(&Source::new("ocp", ocp.as_str())).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let File::Overlay(overlay) = parse_file(&Source::new("okd", okd.as_str())).unwrap() else { panic!() };
    let okd = flatten(&ocp, &overlay).unwrap_or_else(|e| panic!("{}", e.render(false)));
    (ocp, okd)
}

fn component<'a>(definition: &'a Definition, name: &str) -> &'a Component {
    &definition.stream.components[name]
}

fn from<'a>(definition: &'a Definition, name: &str) -> Vec<&'a str> {
    component(definition, name).from.as_ref().unwrap().iter().map(String::as_str).collect()
}

fn git<'a>(definition: &'a Definition, name: &str) -> (&'a str, &'a str, &'a str) {
    let Origin::Git(git) = &component(definition, name).source else { panic!("{name} is not from git") };
    (&git.url, &git.reference, &git.path)
}

#[test]
fn the_stream_has_the_payload_and_its_bases() {
    let (ocp, _) = both(&import(&small(), None).unwrap());
    let names: Vec<&str> = ocp.stream.components.keys().map(String::as_str).collect();
    assert_eq!(names, ["base", "cluster-version-operator", "etcd", "gone", "pod"]);
    assert!(!component(&ocp, "base").payload);
    assert_eq!(git(&ocp, "base"), ("https://github.com/private/images", "release-4.22", "base"));
    assert_eq!(git(&ocp, "cluster-version-operator"), ("https://github.com/openshift/cvo", "main", "."));
    assert_eq!(component(&ocp, "cluster-version-operator").containerfile_path(), "Dockerfile.rhel");
    assert_eq!(
        from(&ocp, "cluster-version-operator"),
        ["golang", "golang-okd", "base"],
        "aliases are resolved"
    );
    assert_eq!(component(&ocp, "etcd").labels["level"], "1");
    assert_eq!(component(&ocp, "etcd").edits[0].text, "a");
    assert_eq!(component(&ocp, "cluster-version-operator").operands, ["etcd"]);
    let bases = &ocp.stream.bases;
    assert_eq!(bases["golang"].image(Platform::Amd64), Some("private.example/go:1.24"));
    assert_eq!(bases["ci.example/builder:golang-1.24"], bases["golang"]);
    assert_eq!(bases["ci.example/ocp:base"], crate::definition::Base::Component("base".to_owned()));
}

#[test]
fn the_variant_becomes_operations() {
    let imported = import(&small(), None).unwrap();
    let (_, okd) = both(&imported);
    let names: Vec<&str> = okd.stream.components.keys().map(String::as_str).collect();
    assert_eq!(names, ["cluster-version-operator", "etcd", "extra", "pod"]);
    assert_eq!(okd.stream.bases["base"].image(Platform::Amd64), Some("public.example/centos:9"));
    assert_eq!(okd.stream.bases["golang-okd"].image(Platform::Amd64), Some("public.example/go:1"));
    assert_eq!(from(&okd, "etcd"), ["golang", "centos"], "the parent is another, the builder is not");
    assert_eq!(component(&okd, "etcd").containerfile_path(), "Dockerfile.okd");
    assert_eq!(component(&okd, "etcd").edits.len(), 1);
    assert_eq!(component(&okd, "etcd").edits[0].text, "c");
    assert_eq!(from(&okd, "extra"), ["etcd", "public.example/tool:1", "base"]);
    assert_eq!(component(&okd, "extra").operands, ["etcd"]);
    assert!(component(&okd, "cluster-version-operator").operands.is_empty(), "the variant names others");
    for applied in &okd.history.applied {
        assert!(applied.operation.why().is_some(), "{:?}", applied.operation);
    }
}

#[test]
fn what_has_no_place_is_reported() {
    let report = import(&small(), None).unwrap().report;
    for (field, inputs) in [
        ("owners", 1),
        ("dependents", 1),
        ("content.source.modifications", 1),
        ("okd.enabled_repos", 1),
        ("not in the payload", 2),
        ("okd (not in the payload).mode", 1),
        ("okd.mode", 0),
        ("from.member", 0),
    ] {
        assert_eq!(report.inputs_with(field), inputs, "{field}\n{}", report.text());
    }
    let text = report.text();
    assert!(text.contains("### owners (1)"), "{text}");
}

#[test]
fn other_files_are_refused_with_what_is_missing() {
    let mut data = small();
    let cvo = data.images.iter_mut().find(|(name, _)| name == "cvo").unwrap();
    cvo.1 = Source::new("images/cvo.yml", "for_payload: true\n");
    insta::assert_snapshot!(import(&data, None).unwrap_err().render(false), @"
error[not-build-data]: the image cvo has no `content.source.git.url`
 --> images/cvo.yml:1:1
  |
1 | for_payload: true
  | ^
  |
  = help: a file of images/ says where its source is: content.source.git.{url,branch.target}
");
    data.group = Source::new("group.yml", "vars: {}\n");
    insta::assert_snapshot!(import(&data, None).unwrap_err().render(false), @"
error[not-build-data]: there are no `vars` MAJOR and MINOR
 --> group.yml:1:1
  |
1 | vars: {}
  | ^
  |
  = help: name a checkout of a branch openshift-X.Y of ocp-build-data
");
}

const ALL: &str = "linux/amd64, linux/arm64, linux/ppc64le, linux/s390x";

/// [`small`] with other texts: of group.yml, and before those of images.
fn with_arches(group: &str, images: &[(&str, &str)]) -> BuildData {
    let mut data = small();
    data.group = Source::new("group.yml", format!("{GROUP}{group}"));
    for (name, source) in &mut data.images {
        let more: String = images.iter().filter(|(of, _)| of == name).map(|(_, more)| *more).collect();
        *source = Source::new(source.name(), format!("{more}{}", source.text()));
    }
    data
}

fn on(definition: &Definition, name: &str) -> String {
    let all = &definition.stream.platforms;
    let here = || all.iter().filter(|platform| component(definition, name).is_on(**platform));
    if here().count() == all.len() { "all".to_owned() } else { listed(here()) }
}

#[test]
fn processors_become_platforms() {
    let group = "arches: [x86_64, ppc64le, s390x, aarch64, riscv64]\nkonflux: {arches: [x86_64, aarch64], cachi2: true}\n";
    let data = with_arches(
        group,
        &[
            ("ose-etcd", "arches: [x86_64, s390x, sparc]\n"),
            ("gone", "arches: [aarch64]\n"),
            ("ci", "arches: [x86_64]\n"),
        ],
    );
    let imported = import(&data, None).unwrap();
    let (ocp, okd) = both(&imported);
    assert_eq!(listed(&ocp.stream.platforms), ALL);
    assert_eq!(listed(&okd.stream.platforms), "linux/amd64, linux/arm64");
    assert_eq!(
        ["base", "etcd", "gone"].map(|name| on(&ocp, name)),
        ["all", "linux/amd64, linux/s390x", "linux/arm64"]
    );
    // The image `extra` has `etcd` as a builder, which is there for one platform only.
    assert_eq!(["etcd", "extra"].map(|name| on(&okd, name)), ["linux/amd64"; 2]);
    // An operator that is on more platforms than its operand cannot name it there.
    assert!(component(&ocp, "cluster-version-operator").operands.is_empty());
    assert_eq!(component(&okd, "extra").operands, ["etcd"]);
    let stand_ins = |definition: &Definition| {
        let all = definition.stream.components.iter();
        all.filter_map(|(name, one)| Some(format!("{} for {name}", one.stand_in.as_ref()?)))
            .collect::<Vec<_>>()
    };
    assert_eq!(stand_ins(&ocp), ["pod for etcd", "pod for gone"]);
    assert_eq!(stand_ins(&okd), ["pod for etcd", "pod for extra"]);
    let text = imported.report.text();
    for said in [
        format!("`ocp` is for {ALL}: `arches` of group.yml."),
        "`okd` is for linux/amd64, linux/arm64: group.yml says nothing of its own for OKD".to_owned(),
        "For linux/amd64, linux/s390x only, of `ocp`: etcd.".to_owned(),
        "For linux/amd64 only, of `okd`: etcd, extra.".to_owned(),
    ] {
        assert!(text.contains(&said), "{said}\n{text}");
    }
    // What no stream can be for, and what was not used, is told.
    for (field, inputs) in
        [("arches", 1), ("group.arches", 1), ("group.konflux.arches", 0), ("group.konflux.cachi2", 1)]
    {
        assert_eq!(imported.report.inputs_with(field), inputs, "{field}\n{text}");
    }
    assert!(text.contains("`[\"riscv64\"]`") && text.contains("`[\"sparc\"]`"), "{text}");
}

#[test]
fn what_is_said_of_okd_wins() {
    let group = "arches: [x86_64, aarch64]\nkonflux: {arches: [x86_64]}\nokd: {arches: [s390x, x86_64]}\n";
    let etcd = "arches: [aarch64]\nokd_arches: x\n";
    let mut data = with_arches(group, &[("ose-etcd", etcd)]);
    let etcd = data.images.iter_mut().find(|(name, _)| name == "ose-etcd").unwrap();
    etcd.1 = Source::new("ose-etcd", etcd.1.text().replace("\nokd:\n", "\nokd:\n  arches: [s390x]\n"));
    let imported = import(&data, None).unwrap();
    let (ocp, okd) = both(&imported);
    assert_eq!(listed(&okd.stream.platforms), "linux/amd64, linux/s390x");
    assert_eq!((on(&ocp, "etcd"), on(&okd, "etcd")), ("linux/arm64".to_owned(), "linux/s390x".to_owned()));
    assert!(
        imported.report.text().contains("`okd` is for linux/amd64, linux/s390x: `okd.arches` of group.yml.")
    );
    assert_eq!(imported.report.inputs_with("okd.arches"), 0);
    assert_eq!(imported.report.inputs_with("group.konflux.arches"), 1, "another list that decides nothing");

    // OKD is not made of what OpenShift is not built for.
    let (_, okd) = both(&import(&with_arches("arches: [s390x]\n", &[]), None).unwrap());
    assert_eq!(listed(&okd.stream.platforms), "linux/s390x");
}

#[test]
fn platforms_that_somebody_wants_are_instead_of_those_of_the_data() {
    let only = "arches: [x86_64]\n";
    let data = with_arches("arches: [x86_64, aarch64]\n", &[("gone", only), ("ose-etcd", only)]);
    let wanted = BTreeSet::from([Platform::Arm64]);
    let imported = import(&data, Some(&wanted)).unwrap();
    let (ocp, okd) = both(&imported);
    assert_eq!((&ocp.stream.platforms, &okd.stream.platforms), (&wanted, &wanted));
    let names = |definition: &Definition| definition.stream.components.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ocp), ["base", "cluster-version-operator", "pod"]);
    // `extra` starts from `etcd`.
    assert_eq!(names(&okd), ["cluster-version-operator", "pod"]);
    let text = imported.report.text();
    for said in [
        "`ocp` is for linux/arm64: what --platforms says, instead of what `arches` of group.yml says.",
        "ose-etcd is built for none of the platforms of `ocp`",
        "only-okd is built for none of the platforms of `okd`",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(imported.report.inputs_with("not on the platforms"), 3, "{text}");

    let data = with_arches("arches: [x86_64, aarch64]\n", &[("base", only)]);
    insta::assert_snapshot!(import(&data, Some(&wanted)).unwrap_err().render(false), @"
error[nothing-built]: nothing of `ocp` is built for linux/arm64
 |
 = help: name platforms of `arches` in group.yml, and in the files of images/
");
}

fn real() -> Option<BuildData> {
    let dir = testkit::fixtures()?.join("ocp-build-data-4.22");
    let read = |name: &str| Source::new(name, fs::read_to_string(dir.join(name)).unwrap());
    let mut names: Vec<String> = fs::read_dir(dir.join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".yml").to_owned())
        .collect();
    names.sort();
    let images = names.into_iter().map(|name| (name.clone(), read(&format!("images/{name}.yml")))).collect();
    Some(BuildData { group: read("group.yml"), streams: read("streams.yml"), images })
}

#[test]
fn real_build_data() {
    let Some(data) = real() else { return };
    let imported = import(&data, None).unwrap();
    let (ocp, okd) = both(&imported);
    let payload =
        |definition: &Definition| definition.stream.components.values().filter(|c| c.payload).count();
    assert_eq!((payload(&ocp), ocp.stream.components.len()), (187, 197));
    assert_eq!((payload(&okd), okd.stream.components.len()), (188, 195));
    // The variant has no base images of its own.
    assert_eq!(listed(&ocp.stream.platforms), ALL);
    assert_eq!(listed(&okd.stream.platforms), "linux/amd64, linux/arm64");
    let everywhere = |definition: &Definition| {
        definition.stream.components.keys().filter(|name| on(definition, name) == "all").count()
    };
    assert_eq!((everywhere(&ocp), everywhere(&okd)), (150, 174));
    assert_eq!(on(&ocp, "vsphere-csi-driver"), "linux/amd64");
    assert_eq!(on(&ocp, "ibmcloud-cluster-api-controllers"), "linux/amd64, linux/ppc64le, linux/s390x");
    assert_eq!(on(&okd, "ibmcloud-cluster-api-controllers"), "linux/amd64");
    assert_eq!(on(&okd, "aws-ebs-csi-driver"), "all");
    let stand_ins = |definition: &Definition| {
        definition.stream.components.values().filter(|one| one.stand_in.as_deref() == Some("pod")).count()
    };
    assert_eq!((stand_ins(&ocp), stand_ins(&okd)), (46, 46), "all but a base");
    for (definition, longest) in [(&ocp, 5), (&okd, 4)] {
        // Sources are not here: the streams say themselves what they start from.
        let sources = crate::sample::Files(BTreeMap::new());
        let checked = crate::check(definition, &sources, &crate::sample::tasks());
        let checked = checked.unwrap_or_else(|e| panic!("{}", e.render(false)));
        assert_eq!(checked.graphs.iter().count(), definition.stream.platforms.len());
        assert_eq!(
            checked.graphs.iter().next().unwrap().levels().count(),
            longest,
            "the longest chain of bases"
        );
    }
    assert_eq!(git(&ocp, "etcd"), ("https://github.com/openshift/etcd", "openshift-4.22", "."));
    assert_eq!(from(&ocp, "etcd"), ["rhel-9-golang", "openshift-enterprise-base-rhel9-minimal"]);
    assert_eq!(git(&ocp, "pod").2, "build/pause");
    assert_eq!(component(&ocp, "ironic").containerfile_path(), "Dockerfile.ocp");
    assert_eq!(component(&okd, "ironic").containerfile_path(), "Dockerfile.scos");
    assert_eq!(from(&okd, "driver-toolkit"), ["centos_stream10"]);
    assert_eq!(from(&okd, "upi-installer").len(), 9);
    assert_eq!(component(&ocp, "console").edits.len(), 2);
    assert_eq!(
        okd.stream.bases["openshift-base-rhel9"].image(Platform::Amd64),
        Some("quay.io/centos/centos:stream9")
    );
    // Field by field, everything that 263 files say beyond that.
    assert_eq!(imported.report.inputs_with("okd (not in the payload).mode"), 9);
    // 43 images have 63 dependents. Those of the payload name operators that are outside of it, all of them.
    assert_eq!(imported.report.inputs_with("dependents"), 9);
    assert!(imported.report.text().contains("0 of the 29 that the images of the payload name"));
    for definition in [&ocp, &okd] {
        assert!(definition.stream.components.values().all(|component| component.operands.is_empty()));
    }
    assert_eq!(imported.report.inputs_with("not in the payload"), 65);
    assert_eq!(imported.report.inputs_with("okd.enabled_repos"), 9);
    assert_eq!(imported.report.inputs_with("arches"), 0, "all of it is carried over");
    let again = import(&data, None).unwrap();
    assert_eq!((again.streams, again.report.text()), (imported.streams, imported.report.text()));
}
