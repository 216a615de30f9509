//! What is different without root, and images, where the kernel makes it hard. Everything else is the same: the other tests
//! run in both ways.

use std::fs;
use std::os::unix::fs::MetadataExt;

use testkit::image::{Entry, Image, Layer};

use crate::env::{TestEnv, each_runtime};

/// With every runtime, if there is an ordinary user to be; says so when not.
fn each_runtime_rootless(test: impl Fn(&TestEnv)) {
    each_runtime(|env| {
        if env.rootless() {
            test(env);
        } else {
            println!("skipped: STREAMWRIGHT_TEST_USER names no ordinary user");
        }
    });
}

#[test]
fn limits_that_do_not_hold_are_told_once() {
    each_runtime_rootless(|env| {
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: limited}
spec:
  taskSpec:
    stepTemplate: {computeResources: {limits: {memory: 32Mi}}}
    steps:
    - {name: a, image: i, script: "head -c 64M /dev/zero | tail > /dev/null"}
    - {name: b, image: i, script: "exit 0"}
"#;
        let outcome = env.run(run, &[]).ok();
        let warnings: Vec<&str> = outcome.stderr.lines().filter(|l| l.starts_with("warning")).collect();
        assert_eq!(warnings, ["warning: memory limits are not applied: control groups take root"]);
        env.assert_nothing_left();
    });
}

#[test]
fn other_users_of_a_container_own_what_they_make() {
    each_runtime_rootless(|env| {
        let work = env.folder("work");
        fs::set_permissions(&work, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let run = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: users}
spec:
  taskSpec:
    workspaces: [{name: w}]
    steps:
    - name: root
      image: i
      script: |
        touch $(workspaces.w.path)/root $HOME/mine /etc/new /tmp/t /var/tmp/t
        ! touch /usr/bin/new 2>/dev/null
        ! mknod /tmp/device b 7 0 2>/dev/null
    - name: other
      image: i
      securityContext: {runAsUser: 7, runAsGroup: 8}
      script: test "$(id -u):$(id -g):$(id -G)" = 7:8:8 && touch $(workspaces.w.path)/other
"#;
        let given = work.display();
        env.run(run, &["--workspace", &format!("w={given}")]).ok();
        let owner = |name: &str| fs::metadata(work.join(name)).unwrap().uid();
        assert_eq!(owner("root"), fs::metadata(&work).unwrap().uid());
        assert!(owner("other") > 1000, "{}", owner("other"));
        let far = run.replace("runAsUser: 7", "runAsUser: 4000000");
        let refused = env.run(&far, &["--workspace", &format!("w={given}")]).code(1);
        assert!(refused.stderr.contains("it would run as user 4000000"), "{}", refused.stderr);
    });
}

#[test]
fn without_a_range_there_is_one_id() {
    each_runtime_rootless(|env| {
        if env.runtime() != "builtin" {
            // runc is looked up where newuidmap must not be found.
            return;
        }
        let empty = env.folder("no-tools");
        let run = |text: &str| {
            env.write("run.yaml", text);
            let mut command = env.sw();
            command.args(["run", "run.yaml", "--image", "*=host"]).env("PATH", &empty);
            env.outcome(command)
        };
        let text = r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: one}
spec:
  taskSpec:
    steps:
    - name: s
      image: i
      script: read -r inside outside count < /proc/self/uid_map; test "$inside $count" = "0 1"
"#;
        run(text).ok();
        let other = run(&text.replace("image: i", "image: i\n      securityContext: {runAsUser: 7}")).code(1);
        assert!(other.stderr.contains("install the package uidmap"), "{}", other.stderr);
    });
}

#[test]
fn the_doctor_knows_an_ordinary_user() {
    each_runtime_rootless(|env| {
        let outcome = env.call(&["doctor"]);
        let found = |line: &str| outcome.stdout.lines().any(|l| l.starts_with(line));
        assert!(found("ok       user               an ordinary user, with "), "{}", outcome.stdout);
        assert!(found("limited  limits of steps    processes"), "{}", outcome.stdout);
    });
}

#[test]
fn layers_keep_their_owners_and_hide_what_they_remove() {
    each_runtime(|env| {
        let Some(programs) = shell() else {
            println!("skipped: no ldd, or not /bin/sh");
            return;
        };
        let owned =
            Entry { name: b"etc/owned", uid: 7, gid: 8, mode: 0o600, data: b"mine\n", ..Entry::default() };
        let device = Entry { kind: b'4', name: b"etc/disk", device: (7, 0), ..Entry::default() };
        let lower =
            programs.dir("etc", 0o755).file("etc/gone", "x").dir("etc/d", 0o755).file("etc/d/gone", "x");
        let image = Image::new()
            .layer(lower.entry(owned).entry(device).gzip())
            .layer(Layer::new().whiteout("etc/gone").dir("etc/d", 0o755).opaque("etc/d").gzip())
            .env("PATH=/bin")
            .build();
        image.write_layout(&env.folder("layout"), "r.example/i:1");
        let store = oci::Store::open(env.home().join("store")).unwrap();
        oci::layout::import(&store, "r.example/i", &env.path("layout")).unwrap();
        env.give_all(&env.home());
        let run = format!(
            r#"
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: image}}
spec:
  taskSpec:
    results: [{{name: seen}}]
    steps:
    - name: owner
      image: r.example/i@{digest}
      securityContext: {{runAsUser: 7, runAsGroup: 8}}
      script: |
        #!/bin/sh -e
        read -r line < /etc/owned
        test ! -e /etc/gone && test ! -e /etc/d/gone
        printf %s "$line" > $(results.seen.path)
    - name: root
      image: r.example/i@{digest}
      script: |
        #!/bin/sh -e
        : > /etc/d/new
        : > /etc/gone
        : > /etc/owned
        test -w /etc/owned
"#,
            digest = image.digest
        );
        env.write("run.yaml", &run);
        env.call(&["run", "run.yaml"]).ok();
        assert_eq!(env.results("image")["seen"], "mine");
        env.assert_nothing_left();
    });
}

/// This machine's shell with the libraries it needs, as a layer.
fn shell() -> Option<Layer> {
    let output = std::process::Command::new("ldd").arg("/bin/sh").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let libraries = text.split_whitespace().filter(|word| word.starts_with('/'));
    let mut layer = Layer::new();
    for file in libraries.chain(["/bin/sh"]) {
        layer = layer.program(file.trim_start_matches('/'), fs::read(file).ok()?);
    }
    Some(layer)
}
