//! The lock: moved, made without a network, and asked whether what it names is still there.

#![allow(clippy::unwrap_used)]

mod tiny;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci::server::Server;
use serde_json::Value;
use testkit::image::Image;
use tiny::{Printed, Tiny, can_build};

/// A stream of two components from git on one base image from a registry.
struct Place {
    tiny: Tiny,
    store: oci::Store,
    registry: Server,
}

impl Place {
    fn new() -> Self {
        let tiny = Tiny::new();
        let store = oci::Store::open(tiny.stream().with_file_name("registry")).unwrap();
        let registry = Server::start(store.clone(), "127.0.0.1:0".parse().unwrap()).unwrap();
        let place = Self { tiny, store, registry };
        place.tag("first");
        for name in ["app", "lib"] {
            let repository = place.path(name);
            fs::create_dir(&repository).unwrap();
            fs::write(repository.join("Containerfile"), "FROM x/base\n").unwrap();
            place.git(name, &["init", "--quiet", "--initial-branch=main"]);
            place.git(name, &["config", "uploadpack.allowFilter", "true"]);
            place.git(name, &["add", "."]);
            place.commit(name, &format!("{name} begins"));
        }
        let component = |name: &str| {
            format!("  {name}:\n    source: {{git: {{url: \"{}\", ref: main}}}}\n", place.url(name))
        };
        let bases = format!("bases:\n  x/base: {{image: \"{}\"}}\n", place.base());
        let components = format!("components:\n{}{}", component("app"), component("lib"));
        place.stream("mini", &format!("version: 0.1.0\nreleaseBase: app\n{bases}{components}"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tiny.stream().with_file_name(name)
    }

    /// Not a path, so that git asks as it asks a server.
    fn url(&self, repository: &str) -> String {
        format!("file://{}", self.path(repository).display())
    }

    fn base(&self) -> String {
        format!("{}/base:9", self.registry.addr())
    }

    /// Writes a stream file, and gives its folder.
    fn stream(&self, name: &str, rest: &str) -> String {
        let dir = self.path(name);
        fs::create_dir_all(&dir).unwrap();
        let head = format!(
            "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: {name}\nrepository: localhost:5757/{name}\n"
        );
        fs::write(dir.join("stream.yaml"), format!("{head}{rest}")).unwrap();
        dir.display().to_string()
    }

    /// Lets the tag of the base mean an image that holds this.
    fn tag(&self, content: &str) {
        let image = Image::holding(content).build();
        for blob in image.blobs() {
            self.store.put(blob).unwrap();
        }
        self.store.put_manifest("base", image.media_type, &image.manifest, None).unwrap();
        self.store.set_tag("base", "9", image.digest).unwrap();
    }

    fn git(&self, repository: &str, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(args)
            .current_dir(self.path(repository))
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, repository: &str, subject: &str) -> String {
        self.git(repository, &["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.git(repository, &["rev-parse", "HEAD"])
    }

    /// Writes history anew from the last but one commit, and throws away what was.
    fn rewrite(&self, repository: &str, subject: &str) -> String {
        self.git(repository, &["reset", "--quiet", "--hard", "HEAD~1"]);
        let commit = self.commit(repository, subject);
        self.git(repository, &["reflog", "expire", "--expire=now", "--all"]);
        self.git(repository, &["gc", "--quiet", "--prune=now"]);
        commit
    }

    fn lock(&self, stream: &str) -> String {
        fs::read_to_string(self.path(stream).join("stream.lock")).unwrap()
    }

    fn good(&self, args: &[&str]) -> Printed {
        let printed = self.tiny.sw(args);
        assert_eq!(printed.code, Some(0), "{args:?}\n{}\n{}", printed.stderr, printed.stdout);
        printed
    }

    /// The keys of a plan's components.
    fn keys(&self, home: &Path) -> Vec<String> {
        let plan = self.tiny.command(&["plan", "--offline", "-o", "json", text(&self.path("mini"))]);
        let mut plan = plan;
        let printed: Printed = plan.env("STREAMWRIGHT_HOME", home).output().unwrap().into();
        let plan: Value =
            serde_json::from_str(&printed.stdout).unwrap_or_else(|e| panic!("{e}: {printed:?}"));
        let all = plan["components"].as_array().unwrap().iter();
        all.map(|component| component["key"].as_str().unwrap().to_owned()).collect()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn short(commit: &str) -> &str {
    &commit[..12]
}

/// The cells of a table.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn an_update_moves_what_is_named_and_shows_it() {
    let place = Place::new();
    let mini = place.path("mini");
    let mini = text(&mini);
    let old = place.git("app", &["rev-parse", "HEAD"]);
    place.good(&["lock", mini]);
    let first = place.lock("mini");
    assert_eq!(place.good(&["update", mini]).stdout, "nothing moved: 0 packages, 1 images, 2 commits\n");
    let new = ["fix a", "fix b", "fix c"].map(|subject| place.commit("app", subject))[2].clone();
    place.commit("lib", "better");
    place.tag("second");
    // What is locked stays until it is told to move.
    place.good(&["lock", mini]);
    assert_eq!(place.lock("mini"), first);

    let shown = place.good(&["update", mini, "--dry-run", "--commits"]);
    let lines: Vec<Vec<&str>> = shown.stdout.lines().map(cells).collect();
    assert_eq!(lines[0], ["NAME", "OLD", "NEW", "COMMITS"]);
    assert_eq!(lines[1], ["commit", "app", short(&old), short(&new), "3"]);
    assert_eq!((&lines[2][..2], lines[2][4]), (&["commit", "lib"][..], "1"));
    assert_eq!((lines[3][0], lines[3][1]), ("image", place.base().as_str()));
    assert!(
        shown.stdout.ends_with("\napp\n  fix c\n  fix b\n  fix a\n\nlib\n  better\n"),
        "{}",
        shown.stdout
    );
    assert_eq!(place.lock("mini"), first, "it was a dry run");

    // The base is lib's as well.
    let moved = place.good(&["update", mini, "app", "-o", "json"]);
    let moved: Value = serde_json::from_str(&moved.stdout).unwrap();
    assert_eq!(moved.as_array().unwrap().len(), 1);
    assert_eq!((&moved[0]["kind"], &moved[0]["name"]), (&"commit".into(), &"app".into()));
    assert_eq!((&moved[0]["new"], &moved[0]["commits"]["added"]), (&new.as_str().into(), &3.into()));
    // A commit that could be a number is quoted.
    let bare = |text: &str| text.replace('"', "");
    assert_eq!(bare(&place.lock("mini")), bare(&first).replace(&old, &new));
    let moved = place.good(&["update", mini, "x/base"]);
    assert_eq!(moved.stdout.lines().count(), 2, "{}", moved.stdout);
    assert!(moved.stdout.contains("image"), "{}", moved.stdout);
    let before = place.lock("mini");
    // Of both together it is nobody else's.
    place.tag("third");
    let moved = place.good(&["update", mini, "app", "lib"]);
    assert_eq!(moved.stdout.lines().count(), 3, "{}", moved.stdout);
    assert!(place.lock("mini") != before);

    let typo = place.tiny.sw(&["update", mini, "ap"]);
    assert_eq!(typo.code, Some(2), "{typo:?}");
    assert!(typo.stderr.contains("there is no component and no base `ap`; did you mean `app`?"), "{typo:?}");
    let turned = place.tiny.sw(&["update", "app", mini]);
    assert!(turned.stderr.contains("sw update . app"), "{turned:?}");
}

#[test]
fn history_that_was_written_anew_is_told() {
    let place = Place::new();
    let mini = place.path("mini");
    let mini = text(&mini);
    place.commit("app", "second");
    place.good(&["lock", mini]);
    place.git("app", &["reset", "--quiet", "--hard", "HEAD~1"]);
    place.commit("app", "instead");
    let shown = place.good(&["update", mini]);
    assert!(shown.stdout.contains("1, and 1 dropped: history was written anew"), "{}", shown.stdout);
    place.rewrite("app", "once more");
    let shown = place.good(&["update", mini]);
    assert!(shown.stdout.contains("the old commit is gone: history was written anew"), "{}", shown.stdout);
}

#[test]
fn the_same_lock_gives_the_same_keys_whatever_moves_meanwhile() {
    let place = Place::new();
    place.good(&["lock", text(&place.path("mini"))]);
    let keys = place.keys(&place.tiny.home());
    assert_eq!(keys.len(), 2);
    place.commit("app", "second");
    place.tag("second");
    assert_eq!(place.keys(&place.path("another-home")), keys);
    place.good(&["update", text(&place.path("mini")), "app"]);
    let moved = place.keys(&place.path("another-home"));
    assert!(moved[0] != keys[0] && moved[1] == keys[1], "{moved:?} {keys:?}");
    place.good(&["update", text(&place.path("mini"))]);
    let moved = place.keys(&place.path("another-home"));
    assert!(moved[0] != keys[0] && moved[1] != keys[1], "they start from another image");
}

#[test]
fn without_a_network_what_is_known_is_enough_and_the_rest_is_named() {
    let place = Place::new();
    let mini = place.path("mini");
    let mini = text(&mini);
    place.good(&["lock", mini]);
    let first = place.lock("mini");
    fs::remove_file(place.path("mini").join("stream.lock")).unwrap();
    place.tag("second");
    place.good(&["lock", "--offline", mini]);
    assert_eq!(place.lock("mini"), first, "what the tag meant when it was asked for");

    let elsewhere = fs::read_to_string(place.path("mini").join("stream.yaml")).unwrap();
    let elsewhere = elsewhere.replace("file://", "https://h.example");
    fs::write(place.path("mini").join("stream.yaml"), elsewhere.replace("base:9", "base:10")).unwrap();
    let refused = place.tiny.sw(&["lock", "--offline", mini]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for unknown in ["`app`", "`lib`"] {
        assert!(
            refused.stderr.contains(&format!("the source of {unknown}")),
            "{unknown}: {}",
            refused.stderr
        );
    }
    assert!(refused.stderr.contains("is not known on this machine"), "{}", refused.stderr);
    assert_eq!(place.lock("mini"), first);
    // Images are asked for when the sources are there.
    fs::write(place.path("mini").join("stream.yaml"), {
        let text = elsewhere.replace("https://h.example", "file://");
        text.replace("base:9", "base:10")
    })
    .unwrap();
    let refused = place.tiny.sw(&["lock", "--offline", mini]);
    assert!(refused.stderr.contains("base:10 is not known on this machine"), "{}", refused.stderr);
}

#[test]
fn what_is_gone_is_reported_and_named_by_what_needs_it() {
    let place = Place::new();
    let mini = place.path("mini");
    let mini = text(&mini);
    let none = place.tiny.sw(&["lock", "--verify", mini]);
    assert_eq!(none.code, Some(2), "{none:?}");
    let lost = place.commit("app", "second");
    place.good(&["lock", mini]);
    assert!(place.good(&["lock", "--verify", mini]).stdout.ends_with("stream.lock: 3 there\n"));

    place.rewrite("app", "instead");
    let kept = place.good(&["lock", "--verify", mini]);
    assert!(kept.stdout.contains("gone, kept on this machine only"), "{}", kept.stdout);
    assert!(kept.stdout.ends_with("2 there, 1 kept here only\n"), "{}", kept.stdout);

    // Another machine, another year.
    fs::remove_dir_all(place.tiny.home()).unwrap();
    let image = place.lock("mini").lines().find_map(|l| l.split_once("base:9: ").map(|(_, d)| d.to_owned()));
    let image = image.unwrap();
    let digest: base::Digest = image.parse().unwrap();
    fs::remove_dir_all(place.path("registry").join("repositories/base")).unwrap();
    let gone = place.tiny.sw(&["lock", "--verify", mini]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    let line = gone.stdout.lines().find(|line| line.contains("commit")).unwrap();
    assert!(line.contains("stream.lock:"), "{line}");
    assert_eq!(cells(line)[1..], ["commit", short(&lost), "app", "GONE"]);
    assert!(gone.stdout.contains(&format!("sw update {mini} COMPONENT")), "{}", gone.stdout);
    assert!(gone.stdout.ends_with("1 there, 2 gone\n"), "{}", gone.stdout);
    let json = place.tiny.sw(&["lock", "--verify", "-o", "json", mini]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let of_image = json.as_array().unwrap().iter().find(|row| row["kind"] == "image").unwrap();
    assert_eq!((&of_image["state"], &of_image["digest"]), (&"gone".into(), &digest.to_string().into()));

    // What needs it says the same.
    let plan = place.tiny.sw(&["plan", mini]);
    assert_eq!(plan.code, Some(2), "{plan:?}");
    for expected in [
        "cannot fetch the source of `app`",
        &lost,
        "no branch and no tag leads to it",
        "stream.yaml:11",
        "stream.lock:",
        &format!("`sw update {mini} app` takes what `main` means now"),
    ] {
        assert!(plan.stderr.contains(expected), "{expected}: {}", plan.stderr);
    }
}

#[test]
fn a_base_image_that_is_gone_is_named_before_anything_runs() {
    if !can_build() {
        return;
    }
    let place = Place::new();
    let mini = place.path("mini");
    place.good(&["lock", text(&mini)]);
    fs::remove_dir_all(place.path("registry").join("repositories/base")).unwrap();
    let refused = place.tiny.sw(&["build", text(&mini)]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for expected in [
        &format!("starts from the image {}@sha256:", place.base()),
        "stream.yaml:8",
        "stream.lock:7",
        &format!("`sw update {} {}` takes what the tag means now", mini.display(), place.base()),
    ] {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
    assert!(!place.tiny.home().join("runs").exists(), "nothing was started");
}

#[test]
fn the_stream_below_moves_by_its_name() {
    let place = Place::new();
    place.good(&["lock", text(&place.path("mini"))]);
    let repository = place.path("mini");
    place.git("mini", &["init", "--quiet", "--initial-branch=main"]);
    place.git("mini", &["add", "."]);
    let old = place.commit("mini", "first");
    let mine =
        place.stream("mine", &format!("from: {{git: {{url: \"{}\", ref: main}}}}\n", place.url("mini")));
    place.good(&["lock", &mine]);
    assert!(place.lock("mine").contains(&old));
    let refused = place.tiny.sw(&["update", &mine, "app"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("is locked by the stream below"), "{refused:?}");

    // The stream below moves its lock, and publishes that.
    place.commit("app", "better");
    place.good(&["update", text(&repository)]);
    place.git("mini", &["add", "."]);
    let new = place.commit("mini", "moved");
    let shown = place.good(&["update", &mine, "from"]);
    let lines: Vec<Vec<&str>> = shown.stdout.lines().map(cells).collect();
    assert_eq!(lines[1], ["parent", "from", short(&old), short(&new), "1"]);
    assert_eq!((&lines[2][..2], lines[2][4]), (&["commit", "app"][..], "1"));
    assert!(place.lock("mine").contains(&new) && !place.lock("mine").contains(&old));
    // Another reference is another question.
    place.git("mini", &["branch", "old", &old]);
    let path = place.path("mine").join("stream.yaml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("ref: main", "ref: old")).unwrap();
    place.good(&["lock", &mine]);
    assert!(place.lock("mine").contains(&old));
}
