#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use base::{Digest, Source};
use tekton::load::{Object, load};

use super::*;
use crate::definition::{ApiVersion, Platform};
use crate::key;
use crate::lock::{Kind, Packages};
use crate::plan::plan;
use crate::sample::{self, Files, Nothing, STREAM, files};

fn rendered(stream: &str, files: &Files, forced: &[&str]) -> Result<Rendered, Diagnostics> {
    let (definition, graphs) = sample::checked(stream, files);
    let tasks = sample::tasks();
    let pin = |name: &str| Packages {
        wanted: vec![],
        beyond: Digest::of(""),
        pinned: vec![format!("{name}=1.0={}", Digest::of(name).hex()).parse().unwrap()],
    };
    let lock = Lock {
        api_version: ApiVersion::V1Alpha1,
        kind: Kind::Lock,
        stream: "mini".into(),
        from: None,
        epoch: 1_700_000_000,
        packages: BTreeMap::from([(
            Platform::Amd64,
            BTreeMap::from([("base".into(), pin("bash")), ("etcd".into(), pin("etcd-server"))]),
        )]),
        images: BTreeMap::from([("quay.io:443/tools/go:1".into(), Digest::of("tools"))]),
        commits: BTreeMap::new(),
    };
    let inputs = key::inputs(&graphs, &definition.places, &lock, files, &tasks).unwrap();
    let forced: BTreeSet<String> = forced.iter().map(|name| (*name).to_owned()).collect();
    let plan = plan(&graphs, &lock, &inputs, &Nothing, &forced);
    render(Request { graphs: &graphs, lock: &lock, plan: &plan, tasks: &tasks })
}

