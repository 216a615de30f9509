#![allow(clippy::unwrap_used)]

use base::{Diagnostics, Source};
use proptest::prelude::*;

use super::flatten;
use crate::check::check;
use crate::definition::{
    Definition, File, Origin, Platform, Rebuild, RebuildInherited, Stream, parse, parse_file,
};
use crate::key::policy::{Policy, Whence};
use crate::sample;
use crate::schema::reference::OVERLAY_EXAMPLE;
use crate::template::Order;

/// The file of an overlay on [`sample::STREAM`], or on an overlay on it.
fn overlay(name: &str, operations: &str) -> Source {
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: {name}\nrepository: localhost:5757/{name}\nfrom: {{path: ../below}}\noperations:\n{operations}"
    );
    Source::new(format!("{name}.yaml"), text)
}

fn below() -> Definition {
    parse(&Source::new("stream.yaml", sample::STREAM)).unwrap()
}

fn on(below: &Definition, source: &Source) -> Result<Definition, Diagnostics> {
    let File::Overlay(overlay) = parse_file(source)? else { panic!("not an overlay") };
    flatten(below, &overlay)
}

fn apply(operations: &str) -> Result<Definition, Diagnostics> {
    on(&below(), &overlay("edge", operations))
}

#[test]
fn everything_else_is_inherited() {
    let (below, flat) = (below(), apply("  []\n").unwrap());
    assert_eq!(flat.stream.name, "edge");
    assert_eq!(flat.stream.repository, "localhost:5757/edge");
    assert_eq!(flat.stream.caches, ["localhost:5757/mini"]);
    assert_eq!((&flat.stream.version, &flat.stream.bases), (&below.stream.version, &below.stream.bases));
    for (name, component) in &flat.stream.components {
        assert_eq!(component.inherited.as_deref(), Some("mini"), "{name}");
    }
    assert_eq!(flat.history.parents, ["mini"]);
}

#[test]
fn what_is_rebuilt_is_inherited_and_what_is_built_of_what_is_inherited_is_not() {
    let named = |name: &str, more: &str| {
        let source = overlay(name, "  - change: {component: etcd, labels: {a: b}}\n");
        Source::new(source.name(), source.text().replace("operations:", &format!("{more}operations:")))
    };
    let lower = on(&below(), &named("lower", "rebuild: local\nrebuildInherited: none\n")).unwrap();
    assert_eq!(
        (lower.stream.rebuild, lower.stream.rebuild_inherited),
        (Rebuild::Local, RebuildInherited::None)
    );
    let inherited = Policy { rebuild: Rebuild::Local, whence: Whence::OthersFirst };
    assert_eq!(Policy::of(&lower, "base"), inherited);
    assert_eq!(Policy::of(&lower, "etcd").whence, Whence::Anywhere, "an operation is about it");

    let upper = on(&lower, &overlay("upper", "  []\n")).unwrap();
    assert_eq!(
        (upper.stream.rebuild, upper.stream.rebuild_inherited),
        (Rebuild::Local, RebuildInherited::Affected)
    );
    let none = on(
        &lower,
        &Source::new(
            "upper.yaml",
            overlay("upper", "  []\n").text().replace("operations:", "rebuildInherited: none\noperations:"),
        ),
    )
    .unwrap();
    assert_eq!(Policy::of(&none, "etcd"), inherited, "the operation is another overlay's");
}

