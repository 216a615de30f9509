//! Streams for several platforms, from text to plan.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base::{Digest, Source};

use crate::definition::{self, Definition, File, Platform};
use crate::graph::Graphs;
use crate::key::{self, Inputs};
use crate::lint::{ImagePlatforms, Subject, review};
use crate::lock::{self, Lock, Pin, ResolveCommit, ResolveError, ResolveImage, ResolvePackages, Resolvers};
use crate::overlay::flatten;
use crate::plan::against::{Fate, Released};
use crate::plan::estimate::estimate;
use crate::plan::{self, Found, KnownBuilds, LastBuild, Plan, against};
use crate::sample::{self, Files, STREAM, files};

const BOTH: &str = "releaseBase: etcd\nplatforms: [linux/arm64, linux/amd64]";

/// The sample for two platforms, with something else replaced.
fn both(from: &str, to: &str) -> String {
    assert!(STREAM.contains(from), "{from}");
    STREAM.replacen(from, to, 1).replacen("releaseBase: etcd", BOTH, 1)
}

fn found(text: &str, files: &Files) -> String {
    let definition = match definition::parse(&Source::new("stream.yaml", text)) {
        Ok(definition) => definition,
        Err(findings) => return findings.render(false),
    };
    match crate::check(&definition, files, &sample::tasks()) {
        Ok(_) => String::new(),
        Err(findings) => findings.render(false),
    }
}

/// Packages have versions of their platform.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
}

impl Fake {
    fn resolvers(&self) -> Resolvers<'_> {
        Resolvers { packages: self, images: self, commits: self }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl ResolvePackages for Fake {
    fn packages(&self, wanted: &[String], _: &[Pin], platform: Platform) -> Result<Vec<Pin>, ResolveError> {
        self.asked.lock().unwrap().push(format!("{} on {platform}", wanted.join(" ")));
        let version = format!("1{}", platform.architecture());
        let pin =
            |name: &String| Pin { name: name.clone(), version: version.clone(), sha256: Digest::of(name) };
        Ok(wanted.iter().map(pin).collect())
    }
}

impl ResolveImage for Fake {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        self.asked.lock().unwrap().push(reference.to_owned());
        Ok(Digest::of(reference))
    }
}

impl ResolveCommit for Fake {
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        Ok(Digest::of(format!("{url} {reference}")).hex()[..40].to_owned())
    }
}