#[test]
fn two_components_and_a_test() {
    let stream = STREAM.replace(
        "    images: {image: etcd}\n",
        "    images: {image: etcd}\n    params: {port: \"1\"}\n    blocking: false\n    timeout: 5m\n",
    );
    let stream = stream.replace(
        "    packages: [etcd-server]\n",
        "    packages: [etcd-server]\n    labels: {io.openshift.release.operator: \"true\"}\n",
    );
    let rendered = rendered(&stream, &files(), &[]).unwrap();
    let kinds: Vec<String> = rendered.documents.iter().map(|d| format!("{} {}", d.kind, d.name)).collect();
    insta::assert_snapshot!(kinds.join("\n"), @"
    Task assemble
    Task containerfile
    Task debian-base
    Task test-etcd
    Task verdict
    Pipeline mini
    PipelineRun mini-
    ");
    assert!(
        rendered.documents[4].text.starts_with("# Decides.\napiVersion:"),
        "tasks are kept as they are written"
    );
    insta::assert_snapshot!(rendered.documents[5].text, @r#"
    apiVersion: tekton.dev/v1
    kind: Pipeline
    metadata:
      name: mini
    spec:
      description: Builds, assembles and tests a release of the stream mini.
      tasks:
        - name: base
          taskRef:
            name: debian-base
          params:
            - name: packages
              value:
                - bash=1.0=37d2b12d5d9abc2a364ef9448767ee03938e383c0284193477dc7618f4b7c6c2
        - name: etcd
          taskRef:
            name: containerfile
          params:
            - name: context
              value: components/etcd
            - name: repository
              value: $(params.repository)/etcd
            - name: inputs
              value: sha256:a402afe3c68ed2960b1af6227b88bb4a8eaf1192aed83262d65f3e325b340be4
            - name: bases
              value:
                - mini/base=$(tasks.base.results.image)
            - name: labels
              value:
                - io.openshift.build.commit.id=tree-e84b81a245f9
                - io.openshift.build.commit.ref=
                - io.openshift.build.source-location=mini/components/etcd
                - io.openshift.release.operator=true
            - name: packages
              value:
                - etcd-server=1.0=e41b41103ac50e8493b883f6b44303592e6fd56eb343d74f885c36fb1fb48f13
          workspaces:
            - name: source
            - name: cache
        - name: assemble
          taskRef:
            name: assemble
          params:
            - name: images
              value:
                - etcd=$(tasks.etcd.results.image)
            - name: stream
              value: mini
            - name: version
              value: "0.1.0"
            - name: base
              value: etcd
            - name: repository
              value: $(params.repository)
            - name: published
              value: localhost:5757/mini
            - name: insecure
              value: $(params.insecure)
        - name: test-etcd
          taskRef:
            name: test-etcd
          runAfter:
            - assemble
          params:
            - name: image
              value: $(tasks.etcd.results.image)
            - name: port
              value: "1"
            - name: test
              value: etcd
          workspaces:
            - name: evidence
          timeout: 5m
          onError: continue
      params:
        - name: repository
          type: string
          description: Where images are pushed, without a tag; one repository for each component below it.
          default: localhost:5757/mini
        - name: insecure
          type: string
          description: "\"true\" talks plain http to that registry."
          default: "false"
        - name: caches
          type: array
          description: Repositories of other streams, whose images are used when their keys are the ones wanted.
          default: []
      workspaces:
        - name: source
          description: The stream's folder; it is only read.
        - name: cache
          description: Keeps what tasks download, between runs.
          optional: true
        - name: evidence
          description: What the tests and the assembly leave behind.
      results:
        - name: image
          description: The payload.
          value: $(tasks.assemble.results.image)
        - name: verdict
          value: $(finally.verdict.results.verdict)
      finally:
        - name: verdict
          taskRef:
            name: verdict
          params:
            - name: release
              value: $(tasks.assemble.results.image)
            - name: outcomes
              value:
                - etcd=$(tasks.test-etcd.status):informing
          workspaces:
            - name: evidence
    "#);
    insta::assert_snapshot!(rendered.documents[6].text, @r#"
    apiVersion: tekton.dev/v1
    kind: PipelineRun
    metadata:
      generateName: mini-
      labels:
        streamwright.dev/stream: mini
    spec:
      pipelineRef:
        name: mini
      params:
        - name: repository
          value: localhost:5757/mini
        - name: insecure
          value: "false"
        - name: caches
          value: []
      timeouts:
        pipeline: 12h0m0s
        finally: 15m0s
      taskRunTemplate:
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: amd64
      workspaces:
        - name: source
          subPath: source
          persistentVolumeClaim:
            claimName: mini
        - name: cache
          subPath: cache
          persistentVolumeClaim:
            claimName: mini
        - name: evidence
          volumeClaimTemplate:
            spec:
              accessModes:
                - ReadWriteOnce
              resources:
                requests:
                  storage: 1Gi
    "#);
}

#[test]
fn a_strict_decoder_takes_it_and_finds_every_task() {
    let text = rendered(STREAM, &files(), &[]).unwrap().text();
    let loaded =
        load(&Source::new("rendered.yaml", text.as_str())).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert_eq!(loaded.warnings, Diagnostics::default());
    for document in &loaded.documents {
        assert_eq!(tekton::validate::validate(document), Diagnostics::default());
    }
    let catalog = tekton::catalog::Catalog::new(loaded.documents, &mut |name| format!("{name}x")).unwrap();
    let pipeline = catalog.pipeline("mini").unwrap();
    for task in pipeline.spec.all_tasks() {
        let declared = catalog.task(&task.task_ref.as_ref().unwrap().name).unwrap();
        let given: BTreeSet<&str> = task.params.iter().map(|p| p.name.as_str()).collect();
        let missing =
            declared.spec.params.iter().find(|p| p.default.is_none() && !given.contains(p.name.as_str()));
        assert_eq!(missing, None, "{}", task.name);
        let unbound = declared
            .spec
            .workspaces
            .iter()
            .find(|w| !w.optional && task.workspaces.iter().all(|b| b.name != w.name));
        assert_eq!(unbound, None, "{}", task.name);
    }
}

#[test]
fn the_same_stream_gives_the_same_text() {
    assert_eq!(rendered(STREAM, &files(), &[]), rendered(STREAM, &files(), &[]));
}

#[test]
fn bases_outside_come_by_digest() {
    let stream = STREAM.replace("{component: base}", "{image: \"quay.io:443/tools/go:1\"}");
    let digest = Digest::of("own");
    let from = format!("FROM mini/base\nCOPY --from=quay.io/own@{digest} /a /a\n");
    let files = Files(BTreeMap::from([("components/etcd/Containerfile", from.leak() as &str)]));
    let text = rendered(&stream, &files, &[]).unwrap().text();
    for expected in [
        format!("mini/base=quay.io:443/tools/go@{}", Digest::of("tools")),
        format!("quay.io/own@{digest}=quay.io/own@{digest}"),
    ] {
        assert!(text.contains(&expected), "{expected}\n{text}");
    }
}

#[test]
fn the_release_is_for_the_platform_of_the_stream() {
    let stream = STREAM.replace("releaseBase:", "platforms: [linux/arm64]\nreleaseBase:");
    let text = rendered(&stream, &files(), &[]).unwrap().text();
    let Object::Pipeline(pipeline) = load(&Source::new("rendered", text))
        .unwrap()
        .documents
        .into_iter()
        .map(|document| document.object)
        .find(|object| matches!(object, Object::Pipeline(_)))
        .unwrap()
    else {
        unreachable!()
    };
    let assemble = pipeline.spec.tasks.iter().find(|task| task.name == "assemble").unwrap();
    let platforms = assemble.params.iter().find(|param| param.name == "platforms").unwrap();
    assert_eq!(platforms.value, vec!["linux/arm64".to_owned()].into());
}

#[test]
fn a_task_that_cannot_be_forced() {
    let errors = rendered(STREAM, &files(), &["etcd"]).unwrap_err();
    insta::assert_snapshot!(errors.render(false), @r#"
    error[cannot-force]: `etcd` cannot be forced: its task `containerfile` has no parameter `force`
     --> tasks/all.yaml:4:18
      |
    4 | metadata: {name: containerfile}
      |                  ^^^^^^^^^^^^^
      |
      = help: declare `force`, with the default "false", and build without a look-up when it is "true"
    "#);
}

#[test]
fn names_are_labels_and_do_not_meet() {
    let long = "x".repeat(70);
    let stream = STREAM
        .replace("  etcd:\n    source", &format!("  {long}: {{source: {{path: components/etcd}}}}\n  a.b: {{source: {{path: components/etcd}}}}\n  assemble: {{source: {{path: components/etcd}}}}\n  test-etcd: {{source: {{path: components/etcd}}}}\n  etcd:\n    source"));
    let (_, graphs) = sample::checked(&stream, &files());
    let names = Names::new(&graphs);
    let mut all: Vec<&str> =
        graphs.stream.components.keys().map(|name| names.component(name, Platform::Amd64)).collect();
    all.extend(graphs.stream.tests.keys().map(|name| names.test(name, Platform::Amd64)));
    insta::assert_snapshot!(all.join("\n"), @"
    a-b-2e7336
    assemble-63ebfa
    base
    etcd
    test-etcd-8884eb
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-c71bd1
    test-etcd
    ");
    assert!(all.iter().all(|name| name.len() <= 63));
    assert_eq!(names.component_of("etcd"), Some(("etcd", Platform::Amd64)));
    assert_eq!(names.component_of(names.component("a.b", Platform::Amd64)), Some(("a.b", Platform::Amd64)));
    assert_eq!(names.test_of("test-etcd"), Some(("etcd", Platform::Amd64)));
    assert_eq!(names.component_of("test-etcd"), None);
    let load = load(&Source::new("t", rendered(&stream, &files(), &[]).unwrap().text())).unwrap();
    assert!(
        load.documents.iter().any(|d| matches!(&d.object, Object::Pipeline(p) if p.spec.tasks.len() == 8))
    );
}

/// Names, what they wait for, and the parameters that differ between platforms.
fn outline(rendered: &Rendered) -> String {
    let text = &rendered.documents[rendered.documents.len() - 2].text;
    let documents = load(&Source::new("t", text.as_str())).unwrap().documents;
    let Object::Pipeline(pipeline) = &documents[0].object else { panic!("{text}") };
    let mut lines = Vec::new();
    for task in pipeline.spec.all_tasks() {
        lines.push(task.name.clone());
        if !task.run_after.is_empty() {
            lines.push(format!("  after {}", task.run_after.join(" ")));
        }
        let told = ["platform", "platforms", "bases", "images", "image", "test", "report", "outcomes"];
        for param in task.params.iter().filter(|param| told.contains(&&*param.name)) {
            lines.push(format!("  {} {}", param.name, serde_json::to_string(&param.value).unwrap()));
        }
    }
    lines.join("\n")
}

const BOTH: &str = "releaseBase: etcd\nplatforms: [linux/arm64, linux/amd64]";

#[test]
fn what_is_done_for_each_is_done_on_each_platform() {
    let stream = STREAM.replacen("releaseBase: etcd", BOTH, 1);
    let rendered = rendered(&stream, &files(), &[]).unwrap();
    insta::assert_snapshot!(outline(&rendered), @r#"
    base-amd64
    etcd-amd64
      bases ["mini/base=$(tasks.base-amd64.results.image)"]
    base-arm64
    etcd-arm64
      bases ["mini/base=$(tasks.base-arm64.results.image)"]
    assemble
      images ["etcd=$(tasks.etcd-amd64.results.image)","etcd=$(tasks.etcd-arm64.results.image)"]
      platforms ["linux/amd64","linux/arm64"]
    test-etcd-amd64
      after assemble
      image "$(tasks.etcd-amd64.results.image)"
      test "etcd-amd64"
    test-etcd-arm64
      after assemble
      image "$(tasks.etcd-arm64.results.image)"
      test "etcd-arm64"
    verdict
      outcomes ["etcd-amd64=$(tasks.test-etcd-amd64.status):blocking","etcd-arm64=$(tasks.test-etcd-arm64.status):blocking"]
    "#);
    let run = &rendered.documents.last().unwrap().text;
    insta::assert_snapshot!(run[run.find("      volumeClaimTemplate").unwrap()..], @"
        volumeClaimTemplate:
          spec:
            accessModes:
              - ReadWriteMany
            resources:
              requests:
                storage: 1Gi
    taskRunSpecs:
      - pipelineTaskName: base-amd64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: amd64
      - pipelineTaskName: etcd-amd64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: amd64
      - pipelineTaskName: base-arm64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: arm64
      - pipelineTaskName: etcd-arm64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: arm64
      - pipelineTaskName: test-etcd-amd64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: amd64
      - pipelineTaskName: test-etcd-arm64
        podTemplate:
          nodeSelector:
            kubernetes.io/arch: arm64
    ");
    assert_eq!(rendered.names.component_of("etcd-arm64"), Some(("etcd", Platform::Arm64)));
    assert_eq!(rendered.names.platform_of("test-etcd-amd64"), Some(Platform::Amd64));
    assert_eq!(rendered.names.platform_of("assemble"), None);
}

#[test]
fn the_tag_of_what_is_missing_on_a_platform_is_the_image_that_stands_in() {
    let motor = "  motor:\n    source: {path: components/etcd}\n    platforms: [linux/arm64]\n    standIn: etcd\n  etcd:\n    source";
    let stream = STREAM.replacen("  etcd:\n    source", motor, 1).replacen("releaseBase: etcd", BOTH, 1);
    let images = |stream: &str| {
        let outline = outline(&rendered(stream, &files(), &[]).unwrap());
        outline.lines().find(|line| line.starts_with("  images")).unwrap().to_owned()
    };
    assert_eq!(
        images(&stream),
        r#"  images ["etcd=$(tasks.etcd-amd64.results.image)","etcd=$(tasks.etcd-arm64.results.image)","motor=$(tasks.etcd-amd64.results.image)","motor=$(tasks.motor-arm64.results.image)"]"#
    );
    // The same in a stream for the other platform alone.
    let one = stream.replacen("[linux/arm64, linux/amd64]", "[linux/amd64]", 1);
    assert_eq!(
        images(&one),
        r#"  images ["etcd=$(tasks.etcd.results.image)","motor=$(tasks.etcd.results.image)"]"#
    );
}

/// A component that is on one platform only, a list that is there already, and images of each platform.
#[test]
fn platforms_differ_in_what_they_have() {
    let digest = |name: &str| Digest::of(name).to_string();
    let more = format!(
        "  only: {{source: {{path: components/etcd}}, platforms: [linux/arm64]}}\n  list: {{source: {{image: \"quay.io/a/list@{}\"}}}}\n  \
         two: {{source: {{images: {{linux/amd64: \"quay.io/a/two@{}\", linux/arm64: \"quay.io/a/two@{}\"}}}}}}\n  etcd:\n    source",
        digest("list"),
        digest("amd64"),
        digest("arm64")
    );
    let stream = STREAM.replacen("  etcd:\n    source", &more, 1).replacen("releaseBase: etcd", BOTH, 1);
    insta::assert_snapshot!(outline(&rendered(&stream, &files(), &[]).unwrap()), @r#"
    base-amd64
    etcd-amd64
      bases ["mini/base=$(tasks.base-amd64.results.image)"]
    base-arm64
    etcd-arm64
      bases ["mini/base=$(tasks.base-arm64.results.image)"]
    only-arm64
      bases ["mini/base=$(tasks.base-arm64.results.image)"]
    assemble
      images ["etcd=$(tasks.etcd-amd64.results.image)","etcd=$(tasks.etcd-arm64.results.image)","list=quay.io/a/list@sha256:a330395cc0a53ad1207736546afff4735940937564bbf75ce1edad40780d9139","only=$(tasks.only-arm64.results.image)","two=quay.io/a/two@sha256:5861314d7fccb39c2192173240eab44fa35ca66426201ca2acd0630a6258dd51","two=quay.io/a/two@sha256:f69162950f235e3cdbbad33f1f912d1a504be90d8a37d002c735d6f3e3882265"]
      platforms ["linux/amd64","linux/arm64"]
    test-etcd-amd64
      after assemble
      image "$(tasks.etcd-amd64.results.image)"
      test "etcd-amd64"
    test-etcd-arm64
      after assemble
      image "$(tasks.etcd-arm64.results.image)"
      test "etcd-arm64"
    verdict
      outcomes ["etcd-amd64=$(tasks.test-etcd-amd64.status):blocking","etcd-arm64=$(tasks.test-etcd-arm64.status):blocking"]
    "#);
}