#[test]
fn published_images_are_not_built_whatever_is_asked_for() {
    let image = format!("registry.example/etcd@{}", base::Digest::of("etcd"));
    let lower = on(
        &below(),
        &overlay("lower", &format!("  - replace: {{component: etcd, source: {{image: \"{image}\"}}}}\n")),
    )
    .unwrap();
    let upper = overlay("upper", "  []\n");
    let upper =
        Source::new("upper.yaml", upper.text().replace("operations:", "rebuildInherited: all\noperations:"));
    let flat = on(&lower, &upper).unwrap();
    let checked = check(&flat, &sample::files(), &sample::tasks()).unwrap();
    let found = crate::lint::written::findings(&flat, &checked.graphs);
    insta::assert_snapshot!(found[0].diagnostic.render(false), @"
    warning[nothing-to-build]: 1 of the 2 inherited components are published images, which are not built
     --> upper.yaml:6:19
      |
    6 | rebuildInherited: all
      |                   ^^^
      |
      = help: replace them with their sources, or leave `rebuildInherited` out
    ");
}

#[test]
fn images_are_looked_for_in_the_streams_below_and_where_the_overlay_says() {
    let named = |name: &str, more: &str| {
        let source = overlay(name, "  []\n");
        Source::new(source.name(), source.text().replace("operations:", &format!("{more}operations:")))
    };
    let first = on(&below(), &named("edge", "caches: [quay.io/team/theirs]\n")).unwrap();
    assert_eq!(first.stream.caches, ["localhost:5757/mini", "quay.io/team/theirs"]);
    let second = on(&first, &named("site", "")).unwrap();
    assert_eq!(second.stream.caches, ["localhost:5757/edge", "localhost:5757/mini", "quay.io/team/theirs"]);
    // A release has no keys.
    let text =
        overlay("mine", "  []\n").text().replace("{path: ../below}", "{payload: \"r.example/x@sha256:0\"}");
    assert_eq!(on(&below(), &Source::new("mine.yaml", text)).unwrap().stream.caches, [""; 0]);
}

#[test]
fn each_operation_does_what_it_says() {
    let flat = apply(
        r#"
  - add: {component: agent, definition: {source: {path: components/agent}}}
  - change: {component: etcd, addPackages: [jq], removePackages: [etcd-server], args: {A: "1"}, labels: {l: v}, tag: kv}
  - patch: {component: etcd, files: [patches/a.patch, patches/b.patch]}
  - setBase: {name: mini/base, base: {image: "r.example/base:1"}}
  - setBase: {name: other, base: {component: base}}
  - addTest: {test: agent, definition: {task: test-etcd, images: {image: agent}}}
  - changeGate: {test: etcd, blocking: false, timeout: 90s}
"#,
    )
    .unwrap();
    let etcd = &flat.stream.components["etcd"];
    assert_eq!(etcd.packages, ["jq"]);
    assert_eq!((etcd.args["A"].as_str(), etcd.labels["l"].as_str()), ("1", "v"));
    assert_eq!(etcd.tag.as_deref(), Some("kv"));
    let patches: Vec<_> = etcd.patches.iter().map(|p| (p.file.as_str(), p.inherited.as_deref())).collect();
    assert_eq!(patches, [("patches/a.patch", None), ("patches/b.patch", None)]);
    assert_eq!(flat.stream.components["agent"].inherited, None);
    assert_eq!(flat.stream.bases.len(), 2);
    assert!(!flat.stream.tests["etcd"].blocking);
    assert_eq!(flat.stream.tests["etcd"].timeout.as_deref(), Some("90s"));
    assert!(flat.stream.tests.contains_key("agent"));

    let flat = apply("  - removeTest: {test: etcd}\n  - remove: {component: etcd}\n").unwrap();
    assert!(!flat.stream.components.contains_key("etcd") && flat.stream.tests.is_empty());

    let commit = "a".repeat(40);
    let git = "{git: {url: 'https://g.example/e', ref: main}}";
    let flat = apply(&format!(
        "  - replace: {{component: etcd, source: {git}}}\n  - pin: {{component: etcd, commit: {commit}}}\n"
    ))
    .unwrap();
    let Origin::Git(git) = &flat.stream.components["etcd"].source else { panic!("not from git") };
    assert_eq!(git.reference, commit);

    let image = format!("r.example/etcd@sha256:{}", "b".repeat(64));
    let flat = apply(&format!("  - replace: {{component: etcd, source: {{image: '{image}'}}}}\n")).unwrap();
    let etcd = &flat.stream.components["etcd"];
    assert_eq!(etcd.prebuilt(), Some(image.as_str()));
    assert!(etcd.packages.is_empty(), "nothing is said about building it any more");
}

#[test]
fn an_operand_that_an_overlay_removes() {
    let text = sample::STREAM
        .replace("packages: [etcd-server]", "operands: [agent]")
        .replace("tests:", "  agent:\n    source: {path: components/etcd}\ntests:");
    let below = parse(&Source::new("stream.yaml", text)).unwrap();
    let checked = |operations: &str| {
        let flat = on(&below, &overlay("edge", operations)).unwrap();
        check(&flat, &sample::files(), &sample::tasks())
    };
    let refused = checked("  - remove: {component: agent}\n").unwrap_err();
    insta::assert_snapshot!(refused.render(false), @"
    error[unknown-operand]: `etcd` has the operand `agent`, which `edge` removes
      --> stream.yaml:17:16
       |
    17 |     operands: [agent]
       |                ^^^^^
       |
      ::: edge.yaml:7:5
       |
     7 |   - remove: {component: agent}
       |     ------ removed here
       |
       = help: say what `etcd` names without it: `change: {component: etcd, operands: […]}`; or keep `agent`
    ");
    let operands = |operations: &str| -> Vec<String> {
        let graphs = checked(operations).unwrap().graphs;
        graphs.on(Platform::Amd64).unwrap().nodes["etcd"].operands.keys().cloned().collect()
    };
    let without = "  - remove: {component: agent}\n  - change: {component: etcd, operands: []}\n";
    assert_eq!(operands(without), [""; 0]);
    assert_eq!(operands("  - change: {component: etcd, operands: [base]}\n"), ["base"]);
    // What stands wrong in the operation is shown there.
    let refused = checked("  - change: {component: etcd, operands: [nobody]}\n").unwrap_err();
    insta::assert_snapshot!(refused.render(false), @"
    error[unknown-operand]: `etcd` has the operand `nobody`, which does not exist
     --> edge.yaml:7:42
      |
    7 |   - change: {component: etcd, operands: [nobody]}
      |                                          ^^^^^^
      |
      = help: there are: agent, base, etcd
    ");
}

#[test]
fn findings_point_at_the_line_that_says_it() {
    // What the overlay says.
    let flat = apply("  - change: {component: etcd, task: nothing-like-it}\n").unwrap();
    let errors = check(&flat, &sample::files(), &sample::tasks()).unwrap_err();
    let place = errors.0[0].place.as_ref().unwrap();
    assert_eq!(
        (place.0.name(), place.0.position(place.1.start)),
        ("edge.yaml", (7, 37)),
        "{}",
        errors.render(false)
    );
    // What is inherited.
    let flat = apply("  - remove: {component: base}\n").unwrap();
    let errors = check(&flat, &sample::files(), &sample::tasks()).unwrap_err();
    insta::assert_snapshot!(errors.render(false));
}

#[test]
fn a_patch_of_a_published_image_builds_it_from_its_commit() {
    let digest = format!("sha256:{}", "c".repeat(64));
    let published = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: published\nversion: 4.12.0\nrepository: q.example/r\nreleaseBase: cli\ncomponents:\n  cli:\n    source: {{image: 'q.example/c@{digest}'}}\n    builtFrom: {{url: 'https://g.example/oc', ref: {}}}\n  pod:\n    source: {{image: 'q.example/c@{digest}'}}\n",
        "d".repeat(40)
    );
    let published = parse(&Source::new("payload", published)).unwrap();
    let patch = |component: &str| {
        on(
            &published,
            &overlay("mine", &format!("  - patch: {{component: {component}, files: [p.patch]}}\n")),
        )
    };
    let cli = patch("cli").unwrap().stream.components["cli"].clone();
    let Origin::Git(git) = &cli.source else { panic!("{:?}", cli.source) };
    assert_eq!((git.url.as_str(), git.reference.as_str()), ("https://g.example/oc", "d".repeat(40).as_str()));
    insta::assert_snapshot!(patch("pod").unwrap_err().render(false));
}

#[test]
fn operations_that_do_not_apply_are_named() {
    for (case, operations) in [
        ("unknown-component", "  - remove: {component: etc}\n"),
        ("unknown-test", "  - changeGate: {test: smoke, blocking: true}\n"),
        ("twice", "  - remove: {component: etcd}\n  - patch: {component: etcd, files: [a.patch]}\n"),
        ("exists", "  - add: {component: etcd, definition: {source: {path: x}}}\n"),
        ("test-exists", "  - addTest: {test: etcd, definition: {task: test-etcd}}\n"),
        ("no-package", "  - change: {component: etcd, removePackages: [etcd-servr]}\n"),
        ("no-commit", "  - pin: {component: etcd, commit: main}\n"),
    ] {
        insta::assert_snapshot!(case, apply(operations).unwrap_err().render(false));
    }
}

#[test]
fn a_third_overlay_that_patches_what_a_second_removes() {
    let second = on(
        &below(),
        &overlay("edge", "  - removeTest: {test: etcd}\n  - remove: {component: etcd, why: small}\n"),
    );
    let third = overlay("site", "  - patch: {component: etcd, files: [a.patch]}\n");
    insta::assert_snapshot!(on(&second.unwrap(), &third).unwrap_err().render(false));
}

#[test]
fn a_name_of_a_stream_below_is_refused() {
    let errors = on(&below(), &overlay("mini", "  []\n")).unwrap_err();
    assert_eq!(errors.0[0].code, "name-of-parent");
}

#[test]
fn the_example_of_the_reference_is_an_overlay() {
    let File::Overlay(example) = parse_file(&Source::new("example", OVERLAY_EXAMPLE)).unwrap() else {
        panic!("not an overlay")
    };
    let verbs: std::collections::BTreeSet<_> = example.overlay.operations.iter().map(|o| o.verb()).collect();
    assert_eq!(verbs.len(), 16, "every operation is shown");
    for operation in &example.overlay.operations {
        assert!(OVERLAY_EXAMPLE.contains(&format!("- {}:", operation.verb())));
    }
}

/// Operations on components of their own, so that none touches what another does.
fn independent() -> impl Strategy<Value = Vec<String>> {
    let one = |n: usize| {
        prop_oneof![
            Just(format!("  - add: {{component: new{n}, definition: {{source: {{path: c/new{n}}}}}}}\n")),
            Just(format!("  - remove: {{component: c{n}}}\n")),
            Just(format!("  - replace: {{component: c{n}, source: {{path: mine/c{n}}}}}\n")),
            Just(format!("  - patch: {{component: c{n}, files: [p{n}.patch]}}\n")),
            Just(format!("  - change: {{component: c{n}, addPackages: [p{n}], args: {{N: \"{n}\"}}}}\n")),
            Just(format!("  - setBase: {{name: base{n}, base: {{component: c{n}}}}}\n")),
            (0..6_usize).prop_map(move |what| pipeline_operation(n, what)),
        ]
    };
    (0..6_usize).map(one).collect::<Vec<_>>()
}

/// An operation on the pipeline that touches nothing which another number does.
fn pipeline_operation(n: usize, what: usize) -> String {
    match what {
        0 => format!(
            "  - insertTask: {{task: new{n}, definition: {{each: component, after: build, taskRef: {{name: x}}}}}}\n"
        ),
        1 => format!(
            "  - insertTask: {{task: new{n}, definition: {{before: assemble, taskRef: {{name: x}}}}}}\n"
        ),
        2 => {
            format!("  - insertTask: {{task: new{n}, finally: true, definition: {{taskRef: {{name: x}}}}}}\n")
        }
        3 => format!("  - setTask: {{task: t{n}, timeout: {n}m, params: [{{name: a, value: b}}]}}\n"),
        4 => format!("  - moveTask: {{task: t{n}, before: test}}\n"),
        _ => format!("  - removeTask: {{task: t{n}}}\n"),
    }
}

/// Tasks for [`pipeline_operation`], beside those that come with the program.
fn with_pipeline(text: &str) -> String {
    let tasks: String =
        (0..6).map(|n| format!("    t{n}: {{after: build, taskRef: {{name: x}}}}\n")).collect();
    format!(
        "{text}pipeline:\n  tasks:\n{tasks}    build: {{each: component, taskRef: {{name: containerfile}}}}\n    assemble: {{taskRef: {{name: assemble}}}}\n    test: {{each: test, runAfter: [assemble]}}\n  finally: {{verdict: {{taskRef: {{name: verdict}}}}}}\n"
    )
}

proptest! {
    #[test]
    fn the_order_of_independent_operations_does_not_count(
        operations in independent().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let components: String =
            (0..6).map(|n| format!("  c{n}:\n    source: {{path: c/c{n}}}\n    packages: [q]\n")).collect();
        let text = sample::STREAM.replace("components:\n", &format!("components:\n{components}"));
        let below = parse(&Source::new("stream.yaml", with_pipeline(&text))).unwrap();
        let flat = |list: &[String]| on(&below, &overlay("edge", &list.concat())).unwrap().stream;
        let (one, other) = (flat(&operations.0), flat(&operations.1));
        let order = |stream: &Stream| Order::new(stream.pipeline(), &sample::tasks()).map(|order| order.sequence().to_vec());
        prop_assert_eq!(order(&one), order(&other));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn an_operation_applied_in_two_overlays_is_as_in_one(operations in independent(), cut in 0..6_usize) {
        let components: String =
            (0..6).map(|n| format!("  c{n}:\n    source: {{path: c/c{n}}}\n")).collect();
        let text = sample::STREAM.replace("components:\n", &format!("components:\n{components}"));
        let below = parse(&Source::new("stream.yaml", with_pipeline(&text))).unwrap();
        let list = |part: &[String]| if part.is_empty() { "  []\n".to_owned() } else { part.concat() };
        let first = on(&below, &overlay("one", &list(&operations[..cut]))).unwrap();
        let two = on(&first, &overlay("two", &list(&operations[cut..]))).unwrap().stream;
        let at_once = on(&below, &overlay("two", &operations.concat())).unwrap().stream;
        prop_assert_eq!(two.components.keys().collect::<Vec<_>>(), at_once.components.keys().collect::<Vec<_>>());
        for (name, component) in &two.components {
            let other = &at_once.components[name];
            prop_assert_eq!(
                (&component.source, &component.packages, &component.args),
                (&other.source, &other.packages, &other.args)
            );
        }
        prop_assert_eq!(two.bases, at_once.bases);
        prop_assert_eq!(two.pipeline, at_once.pipeline);
    }
}

#[test]
fn bases_edits_and_platform_are_changed() {
    let edit = "[{match: a, with: b}]";
    let source = overlay(
        "edge",
        &format!(
            "  - change: {{component: etcd, from: [p, q], edits: {edit}}}\n  - change: {{component: etcd, tag: kv}}\n"
        ),
    );
    let flat = on(&below(), &source).unwrap();
    let etcd = &flat.stream.components["etcd"];
    assert_eq!(etcd.from.as_deref(), Some(&["p".to_owned(), "q".to_owned()][..]));
    assert_eq!((etcd.edits[0].text.as_str(), etcd.edits[0].with.as_str()), ("a", "b"));
    let (file, span) = flat.places.written(&["components", "etcd", "from", "1"]).unwrap();
    assert_eq!((file.name(), &file.text()[span.start..span.end]), ("edge.yaml", "q"));

    let arm = source.text().replace("operations:", "platforms: [linux/arm64]\noperations:");
    let arm = on(&flat, &Source::new("arm.yaml", arm.replace("name: edge", "name: arm"))).unwrap();
    assert_eq!(arm.stream.platforms, [Platform::Arm64].into());
    assert_eq!(flat.stream.platforms, [Platform::Amd64].into());

    // A source of one's own is built on what the other was; an image on nothing.
    let git = "source: {git: {url: https://git.example/e, ref: main}}";
    let own = on(&flat, &overlay("own", &format!("  - replace: {{component: etcd, {git}}}\n"))).unwrap();
    assert_eq!(own.stream.components["etcd"].from, etcd.from);
    let image = format!("source: {{image: \"r.example/etcd@sha256:{}\"}}", "0".repeat(64));
    let image =
        on(&flat, &overlay("image", &format!("  - replace: {{component: etcd, {image}}}\n"))).unwrap();
    assert_eq!(image.stream.components["etcd"].from, None);
}