fn made(sample: &(Definition, Graphs), fake: &Fake, old: Option<&Lock>) -> Lock {
    lock::make(&sample.1, &sample.0.places, fake.resolvers(), old, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

#[derive(Default)]
struct Known {
    images: BTreeMap<Digest, Found>,
    last: BTreeMap<(Platform, String), LastBuild>,
}

impl KnownBuilds for Known {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        wanted.iter().map(|(_, key)| self.images.get(key).cloned()).collect()
    }

    fn last(&self, platform: Platform, component: &str) -> Option<LastBuild> {
        self.last.get(&(platform, component.to_owned())).cloned()
    }
}

impl Known {
    /// As if everything had been built on `on`.
    fn build(
        &mut self,
        graphs: &Graphs,
        lock: &Lock,
        inputs: &BTreeMap<Platform, BTreeMap<String, Inputs>>,
        on: Platform,
    ) {
        let (graph, mut images) = (graphs.on(on).unwrap(), BTreeMap::new());
        for name in graph.order() {
            let last = LastBuild::new(&inputs[&on][name], &graph.nodes[name], &images, lock);
            let image = Digest::of(last.key().to_string());
            images.insert(name.to_owned(), image);
            self.images.insert(last.key(), Found::here(image));
            self.last.insert((on, name.to_owned()), last);
        }
    }
}

/// The plan for the sample with a replacement; its images for amd64 are there.
fn planned(from: &str, to: &str) -> Plan {
    let sample = sample::checked(&both("", ""), &files());
    let lock = made(&sample, &Fake::default(), None);
    let inputs = |sample: &(Definition, Graphs)| {
        key::inputs(&sample.1, &sample.0.places, &lock, &files(), &sample::tasks())
    };
    let mut known = Known::default();
    known.build(&sample.1, &lock, &inputs(&sample).unwrap(), Platform::Amd64);
    let changed = sample::checked(&both(from, to), &files());
    plan::plan(&changed.1, &lock, &inputs(&changed).unwrap(), &known, &BTreeSet::new())
}

#[test]
fn the_field_of_one_platform_says_what_it_is_called_now() {
    let text = STREAM.replacen("releaseBase", "platform: linux/arm64\nreleaseBase", 1);
    insta::assert_snapshot!(found(&text, &files()), @"
    error[renamed-field]: a stream may be for several platforms: `platform` is `platforms` now
     --> stream.yaml:6:1
      |
    6 | platform: linux/arm64
      | ^^^^^^^^
      |
      = help: write `platforms: [linux/arm64]`
    ");
    let overlay = "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: a\nrepository: r.example/a\nplatform: x\nfrom: {path: ../b}\n";
    let findings = definition::parse_file(&Source::new("o.yaml", overlay)).unwrap_err();
    assert_eq!(findings.0[0].code, "renamed-field");
}

#[test]
fn every_platform_has_a_graph() {
    let only_arm = "source: {path: components/etcd}\n    packages: [etcd-server]\n  motor:\n    platforms: [linux/arm64]\n    source: {path: components/etcd}";
    let text = both("source: {path: components/etcd}\n    packages: [etcd-server]", only_arm);
    let (_, graphs) = sample::checked(&text, &files());
    let order = |platform| graphs.on(platform).unwrap().order().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(order(Platform::Amd64), ["base", "etcd"]);
    assert_eq!(order(Platform::Arm64), ["base", "etcd", "motor"]);
    assert_eq!(graphs.payload().keys().copied().collect::<Vec<_>>(), ["etcd", "motor"]);
    let seen: Vec<Platform> = graphs.iter().map(|graph| graph.platform).collect();
    assert_eq!(seen, [Platform::Amd64, Platform::Arm64]);
}

#[test]
fn what_is_wrong_everywhere_is_told_once_and_the_rest_with_its_platform() {
    let from = "FROM mini/bas\nARG TARGETARCH\nFROM tools:${TARGETARCH}\n";
    let text = both("  mini/base:", "  tools:amd64: {image: \"r.example/t:1\"}\n  mini/base:");
    let files = Files(BTreeMap::from([("components/etcd/Containerfile", from)]));
    insta::assert_snapshot!(found(&text, &files), @"
    error[unresolved-base]: nothing says what FROM mini/bas is
     --> components/etcd/Containerfile:1:6
      |
    1 | FROM mini/bas
      |      ^^^^^^^^
      |
      = help: did you mean `mini/base`? Else write in stream.yaml what it is, `{component: NAME}` or an image:
              bases:
                mini/bas: {image: mini/bas:TAG}

    error[unresolved-base]: nothing says what FROM tools:arm64 is, on linux/arm64
     --> components/etcd/Containerfile:3:6
      |
    3 | FROM tools:${TARGETARCH}
      |      ^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `tools:amd64`? Else write in stream.yaml what it is, `{component: NAME}` or an image:
              bases:
                tools:arm64: {image: tools:arm64}
    ");
}

#[test]
fn a_base_must_be_on_the_platforms_of_what_starts_from_it() {
    let text = both("    payload: false\n", "    payload: false\n    platforms: [linux/amd64]\n");
    insta::assert_snapshot!(found(&text, &files()), @"
    error[component-not-on-platform]: `etcd` starts from `base`, which is not on linux/arm64
      --> components/etcd/Containerfile:1:6
       |
     1 | FROM mini/base
       |      ^^^^^^^^^
       |
      ::: stream.yaml:14:5
       |
    14 |     platforms: [linux/amd64]
       |     --------- the platforms of `base`
       |
       = help: leave `etcd` out on linux/arm64 too, with `platforms`; or let `base` be there
    ");
}

#[test]
fn platforms_that_make_no_sense() {
    let text = STREAM.replacen("releaseBase", "platforms: []\nreleaseBase", 1);
    insta::assert_snapshot!(found(&text, &files()), @"
    error[no-platforms]: there is no platform in `platforms`
     --> stream.yaml:6:1
      |
    6 | platforms: []
      | ^^^^^^^^^
      |
      = help: write some of linux/amd64, linux/arm64, linux/ppc64le, linux/s390x, or remove the field
    ");
    let text = both("    packages: [etcd-server]", "    platforms: [linux/amd64, linux/s390x]");
    insta::assert_snapshot!(found(&text, &files()), @"
    error[component-not-on-platform]: the release base `etcd` is not on linux/arm64
      --> stream.yaml:6:14
       |
     6 | releaseBase: etcd
       |              ^^^^
    ...
    18 |     platforms: [linux/amd64, linux/s390x]
       |     --------- its platforms
       |
       = help: a release needs it on every platform of the stream
    ");
    let images = format!("{{images: {{linux/amd64: \"r.example/e@{}\"}}}}", Digest::of("e"));
    let text = both("{path: components/etcd}\n    packages: [etcd-server]", &images);
    insta::assert_snapshot!(found(&text, &files()), @r#"
    error[no-image-for-platform]: `etcd` has no image for linux/arm64
      --> stream.yaml:17:14
       |
    17 |     source: {images: {linux/amd64: "r.example/e@sha256:3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"}}
       |              ^^^^^^
       |
       = help: write in `images` too: linux/arm64: IMAGE; or leave it out there: `platforms: [linux/amd64]`
    "#);
    let text = both("    task: test-etcd", "    platforms: [linux/s390x]\n    task: test-etcd")
        .replacen("    packages: [etcd-server]", "    platforms: [linux/amd64]", 1)
        .replacen("[linux/arm64, linux/amd64]", "[linux/amd64, linux/s390x]", 1);
    insta::assert_snapshot!(found(&text, &files()), @"
    error[component-not-on-platform]: the test `etcd` uses the image of `etcd`, which is not on linux/s390x
      --> stream.yaml:21:5
       |
    21 |     platforms: [linux/s390x]
       |     ^^^^^^^^^
       |
       = help: leave linux/s390x out

    error[component-not-on-platform]: the release base `etcd` is not on linux/s390x
      --> stream.yaml:6:14
       |
     6 | releaseBase: etcd
       |              ^^^^
    ...
    18 |     platforms: [linux/amd64]
       |     --------- its platforms
       |
       = help: a release needs it on every platform of the stream
    ");
}

#[test]
fn tests_run_where_their_images_are() {
    let motor = "  motor: {platforms: [linux/arm64], source: {path: components/etcd}}\ntests:\n  motor: {task: test-etcd, images: {image: motor}}\n  amd: {task: test-etcd, platforms: [linux/amd64], images: {image: etcd}}\n";
    let (_, graphs) = sample::checked(&both("tests:\n", motor), &files());
    let tests = |platform| graphs.on(platform).unwrap().stream.tests.keys().cloned().collect::<Vec<_>>();
    assert_eq!(tests(Platform::Amd64), ["amd", "etcd"]);
    assert_eq!(tests(Platform::Arm64), ["etcd", "motor"]);
}

#[test]
fn packages_are_locked_for_each_platform_and_the_rest_once() {
    let text = both("{component: base}", "{image: \"r.example/base:1\"}");
    let sample = sample::checked(&text, &files());
    let fake = Fake::default();
    let lock = made(&sample, &fake, None);
    let asked = fake.asked();
    for question in ["bash on linux/amd64", "bash on linux/arm64", "r.example/base:1"] {
        assert_eq!(asked.iter().filter(|asked| *asked == question).count(), 1, "{question}: {asked:?}");
    }
    assert_eq!(lock.pins(Platform::Arm64, "base")[0].version, "1arm64");
    assert_eq!(lock::stale(&sample.1, &lock), []);
    // A platform more asks for its packages, and one less leaves them unused.
    let one = sample::checked(&text.replace("[linux/arm64, linux/amd64]", "[linux/amd64]"), &files());
    let unused: Vec<String> = lock::stale(&one.1, &lock).iter().map(ToString::to_string).collect();
    assert_eq!(unused, ["the platform linux/arm64 is no longer used"]);
    let smaller = made(&one, &fake, Some(&lock));
    assert_eq!(fake.asked(), Vec::<String>::new());
    let missing: Vec<String> = lock::stale(&sample.1, &smaller).iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["`base` on linux/arm64 adds bash", "`etcd` on linux/arm64 adds etcd-server"]);
    assert_eq!(made(&sample, &fake, Some(&smaller)), lock);
    assert_eq!(fake.asked(), ["bash on linux/arm64", "etcd-server on linux/arm64"]);
}

#[test]
fn a_table_has_one_line_for_what_agrees() {
    insta::assert_snapshot!(plan::table::table(&planned("", "")), @"
    COMPONENT  PLATFORMS  ACTION  WHY
    base       amd64      reuse
    base       arm64      build   platform-added: linux/arm64
    etcd       amd64      reuse
    etcd       arm64      build   platform-added: linux/arm64

    2 components for linux/amd64, linux/arm64: 2 images to build, 2 reused; 1 tag in the payload
    ");
    insta::assert_snapshot!(plan::table::table(&planned("[etcd-server]\n", "[etcd-server]\n    labels: {a: b}\n")), @"
    COMPONENT  PLATFORMS  ACTION  WHY
    base       amd64      reuse
    base       arm64      build   platform-added: linux/arm64
    etcd       amd64      build   labels-changed: +a b
    etcd       arm64      build   platform-added: linux/arm64

    2 components for linux/amd64, linux/arm64: 3 images to build, 1 reused; 1 tag in the payload
    ");
    let json = serde_json::to_value(planned("", "")).unwrap();
    let platforms: Vec<&str> =
        json["components"].as_array().unwrap().iter().map(|c| c["platform"].as_str().unwrap()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64", "linux/amd64", "linux/arm64"]);
}

#[test]
fn a_platform_reuses_nothing_of_another() {
    let plan = planned("", "");
    assert_eq!((plan.counts.reuse, plan.counts.build), (2, 2));
    let key = |platform| plan.on(platform, "base").unwrap().key.unwrap();
    assert_ne!(key(Platform::Amd64), key(Platform::Arm64));
}

#[test]
fn platforms_are_built_beside_each_other() {
    let plan = planned("", "");
    let seconds = BTreeMap::from([(Platform::Amd64, BTreeMap::from([("base".to_owned(), 10.0)]))]);
    let estimate = estimate(&plan, &seconds, 8);
    assert_eq!(estimate.critical_path, ["base (arm64)", "etcd (arm64)"]);
    assert_eq!((estimate.seconds, estimate.unknown.len()), (20.0, 2));
}

#[test]
fn a_release_of_lists_is_compared_member_by_member() {
    let plan = planned("", "");
    let amd = plan.on(Platform::Amd64, "etcd").unwrap().image.unwrap();
    let member = |of: Digest| Released { digest: Digest::of("list"), member: Some(of) };
    let mut images =
        BTreeMap::from([(Platform::Amd64, member(amd)), (Platform::Arm64, member(Digest::of("old")))]);
    let fates = |images: &BTreeMap<Platform, Released>| -> Vec<(Platform, Fate)> {
        let release = BTreeMap::from([("etcd".to_owned(), images.clone())]);
        against(&plan, &release).into_iter().map(|fate| (fate.platform, fate.fate)).collect()
    };
    assert_eq!(fates(&images), [(Platform::Arm64, Fate::Built), (Platform::Amd64, Fate::Same)]);
    images.remove(&Platform::Arm64);
    assert_eq!(fates(&images), [(Platform::Arm64, Fate::Added), (Platform::Amd64, Fate::Same)]);
}

fn overlay(operations: &str) -> Result<Definition, base::Diagnostics> {
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: edge\nrepository: r.example/edge\nfrom: {{path: ../b}}\noperations:\n{operations}"
    );
    let below = definition::parse(&Source::new("stream.yaml", both("", ""))).unwrap();
    let File::Overlay(overlay) = definition::parse_file(&Source::new("edge.yaml", text))? else {
        unreachable!()
    };
    flatten(&below, &overlay)
}

#[test]
fn a_component_is_removed_on_some_platforms() {
    let flat = overlay("  - remove: {component: etcd, platforms: [linux/arm64]}\n").unwrap();
    assert_eq!(flat.stream.components["etcd"].platforms, Some([Platform::Amd64].into()));
    let twice = "  - remove: {component: etcd, platforms: [linux/arm64]}\n  - remove: {component: etcd, platforms: [linux/amd64]}\n";
    assert!(!overlay(twice).unwrap().stream.components.contains_key("etcd"));
    let again = "  - remove: {component: etcd, platforms: [linux/arm64]}\n  - change: {component: etcd, platforms: [linux/amd64, linux/arm64]}\n";
    assert!(overlay(again).unwrap().stream.components["etcd"].is_on(Platform::Arm64));
    let never = overlay("  - remove: {component: etcd, platforms: [linux/s390x]}\n").unwrap_err();
    insta::assert_snapshot!(never.render(false), @"
    error[no-longer-applies]: the operation does not apply: `etcd` is not on linux/s390x
     --> edge.yaml:7:42
      |
    7 |   - remove: {component: etcd, platforms: [linux/s390x]}
      |                                          ^^^^^^^^^^^^^
      |
      = help: it is on linux/amd64, linux/arm64; leave the others out of `platforms`
    ");
}

#[test]
fn an_image_for_each_platform() {
    let [amd, arm] = ["amd", "arm"].map(|name| format!("r.example/etcd@{}", Digest::of(name)));
    let replace = format!(
        "  - replace: {{component: etcd, source: {{images: {{linux/amd64: \"{amd}\", linux/arm64: \"{arm}\"}}}}}}\n"
    );
    let flat = overlay(&replace).unwrap();
    let graphs = crate::check(&flat, &files(), &sample::tasks()).unwrap().graphs;
    let sample = (flat, graphs);
    let lock = made(&sample, &Fake::default(), None);
    let inputs = key::inputs(&sample.1, &sample.0.places, &lock, &files(), &sample::tasks()).unwrap();
    let plan = plan::plan(&sample.1, &lock, &inputs, &Known::default(), &BTreeSet::new());
    let image = |platform| plan.on(platform, "etcd").unwrap().prebuilt.clone().unwrap();
    assert_eq!([image(Platform::Amd64), image(Platform::Arm64)], [amd, arm]);
}

#[test]
fn a_member_of_the_payload_that_a_platform_lacks_is_found_and_can_be_waived() {
    let text = both(
        "    packages: [etcd-server]\n",
        "    packages: [etcd-server]\n  motor:\n    platforms: [linux/arm64, linux/s390x]\n    source: {path: components/etcd}\n",
    );
    let found = |text: &str| {
        let sample = sample::checked(text, &files());
        let lock = made(&sample, &Fake::default(), None);
        let today = jiff::civil::date(2026, 1, 1);
        let reviewed = review(Subject {
            definition: &sample.0,
            graphs: &sample.1,
            lock: &lock,
            images: &ImagePlatforms::default(),
            today,
        });
        reviewed.open.iter().map(|finding| finding.diagnostic.render(false)).collect::<Vec<_>>().join("\n\n")
    };
    insta::assert_snapshot!(found(&text), @"
    warning[arch-parity]: `motor` is in the payload, but not on linux/amd64
      --> stream.yaml:20:5
       |
    20 |     platforms: [linux/arm64, linux/s390x]
       |     ^^^^^^^^^
       |
       = help: let it be on linux/amd64 too, take it out of the payload, or name what has its tag there, `standIn: COMPONENT`; or say why it is so:
               waivers:
                 - {code: arch-parity, component: motor, why: …}

    warning[unused-platforms]: `motor` is for linux/s390x, and the stream is not
      --> stream.yaml:20:5
       |
    20 |     platforms: [linux/arm64, linux/s390x]
       |     ^^^^^^^^^
       |
       = help: remove it here, or add it to the stream's `platforms: [linux/amd64, linux/arm64]`
    ");
    let waived = format!(
        "{text}waivers:\n  - {{code: arch-parity, component: motor, why: It drives a part that only ARM boards have.}}\n"
    );
    assert!(!found(&waived).contains("arch-parity"), "{}", found(&waived));
}

/// A member of the payload for ARM only, and what is said of it.
fn with_motor(said: &str) -> String {
    let motor = format!(
        "    packages: [etcd-server]\n  motor:\n    platforms: [linux/arm64]\n    {said}\n    source: {{path: components/etcd}}\n"
    );
    both("    packages: [etcd-server]\n", &motor)
}

#[test]
fn another_image_stands_in_where_a_component_is_not() {
    let sample = sample::checked(&with_motor("standIn: etcd"), &files());
    let graphs = &sample.1;
    let payload = |platform| graphs.on(platform).unwrap().payload().into_iter().collect::<Vec<_>>();
    assert_eq!(payload(Platform::Amd64), [("etcd", "etcd"), ("motor", "etcd")]);
    assert_eq!(payload(Platform::Arm64), [("etcd", "etcd"), ("motor", "motor")]);
    assert_eq!(graphs.payload()["motor"], "motor");
    let lock = made(&sample, &Fake::default(), None);
    let inputs = key::inputs(graphs, &sample.0.places, &lock, &files(), &sample::tasks()).unwrap();
    let mut known = Known::default();
    known.build(graphs, &lock, &inputs, Platform::Amd64);
    let plan = plan::plan(graphs, &lock, &inputs, &known, &BTreeSet::new());
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["standIns"], serde_json::json!({"linux/amd64": {"motor": "etcd"}}));
    assert!(serde_json::to_value(planned("", "")).unwrap().get("standIns").is_none());
    // A release that has the same image under the tag is the same there.
    let etcd = plan.on(Platform::Amd64, "etcd").unwrap().image.unwrap();
    let released = Released { digest: etcd, member: None };
    let images = BTreeMap::from([(Platform::Amd64, released), (Platform::Arm64, released)]);
    let fates = against(&plan, &BTreeMap::from([("motor".to_owned(), images)]));
    let of_motor: Vec<(Platform, Fate)> =
        fates.iter().filter(|fate| fate.tag == "motor").map(|fate| (fate.platform, fate.fate)).collect();
    assert_eq!(of_motor, [(Platform::Arm64, Fate::Built), (Platform::Amd64, Fate::Same)]);
}

#[test]
fn what_stands_in_is_where_it_is_needed() {
    insta::assert_snapshot!(found(&with_motor("standIn: etdc"), &files()), @"
    error[unknown-stand-in]: there is no component `etdc` to stand in for `motor`
      --> stream.yaml:21:14
       |
    21 |     standIn: etdc
       |              ^^^^
       |
       = help: did you mean `etcd`?
    ");
    insta::assert_snapshot!(found(&with_motor("standIn: motor"), &files()), @"
    error[component-not-on-platform]: `motor` stands in for `motor`, and is not on linux/amd64 either
      --> stream.yaml:21:14
       |
    21 |     standIn: motor
       |              ^^^^^
       |
       = help: name a component that is on every platform of the stream
    ");
    insta::assert_snapshot!(found(&with_motor("payload: false\n    standIn: etcd"), &files()), @"
    error[unused-stand-in]: `motor` is not in the payload, so that nothing stands in for it there
      --> stream.yaml:22:14
       |
    22 |     standIn: etcd
       |              ^^^^
       |
       = help: remove `standIn`
    ");
    let list = format!("  list: {{source: {{image: \"r.example/l@{}\"}}}}\n  motor:\n", Digest::of("l"));
    insta::assert_snapshot!(found(&with_motor("standIn: list").replacen("  motor:\n", &list, 1), &files()), @"
    error[stand-in-for-list]: `list` cannot stand in for `motor`: `list` is an image that may be a list already
      --> stream.yaml:22:14
       |
    22 |     standIn: list
       |              ^^^^
       |
       = help: name an image of `list` for each platform: `source: {images: {PLATFORM: IMAGE, …}}`
    ");
    // An overlay says it of what it inherits.
    let change = "  - change: {component: etcd, platforms: [linux/arm64], standIn: base}\n";
    let flat = overlay(change).unwrap();
    assert_eq!(flat.stream.components["etcd"].stand_in.as_deref(), Some("base"));
    let stand_ins = BTreeMap::from([("etcd".to_owned(), "base".to_owned())]);
    assert_eq!(flat.stream.stand_ins(Platform::Amd64), stand_ins);
}
