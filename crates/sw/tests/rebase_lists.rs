//! Layer rebase on bases that are lists of several platforms, made, built on and looked at with foreign tools.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base::Digest;
use oci::server::Server;
use oci::server::event::Event;
use oci::{Reference, Store};
use serde_json::{Value, json};
use testkit::buildah::Buildah;
use testkit::{peer, tree};

const AMD64: &str = "linux/amd64";
const ARM64: &str = "linux/arm64";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry with bases, another one with the images that are built on them.
struct Place {
    dir: tempfile::TempDir,
    buildah: Buildah,
    bases: Store,
    upstream: Server,
    own: Server,
    /// What was sent to the registry of the images.
    sent: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let buildah =
            Buildah::below(dir.path()).filter(|_| ["skopeo", "umoci"].into_iter().all(peer::has))?;
        let [bases, images] = ["bases", "images"].map(|name| Store::open(dir.path().join(name)).unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&sent);
        let observer = Arc::new(move |event: Event<'_>| {
            if let Event::Answered { method, path, .. } = event
                && !["GET", "HEAD"].contains(&method)
            {
                heard.lock().unwrap().push(format!("{method} {path}"));
            }
        });
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let upstream = Server::start(bases.clone(), anywhere).unwrap();
        let own = Server::start_observed(images, anywhere, observer).unwrap();
        Some(Self { dir, buildah, bases, upstream, own, sent })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn base_at(&self, list: Digest) -> Reference {
        format!("{}/up/base@{list}", self.upstream.addr()).parse().unwrap()
    }

    fn app_at(&self, image: Digest) -> Reference {
        format!("{}/mine/app@{image}", self.own.addr()).parse().unwrap()
    }

    /// Makes a list of images for these platforms, whose files say this, and pushes it.
    fn base(&self, members: &[(&str, &str)], label: &str) -> Digest {
        let list = format!("localhost/list-{}", Digest::of(format!("{members:?}{label}")).short());
        self.buildah.run(&["manifest", "create", &list]);
        for (platform, says) in members {
            let context = self.path(says);
            fs::create_dir_all(context.join("etc")).unwrap();
            fs::write(context.join("etc/os-release"), says).unwrap();
            fs::write(context.join("etc").join(says), says).unwrap();
            let file = self.path("base.Containerfile");
            fs::write(&file, format!("FROM scratch\nCOPY etc /etc\nENV SAYS={says}\nLABEL {label}\n"))
                .unwrap();
            let tag = format!("localhost/{says}/{platform}");
            self.buildah.build(&tag, &file, &context, &["--platform", platform]);
            self.buildah.run(&["manifest", "add", &list, &tag]);
        }
        let to = format!("docker://{}/up/base:list", self.upstream.addr());
        self.buildah.run(&["manifest", "push", "-q", "--all", "--tls-verify=false", &list, &to]);
        self.bases.tag("up/base", "list").unwrap().unwrap()
    }

    /// The image of a list for a platform, as skopeo sees it.
    fn member(&self, list: Digest, architecture: &str) -> Digest {
        let raw = inspect(&self.base_at(list), &["--raw"]);
        let mut entries = raw["manifests"].as_array().unwrap().iter();
        let entry = entries.find(|entry| entry["platform"]["architecture"] == architecture).unwrap();
        entry["digest"].as_str().unwrap().parse().unwrap()
    }

    /// Builds the component for a platform on a base, as the task `containerfile` does.
    fn build(&self, list: Digest, platform: &str) -> Digest {
        let name = format!("localhost/base:{}", list.hex());
        let pulled = self.base_at(list).to_string();
        let from = format!("docker://{pulled}");
        self.buildah.run(&["pull", "-q", "--tls-verify=false", "--platform", platform, &from]);
        self.buildah.run(&["tag", &pulled, &name]);
        self.buildah.run(&["rmi", &pulled]);
        let context = self.path("context");
        fs::create_dir_all(&context).unwrap();
        fs::write(context.join("app"), platform).unwrap();
        let file = self.path("app.Containerfile");
        fs::write(
            &file,
            "FROM up/base\nCOPY app /usr/bin/app\nENV OWN=1\nWORKDIR /srv\nENTRYPOINT [\"/usr/bin/app\"]\n",
        )
        .unwrap();
        let base = format!("up/base=docker-image://{name}");
        let options = ["--platform", platform, "--build-context", &base];
        self.buildah.build("localhost/app", &file, &context, &options);
        let (to, digest) = (format!("docker://{}/mine/app:latest", self.own.addr()), self.path("digest"));
        let options = ["--tls-verify=false", "--format", "v2s2", "--digestfile", digest.to_str().unwrap()];
        self.buildah.run(&[&["push", "-q"], &options[..], &["localhost/app", &to]].concat());
        fs::read_to_string(digest).unwrap().trim().parse().unwrap()
    }

    /// `sw cache COMMAND` for the component on a base.
    fn cache(&self, command: &str, base: &Reference, platform: &str, more: &[&str]) -> String {
        let arguments = [
            format!("--repository={}/mine/app", self.own.addr()),
            format!("--base=up/base={base}"),
            format!("--weak-key=local={}", Digest::of(format!("local {platform}"))),
        ];
        let mut sw = Command::new(env!("CARGO_BIN_EXE_sw"));
        sw.args(["cache", command]).args(arguments).args(more).env("STREAMWRIGHT_HOME", self.path("home"));
        String::from_utf8(peer::run(&mut sw).stdout).unwrap()
    }

    /// What a task asks first: the image, if there is one or the base can be exchanged, and what is said.
    fn lookup(&self, list: Digest, platform: &str) -> (Option<Digest>, String) {
        self.lookup_at(&self.base_at(list), platform)
    }

    fn lookup_at(&self, base: &Reference, platform: &str) -> (Option<Digest>, String) {
        let (key, digest) = (self.path("key"), self.path("found"));
        let more = [
            format!("--inputs={}", Digest::of(platform)),
            format!("--key-file={}", key.display()),
            format!("--digest-file={}", digest.display()),
            "--swap=up/base".to_owned(),
        ];
        let said = self.cache("lookup", base, platform, &more.each_ref().map(String::as_str));
        (fs::read_to_string(digest).unwrap().parse().ok(), said)
    }

    /// Builds the component on a base, which it is not there for, and records it.
    fn built(&self, list: Digest, platform: &str) -> Digest {
        assert_eq!(self.lookup(list, platform).0, None);
        let image = self.build(list, platform);
        let key = fs::read_to_string(self.path("key")).unwrap();
        let (key, digest) = (format!("--key={key}"), format!("--digest={image}"));
        self.cache("record", &self.base_at(list), platform, &[&key, &digest]);
        image
    }

    /// The files of an image, as umoci unpacks them.
    fn files(&self, image: Digest) -> Vec<String> {
        let (layout, bundle) = (self.path(&image.hex()), self.path(&format!("{}.bundle", image.hex())));
        let from = format!("docker://{}", self.app_at(image));
        let to = format!("oci:{}:it", layout.display());
        peer::run(Command::new("skopeo").args(["copy", "-q", "--src-tls-verify=false", &from, &to]));
        let image = format!("{}:it", layout.display());
        peer::run(Command::new("umoci").args(["unpack", "--image", &image]).arg(&bundle));
        tree::describe(&bundle.join("rootfs"), false)
    }

    fn config(&self, image: Digest) -> Value {
        inspect(&self.app_at(image), &["--config", "--raw"])
    }

    /// What the last entry of an image's history says.
    fn provenance(&self, image: Digest) -> String {
        let config = self.config(image);
        config["history"].as_array().unwrap().last().unwrap()["comment"].as_str().unwrap().to_owned()
    }

    /// A list with these entries, as somebody wrote it.
    fn written(&self, entries: &[Value]) -> Digest {
        let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        let bytes = serde_json::to_vec(&list).unwrap();
        self.bases.put_sparse_index("up/base", INDEX, &bytes, None).unwrap()
    }

    /// The entry of a member in its list.
    fn entry(&self, list: Digest, architecture: &str) -> Value {
        let stored = self.bases.manifest_by_digest(list).unwrap().unwrap();
        let list: Value = serde_json::from_slice(&stored.bytes).unwrap();
        let mut entries = list["manifests"].as_array().unwrap().iter();
        entries.find(|entry| entry["platform"]["architecture"] == architecture).unwrap().clone()
    }
}

