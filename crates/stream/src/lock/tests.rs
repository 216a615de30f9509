#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use base::{Digest, Source};
use jiff::Timestamp;
use proptest::prelude::*;

use super::moving::Moving;
use super::*;
use crate::definition::Definition;
use crate::sample::{self, Files, STREAM, files};

/// Answers everything, each package with one dependency, and keeps what it was asked.
struct Fake {
    version: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    fn new(version: &'static str) -> Self {
        Self { version, asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn note(&self, question: String) {
        self.asked.lock().unwrap().push(question);
    }

    fn resolvers(&self) -> Resolvers<'_> {
        Resolvers { packages: self, images: self, commits: self }
    }
}

impl ResolvePackages for Fake {
    fn packages(&self, wanted: &[String], installed: &[Pin], _: Platform) -> Result<Vec<Pin>, ResolveError> {
        self.note(format!("{} on {}", wanted.join(" "), installed.len()));
        if let Some(name) = wanted.iter().find(|name| name.starts_with("no-such")) {
            return Err(ResolveError::Unknown {
                what: format!("a package `{name}`"),
                hint: "; check the name".into(),
            });
        }
        let all = wanted.iter().cloned().chain(wanted.iter().map(|name| format!("lib{name}")));
        Ok(all
            .map(|name| Pin { sha256: Digest::of(&name), version: self.version.to_owned(), name })
            .filter(|pin| installed.iter().all(|there| there.name != pin.name))
            .collect())
    }
}

impl ResolveImage for Fake {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        self.note(reference.to_owned());
        if reference.starts_with("gone") {
            return Err(ResolveError::Failed { what: "GET /v2/".into(), why: "connection refused".into() });
        }
        Ok(Digest::of(format!("{reference} {}", self.version)))
    }
}

impl ResolveCommit for Fake {
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        self.note(format!("{url} {reference}"));
        Ok(Digest::of(reference).hex()[..40].to_owned())
    }
}

fn now() -> Timestamp {
    "2026-03-04T15:16:17Z".parse().unwrap()
}

fn make_with(sample: &(Definition, Graphs), fake: &Fake, old: Option<&Lock>) -> Lock {
    make(&sample.1, &sample.0.places, fake.resolvers(), old, now())
        .unwrap_or_else(|e| panic!("{}", e.render(false)))
}

fn with(from: &str, to: &str) -> (Definition, Graphs) {
    assert!(STREAM.contains(from), "{from}");
    sample::checked(&STREAM.replacen(from, to, 1), &files())
}

fn reasons(graphs: &Graphs, lock: &Lock) -> Vec<String> {
    stale(graphs, lock).iter().map(ToString::to_string).collect()
}

