//! Hostile and broken texts: never a panic, never more than the limits.
#![allow(clippy::unwrap_used)]

use base::Source;
use proptest::prelude::*;
use tekton::load::load;
use tekton::yaml;

/// Reads a text and shows every place that is reported.
fn survive(text: &str) {
    let source = Source::new("f", text);
    match load(&source) {
        Ok(loaded) => {
            loaded.warnings.render(false);
            tekton::lint::lint(&loaded.documents).render(false);
            for mut document in loaded.documents {
                tekton::validate::validate(&document).render(false);
                tekton::defaults::apply(&mut document.object, &tekton::defaults::Defaults::default());
            }
        }
        Err(problems) => {
            assert!(problems.has_errors());
            problems.render(false);
        }
    }
}

const SEEDS: [&str; 4] = [
    "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t, labels: {a: b}}\nspec:\n  params: [{name: p, type: array, default: [a, 1]}]\n  steps:\n  - image: x\n    env: &e [{name: A, value: b}]\n    script: |\n      echo $(params.p[*])\n  - image: y\n    env: *e\n    timeout: 1m\n",
    "apiVersion: tekton.dev/v1beta1\nkind: PipelineRun\nmetadata: {generateName: r-}\nspec:\n  timeout: 1h\n  serviceAccountName: s\n  pipelineSpec:\n    tasks:\n    - name: a\n      taskSpec: {steps: [{image: x, resources: {limits: {cpu: 1}}}]}\n    - {name: b, runAfter: [a], taskRef: {name: t, kind: ClusterTask}}\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"s\"}, \"data\": {\"k\": \"aGk=\"}}]}",
    "base: &b {x: 1}\nmore: {<<: *b, z: [2, 3e4, ~, yes]}\n---\n- |+\n  text\n\n- >-\n  folded\n  text\n...\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        survive(&text);
    }

    #[test]
    fn text_of_yaml_tokens(tokens in prop::collection::vec(prop::sample::select(vec![
        "a", "kind: Task", "apiVersion: tekton.dev/v1", "spec:", ": ", ":", "- ", "\n", "  ", "\n  ", "\n    ", "{", "}", "[", "]", ",",
        "&x ", "*x", "<<: ", "|\n", ">-\n", "\"", "'", "#", "---\n", "...\n", "? ", "!!str ", "!t ", "%YAML 1.1\n", "\t", "é", "0x1", "\u{feff}", "\r",
    ]), 0..60)) {
        survive(&tokens.concat());
    }

    #[test]
    fn examples_with_damage(seed in 0..SEEDS.len(), at in any::<prop::sample::Index>(), cut in 0usize..12, put in "[\\PC\\n\\t]{0,6}") {
        let text = SEEDS[seed];
        let boundaries: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let start = at.index(boundaries.len());
        let end = (start + cut).min(boundaries.len() - 1);
        survive(&format!("{}{put}{}", &text[..boundaries[start]], &text[boundaries[end]..]));
    }

    #[test]
    fn every_span_is_a_range_of_the_text(seed in 0..SEEDS.len()) {
        fn check(node: &yaml::Node, text: &str) {
            assert!(text.get(node.span.start..node.span.end).is_some());
            for entry in node.entries() {
                assert!(text.get(entry.key_span.start..entry.key_span.end).is_some());
                check(&entry.value, text);
            }
            node.items().iter().for_each(|item| check(item, text));
        }
        for node in yaml::parse(&Source::new("f", SEEDS[seed])).unwrap() {
            check(&node, SEEDS[seed]);
        }
    }
}

fn refused(text: &str) -> String {
    match yaml::parse(&Source::new("f", text)) {
        Ok(_) => "accepted".into(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn billion_laughs_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let before = vec![format!("*a{}", i - 1); 10].join(", ");
        text.push_str(&format!("a{i}: &a{i} [{before}]\n"));
    }
    assert!(refused(&text).contains("anchors and aliases stand for too many values"), "{}", refused(&text));
}

#[test]
fn quadratic_texts_are_refused() {
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(10_000));
    assert!(refused(&text).contains("too many values"), "{}", refused(&text));
}