fn inspect(image: &Reference, more: &[&str]) -> Value {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["inspect", "--tls-verify=false"]).args(more).arg(format!("docker://{image}"));
    serde_json::from_slice(&peer::run(&mut skopeo).stdout).unwrap()
}

/// What runs: everything of a configuration but how it came to be.
fn runs(config: &Value) -> Value {
    let mut run = config["config"].clone();
    // Builders differ in the order of variables.
    run["Env"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    json!([run, config["os"], config["architecture"]])
}

const ABI: &str = "streamwright.dev/abi=13";

#[test]
fn the_member_for_the_platform_is_exchanged_and_gives_what_a_build_gives() {
    let Some(place) = Place::new() else { return };
    // One names the variant that the other means.
    let old = place.base(&[(AMD64, "one"), ("linux/arm64/v8", "eins")], ABI);
    let new = place.base(&[(AMD64, "two"), (ARM64, "zwei")], ABI);
    for (platform, architecture) in [(AMD64, "amd64"), (ARM64, "arm64")] {
        let built = place.built(old, platform);
        let (rebased, said) = place.lookup(new, platform);
        let rebased = rebased.unwrap_or_else(|| panic!("{said}"));
        let (from, to) = (place.member(old, architecture), place.member(new, architecture));
        let provenance = format!("image {built}, base {from} to {to}");
        assert_eq!(place.provenance(rebased), provenance);
        assert!(said.contains(&format!("rebased, not built: {provenance}")), "{said}");
        assert!(said.contains(&format!("that is its platform's image of the list {new}")), "{said}");
        assert_eq!(place.lookup(new, platform).0, Some(rebased), "under its key");

        let rebuilt = place.build(new, platform);
        assert_eq!(runs(&place.config(rebased)), runs(&place.config(rebuilt)), "{platform}");
        assert_eq!(place.config(rebased)["architecture"], architecture);
        let files = [rebased, rebuilt, built].map(|image| place.files(image));
        assert_eq!(files[0], files[1], "{platform}");
        assert_ne!(files[0], files[2], "{platform}");
    }
}

#[test]
fn a_list_in_which_another_platform_changed_gives_the_same_image() {
    let Some(place) = Place::new() else { return };
    // Without a promise: there are no two bases to promise something of.
    let first = place.base(&[(AMD64, "one"), (ARM64, "eins")], "x=1");
    let built = place.built(first, AMD64);
    let other = place.base(&[(AMD64, "one"), (ARM64, "zwei")], "x=1");
    assert_ne!(first, other);
    assert_eq!(place.member(first, "amd64"), place.member(other, "amd64"));
    place.sent.lock().unwrap().clear();
    let (kept, said) = place.lookup(other, AMD64);
    assert_eq!(kept, Some(built), "{said}");
    assert!(said.contains("kept, not built: the new up/base is the same image for its platform"), "{said}");
    only_tagged(&place);
    // The base that the tag meant before was a single image.
    let single = place.member(other, "amd64");
    assert_eq!(place.lookup(single, AMD64).0, Some(built));
    let (none, said) = place.lookup(place.base(&[(AMD64, "two")], "x=1"), AMD64);
    assert_eq!(none, None, "{said}");
    assert!(said.contains("not set on the new up/base: the old base has no label"), "{said}");
}

#[test]
fn a_rebased_image_stays_when_only_another_platform_changed() {
    let Some(place) = Place::new() else { return };
    let built = place.built(place.base(&[(AMD64, "one"), (ARM64, "eins")], ABI), AMD64);
    let second = place.base(&[(AMD64, "two"), (ARM64, "eins")], ABI);
    let rebased = place.lookup(second, AMD64).0.unwrap();
    assert_ne!(rebased, built);
    place.sent.lock().unwrap().clear();
    let third = place.base(&[(AMD64, "two"), (ARM64, "zwei")], ABI);
    assert_eq!(place.lookup(third, AMD64).0, Some(rebased));
    only_tagged(&place);
    // From what was built, and without the lists in between.
    let fourth = place.base(&[(AMD64, "three"), (ARM64, "zwei")], ABI);
    for list in [second, third] {
        place.bases.delete_manifest("up/base", list).unwrap();
    }
    let again = place.lookup(fourth, AMD64).0.unwrap();
    assert!(place.provenance(again).starts_with(&format!("image {built}, base ")));
}

/// No blob was sent, and no manifest but under the two keys.
fn only_tagged(place: &Place) {
    let sent = place.sent.lock().unwrap().clone();
    let tagged = |line: &String| {
        ["key", "local"].iter().any(|key| line.starts_with(&format!("PUT /v2/mine/app/manifests/{key}-")))
    };
    assert!(sent.iter().all(tagged) && sent.len() == 2, "{sent:#?}");
}

#[test]
fn lists_that_are_not_what_they_should_be_are_built_on() {
    let Some(place) = Place::new() else { return };
    let old = place.base(&[(AMD64, "one"), (ARM64, "eins")], ABI);
    let new = place.base(&[(AMD64, "two"), (ARM64, "zwei")], ABI);
    place.built(old, AMD64);
    let entry = |architecture| place.entry(new, architecture);
    let arm64 = entry("arm64");
    let as_amd64 = |mut entry: Value| {
        entry["platform"]["architecture"] = "amd64".into();
        entry
    };
    let many: Vec<Value> = std::iter::repeat_n(arm64.clone(), 1000).chain([entry("amd64")]).collect();
    let nested = json!({"mediaType": INDEX, "digest": new, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}});
    // What a builder writes beside an image: in its shape, with layers that are none.
    let statement = place.bases.put(b"{}").unwrap();
    let config = json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"streamwright.dev/abi": "13"}, "Env": ["SAYS=two"]}, "rootfs": {"type": "layers", "diff_ids": [statement]}});
    let config = place.bases.put(config.to_string()).unwrap();
    let config_size = place.bases.size(config).unwrap();
    let attestation = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": statement, "size": 2}],
    });
    let attestation = attestation.to_string();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let digest = place.bases.put_manifest("up/base", media_type, attestation.as_bytes(), None).unwrap();
    let attestation = json!({"mediaType": media_type, "digest": digest, "size": attestation.len(), "platform": {"os": "linux", "architecture": "amd64"}});
    let missing = Digest::of("nothing");
    let mut gone = entry("amd64");
    gone["digest"] = missing.to_string().into();

    let refused = |entries: &[Value], why: &str| {
        let (found, said) = place.lookup(place.written(entries), AMD64);
        assert_eq!(found, None, "{said}");
        assert!(said.contains(&format!("not set on the new up/base: {why}")), "{why}\n{said}");
    };
    let no_image = "the new base is not an image that can be rebased: it is a list";
    refused(
        std::slice::from_ref(&arm64),
        "the new base is a list that has no image for linux/amd64 (it has: linux/arm64)",
    );
    refused(
        &[as_amd64(arm64.clone())],
        "the images are for different platforms: linux/amd64, linux/amd64, linux/arm64",
    );
    refused(&[entry("amd64"), as_amd64(arm64)], &format!("{no_image} with several images for linux/amd64"));
    refused(&many, &format!("{no_image} of 1001 entries, more than 256"));
    refused(&[nested], &format!("{no_image}, and what that has for linux/amd64 is another list"));
    refused(&[attestation], &format!("layer {statement}: "));
    refused(&[gone], &format!("the new base {} is gone", missing.short()));

    // A registry that gives something else under the digest of the member.
    let (member, other) = (place.member(new, "amd64"), place.member(old, "amd64"));
    let liar = liar(place.bases.clone(), member, other);
    let base = format!("{liar}/up/base@{new}").parse().unwrap();
    let (found, said) = place.lookup_at(&base, AMD64);
    assert_eq!(found, None, "{said}");
    assert!(said.contains(&format!("it has digest {other}")) && said.contains(&member.to_string()), "{said}");
}

/// A registry of what the store has, that gives `other` for `one`; where it is.
fn liar(store: Store, one: Digest, other: Digest) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let answer = move |mut stream: TcpStream| -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
        let request = lines.next()?;
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let (method, rest) = request.split_once(' ')?;
        let path = rest.split_once(' ')?.0;
        let asked: Option<Digest> = path.rsplit('/').next()?.parse().ok();
        let given = if asked == Some(one) { Some(other) } else { asked };
        let (media_type, bytes) = match given {
            // Whether it is a registry.
            None => (String::new(), Vec::new()),
            Some(given) => match store.manifest_by_digest(given).ok()? {
                Some(stored) => (stored.media_type, stored.bytes),
                None => ("application/octet-stream".to_owned(), store.read(given, 1 << 20).ok()?),
            },
        };
        let head = format!("Content-Type: {media_type}\r\nContent-Length: {}", bytes.len());
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n\r\n").ok()?;
        if method == "HEAD" { Some(()) } else { stream.write_all(&bytes).ok() }
    };
    std::thread::spawn(move || listener.incoming().flatten().map(answer).for_each(|_| ()));
    at
}
