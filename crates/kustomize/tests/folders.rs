//! Folders that are wrong or hostile, from texts in memory.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use kustomize::{Built, Files, build};
use proptest::prelude::*;

/// Paths with their texts; folders are what they lie in.
struct Texts(BTreeMap<PathBuf, Vec<u8>>);

impl Files for Texts {
    fn resolve(&self, path: &Path) -> io::Result<(PathBuf, bool)> {
        let mut real = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(real.pop()),
                Component::CurDir => {}
                other => real.push(other),
            }
        }
        match self.0.contains_key(&real) {
            true => Ok((real, false)),
            false if self.0.keys().any(|file| file.starts_with(&real)) => Ok((real, true)),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn read(&self, path: &Path, _: u64) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

fn built(files: &[(&str, &str)]) -> Result<Built, base::Diagnostics> {
    let texts = files.iter().map(|(path, text)| (Path::new("/w").join(path), text.as_bytes().to_vec()));
    build(&Texts(texts.collect()), Path::new("/w/top"))
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n";

/// What is said about this kustomization, which lies beside `c.yaml`.
fn said(kustomization: &str) -> String {
    let files = [("top/kustomization.yaml", kustomization), ("top/c.yaml", CONFIG), ("outside.yaml", CONFIG)];
    match built(&files) {
        Ok(built) => built.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn problems_have_their_places() {
    for (kustomization, message) in [
        ("resources: [c.yaml]\nresource: x", "/w/top/kustomization.yaml:2:1: unknown field \"resource\""),
        ("resources:\n- d.yaml", "/w/top/kustomization.yaml:2:3: cannot read `d.yaml`: entity not found"),
        (
            "resources:\n- ../outside.yaml",
            "/w/top/kustomization.yaml:2:3: `../outside.yaml` is outside of /w/top; only other kustomizations may be, as whole folders",
        ),
        (
            "resources: [/etc/passwd]",
            "/w/top/kustomization.yaml:1:13: `/etc/passwd` is an absolute path; write it from here",
        ),
        (
            "resources: ['https://example.org/x.yaml']",
            "/w/top/kustomization.yaml:1:13: `https://example.org/x.yaml` is not on this machine",
        ),
        (
            "resources: ['git@example.org:x.git']",
            "/w/top/kustomization.yaml:1:13: `git@example.org:x.git` is not on this machine",
        ),
        (
            "resources: [.]",
            "/w/top/kustomization.yaml:1:13: `.` is or contains a kustomization that includes this one",
        ),
        (
            "bases: ['..']",
            "/w/top/kustomization.yaml:1:9: `..` is or contains a kustomization that includes this one",
        ),
        ("resources: [c.yaml, c.yaml]", "/w/top/c.yaml:1:1: ConfigMap c is there twice"),
        (
            "helmCharts: [{name: x}]",
            "/w/top/kustomization.yaml:1:1: `helmCharts` is not supported: a chart is fetched and rendered by another program",
        ),
        (
            "transformers: [x.yaml]",
            "/w/top/kustomization.yaml:1:1: `transformers` is not supported: plugins are programs, and building runs none",
        ),
        (
            "vars: []",
            "/w/top/kustomization.yaml:1:1: `vars` is not supported: kustomize itself has given them up",
        ),
        ("kind: Component", "/w/top/kustomization.yaml:1:7: a component builds nothing by itself"),
        (
            "resources: [c.yaml]\nreplicas: [{name: c, count: 1}]",
            "/w/top/kustomization.yaml:2:19: nothing called `c` has replicas",
        ),
        (
            "resources: [c.yaml]\npatches:\n- patch: '[{op: remove, path: /x}]'\n  target: {kind: ConfigMap}",
            "/w/top/kustomization.yaml, patches[0]:1:2: there is no /x (ConfigMap c)",
        ),
        (
            "resources: [c.yaml]\npatches:\n- patch: '[{op: remove, path: /x}]'",
            "/w/top/kustomization.yaml:3:3: a JSON patch needs a `target:`",
        ),
        (
            "resources: [c.yaml]\npatches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: d}}'",
            "/w/top/kustomization.yaml, patches[0]:1:52: the patch is for ConfigMap d, which is not among the resources",
        ),
        (
            "resources: [c.yaml]\npatches:\n- patch: '[]'\n  target: {kind: ConfigMapp}",
            "/w/top/kustomization.yaml:4:3: this patch is for no object",
        ),
        (
            "resources: [c.yaml]\npatches:\n- patch: '[]'\n  target: {kind: '('}",
            "/w/top/kustomization.yaml:3:3: kind: `(` is not a regular expression",
        ),
        (
            "configMapGenerator: [{name: c, literals: [x]}]",
            "/w/top/kustomization.yaml:1:43: a literal is written as key=value",
        ),
        (
            "configMapGenerator: [{name: c, files: [../outside.yaml]}]",
            "/w/top/kustomization.yaml:1:40: `../outside.yaml` is outside of /w/top; only other kustomizations may be, as whole folders",
        ),
        (
            "resources: [c.yaml]\nreplacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: ConfigMap}, fieldPaths: [x.y]}]}]",
            "/w/top/kustomization.yaml:2:16: ConfigMap c has no field `x.y`; `options: {create: true}` makes it",
        ),
        (
            "sortOptions: {order: random}",
            "/w/top/kustomization.yaml:1:1: the order `random` is not known; write fifo or legacy",
        ),
    ] {
        assert_eq!(said(kustomization), message, "{kustomization}");
    }
}

#[test]
fn tasks_that_a_prefix_leaves_behind_are_told() {
    let pipeline = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {tasks: [{name: t, taskRef: {name: c}}]}\n---\napiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: c}\n";
    let built =
        built(&[("top/kustomization.yaml", "namePrefix: x-\nresources: [p.yaml]"), ("top/p.yaml", pipeline)])
            .unwrap();
    let message = "/w/top/p.yaml:1:1: Pipeline x-p refers to Task c, which is called x-c now";
    assert_eq!(built.warnings.to_string(), message);
}

#[test]
fn folders_that_double_come_to_an_end() {
    let mut files = vec![
        ("l0/kustomization.yaml".to_owned(), "resources: [c.yaml]".to_owned()),
        ("l0/c.yaml".into(), CONFIG.into()),
    ];
    for level in 1..40 {
        for side in ["a", "b"] {
            let text = format!("namePrefix: {side}-\nresources: [../../l{}]", level - 1);
            files.push((format!("l{level}/{side}/kustomization.yaml"), text));
        }
        files.push((format!("l{level}/kustomization.yaml"), "resources: [a, b]".into()));
    }
    files.push(("top/kustomization.yaml".into(), "resources: [../l39]".into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let problem = built(&files).unwrap_err().to_string();
    assert!(
        problem.contains("nested deeper") || problem.contains("kustomizations are included"),
        "{problem}"
    );
}

/// Lines of a kustomization, most of them meaningful.
fn lines() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("resources: [c.yaml]".to_owned()),
        Just("resources: [c.yaml, ../base, ../base]".to_owned()),
        Just("components: [../component]".to_owned()),
        "name(Prefix|Suffix): [a-z-]{0,9}",
        "namespace: [a-z]{0,4}",
        "labels: \\[\\{pairs: \\{[a-z]: [a-z]\\}, include(Selectors|Templates): (true|false)\\}\\]",
        "common(Labels|Annotations): \\{[a-z/.]{1,5}: (x|true|null|\\[\\])\\}",
        "patches: \\[\\{patch: '\\[\\{op: (add|remove|copy|move|test), path: /?[a-z/~0-9-]{0,12}, from: /?[a-z/]{0,6}, value: [0-9]?\\}\\]', target: \\{kind: [A-Za-z.*(]{0,9}\\}\\}\\]",
        "patchesStrategicMerge: \\[\"kind: ConfigMap\\\\napiVersion: v1\\\\nmetadata: \\{name: c\\}\\\\n(data|spec|metadata|kind): (\\{a: null\\}|\\[x\\]|null|\\{\\$patch: (delete|replace|odd)\\})\"\\]",
        "configMapGenerator: \\[\\{name: [a-d], behavior: (create|merge|replace), literals: \\['[a-z]?=?[<>a-z]{0,4}'\\], files: \\[(c.yaml|x=c.yaml|\\.\\.|)\\]\\}\\]",
        "replacements: \\[\\{source: \\{kind: ConfigMap\\}, targets: \\[\\{select: \\{\\}, fieldPaths: \\['[a-z.*0-9-]{0,9}(\\[[a-z]?=[a-z]\\])?'\\], options: \\{create: true, delimiter: '[-.]?', index: -?[0-9]\\}\\}\\]\\}\\]",
        "images: \\[\\{name: [a-z:/@]{0,5}, newTag: [a-z]?, digest: [a-z]?\\}\\]",
        "\\PC{0,30}",
    ];
    proptest::collection::vec(field, 0..6).prop_map(|fields| fields.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(top in lines(), base in lines(), component in lines(), resource in prop_oneof![Just(CONFIG.to_owned()), "\\PC{0,40}"]) {
        let component = format!("kind: Component\n{component}");
        let _ = built(&[
            ("top/kustomization.yaml", &top), ("top/c.yaml", &resource),
            ("base/kustomization.yaml", &base), ("base/c.yaml", CONFIG),
            ("component/kustomization.yaml", &component), ("component/c.yaml", CONFIG),
        ]);
    }

    #[test]
    fn patches_of_different_fields_may_come_in_any_order(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let patch = |index: &usize| match index % 2 {
            0 => format!("- {{target: {{name: c}}, patch: '[{{op: add, path: /data/k{index}, value: v}}]'}}\n"),
            _ => format!("- patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{k{index}: v}}}}'\n"),
        };
        let kustomization = |order: &[usize]| format!("resources: [c.yaml]\npatches:\n{}", order.iter().map(patch).collect::<String>());
        let value = |order: &[usize]| {
            let text = kustomization(order);
            built(&[("top/kustomization.yaml", &text), ("top/c.yaml", CONFIG)]).unwrap().objects.remove(0).value
        };
        let sorted: Vec<usize> = (0..6).collect();
        prop_assert_eq!(value(&order), value(&sorted));
    }
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_outside() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("top");
    std::fs::create_dir(&top).unwrap();
    std::fs::write(dir.path().join("secret.yaml"), CONFIG).unwrap();
    std::fs::write(top.join("kustomization.yaml"), "resources: [link.yaml]").unwrap();
    std::os::unix::fs::symlink("../secret.yaml", top.join("link.yaml")).unwrap();
    let problem = build(&kustomize::Disk, &top).unwrap_err().to_string();
    assert!(problem.contains("`link.yaml` is outside of"), "{problem}");
    std::fs::write(top.join("kustomization.yaml"), "resources: [pipe]").unwrap();
    let made = std::process::Command::new("mkfifo").arg(top.join("pipe")).status().unwrap();
    assert!(made.success());
    let problem = build(&kustomize::Disk, &top).unwrap_err().to_string();
    assert!(problem.contains("neither a file nor a folder"), "{problem}");
}
