//! Streams with pipelines of their own: scans, approvals, other builders. Built, refused, stopped.

#![allow(clippy::unwrap_used)]

mod env;
mod tiny;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tiny::{Printed, Tiny, can_build};

/// The operations of a careful stream on the tiny one, whose components name no task here.
const CAREFUL: &str =
    "  - setTask: {task: build, taskRef: {name: tiny-image}, why: There is no other builder here.}
  - insertTask:
      task: scan
      definition: {each: component, after: build, taskRef: {name: scan}}
  - insertTask:
      task: approval
      why: Nothing is released that nobody has seen.
      definition: {before: assemble, taskRef: {name: approval}, timeout: 30m}
  - removeTest: {test: tool}
";

/// The tiny stream, and an overlay on it with these operations.
fn careful(operations: &str) -> (Tiny, PathBuf) {
    let tiny = Tiny::new();
    tiny.edit("    task: tiny-image\n", "");
    let dir = tiny.stream().with_file_name("careful");
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: careful\nrepository: localhost:5757/careful\nfrom: {{path: ../tiny}}\noperations:\n{operations}"
    );
    fs::write(dir.join("stream.yaml"), text).unwrap();
    (tiny, dir)
}

/// A build that waits for an approval, with what it says to type.
struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    /// `sw approve …`, without the program.
    approve: Vec<String>,
}

