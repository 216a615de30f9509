#![allow(clippy::unwrap_used)]
//! Every finding with the line that it shows and what it says to write instead.

use std::collections::BTreeMap;

use base::{Digest, Source};

use super::*;
use crate::definition::{self, Component};
use crate::graph::{BaseImage, Graph, Graphs};
use crate::sample::{Files, STREAM, TASKS, files};
use crate::source::{SourceError, Tree};

/// What is found in a stream that has `from` of the sound one replaced by `to`.
fn findings_with(from: &str, to: &str, files: &Files, tasks: &str) -> Diagnostics {
    assert!(STREAM.contains(from), "{from} is not in the stream");
    let source = Source::new("stream.yaml", STREAM.replacen(from, to, 1));
    let tasks = Tasks::new(&[Source::new("tasks/all.yaml", tasks)], &[]).unwrap();
    match definition::parse(&source) {
        Err(findings) => findings,
        Ok(definition) => match check(&definition, files, &tasks) {
            Ok(checked) => {
                let written = crate::lint::written::findings(&definition, &checked.graphs);
                Diagnostics(written.into_iter().map(|finding| finding.diagnostic).collect())
            }
            Err(findings) => findings,
        },
    }
}

fn found(from: &str, to: &str) -> String {
    findings_with(from, to, &files(), TASKS).render(false)
}

fn found_in(containerfile: &'static str) -> String {
    let files = Files(BTreeMap::from([("components/etcd/Containerfile", containerfile)]));
    findings_with("", "", &files, TASKS).render(false)
}

/// The graph of a stream for one platform.
fn only(graphs: &Graphs) -> &Graph {
    let mut all = graphs.iter();
    let first = all.next().unwrap();
    assert!(all.next().is_none());
    first
}

#[test]
fn a_sound_stream() {
    let source = Source::new("stream.yaml", STREAM);
    let tasks = Tasks::new(&[Source::new("tasks/all.yaml", TASKS)], &[]).unwrap();
    let checked = check(&definition::parse(&source).unwrap(), &files(), &tasks).unwrap();
    let graph = only(&checked.graphs);
    assert_eq!(graph.order().collect::<Vec<_>>(), ["base", "etcd"]);
    let base = &graph.nodes["etcd"].bases["mini/base"];
    assert_eq!(base.image, BaseImage::Component("base".into()));
    assert_eq!(base.entry.as_deref(), Some("mini/base"));
    assert_eq!(graph.payload().into_iter().collect::<Vec<_>>(), [("etcd", "etcd")]);
}

macro_rules! finding {
    ($name:ident, $from:expr => $to:expr, @$snapshot:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(found($from, $to), @$snapshot);
        }
    };
}