#[test]
fn the_file() {
    let fake = Fake::new("1:2.0-1");
    let lock = make_with(&with("", ""), &fake, None);
    assert_eq!(fake.asked(), ["bash on 0", "etcd-server on 2"]);
    insta::assert_snapshot!(text::write(&lock).unwrap(), @"
    # What every name in stream.yaml resolved to: same lock, same inputs. Written by `sw`; keep it in version control.
    apiVersion: streamwright.dev/v1alpha1
    kind: Lock
    stream: mini
    epoch: 1772582400
    packages:
      linux/amd64:
        base:
          wanted:
            - bash
          beyond: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
          pinned:
            - bash=1:2.0-1=37d2b12d5d9abc2a364ef9448767ee03938e383c0284193477dc7618f4b7c6c2
            - libbash=1:2.0-1=d5200da7af19e787424f271b78454ef1e4ef4bafb84f1a5007cb2176ad4ccc4e
        etcd:
          wanted:
            - etcd-server
          beyond: sha256:da470d960903976337819287a8b4fa0daebfe5e746da36a9782b34456c4fe4a3
          pinned:
            - etcd-server=1:2.0-1=e41b41103ac50e8493b883f6b44303592e6fd56eb343d74f885c36fb1fb48f13
            - libetcd-server=1:2.0-1=d67c5d3d702cb9c591b74d088248e188e83b56ff600c5bf03168b3cb990ce9d3
    ");
}

#[test]
fn nothing_is_asked_again_as_long_as_the_stream_asks_the_same() {
    let sample = with("", "");
    let first = make_with(&sample, &Fake::new("1"), None);
    assert_eq!(reasons(&sample.1, &first), Vec::<String>::new());
    let newer = Fake::new("2");
    let again =
        make(&sample.1, &sample.0.places, newer.resolvers(), Some(&first), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(newer.asked(), Vec::<String>::new());
    assert_eq!(again, first, "the epoch stays, too");
}

#[test]
fn an_added_package_is_asked_for_alone() {
    let old = make_with(&with("", ""), &Fake::new("1"), None);
    let sample = with("[etcd-server]", "[etcd-server, jq]");
    assert_eq!(reasons(&sample.1, &old), ["`etcd` adds jq"]);
    let newer = Fake::new("2");
    let lock = make_with(&sample, &newer, Some(&old));
    assert_eq!(newer.asked(), ["etcd-server jq on 2"]);
    assert_eq!(lock.packages[&Platform::Amd64]["base"], old.packages[&Platform::Amd64]["base"]);
    assert_eq!(reasons(&sample.1, &lock), Vec::<String>::new());
}

#[test]
fn other_packages_of_a_base_ask_for_what_stands_on_it() {
    let old = make_with(&with("", ""), &Fake::new("1"), None);
    let sample = with("packages: [bash]", "packages: [dash]");
    assert_eq!(reasons(&sample.1, &old), ["`base` adds dash and no longer asks for bash"]);
    let newer = Fake::new("2");
    let lock = make_with(&sample, &newer, Some(&old));
    assert_eq!(newer.asked(), ["dash on 0", "etcd-server on 2"]);
    let mut mixed = lock.clone();
    let base = old.packages[&Platform::Amd64]["base"].clone();
    let mixed_packages = mixed.packages.get_mut(&Platform::Amd64).unwrap();
    mixed_packages.insert("base".into(), Packages { wanted: vec!["dash".into()], ..base });
    assert_eq!(reasons(&sample.1, &mixed), ["the packages below `etcd` changed"]);
}

#[test]
fn what_is_gone_from_the_stream_goes_from_the_lock() {
    let old = make_with(&with("", ""), &Fake::new("1"), None);
    let sample = with("    packages: [etcd-server]\n", "");
    assert_eq!(reasons(&sample.1, &old), ["`etcd` no longer asks for etcd-server"]);
    let lock = make_with(&sample, &Fake::new("1"), Some(&old));
    assert_eq!(lock.packages[&Platform::Amd64].keys().collect::<Vec<_>>(), ["base"]);
}

#[test]
fn the_lock_of_another_stream_answers_nothing() {
    let old = make_with(&with("", ""), &Fake::new("1"), None);
    let sample = with("name: mini", "name: other");
    assert_eq!(reasons(&sample.1, &old), ["it was made for the stream `mini`"]);
    let fake = Fake::new("2");
    make_with(&sample, &fake, Some(&old));
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn tags_become_digests_and_digests_stay() {
    let digest = Digest::of("x");
    let text = STREAM.replace("{component: base}", "{image: quay.io/base:9}");
    let from = format!("FROM mini/base\nCOPY --from=quay.io/tools@{digest} /a /a\n");
    let sample = sample::checked(
        &text,
        &Files(BTreeMap::from([("components/etcd/Containerfile", from.leak() as &str)])),
    );
    let fake = Fake::new("1");
    let mut lock = make_with(&sample, &fake, None);
    assert_eq!(lock.images.keys().collect::<Vec<_>>(), ["quay.io/base:9"]);
    assert_eq!(lock.image("quay.io/base:9"), Some(Digest::of("quay.io/base:9 1")));
    assert_eq!(lock.image(&format!("quay.io/tools@{digest}")), Some(digest));
    assert_eq!(make_with(&sample, &Fake::new("2"), Some(&lock)), lock);

    let was = lock.images.remove("quay.io/base:9").unwrap();
    lock.images.insert("quay.io/base:8".into(), was);
    assert_eq!(
        reasons(&sample.1, &lock),
        ["the image quay.io/base:9 has no digest", "the image quay.io/base:8 is no longer used"]
    );
}

#[test]
fn a_package_that_does_not_exist() {
    let sample = with("[etcd-server]", "[etcd-server, no-such-thing]");
    let errors = make(&sample.1, &sample.0.places, Fake::new("1").resolvers(), None, now()).unwrap_err();
    insta::assert_snapshot!(errors.render(false), @"
    error[cannot-lock-packages]: cannot lock the packages of `etcd`: a package `no-such-thing` does not exist; check the name
      --> stream.yaml:17:29
       |
    17 |     packages: [etcd-server, no-such-thing]
       |                             ^^^^^^^^^^^^^
    ");
}

#[test]
fn an_image_that_cannot_be_reached() {
    let sample = with("{component: base}", "{image: gone.example/base:9}");
    let errors = make(&sample.1, &sample.0.places, Fake::new("1").resolvers(), None, now()).unwrap_err();
    insta::assert_snapshot!(errors.render(false), @"
    error[cannot-lock-image]: cannot lock the image gone.example/base:9: GET /v2/ failed: connection refused
     --> stream.yaml:8:22
      |
    8 |   mini/base: {image: gone.example/base:9}
      |                      ^^^^^^^^^^^^^^^^^^^
      |
      = help: check the name, and that the registry can be reached; or write the digest: …@sha256:…
    ");
}

#[test]
fn a_lock_edited_by_hand() {
    let lock = text::write(&make_with(&with("", ""), &Fake::new("1"), None)).unwrap();
    let bad = lock.replacen("bash=1=", "bash=1==", 1).replacen("epoch:", "epok: 1\nepoch:", 1);
    insta::assert_snapshot!(text::parse(&Source::new("stream.lock", bad)).unwrap_err().render(false), @r#"
    error[unknown-field]: unknown field "epok"
     --> stream.lock:5:1
      |
    5 | epok: 1
      | ^^^^
      |
      = help: allowed here: apiVersion, kind, stream, from, epoch, packages, images, commits
              stream.lock is not written by hand: take the committed one, or remove it and the next build writes a new one

    error[wrong-value]: `bash=1==37d2b12d5d9abc2a364ef9448767ee03938e383c0284193477dc7618f4b7c6c2` is not a pinned package: it does not have three parts; it is written name=version=<sha256, 64 hex digits>
      --> stream.lock:14:11
       |
    14 |         - bash=1==37d2b12d5d9abc2a364ef9448767ee03938e383c0284193477dc7618f4b7c6c2
       |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: stream.lock is not written by hand: take the committed one, or remove it and the next build writes a new one
    "#);
    insta::assert_snapshot!(text::parse(&Source::new("stream.lock", "")).unwrap_err().render(false), @"
    error[wrong-type]: expected a mapping, found nothing
     --> stream.lock:1:1
      |
    1 |
      | ^
      |
      = help: stream.lock is not written by hand: take the committed one, or remove it and the next build writes a new one
    ");
}

proptest! {
    #[test]
    fn locks_read_back_as_written(names in proptest::collection::vec("[a-z][a-z0-9+.-]{1,8}", 1..4), epoch in any::<i64>()) {
        let mut lock = make_with(&with("", ""), &Fake::new("1~rc1"), None);
        lock.epoch = epoch;
        let pins = names.iter().map(|name| Pin { name: name.clone(), version: "0:1-1".into(), sha256: Digest::of(name) });
        let packages = Packages { wanted: names.clone(), beyond: Digest::of(""), pinned: pins.collect() };
        lock.packages.entry(Platform::S390x).or_default().insert("x".into(), packages);
        let commit = Commit { url: "https://x/y".into(), reference: "main".into(), commit: "0".repeat(40) };
        lock.commits.insert("x".into(), commit);
        let written = text::write(&lock).unwrap();
        prop_assert_eq!(&text::parse(&Source::new("stream.lock", written)).unwrap(), &lock);
    }
}

#[test]
fn components_of_one_repository_ask_for_its_commit_once() {
    let git = "{git: {url: 'https://g.example/all', ref: main, path: PATH}}";
    let components: String = ["a", "b", "c"]
        .iter()
        .map(|name| format!("  {name}:\n    task: debian-base\n    source: {}\n", git.replace("PATH", name)))
        .collect();
    let text = STREAM.replace("components:\n", &format!("components:\n{components}"));
    let sample = sample::checked(&text, &files());
    let fake = Fake::new("1");
    let lock = make_with(&sample, &fake, None);
    let asked = fake.asked().into_iter().filter(|q| q.contains("g.example")).count();
    assert_eq!((asked, lock.commits.len()), (1, 3));
    make_with(&sample, &fake, Some(&lock));
    assert!(fake.asked().iter().all(|q| !q.contains("g.example")), "what is known is not asked again");
}

#[test]
fn what_moves_is_asked_for_and_what_stands_on_it_chosen_again() {
    let sample = with("", "");
    let old = make_with(&sample, &Fake::new("1"), None);
    let update = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let moving = Moving::new(&names, &sample.1.stream, Some(&old)).unwrap();
        let stays = moving.stays(&sample.1, &old);
        let fake = Fake::new("2");
        let new = make_with(&sample, &fake, Some(&stays));
        assert_eq!(new.epoch, old.epoch);
        let moved = moved::moved(&old, &new)
            .into_iter()
            .map(|one| format!("{} {} {}", one.component.unwrap(), one.old.unwrap(), one.new.unwrap()));
        (fake.asked(), moved.collect::<Vec<_>>())
    };
    let (asked, moved) = update(&["etcd"]);
    assert_eq!((asked, moved), (vec!["etcd-server on 2".into()], vec!["etcd 1 2".to_owned(); 2]));
    for names in [&["base"][..], &[]] {
        let (asked, moved) = update(names);
        assert_eq!(asked, ["bash on 0", "etcd-server on 2"], "{names:?}");
        assert_eq!(moved, ["base 1 2", "base 1 2", "etcd 1 2", "etcd 1 2"], "{names:?}");
    }
    let unknown = Moving::new(&["etdc".into()], &sample.1.stream, Some(&old)).unwrap_err();
    assert_eq!(unknown, "there is no component and no base `etdc`; did you mean `etcd`?");
}

#[test]
fn the_same_version_in_another_file_is_a_move() {
    let old = make_with(&with("", ""), &Fake::new("1"), None);
    let mut new = old.clone();
    new.packages.get_mut(&Platform::Amd64).unwrap().get_mut("base").unwrap().pinned[0].sha256 =
        Digest::of("built anew");
    let moved = moved::moved(&old, &new);
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].old.as_deref(), Some("1 (37d2b12d5d9a)"));
    assert!(moved::moved(&old, &old).is_empty());
}

#[test]
fn everything_from_elsewhere_is_required() {
    let digest = Digest::of("x");
    let text = STREAM.replace("{component: base}", &format!("{{image: 'quay.io/base@{digest}'}}"));
    let sample = sample::checked(&text, &files());
    let mut lock = make_with(&sample, &Fake::new("1"), None);
    let commit = Commit { url: "https://h/x".into(), reference: "main".into(), commit: "a".repeat(40) };
    lock.commits.extend(["a", "b"].map(|name| (name.to_owned(), commit.clone())));
    lock.from = Some(Commit { commit: "b".repeat(40), ..commit });
    let all = required::required(&lock, Some(&sample.1.stream));
    let count = |kind: &str| all.keys().filter(|one| one.kind() == kind).count();
    assert_eq!((count("commit"), count("image"), count("package")), (2, 1, 4));
    let written = lock_text(&lock);
    let users: Vec<Vec<&str>> = all
        .iter()
        .filter(|(what, _)| what.kind() == "commit")
        .map(|(_, of)| of.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(users, [vec!["a", "b"], vec!["from"]]);
    for what in all.keys().filter(|what| what.kind() != "image") {
        assert!(text::place(&written, &what.written()).is_some(), "{what:?}");
    }
    assert_eq!(required::required(&lock, None).len(), all.len() - 1);
}

fn lock_text(lock: &Lock) -> Source {
    Source::new("stream.lock", text::write(lock).unwrap())
}