impl Waiting {
    fn new(tiny: &Tiny, dir: &std::path::Path) -> Self {
        let mut command = tiny.command(&["build", dir.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let approve = loop {
            let mut line = String::new();
            if stderr.read_line(&mut line).unwrap() == 0 {
                panic!("the build ended without asking:\n{said}");
            }
            said.push_str(&line);
            if let Some((_, command)) = line.split_once("  sw approve ") {
                let words = command.split_whitespace().take_while(|word| *word != "--why");
                break ["approve".to_owned()].into_iter().chain(words.map(str::to_owned)).collect();
            }
        };
        Self { child, stderr, said, approve }
    }

    fn answer(&self, tiny: &Tiny, more: &[&str]) -> Printed {
        let words: Vec<&str> = self.approve.iter().map(String::as_str).chain(more.iter().copied()).collect();
        tiny.sw(&words)
    }

    fn end(mut self) -> Printed {
        let mut stdout = String::new();
        self.stderr.read_to_string(&mut self.said).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        Printed { stdout, stderr: self.said, code }
    }
}

#[test]
fn scanned_and_approved_images_become_a_release() {
    if !can_build() {
        return;
    }
    let (tiny, dir) = careful(CAREFUL);
    let waiting = Waiting::new(&tiny, &dir);
    let answered = waiting.answer(&tiny, &["--why", "looks good", "--by", "jo"]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    assert!(answered.stdout.contains("approved by jo at "), "{answered:?}");
    let built = waiting.end();
    assert_eq!(built.code, Some(0), "{}\n{}", built.stderr, built.stdout);
    let marks = Tiny::marks(&built);
    for expected in ["scan-app done", "scan-base done", "scan-tool done", "approval done", "test-app done"] {
        assert!(marks.iter().any(|mark| mark == expected), "{expected}: {marks:?}");
    }
    let at = |mark: &str| marks.iter().position(|other| other == mark);
    assert!(
        at("approval done") > at("scan-tool done") && at("assemble done") > at("approval done"),
        "{marks:?}"
    );
    assert!(!marks.iter().any(|mark| mark.starts_with("test-tool")), "{marks:?}");

    // Nothing changed, so nobody is asked; and a release of the same images is not asked about twice.
    let again = tiny.sw(&["build", dir.to_str().unwrap()]);
    assert!(again.stderr.contains("nothing changed"), "{again:?}");
    let text = fs::read_to_string(dir.join("stream.yaml")).unwrap();
    fs::write(dir.join("stream.yaml"), text + "  - removeTest: {test: app}\n").unwrap();
    let untested = tiny.sw(&["build", dir.to_str().unwrap()]);
    assert_eq!(untested.code, Some(0), "{untested:?}");
    assert!(Tiny::marks(&untested).contains(&"approval done".to_owned()), "{untested:?}");
    assert_eq!(tiny.sw(&["store", "check"]).code, Some(0));
}

#[test]
fn what_is_rejected_is_no_release_until_somebody_thinks_again() {
    if !can_build() {
        return;
    }
    let (tiny, dir) = careful(CAREFUL);
    let waiting = Waiting::new(&tiny, &dir);
    assert_eq!(waiting.answer(&tiny, &["--reject", "--why", "not today", "--by", "jo"]).code, Some(0));
    let id = waiting.approve[2].clone();
    let rejected = waiting.end();
    assert_eq!(rejected.code, Some(1), "{rejected:?}");
    assert!(rejected.stderr.contains("rejected by jo at "), "{}", rejected.stderr);
    assert!(rejected.stderr.contains(": not today"), "{}", rejected.stderr);
    assert!(!Tiny::marks(&rejected).iter().any(|mark| mark.starts_with("assemble")));
    // The answer stays, and the next one counts. Where no build runs, the store of this machine has the question.
    let folder = dir.to_str().unwrap();
    assert_eq!(tiny.sw(&["build", folder]).code, Some(1));
    let unknown = tiny.sw(&["approve", folder, "abc"]);
    assert!(unknown.stderr.contains("nobody asked abc"), "{unknown:?}");
    let none = tiny.sw(&["approve", folder]);
    assert!(none.stderr.contains("nothing waits for an approval"), "{none:?}");
    assert_eq!(tiny.sw(&["approve", folder, &id, "--by", "jo"]).code, Some(0));
    let built = tiny.sw(&["build", folder]);
    assert_eq!(built.code, Some(0), "{built:?}");
}

#[test]
fn waiting_for_a_person_can_be_stopped() {
    if !can_build() {
        return;
    }
    let (tiny, dir) = careful(CAREFUL);
    let waiting = Waiting::new(&tiny, &dir);
    kill_process(Pid::from_child(&waiting.child), Signal::INT).unwrap();
    let stopped = waiting.end();
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    // The question is still there, and answered before the next build asks.
    let answered = tiny.sw(&["approve", dir.to_str().unwrap()]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    let built = tiny.sw(&["build", dir.to_str().unwrap()]);
    assert_eq!(built.code, Some(0), "{built:?}");
}

#[test]
fn nobody_comes() {
    if !can_build() {
        return;
    }
    let operations = CAREFUL.replace("timeout: 30m", "params: [{name: patience, value: 1s}]");
    let (tiny, dir) = careful(&operations);
    let built = tiny.sw(&["build", dir.to_str().unwrap()]);
    assert_eq!(built.code, Some(1), "{built:?}");
    assert!(built.stderr.contains("nobody approved or rejected in time"), "{}", built.stderr);
}

#[test]
fn an_image_that_is_there_is_copied_instead_of_built() {
    if !can_build() {
        return;
    }
    let tiny = Tiny::new();
    assert_eq!(tiny.build().code, Some(0));
    let record = env::read_json(&tiny.home().join("builds/tiny/last.json"));
    let app = env::text(&record["platforms"]["linux/amd64"]["images"]["app"]);
    let (tiny_again, dir) = (&tiny, tiny.stream().with_file_name("copied"));
    fs::create_dir_all(dir.join("components/app")).unwrap();
    fs::write(dir.join("components/app/Containerfile"), format!("FROM localhost:5757/tiny/app@{app}\n"))
        .unwrap();
    fs::write(
        dir.join("stream.yaml"),
        "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: copied\nrepository: localhost:5757/copied\nfrom: {path: ../tiny}\noperations:\n  - replace: {component: app, source: {path: components/app}}\n  - change: {component: app, task: prebuilt}\n",
    )
    .unwrap();
    let built = tiny_again.sw(&["build", dir.to_str().unwrap()]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let record: Value = env::read_json(&tiny.home().join("builds/copied/last.json"));
    assert_eq!(
        env::text(&record["platforms"]["linux/amd64"]["images"]["app"]),
        app,
        "the same image, byte by byte"
    );
    let images = tiny.home().join("store/repositories/copied/app/_tags");
    assert!(images.is_dir(), "it is in the stream's own repository");
}

#[test]
fn a_folder_of_objects_for_a_cluster() {
    let (tiny, dir) = careful(CAREFUL);
    let to = dir.with_file_name("rendered");
    let render = |to: &str| tiny.sw(&["render", dir.to_str().unwrap(), "--output-dir", to]);
    let written = render(to.to_str().unwrap());
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.stderr.contains("kubectl create -f "), "{written:?}");
    let mut objects: Vec<String> = fs::read_dir(to.join("objects"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    objects.sort();
    let expected = ["approval", "assemble", "scan", "tiny-image", "tiny-test", "verdict"];
    let tasks: Vec<String> = expected.iter().map(|name| format!("task-{name}.yaml")).collect();
    assert_eq!(objects, [&["pipeline-careful.yaml".to_owned()], tasks.as_slice()].concat());
    // One after the other they are what is printed.
    let printed = tiny.sw(&["render", dir.to_str().unwrap()]).stdout;
    let run = fs::read_to_string(to.join("run.yaml")).unwrap();
    assert!(printed.ends_with(&run), "{run}");
    let text: usize = objects.iter().map(|name| fs::read(to.join("objects").join(name)).unwrap().len()).sum();
    assert_eq!(printed.len(), text + run.len() + objects.len() * "---\n".len());
    let validated =
        tiny.sw(&["validate", to.join("objects").to_str().unwrap(), to.join("run.yaml").to_str().unwrap()]);
    assert_eq!(validated.code, Some(0), "{validated:?}");
    let again = render(to.to_str().unwrap());
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("name a new folder"), "{again:?}");
}