// The text.
finding!(no_yaml, "name: mini" => "name: [mini", @"
error[yaml-syntax]: this is not YAML: illegal placement of ':' indicator
 --> stream.yaml:4:8
  |
4 | version: 0.1.0
  |        ^
  |
  = help: look at brackets, quotes and indentation here and just above
");
finding!(empty_file, STREAM => "# later\n", @"
error[empty-stream]: the file says nothing
 --> stream.yaml:1:1
  |
1 | # later
  | ^
  |
  = help: begin with:
          apiVersion: streamwright.dev/v1alpha1
          kind: Stream
          name: mine
          version: 0.1.0
          repository: registry.example/mine
");
finding!(two_documents, "name: mini" => "---\nname: mini", @"
error[several-documents]: a stream file holds one document
 --> stream.yaml:4:1
  |
4 | name: mini
  | ^^^^^^^^^^
  |
  = help: keep other objects in files of their own; tasks belong into the folder `tasks/`
");
finding!(another_kind, "kind: Stream" => "kind: Pipeline", @"
error[not-a-stream]: this is not a stream: its kind is `Pipeline`
 --> stream.yaml:2:7
  |
2 | kind: Pipeline
  |       ^^^^^^^^
  |
  = help: a stream file has `kind: Stream`
");
finding!(another_version, "v1alpha1" => "v2", @"
error[not-a-stream]: this is not a stream: its apiVersion is `streamwright.dev/v2`
 --> stream.yaml:1:13
  |
1 | apiVersion: streamwright.dev/v2
  |             ^^^^^^^^^^^^^^^^^^^
  |
  = help: a stream file has `apiVersion: streamwright.dev/v1alpha1`
");
finding!(unknown_field, "tests:" => "test:", @r#"
error[unknown-field]: unknown field "test"
  --> stream.yaml:18:1
   |
18 | test:
   | ^^^^
   |
   = help: did you mean `tests`? allowed here: apiVersion, kind, name, description, version, repository, caches, platforms, rebuild, layerRebase, releaseBase, bases, components, tests, pipeline, waivers
"#);
finding!(unknown_field_of_a_component, "packages: [bash]" => "package: [bash]", @r#"
error[unknown-field]: unknown field "package"
  --> stream.yaml:14:5
   |
14 |     package: [bash]
   |     ^^^^^^^
   |
   = help: did you mean `packages`? allowed here: task, payload, tag, platforms, standIn, source, builtFrom, patches, containerfile, from, edits, packages, args, operands, labels
"#);
finding!(missing_field, "version: 0.1.0\n" => "", @"
error[missing-field]: `version` is missing
 --> stream.yaml:1:1
  |
1 | apiVersion: streamwright.dev/v1alpha1
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write `version: 0.1.0`
");
finding!(version_as_a_number, "version: 0.1.0" => "version: 0.1", @r#"
error[wrong-type]: expected a string, found the number 0.1
 --> stream.yaml:4:10
  |
4 | version: 0.1
  |          ^^^
  |
  = help: write "0.1"
"#);
finding!(wrong_type, "packages: [bash]" => "packages: bash", @r#"
error[wrong-type]: expected a list, found the string "bash"
  --> stream.yaml:14:15
   |
14 |     packages: bash
   |               ^^^^
   |
   = help: write [bash]
"#);
finding!(label_as_a_boolean, "packages: [etcd-server]" => "labels: {operator: true}", @r#"
error[wrong-type]: expected a string, found the boolean true
  --> stream.yaml:17:24
   |
17 |     labels: {operator: true}
   |                        ^^^^
   |
   = help: write "true"
"#);
finding!(two_kinds_of_source, "{path: components/etcd}" => "{path: components/etcd, git: {url: x, ref: y}}", @"
error[wrong-value]: expected exactly one of path, git, image, images
  --> stream.yaml:16:13
   |
16 |     source: {path: components/etcd, git: {url: x, ref: y}}
   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: keep one of them
");
finding!(unknown_platform, "releaseBase" => "platforms: [linux/amd65]\nreleaseBase", @"
error[unknown-value]: unknown value `linux/amd65`
 --> stream.yaml:6:13
  |
6 | platforms: [linux/amd65]
  |             ^^^^^^^^^^^
  |
  = help: did you mean `linux/amd64`? allowed here: linux/amd64, linux/arm64, linux/ppc64le, linux/s390x
");
finding!(component_twice, "  etcd:\n    source" => "  base:\n    source", @"
error[duplicate-key]: key `base` is given twice
  --> stream.yaml:15:3
   |
10 |   base:
   |   ---- first here
...
15 |   base:
   |   ^^^^
   |
   = help: remove one of the two
");

// Names.
finding!(bad_stream_name, "name: mini" => "name: My Stream", @"
error[bad-name]: `My Stream` cannot be the name of a stream
 --> stream.yaml:3:7
  |
3 | name: My Stream
  |       ^^^^^^^^^
  |
  = help: use lower-case letters, digits and `-`, beginning with a letter, at most 40 characters: my-stream
");
finding!(bad_version, "version: 0.1.0" => "version: \"4.17\"", @r#"
error[bad-version]: `4.17` is not a semantic version: unexpected end of input while parsing minor version number
 --> stream.yaml:4:10
  |
4 | version: "4.17"
  |          ^^^^^^
  |
  = help: write it as MAJOR.MINOR.PATCH, like 0.1.0 or 4.17.0-rc.1
"#);
finding!(version_with_metadata, "version: 0.1.0" => "version: 0.1.0+1", @"
error[bad-version]: `0.1.0+1` has a part behind `+`, which tags of images cannot have
 --> stream.yaml:4:10
  |
4 | version: 0.1.0+1
  |          ^^^^^^^
  |
  = help: write it as MAJOR.MINOR.PATCH, like 0.1.0 or 4.17.0-rc.1
");
finding!(repository_with_a_tag, "localhost:5757/mini" => "localhost:5757/mini:latest", @"
error[bad-repository]: `localhost:5757/mini:latest` is not a repository: it has a tag
 --> stream.yaml:5:13
  |
5 | repository: localhost:5757/mini:latest
  |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write HOST[:PORT]/PATH, like quay.io/me/my-stream
");
finding!(cache_with_a_tag, "localhost:5757/mini" => "localhost:5757/mini\ncaches: [quay.io/team/theirs:latest]", @"
error[bad-repository]: the cache `quay.io/team/theirs:latest` is not a repository: it has a tag
 --> stream.yaml:6:1
  |
6 | caches: [quay.io/team/theirs:latest]
  | ^^^^^^
  |
  = help: write HOST[:PORT]/PATH, like quay.io/team/their-stream
");
finding!(repository_with_a_scheme, "localhost:5757/mini" => "https://quay.io/mini", @"
error[bad-repository]: `https://quay.io/mini` is not a repository: it has a scheme
 --> stream.yaml:5:13
  |
5 | repository: https://quay.io/mini
  |             ^^^^^^^^^^^^^^^^^^^^
  |
  = help: write HOST[:PORT]/PATH, like quay.io/me/my-stream
");
finding!(repository_without_a_path, "localhost:5757/mini" => "localhost", @"
error[bad-repository]: `localhost` is not a repository: it has no path
 --> stream.yaml:5:13
  |
5 | repository: localhost
  |             ^^^^^^^^^
  |
  = help: write HOST[:PORT]/PATH, like quay.io/me/my-stream
");
finding!(unknown_release_base, "releaseBase: etcd" => "releaseBase: etdc", @"
error[unknown-component]: releaseBase names the component `etdc`, which does not exist
 --> stream.yaml:6:14
  |
6 | releaseBase: etdc
  |              ^^^^
  |
  = help: did you mean `etcd`?
");
finding!(release_base_outside_the_payload, "releaseBase: etcd" => "releaseBase: base", @"
error[release-base-not-in-payload]: the release base `base` is not in the payload
  --> stream.yaml:6:14
   |
 6 | releaseBase: base
   |              ^^^^
...
12 |     payload: false
   |              ----- left out here
   |
   = help: clusters run the payload as this image, so it must be one of its tags: remove `payload: false`
");
finding!(bad_component_name, "  base:\n" => "  Base_Image:\n", @"
error[bad-name]: `Base_Image` cannot be the name of a component
  --> stream.yaml:10:3
   |
10 |   Base_Image:
   |   ^^^^^^^^^^
   |
   = help: it is part of an image's name: lower-case letters and digits, with single `-`, `.` or `_` between: base-image

error[unknown-component]: `mini/base` stands for the component `base`, which does not exist
 --> stream.yaml:8:26
  |
8 |   mini/base: {component: base}
  |                          ^^^^
  |
  = help: there are: Base_Image, etcd
");
finding!(component_called_release, "  base:\n" => "  release: {source: {path: components/etcd}}\n  base:\n", @"
error[bad-name]: a component cannot be called `release`
  --> stream.yaml:10:3
   |
10 |   release: {source: {path: components/etcd}}
   |   ^^^^^^^
   |
   = help: payloads are pushed to localhost:5757/mini/release; give it another name, and a `tag` if it needs this one
");
finding!(bad_test_name, "tests:\n  etcd:" => "tests:\n  etcd.put:", @"
error[bad-name]: `etcd.put` cannot be the name of a test
  --> stream.yaml:19:3
   |
19 |   etcd.put:
   |   ^^^^^^^^
   |
   = help: use lower-case letters, digits and `-`, beginning with a letter: etcd-put
");
finding!(duplicate_tag, "    payload: false\n" => "    tag: etcd\n", @"
error[duplicate-tag]: the payload tag `etcd` belongs to both `base` and `etcd`
  --> stream.yaml:15:3
   |
12 |     tag: etcd
   |          ---- first here
...
15 |   etcd:
   |   ^^^^
   |
   = help: give one of them another `tag`, or leave it out with `payload: false`
");
finding!(tag_outside_the_payload, "payload: false" => "payload: false\n    tag: base", @"
error[tag-without-payload]: `base` has the tag `base`, but is not in the payload
  --> stream.yaml:13:10
   |
13 |     tag: base
   |          ^^^^
   |
   = help: remove `tag`, or `payload: false`
");
finding!(bad_tag, "    payload: false\n" => "    tag: My/Base\n", @"
error[bad-tag]: `My/Base` cannot be a tag of the payload
  --> stream.yaml:12:10
   |
12 |     tag: My/Base
   |          ^^^^^^^
   |
   = help: use lower-case letters and digits, with single `-`, `.` or `_` between
");

// Fields.
finding!(path_upwards, "components/etcd}" => "../etcd}", @"
error[unsafe-path]: the source `../etcd` contains `..`
  --> stream.yaml:16:20
   |
16 |     source: {path: ../etcd}
   |                    ^^^^^^^
   |
   = help: sources lie below the stream's folder: write a path like components/etcd
");
finding!(absolute_path, "components/etcd}" => "/etc}", @"
error[unsafe-path]: the source `/etc` is absolute
  --> stream.yaml:16:20
   |
16 |     source: {path: /etc}
   |                    ^^^^
   |
   = help: sources lie below the stream's folder: write a path like components/etcd
");
finding!(containerfile_upwards, "    packages: [etcd-server]" => "    containerfile: ../Containerfile", @"
error[unsafe-path]: the Containerfile `../Containerfile` contains `..`
  --> stream.yaml:17:20
   |
17 |     containerfile: ../Containerfile
   |                    ^^^^^^^^^^^^^^^^
   |
   = help: it lies below the source: write a path like Containerfile or images/Containerfile
");
finding!(package_with_version, "[etcd-server]" => "[etcd-server=3.4]", @"
error[bad-package]: `etcd-server=3.4` cannot be the name of a package
  --> stream.yaml:17:16
   |
17 |     packages: [etcd-server=3.4]
   |                ^^^^^^^^^^^^^^^
   |
   = help: write the name alone; versions are kept in stream.lock
");
finding!(package_with_space, "[etcd-server]" => "['etcd server']", @"
error[bad-package]: `etcd server` cannot be the name of a package
  --> stream.yaml:17:16
   |
17 |     packages: ['etcd server']
   |                ^^^^^^^^^^^^^
   |
   = help: use lower-case letters, digits, `+`, `-` and `.`, at least two characters
");
finding!(package_twice, "[etcd-server]" => "[etcd-server, etcd-server]", @"
warning[duplicate-package]: the package `etcd-server` is listed twice
  --> stream.yaml:17:29
   |
17 |     packages: [etcd-server, etcd-server]
   |                             ^^^^^^^^^^^
   |
   = help: remove one of them
");
finding!(bad_argument_name, "packages: [etcd-server]" => "args: {1st: x}", @"
error[bad-argument]: `1st` cannot be the name of a build argument
  --> stream.yaml:17:12
   |
17 |     args: {1st: x}
   |            ^^^
   |
   = help: use letters, digits and `_`, not beginning with a digit
");
finding!(argument_with_reference, "packages: [etcd-server]" => "args: {A: $(params.x)}", @"
error[tekton-reference]: the argument contains `$(params.x)`, which Tekton would replace
  --> stream.yaml:17:15
   |
17 |     args: {A: $(params.x)}
   |               ^^^^^^^^^^^
   |
   = help: write the value itself; for a shell variable ${NAME} does
");
finding!(argument_without_arg, "packages: [etcd-server]" => "args: {VERSION: x}", @"
warning[unused-argument]: the Containerfile of `etcd` has no ARG VERSION
  --> stream.yaml:17:12
   |
17 |     args: {VERSION: x}
   |            ^^^^^^^
   |
   = help: write `ARG VERSION` in the Containerfile, or remove the argument
");
finding!(bad_label_name, "packages: [etcd-server]" => "labels: {a=b: c}", @"
error[bad-label]: `a=b` cannot be the name of a label
  --> stream.yaml:17:14
   |
17 |     labels: {a=b: c}
   |              ^^^
   |
   = help: use a name like io.openshift.release.operator, without `=` and white space
");

// Bases.
finding!(base_of_unknown_component, "{component: base}" => "{component: bse}", @"
error[unknown-component]: `mini/base` stands for the component `bse`, which does not exist
 --> stream.yaml:8:26
  |
8 |   mini/base: {component: bse}
  |                          ^^^
  |
  = help: did you mean `base`?
");
finding!(image_without_tag, "{component: base}" => "{image: quay.io/fedora/fedora}", @"
error[bad-image]: `quay.io/fedora/fedora` is not a reference of an image: it has neither tag nor digest
 --> stream.yaml:8:22
  |
8 |   mini/base: {image: quay.io/fedora/fedora}
  |                      ^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write quay.io/fedora/fedora:TAG
");
finding!(image_with_bad_digest, "{component: base}" => "{image: quay.io/fedora/fedora@sha256:12}", @"
error[bad-image]: `quay.io/fedora/fedora@sha256:12` is not a reference of an image: `sha256:12` is not a digest of the form sha256:<64 lower-case hex digits>
 --> stream.yaml:8:22
  |
8 |   mini/base: {image: quay.io/fedora/fedora@sha256:12}
  |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write HOST/PATH:TAG or HOST/PATH@sha256:DIGEST
");
finding!(bad_pattern, "mini/base:" => "mini/[base:", @"
error[bad-pattern]: `mini/[base` is not a pattern: unclosed character class; missing ']'
 --> stream.yaml:8:3
  |
8 |   mini/[base: {component: base}
  |   ^^^^^^^^^^
  |
  = help: `*` stands for anything but `/`, `**` for anything
");
finding!(unresolved_base, "mini/base:" => "mini/bsae:", @"
error[unresolved-base]: nothing says what FROM mini/base is
 --> components/etcd/Containerfile:1:6
  |
1 | FROM mini/base
  |      ^^^^^^^^^
  |
  = help: write in stream.yaml:
          bases:
            mini/base: {component: base}
");
finding!(no_containerfile, "path: components/etcd" => "path: components/etc", @"
error[no-containerfile]: `etcd` has no Containerfile in its source
  --> stream.yaml:16:5
   |
16 |     source: {path: components/etc}
   |     ^^^^^^
   |
   = help: write one, or name the file: `containerfile: PATH`, below the source
");
finding!(named_containerfile_is_missing, "    packages: [etcd-server]" => "    containerfile: Containerfile.ocp", @"
error[no-containerfile]: `etcd` has no Containerfile.ocp in its source
  --> stream.yaml:17:20
   |
17 |     containerfile: Containerfile.ocp
   |                    ^^^^^^^^^^^^^^^^^
   |
   = help: write one, or name the file: `containerfile: PATH`, below the source
");
finding!(containerfile_that_nobody_takes, "payload: false" => "payload: false\n    containerfile: x", @"
error[unused-containerfile]: the task `debian-base` takes no Containerfile
  --> stream.yaml:13:20
   |
13 |     containerfile: x
   |                    ^
   |
   = help: remove `containerfile`, or choose another task
");
finding!(git_source, "{path: components/etcd}" => "{git: {url: https://example.com/etcd, ref: main}}", @"
error[unreadable-source]: cannot read the Containerfile of `etcd`: the source of `etcd` is not fetched
  --> stream.yaml:16:5
   |
16 |     source: {git: {url: https://example.com/etcd, ref: main}}
   |     ^^^^^^
");

// Tasks and tests.
finding!(unknown_task, "task: debian-base" => "task: debian-bse", @"
error[unknown-task]: there is no task `debian-bse`
  --> stream.yaml:11:11
   |
11 |     task: debian-bse
   |           ^^^^^^^^^^
   |
   = help: did you mean `debian-base`?
           tasks are looked for in the stream's folder tasks/, then among those that come with the program
");
finding!(unknown_task_of_a_test, "task: test-etcd" => "task: test-ectd", @"
error[unknown-task]: there is no task `test-ectd`
  --> stream.yaml:20:11
   |
20 |     task: test-ectd
   |           ^^^^^^^^^
   |
   = help: did you mean `test-etcd`?
           tasks are looked for in the stream's folder tasks/, then among those that come with the program
");
finding!(unknown_image_of_a_test, "{image: etcd}" => "{image: ectd}", @"
error[unknown-component]: the test `etcd` uses the image of `ectd`, which does not exist
  --> stream.yaml:21:21
   |
21 |     images: {image: ectd}
   |                     ^^^^
   |
   = help: did you mean `etcd`?
");
finding!(unknown_param_of_a_test, "{image: etcd}" => "{iamge: etcd}", @"
error[unknown-param]: the task `test-etcd` has no parameter `iamge`
  --> stream.yaml:21:14
   |
21 |     images: {iamge: etcd}
   |              ^^^^^
   |
   = help: did you mean `image`?

error[param-missing]: the task `test-etcd` needs the parameter `image`, which it does not get
  --> tasks/all.yaml:42:18
   |
42 | metadata: {name: test-etcd}
   |                  ^^^^^^^^^
   |
  ::: stream.yaml:20:11
   |
20 |     task: test-etcd
   |           --------- used here
   |
   = help: give it a default, or use what there is: test, release, platform, insecure
");
finding!(param_set_twice, "images: {image: etcd}" => "images: {image: etcd}\n    params: {image: x}", @"
error[param-twice]: the test `etcd` sets `image` as an image and as a parameter
  --> stream.yaml:22:14
   |
21 |     images: {image: etcd}
   |              ----- the image
22 |     params: {image: x}
   |              ^^^^^
   |
   = help: remove one of them
");
finding!(param_with_reference, "images: {image: etcd}" => "images: {image: etcd}\n    params: {port: $(tasks.x.status)}", @"
error[tekton-reference]: the parameter contains `$(tasks.x.status)`, which Tekton would replace
  --> stream.yaml:22:20
   |
22 |     params: {port: $(tasks.x.status)}
   |                    ^^^^^^^^^^^^^^^^^
   |
   = help: write the value itself; for a shell variable ${NAME} does
");
finding!(array_param_of_a_test, "images: {image: etcd}" => "images: {image: etcd}\n    params: {hosts: x}", @"
error[param-type]: `hosts` of the task `test-etcd` is an array, and only texts can be set
  --> stream.yaml:22:14
   |
22 |     params: {hosts: x}
   |              ^^^^^
   |
   = help: write `type: string` in the task
");
finding!(bad_timeout, "images: {image: etcd}" => "images: {image: etcd}\n    timeout: 5 minutes", @"
error[bad-timeout]: `5 minutes` is not a time that a test can take
  --> stream.yaml:22:14
   |
22 |     timeout: 5 minutes
   |              ^^^^^^^^^
   |
   = help: write it like 90s, 5m or 1h30m
");
finding!(task_that_ignores_labels, "payload: false" => "payload: false\n    labels: {a: b}", @"
error[task-ignores]: `base` has labels, but the task `debian-base` has no parameter `labels`
  --> stream.yaml:11:11
   |
11 |     task: debian-base
   |           ^^^^^^^^^^^
   |
   = help: declare it in the task, or take the labels away
");

#[test]
fn from_that_nothing_resolves() {
    insta::assert_snapshot!(found_in("ARG TAG=9\nFROM registry.example/rhel:$TAG\n"), @"
    error[unresolved-base]: nothing says what FROM registry.example/rhel:9 is
     --> components/etcd/Containerfile:2:6
      |
    2 | FROM registry.example/rhel:$TAG
      |      ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write in stream.yaml what it is, `{component: NAME}` or an image:
              bases:
                registry.example/rhel:9: {image: registry.example/rhel:9}
    ");
}

#[test]
fn arguments_in_from_are_looked_up_by_value_and_kept_as_written() {
    let files =
        Files(BTreeMap::from([("components/etcd/Containerfile", "ARG NAME=base\nFROM mini/${NAME}\n")]));
    let (_, graphs) = crate::sample::checked(STREAM, &files);
    let graph = only(&graphs);
    assert_eq!(graph.nodes["etcd"].bases["mini/${NAME}"].image, BaseImage::Component("base".into()));
}

#[test]
fn from_that_looks_like_a_component() {
    insta::assert_snapshot!(found_in("FROM registry.example/mini/base:1\n"), @"
    error[unresolved-base]: nothing says what FROM registry.example/mini/base:1 is
     --> components/etcd/Containerfile:1:6
      |
    1 | FROM registry.example/mini/base:1
      |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write in stream.yaml:
              bases:
                registry.example/mini/base:1: {component: base}
    ");
}

#[test]
fn copy_from_a_later_stage() {
    insta::assert_snapshot!(found_in("FROM mini/base\nCOPY --from=build /a /a\nFROM mini/base AS build\n"), @"
    error[unresolved-base]: nothing says what --from build is
     --> components/etcd/Containerfile:2:13
      |
    2 | COPY --from=build /a /a
      |             ^^^^^
      |
      = help: a stage can only be used after it: move it up
    ");
}

#[test]
fn a_name_with_a_digest_and_the_packages_need_no_entry() {
    let digest = Digest::of("x");
    let text: &'static str = Box::leak(
        format!("FROM quay.io/x@{digest}\nRUN --mount=from=packages,target=/p true\nFROM scratch\n")
            .into_boxed_str(),
    );
    assert_eq!(found_in(text), "");
}

#[test]
fn a_cycle_through_bases() {
    let stream = r"apiVersion: streamwright.dev/v1alpha1
kind: Stream
name: mini
version: 0.1.0
repository: localhost:5757/mini
releaseBase: a
bases:
  mini/*: {component: a}
  mini/b: {component: b}
  mini/c: {component: c}
components:
  a: {source: {path: a}}
  b: {source: {path: b}}
  c: {source: {path: c}}
  d: {source: {path: d}}
";
    let files = Files(BTreeMap::from([
        ("a/Containerfile", "FROM mini/b\n"),
        ("b/Containerfile", "# First the tools.\nFROM mini/c AS tools\n"),
        ("c/Containerfile", "FROM scratch\nCOPY --from=mini/a /a /a\n"),
        ("d/Containerfile", "FROM mini/a\n"),
    ]));
    let findings = findings_with(STREAM, stream, &files, TASKS);
    insta::assert_snapshot!(findings.render(false), @"
    error[base-cycle]: components start from each other: a → b → c → a
     --> a/Containerfile:1:6
      |
    1 | FROM mini/b
      |      ^^^^^^
      |
     ::: b/Containerfile:2:6
      |
    2 | FROM mini/c AS tools
      |      ------ `b` starts from `c`
      |
     ::: c/Containerfile:2:13
      |
    2 | COPY --from=mini/a /a /a
      |             ------ `c` starts from `a`
      |
      = help: let one of them start from something else: change its FROM, or the entry in `bases`
    ");
}

#[test]
fn a_cycle_through_operands() {
    let stream = STREAM
        .replace("packages: [etcd-server]", "operands: [operator]")
        .replace("tests:", "  operator:\n    source: {path: components/etcd}\n    operands: [etcd]\ntests:");
    insta::assert_snapshot!(findings_with(STREAM, &stream, &files(), TASKS).render(false), @"
    error[operand-cycle]: components depend on each other: etcd → operator → etcd
      --> stream.yaml:17:16
       |
    17 |     operands: [operator]
       |                ^^^^^^^^
    ...
    20 |     operands: [etcd]
       |                ---- `operator` has the operand `etcd`
       |
       = help: an image can only name one that is built before it: take one of them out of `operands`
    ");
    let own = STREAM.replace("packages: [etcd-server]", "operands: [etcd]");
    insta::assert_snapshot!(findings_with(STREAM, &own, &files(), TASKS).render(false), @"
    error[operand-cycle]: components depend on each other: etcd → etcd
      --> stream.yaml:17:16
       |
    17 |     operands: [etcd]
       |                ^^^^
       |
       = help: an image can only name one that is built before it: take one of them out of `operands`
    ");
}

finding!(unknown_operand, "packages: [etcd-server]" => "operands: [bas]", @"
error[unknown-operand]: `etcd` has the operand `bas`, which does not exist
  --> stream.yaml:17:16
   |
17 |     operands: [bas]
   |                ^^^
   |
   = help: did you mean `base`?
");
finding!(operand_of_an_image, "source: {path: components/etcd}\n    packages: [etcd-server]" => "source: {image: \"quay.io/etcd@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n    operands: [base]", @"
error[not-built]: `etcd` is an image that is there already, so `operands` changes nothing
  --> stream.yaml:17:5
   |
17 |     operands: [base]
   |     ^^^^^^^^
   |
   = help: remove `operands`, or give the source that the image is built from
");
finding!(task_without_operands, "payload: false\n" => "payload: false\n    operands: [etcd]\n", @"
error[task-ignores]: `base` has operands, but the task `debian-base` has no parameter `operands`
  --> stream.yaml:11:11
   |
11 |     task: debian-base
   |           ^^^^^^^^^^^
   |
   = help: declare it in the task, or take the operands away

error[operand-cycle]: components depend on each other: base → etcd → base
  --> stream.yaml:13:16
   |
13 |     operands: [etcd]
   |                ^^^^
   |
  ::: components/etcd/Containerfile:1:6
   |
 1 | FROM mini/base
   |      --------- `etcd` starts from `base`
   |
   = help: an image can only name one that is built before it: take one of them out of `operands`
");

#[test]
fn operands_with_one_argument() {
    let stream = STREAM.replace("packages: [etcd-server]", "operands: [a-b, a-b, a.b]").replace(
        "tests:",
        "  a-b: {source: {path: components/etcd}}\n  a.b: {source: {path: components/etcd}}\ntests:",
    );
    insta::assert_snapshot!(findings_with(STREAM, &stream, &files(), TASKS).render(false), @"
    error[operands-alike]: the operands `a-b` and `a.b` are both OPERAND_A_B in the Containerfile
      --> stream.yaml:17:26
       |
    17 |     operands: [a-b, a-b, a.b]
       |                          ^^^
       |
       = help: give one of these components a name that differs in more than `-`, `.` and `_`
    ");
}

#[test]
fn tasks_that_do_not_keep_the_contract() {
    let tasks = TASKS
        .replace("{name: bases, type: array}", "{name: bases}")
        .replace(
            "results: [{name: image}]\n  workspaces: [{name: source}",
            "workspaces: [{name: secrets}, {name: source}",
        )
        .replace("{name: image}, {name: port", "{name: image}, {name: url}, {name: port");
    insta::assert_snapshot!(findings_with("", "", &files(), &tasks).render(false), @"
    error[param-type]: the task `containerfile` declares `bases` as a string, but it is an array
      --> tasks/all.yaml:4:18
       |
     4 | metadata: {name: containerfile}
       |                  ^^^^^^^^^^^^^
       |
      ::: stream.yaml:15:3
       |
    15 |   etcd:
       |   ---- used here
       |
       = help: write `type: array`: it holds what names in the Containerfile stand for, as they are written there, each `NAME=REPOSITORY@DIGEST`

    error[workspace-missing]: the task `containerfile` needs the workspace `secrets`, which it does not get
      --> tasks/all.yaml:4:18
       |
     4 | metadata: {name: containerfile}
       |                  ^^^^^^^^^^^^^
       |
      ::: stream.yaml:15:3
       |
    15 |   etcd:
       |   ---- used here
       |
       = help: make it `optional: true`, or use what there is: source, cache

    error[result-missing]: the task `containerfile` does not give the result `image`
      --> tasks/all.yaml:4:18
       |
     4 | metadata: {name: containerfile}
       |                  ^^^^^^^^^^^^^
       |
      ::: stream.yaml:15:3
       |
    15 |   etcd:
       |   ---- used here
       |
       = help: let it write REPOSITORY@DIGEST of what it pushed into a result of this name

    error[param-missing]: the task `test-etcd` needs the parameter `url`, which it does not get
      --> tasks/all.yaml:41:18
       |
    41 | metadata: {name: test-etcd}
       |                  ^^^^^^^^^
       |
      ::: stream.yaml:20:11
       |
    20 |     task: test-etcd
       |           --------- used here
       |
       = help: give it a default, or use what there is: test, release, platform, insecure
    ");
}

#[test]
fn everything_at_once_in_the_order_of_the_file() {
    let findings = findings_with("version: 0.1.0", "version: x", &Files(BTreeMap::new()), TASKS);
    let codes: Vec<&str> = findings.0.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["bad-version", "no-containerfile"]);
}

#[test]
fn the_example_of_the_reference_is_a_stream() {
    definition::parse(&Source::new("example", crate::schema::reference::EXAMPLE)).unwrap();
}

#[test]
fn the_schema_knows_every_field() {
    let schema = crate::schema::file();
    let node = &tekton::yaml::parse(&Source::new("t", crate::schema::reference::EXAMPLE)).unwrap()[0];
    for entry in node.entries() {
        assert!(schema["else"]["properties"].get(&entry.key).is_some(), "{}", entry.key);
    }
    let component = &schema["$defs"]["Component"]["properties"];
    for entry in node.at("components.cluster-version-operator").unwrap().entries() {
        assert!(component.get(&entry.key).is_some(), "{}", entry.key);
    }
}

// What components say they start from.

/// The sound stream with `etcd` from git and this below its source, and with these bases.
fn from_git(said: &str, bases: &str) -> Result<Checked, Diagnostics> {
    let text = STREAM
        .replace(
            "source: {path: components/etcd}\n    packages: [etcd-server]",
            &format!("source: {{git: {{url: https://git.example/etcd, ref: main}}}}\n    {said}"),
        )
        .replace("mini/base: {component: base}", &format!("mini/base: {{component: base}}\n  {bases}"));
    let source = Source::new("stream.yaml", text);
    let tasks = Tasks::new(&[Source::new("tasks/all.yaml", TASKS)], &[]).unwrap();
    check(&definition::parse(&source).unwrap(), &files(), &tasks)
}

#[test]
fn a_source_that_is_not_there_is_not_missed_when_the_stream_says_what_it_starts_from() {
    let graphs = from_git("from: [mini/base, go, go]", "go: {image: \"r.example/go:1\"}").unwrap().graphs;
    let graph = only(&graphs);
    let bases = &graph.nodes["etcd"].bases;
    assert_eq!(bases.keys().collect::<Vec<_>>(), ["go", "mini/base"]);
    assert_eq!(bases["go"].image, BaseImage::Image("r.example/go:1".into()));
    assert_eq!(bases["go"].source.position(bases["go"].span.start).0, 18, "the line of `from`");
    assert_eq!(graph.order().collect::<Vec<_>>(), ["base", "etcd"]);
    let without = from_git("task: containerfile", "go: {component: base}").unwrap_err();
    assert!(without.render(false).contains("is not fetched"), "{}", without.render(false));
}

#[test]
fn a_name_in_from_that_means_nothing() {
    let findings = from_git("from: [mini/bas]", "go: {component: base}").unwrap_err();
    insta::assert_snapshot!(findings.render(false), @"
error[unresolved-base]: nothing says what from mini/bas is
  --> stream.yaml:18:12
   |
18 |     from: [mini/bas]
   |            ^^^^^^^^
   |
   = help: did you mean `mini/base`? Else write in stream.yaml what it is, `{component: NAME}` or an image:
           bases:
             mini/bas: {image: mini/bas:TAG}
");
}

#[test]
fn a_name_in_from_that_would_write_more_than_a_name() {
    let findings =
        from_git("from: [\"mini/base\\nRUN x\", \"$(params.x)\"]", "go: {component: base}").unwrap_err();
    let found: Vec<&str> = findings.0.iter().map(|finding| finding.code).collect();
    assert_eq!(found.iter().filter(|code| **code == "bad-base-name").count(), 2, "{found:?}");
}

#[test]
fn an_image_for_another_platform_only() {
    let both = "go: {images: {linux/amd64: \"r.example/go:amd\", linux/arm64: \"r.example/go:arm\"}}";
    let graphs = from_git("from: [go]", both).unwrap().graphs;
    let graph = only(&graphs);
    assert_eq!(graph.nodes["etcd"].bases["go"].image, BaseImage::Image("r.example/go:amd".into()));
    let findings = from_git("from: [go]", "go: {images: {linux/arm64: \"r.example/go:arm\"}}").unwrap_err();
    insta::assert_snapshot!(findings.render(false), @r#"
error[no-image-for-platform]: `go` has no image for linux/amd64
  --> stream.yaml:9:8
   |
 9 |   go: {images: {linux/arm64: "r.example/go:arm"}}
   |        ^^^^^^
...
18 |     from: [go]
   |            -- used here
   |
   = help: write in `images` too: linux/amd64: IMAGE
"#);
    let findings = from_git("from: [go]", "go: {images: {linux/amd64: \"r.example/go\"}}").unwrap_err();
    assert!(findings.render(false).contains("it has neither tag nor digest"), "{}", findings.render(false));
}

/// The same of a stream whose source from git has come meanwhile.
struct Fetched(&'static str);

impl Sources for Fetched {
    fn tree(&self, _: &str, _: &Component, _: Option<&str>) -> Result<Tree, SourceError> {
        Ok(Tree { digest: Digest::of(self.0), apart: None })
    }

    fn patch(&self, patch: &definition::Patch) -> Result<Source, SourceError> {
        Ok(Source::new(patch.file.as_str(), ""))
    }

    fn file(&self, _: &str, _: &Component, path: &str) -> Result<Option<Source>, SourceError> {
        Ok(Some(Source::new(path, self.0)))
    }
}

#[test]
fn a_source_that_uses_more_than_it_was_planned_with() {
    let text = STREAM.replace(
        "source: {path: components/etcd}\n    packages: [etcd-server]",
        "source: {git: {url: https://git.example/etcd, ref: main}}\n    from: [mini/base]",
    );
    let definition = definition::parse(&Source::new("stream.yaml", text)).unwrap();
    let tasks = crate::sample::tasks();
    assert!(check(&definition, &Fetched("FROM mini/base\n"), &tasks).is_ok());
    let more = Fetched(
        "FROM mini/base\nCOPY --from=r.example/tool@sha256:0000000000000000000000000000000000000000000000000000000000000001 / /\n",
    );
    let findings = check(&definition, &more, &tasks).unwrap_err();
    insta::assert_snapshot!(findings.render(false), @"
error[undeclared-base]: `etcd` uses r.example/tool@sha256:0000000000000000000000000000000000000000000000000000000000000001, which its `from` does not have
  --> Containerfile:2:13
   |
 2 | COPY --from=r.example/tool@sha256:0000000000000000000000000000000000000000000000000000000000000001 / /
   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
  ::: stream.yaml:17:5
   |
17 |     from: [mini/base]
   |     ---- planned with these
   |
   = help: make it a stage by a patch or an edit, `FROM … AS NAME` above and NAME here, and name it in `from`
");
}

finding!(a_base_to_exchange_that_promises_nothing, "releaseBase:" => "layerRebase: [mini/base]\nreleaseBase:", @r#"
warning[no-abi-label]: the base `base` is not exchanged: it has no label `streamwright.dev/abi`
  --> stream.yaml:11:3
   |
11 |   base:
   |   ^^^^
   |
   = help: give it one that says what images on it rely on: `labels: {streamwright.dev/abi: "1"}`
"#);
finding!(a_base_to_exchange_that_nothing_is_on, "releaseBase:" => "layerRebase: [mini/bas]\nreleaseBase:", @"
warning[unused-layer-rebase]: no image is a layer on `mini/bas`
 --> stream.yaml:6:15
  |
6 | layerRebase: [mini/bas]
  |               ^^^^^^^^
  |
  = help: did you mean `mini/base`?
");
finding!(a_base_to_exchange_that_is_no_pattern, "releaseBase:" => "layerRebase: [\"mini/[\"]\nreleaseBase:", @r#"
error[bad-pattern]: `mini/[` is not a pattern: unclosed character class; missing ']'
 --> stream.yaml:6:15
  |
6 | layerRebase: ["mini/["]
  |               ^^^^^^^^
"#);
