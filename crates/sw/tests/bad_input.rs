//! Streams that are wrong, and what the program says of it: file, line, operation, and what to do.
//!
//! | input | test |
//! |---|---|
//! | a cycle through bases | [`a_cycle_through_bases`], in one stream `stream::check::tests` |
//! | two components with one payload tag | [`two_components_with_one_tag`] |
//! | an overlay that removes what one on it patches | [`what_a_second_overlay_removes_a_third_cannot_patch`] |
//! | an overlay that removes what others need | [`what_others_need_cannot_just_be_removed`] |
//! | a name in `FROM` that an overlay does not explain | [`a_name_that_nothing_explains`] |
//! | a lock edited by hand | [`a_lock_edited_by_hand`] |
//! | a patch that escapes the tree | [`a_patch_that_leads_out_of_the_source`] |
//! | overlays that are from each other | [`overlays_that_are_from_each_other`] |
//! | overlays that are too large, or too deep | [`hostile_overlays_end_soon`] |
//! | an image of a parent release that is gone | `overlays::an_image_that_is_gone_is_named_before_anything_runs` |
//! | a registry that lies about a digest | `overlays::a_registry_that_lies_about_a_digest_is_not_believed` |
//! | a git server that says nothing | `overlays::a_git_server_that_says_nothing_can_be_left_with_ctrl_c`, and in the crate `git` |

#![allow(clippy::unwrap_used)]

mod tiny;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use tiny::Tiny;

/// Writes the file of an overlay beside the tiny stream.
fn overlay(tiny: &Tiny, name: &str, from: &str, operations: &str) -> PathBuf {
    let dir = tiny.stream().with_file_name(name);
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: {name}\nrepository: localhost:5757/{name}\n\
         from: {{path: ../{from}}}\noperations:\n{operations}"
    );
    fs::write(dir.join("stream.yaml"), text).unwrap();
    dir
}

/// What `sw plan` says when it refuses a stream.
fn refused(tiny: &Tiny, stream: &str) -> String {
    let folder = tiny.stream().with_file_name(stream);
    let printed = tiny.sw(&["plan", folder.to_str().unwrap()]);
    assert_eq!(printed.code, Some(2), "{printed:?}");
    assert_eq!(printed.stdout, "");
    printed.stderr.replace(&format!("{}/", tiny.stream().parent().unwrap().display()), "")
}

/// What is said of an overlay on the tiny stream with these operations.
fn refused_operations(operations: &str) -> String {
    let tiny = Tiny::new();
    overlay(&tiny, "edge", "tiny", operations);
    refused(&tiny, "edge")
}

