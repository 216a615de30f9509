//! Params and results.

use crate::env::{HOST, TestEnv, each_runtime};

const RESULTS: &str = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: results}
spec:
  taskSpec:
    results:
    - {name: text}
    - {name: bare}
    - {name: list, type: array}
    - {name: object, type: object, properties: {a: {}, b: {}}}
    - {name: never}
    - {name: later}
    - {name: forwarded, value: $(steps.one.results.x)}
    steps:
    - name: one
      image: i
      results: [{name: x}]
      script: |
        echo with a newline > $(results.text.path)
        printf bare > $(results.bare.path)
        printf '["one", "two words", ""]' > $(results.list.path)
        printf '{"a": "1", "b": "x=y", "more": "z"}' > $(results.object.path)
        printf first > $(results.later.path)
        printf 'from one' > $(step.results.x.path)
        printf undeclared > /tekton/results/undeclared
    - name: two
      image: i
      env: [{name: X, value: $(steps.one.results.x)}]
      args: [$(steps.one.results.x)]
      script: |
        test "$X" = 'from one'
        test "$1" = 'from one'
        printf second > $(results.later.path)
"#;

#[test]
fn results_are_what_steps_wrote() {
    each_runtime(|env| {
        let outcome = env.run(RESULTS, &[]).ok();
        let results = env.results("results");
        let expected = [
            ("bare", "bare"),
            ("forwarded", "from one"),
            ("later", "second"),
            ("list", r#"["one","two words",""]"#),
            ("object", r#"{"a":"1","b":"x=y","more":"z"}"#),
            ("text", "with a newline\n"),
        ];
        assert_eq!(results, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let step = &env.finished("results")["status"]["steps"][0]["results"][0];
        assert_eq!((step["name"].as_str(), step["value"].as_str()), (Some("x"), Some("from one")));
        // Data on standard output, talk on standard error.
        insta::allow_duplicates! {
            insta::assert_snapshot!(outcome.stdout, @r#"
            bare: bare
            forwarded: from one
            later: second
            list: ["one","two words",""]
            object: {"a":"1","b":"x=y","more":"z"}
            text: with a newline
            "#);
            insta::assert_snapshot!(env.filtered(&outcome.stderr), @"
            run results
            > results   started
            ✓ results   done [TIME]
            Succeeded
            ");
        }
    });
}

const PARAMS: &str = r#"
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: params}
spec:
  params:
  - {name: text, default: from the default}
  - {name: list, type: array, default: [a, "b c", ""]}
  - {name: object, type: object, properties: {own: {}, other: {}}, default: {own: "1", other: "2"}}
  results: [{name: text}, {name: list}, {name: element}, {name: object}, {name: command}, {name: run}]
  steps:
  - name: script
    image: i
    args: [before, "$(params.list[*])", after]
    script: |
      printf '%s' '$(params.text)' > $(results.text.path)
      printf '[%s]' "$@" > $(results.list.path)
      printf '%s' '$(params.list[0])' > $(results.element.path)
      printf '%s' '$(params.object.own) $(params.object.other)' > $(results.object.path)
      printf '%s' '$(context.taskRun.name) $(context.task.name) $(unknown.stays) $$' > $(results.run.path)
  - name: command
    image: i
    env: [{name: GREETING, value: hello}, {name: BOTH, value: $(GREETING) world}]
    command: [sh, -c]
    # Kubernetes' own pass: $(VAR) from the environment, $$ is $.
    args: ["printf '%s' '$(BOTH) $$(BOTH) $(NOT_SET)' > $(results.command.path)"]
"#;

#[test]
fn params_by_default_and_from_the_command_line() {
    let Some(env) = TestEnv::new() else { return };
    let run = |args: &[&str]| {
        env.run(PARAMS, args).ok();
        let run = env.runs().pop().unwrap();
        let results = env.results(&run);
        std::fs::remove_dir_all(env.run_file(&run, "")).unwrap();
        env.filtered(&results.iter().map(|(k, v)| format!("{k}: {v}\n")).collect::<String>())
    };
    insta::assert_snapshot!(run(&[]), @"
    command: hello world $(BOTH) $(NOT_SET)
    element: a
    list: [before][a][b c][][after]
    object: 1 2
    run: params-[ID] params $(unknown.stays) $$
    text: from the default
    ");
    let given = run(&[
        "--param",
        "text=a=b $(context.task.name)",
        "-p",
        r#"list=["given"]"#,
        "-p",
        r#"object={"own": "mine"}"#,
    ]);
    insta::assert_snapshot!(given, @"
    command: hello world $(BOTH) $(NOT_SET)
    element: given
    list: [before][given][after]
    object: mine 2
    run: params-[ID] params $(unknown.stays) $$
    text: a=b params
    ");
}

#[test]
fn results_flow_through_a_pipeline() {
    let Some(env) = TestEnv::new() else { return };
    let pipeline = r#"
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: flow}
spec:
  params: [{name: word, value: seed}]
  pipelineSpec:
    params: [{name: word}]
    tasks:
    - name: source
      taskSpec:
        results: [{name: text}, {name: list, type: array}, {name: object, type: object, properties: {k: {}}}]
        steps:
        - image: i
          script: |
            printf '$(params.word)' > $(results.text.path)
            printf '["x", "y z"]' > $(results.list.path)
            printf '{"k": "v"}' > $(results.object.path)
    - name: sink
      params:
      - {name: text, value: "<$(tasks.source.results.text)>"}
      - {name: list, value: "$(tasks.source.results.list[*])"}
      - {name: object, value: "$(tasks.source.results.object[*])"}
      taskSpec:
        params: [{name: text}, {name: list, type: array}, {name: object, type: object, properties: {k: {}}}]
        results: [{name: seen}]
        steps:
        - image: i
          args: ["$(params.text)", "$(params.list[*])", "$(params.object.k)"]
          script: printf '[%s]' "$@" > $(results.seen.path)
    results:
    - {name: seen, value: "$(tasks.sink.results.seen)"}
    - {name: mixed, value: "$(tasks.source.results.text) and $(tasks.source.results.list[1])"}
    - {name: list, value: "$(tasks.source.results.list[*])"}
"#;
    env.run(pipeline, &[]).ok();
    let expected = [("list", r#"["x","y z"]"#), ("mixed", "seed and y z"), ("seen", "[<seed>][x][y z][v]")];
    assert_eq!(env.results("flow"), expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let order = env.events("flow").into_iter().filter(|e| e["event"]["type"] == "task-started");
    let order: Vec<String> = order.map(|e| crate::env::text(&e["event"]["task"])).collect();
    assert_eq!(order, ["source", "sink"]);
}

#[test]
fn a_pipeline_from_several_files_and_standard_input() {
    let Some(env) = TestEnv::new() else { return };
    let task = r#"
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: greet}
spec:
  params: [{name: who}]
  results: [{name: text}]
  steps: [{image: i, script: "printf 'hello $(params.who)' > $(results.text.path)"}]
"#;
    // The old version, as many still write it.
    let pipeline = r#"
apiVersion: tekton.dev/v1beta1
kind: Pipeline
metadata: {name: greetings}
spec:
  params: [{name: who, default: nobody}]
  tasks:
  - {name: greet, taskRef: {name: greet}, params: [{name: who, value: $(params.who)}]}
  results: [{name: text, value: $(tasks.greet.results.text)}]
"#;
    env.write("task.yaml", task);
    let pipeline = env.write("pipeline.yaml", pipeline);
    let mut command = env.sw();
    command.args(["run", "task.yaml", "-", "--param", "who=world"]).args(HOST);
    command.stdin(std::fs::File::open(pipeline).unwrap());
    let outcome = env.outcome(command).ok();
    assert_eq!(outcome.stdout, "text: hello world\n");
    let runs = env.runs();
    assert!(runs.len() == 1 && env.filtered(&runs[0]) == "greetings-[ID]", "{runs:?}");
}