#[test]
fn deep_texts_are_refused() {
    for text in ["[".repeat(5_000), "{a: ".repeat(5_000), "- ".repeat(5_000), "? ".repeat(5_000)] {
        let said = refused(&text);
        assert!(said.contains("deep") || said.contains("nest") || said.contains("limit"), "{said}");
    }
    let chain: String = (1..60).map(|i| format!("a{i}: &a{i} [[*a{}]]\n", i - 1)).collect();
    assert!(refused(&format!("a0: &a0 x\n{chain}")).contains("nested deeper"), "{}", refused(&chain));
}

/// As deep as the limit allows; the stack must hold it, also without optimisation.
#[test]
fn deep_texts_within_the_limit_are_read() {
    let depth = 94;
    let nested = format!("{}x{}", "[".repeat(depth), "]".repeat(depth));
    let text = format!(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: r}}\nspec: {{taskRef: {{name: t}}, podTemplate: {{affinity: {nested}}}}}\n"
    );
    assert_eq!(load(&Source::new("f", text)).unwrap().documents.len(), 1);
    let levels = 32;
    let text = format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec: {}{{}}{}\n",
        "{tasks: [{name: a, pipelineSpec: ".repeat(levels),
        "}]}".repeat(levels)
    );
    let documents = load(&Source::new("f", text)).unwrap().documents;
    assert_eq!(tekton::validate::validate(&documents[0]).0.len(), 1);
}

/// Work that grows with the square of these would not end.
#[test]
fn long_lists_are_looked_through() {
    let many =
        |count: usize, one: &str| (0..count).map(|i| one.replace('@', &i.to_string())).collect::<String>();
    let task = format!(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: t}}\nspec:\n  params:\n{}  workspaces:\n{}  results:\n{}  steps:\n  - image: i\n    script: |\n{}",
        many(5_000, "  - name: p@\n"),
        many(5_000, "  - {name: w@}\n"),
        many(5_000, "  # sw: allow unused-param\n  # sw: allow nothing\n  - {name: r@}\n"),
        many(5_000, "      echo $(params.q@) $(workspaces.v@.path) /workspace/x@ $(results.s@.path) $(\n"),
    );
    let pipeline = format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n  tasks:\n  - name: a\n    taskRef: {{name: t}}\n    params:\n{}    workspaces:\n{}    runAfter:\n{}",
        many(5_000, "    - {name: o@, value: x}\n"),
        many(5_000, "    - {name: u@}\n"),
        many(5_000, "    - x@\n"),
    );
    let source = Source::new("f", format!("{task}---\n{pipeline}"));
    let documents = load(&source).unwrap_or_else(|e| panic!("{}", e.0[0].message)).documents;
    let comments = tekton::lint::comment::Comments::of(&source);
    let found: Vec<_> = tekton::lint::lint(&documents).into_iter().filter(|d| !comments.allow(d)).collect();
    assert!(found.len() > 200, "{}", found.len());
}

#[test]
fn problems_are_counted_only_so_far() {
    let text = "a: *b\n".repeat(10_000);
    let said = refused(&text);
    assert_eq!(said.lines().count(), yaml::limits::PROBLEMS);
}

#[test]
fn merge_keys_and_aliases_are_resolved() {
    let nodes = yaml::parse(&Source::new("f", SEEDS[3])).unwrap();
    assert_eq!(
        nodes[0].at("more").unwrap().to_json(),
        serde_json::json!({"z": [2, 3e4, null, true], "x": 1})
    );
    assert_eq!(nodes[1].to_json(), serde_json::json!(["text\n\n", "folded text"]));
    let explicit = yaml::parse(&Source::new("f", "{<<: [{a: 1}, {a: 2, b: 3}], b: 4}")).unwrap();
    assert_eq!(explicit[0].to_json(), serde_json::json!({"b": 4, "a": 1}));
}