#[test]
fn a_cycle_through_bases() {
    let said = refused_operations("  - setBase: {name: tiny/base, base: {component: app}}\n");
    insta::assert_snapshot!(said, @"
error[base-cycle]: components start from each other: app → app
 --> tiny/components/app/Containerfile:1:6
  |
1 | FROM tiny/base
  |      ^^^^^^^^^
  |
 ::: edge/stream.yaml:7:32
  |
7 |   - setBase: {name: tiny/base, base: {component: app}}
  |                                ---- this makes it `app`
  |
  = help: let one of them start from something else, with `setBase`, or `change` and its `from`
");
}

#[test]
fn two_components_with_one_tag() {
    let tiny = Tiny::new();
    tiny.edit("  tool:\n    task: tiny-image\n", "  tool:\n    task: tiny-image\n    tag: app\n");
    insta::assert_snapshot!(refused(&tiny, "tiny"), @"
error[duplicate-tag]: the payload tag `app` belongs to both `app` and `tool`
  --> tiny/stream.yaml:19:10
   |
14 |   app:
   |   --- first here
...
19 |     tag: app
   |          ^^^
   |
   = help: give one of them another `tag`, or leave it out with `payload: false`
");
    insta::assert_snapshot!(refused_operations("  - change: {component: tool, tag: app}\n"), @"
error[duplicate-tag]: the payload tag `app` belongs to both `app` and `tool`
  --> edge/stream.yaml:7:36
   |
 7 |   - change: {component: tool, tag: app}
   |                                    ^^^
   |
  ::: tiny/stream.yaml:14:3
   |
14 |   app:
   |   --- first here
   |
   = help: give one of them another tag, or leave it out:
           operations:
             - change: {component: app, payload: false}
");
}

#[test]
fn what_a_second_overlay_removes_a_third_cannot_patch() {
    let tiny = Tiny::new();
    overlay(
        &tiny,
        "second",
        "tiny",
        "  - removeTest: {test: tool}\n  - remove: {component: tool, why: Not needed.}\n",
    );
    overlay(&tiny, "third", "second", "  - patch: {component: tool, files: [a.patch]}\n");
    insta::assert_snapshot!(refused(&tiny, "third"), @"
error[no-longer-applies]: the operation does not apply: `second` has no component `tool`
 --> third/stream.yaml:7:24
  |
7 |   - patch: {component: tool, files: [a.patch]}
  |                        ^^^^
  |
 ::: second/stream.yaml:8:5
  |
8 |   - remove: {component: tool, why: Not needed.}
  |     ------ removed here, by `second`
  |
  = help: remove this operation, or the one that removes it
");
}

#[test]
fn what_others_need_cannot_just_be_removed() {
    insta::assert_snapshot!(refused_operations("  - remove: {component: base}\n"), @"
error[unknown-component]: releaseBase names the component `base`, which does not exist
 --> tiny/stream.yaml:7:14
  |
7 | releaseBase: base
  |              ^^^^
  |
 ::: edge/stream.yaml:7:5
  |
7 |   - remove: {component: base}
  |     ------ removed here, by `edge`
  |
  = help: remove that operation, or `replace` it instead: the release is a layer on its image

error[unknown-component]: `tiny/base` stands for the component `base`, which does not exist
 --> tiny/stream.yaml:9:26
  |
9 |   tiny/base: {component: base}
  |                          ^^^^
  |
 ::: edge/stream.yaml:7:5
  |
7 |   - remove: {component: base}
  |     ------ removed here, by `edge`
  |
  = help: remove that operation, or say what it is now:
          operations:
            - setBase: {name: tiny/base, base: {image: IMAGE}}
");
    insta::assert_snapshot!(refused_operations("  - remove: {component: tool}\n"), @"
error[unknown-component]: the test `tool` uses the image of `tool`, which does not exist
  --> tiny/stream.yaml:26:21
   |
26 |     images: {image: tool}
   |                     ^^^^
   |
  ::: edge/stream.yaml:7:5
   |
 7 |   - remove: {component: tool}
   |     ------ removed here, by `edge`
   |
   = help: remove that operation, or leave the test out too:
           operations:
             - removeTest: {test: tool}
");
}

#[test]
fn a_name_that_nothing_explains() {
    let tiny = Tiny::new();
    let edge = overlay(&tiny, "edge", "tiny", "  - replace: {component: app, source: {path: app}}\n");
    fs::create_dir(edge.join("app")).unwrap();
    fs::write(edge.join("app/Containerfile"), "FROM registry.ci.example/ocp/base:9\n").unwrap();
    fs::write(edge.join("app/content"), "").unwrap();
    insta::assert_snapshot!(refused(&tiny, "edge"), @"
error[unresolved-base]: nothing says what FROM registry.ci.example/ocp/base:9 is
 --> edge/app/Containerfile:1:6
  |
1 | FROM registry.ci.example/ocp/base:9
  |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write in stream.yaml:
          operations:
            - setBase: {name: registry.ci.example/ocp/base:9, base: {component: base}}
");
}

#[test]
fn a_lock_edited_by_hand() {
    let tiny = Tiny::new();
    let lock = tiny.stream().join("stream.lock");
    assert_eq!(tiny.sw(&["lock", tiny.stream().to_str().unwrap()]).code, Some(0));
    let whole = fs::read_to_string(&lock).unwrap();
    fs::write(&lock, format!("{whole}image: sha256:0\n")).unwrap();
    let said = refused(&tiny, "tiny");
    for expected in [
        "unknown field \"image\"",
        &format!("--> tiny/stream.lock:{}:1", whole.lines().count() + 1),
        "did you mean `images`?",
        "take the committed one, or remove it and the next build writes a new one",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // What can be understood and does not fit is made anew, and said.
    fs::write(&lock, whole.replace("stream: tiny", "stream: other")).unwrap();
    let planned = tiny.sw(&["plan", tiny.stream().to_str().unwrap()]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stderr.contains("stream.lock does not fit the stream any more"), "{planned:?}");
    assert!(fs::read_to_string(&lock).unwrap().contains("stream: tiny"));
}

#[test]
fn a_patch_that_leads_out_of_the_source() {
    let tiny = Tiny::new();
    let edge = overlay(&tiny, "edge", "tiny", "  - patch: {component: app, files: [out.patch]}\n");
    fs::write(edge.join("out.patch"), "--- a/../../out\n+++ b/../../out\n@@ -0,0 +1 @@\n+x\n").unwrap();
    insta::assert_snapshot!(refused(&tiny, "edge"), @"
error[patch-escapes]: the patch edge/out.patch leads out of the source of `app`: invalid path '../../out'
 --> edge/stream.yaml:7:37
  |
7 |   - patch: {component: app, files: [out.patch]}
  |                                     ^^^^^^^^^
  |
  = help: a patch changes files of the source only; remove the others from it
");
    overlay(&tiny, "edge", "tiny", "  - patch: {component: app, files: [../out.patch]}\n");
    insta::assert_snapshot!(refused(&tiny, "edge"), @"
error[no-patch-file]: `../out.patch` leads out of `edge`; copy what it points at into the folder
 --> edge/stream.yaml:7:37
  |
7 |   - patch: {component: app, files: [../out.patch]}
  |                                     ^^^^^^^^^^^^
  |
  = help: patches lie below the stream's folder: patches/etcd-quota.patch
");
}

#[test]
fn overlays_that_are_from_each_other() {
    let tiny = Tiny::new();
    overlay(&tiny, "a", "b", "  []\n");
    overlay(&tiny, "b", "a", "  []\n");
    insta::assert_snapshot!(refused(&tiny, "a"), @"
error[cannot-inherit]: the stream is from itself: a → b → a
 --> b/stream.yaml:5:1
  |
5 | from: {path: ../a}
  | ^^^^
  |
  = help: one of them must have no `from`
");
}

/// None of these may take long or much memory; that they end at all is what is asked here.
#[test]
fn hostile_overlays_end_soon() {
    let mut many = String::new();
    for n in 0..10_000 {
        writeln!(many, "  - setBase: {{name: base-{n}, base: {{component: base}}}}").unwrap();
    }
    let tiny = Tiny::new();
    let edge = overlay(&tiny, "edge", "tiny", &many);
    let planned = tiny.sw(&["plan", edge.to_str().unwrap()]);
    assert_eq!(planned.code, Some(0), "{}", planned.stderr);
    let wrong = refused_operations(&many.replace("component: base", "component: nothing-like-it"));
    assert!(wrong.contains("which does not exist"), "{wrong}");
    let deep =
        format!("  - change: {{component: app, args: {}1{}}}\n", "[".repeat(50_000), "]".repeat(50_000));
    assert!(refused_operations(&deep).contains("edge/stream.yaml:7"), "deep");
    let long = format!("  - remove: {{component: {}}}\n", "x".repeat(1 << 20));
    assert!(refused_operations(&long).contains("the operation does not apply"), "long");
    // Overlays on each other, one more than there may be.
    let tiny = Tiny::new();
    let mut below = "tiny".to_owned();
    for n in 0..51 {
        overlay(&tiny, &format!("o{n}"), &below, "  []\n");
        below = format!("o{n}");
    }
    assert!(refused(&tiny, "o50").contains("more than 50 overlays"));
}

#[test]
fn of_very_many_findings_the_first_are_told_and_the_others_counted() {
    let operations: String = (0..1000).map(|n| format!("  - remove: {{component: no-{n}}}\n")).collect();
    let said = refused_operations(&operations);
    assert_eq!(said.matches("error[no-longer-applies]").count(), 50, "{said}");
    assert!(said.ends_with("\n\nand 950 more; correct these first\n"), "{said}");
}
