//! Images go from one repository to another, and come from a mirror.

use oci::client::{Client, ClientConfig, ClientError, Outcome};
use oci::store::StoreError;
use oci::{Reference, Store};

use super::{Listener, client, config};
use crate::support::debian::Debian;
use crate::support::ours::Ours;
use crate::support::{image, layer, put};

fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

fn outcomes(heard: &Listener) -> Vec<Outcome> {
    heard.finished.lock().unwrap().iter().map(|(_, outcome)| *outcome).collect()
}

#[test]
fn within_a_registry_nothing_is_transferred() {
    let ours = Ours::start();
    let image = image("near");
    let digest = put(&ours.store, "one/app", Some("key-1"), &image);
    let (_dir, through) = new_store();
    let heard = Listener::default();
    let (from, to) = (ours.reference("one/app").at_digest(digest), ours.reference("two/app:key-1"));
    assert_eq!(client().copy(&from, &to, &through, &heard).unwrap(), digest);
    assert_eq!(ours.store.tag("two/app", "key-1").unwrap(), Some(digest));
    assert!(outcomes(&heard).iter().all(|outcome| *outcome == Outcome::Mounted), "{:?}", outcomes(&heard));
    assert!(!through.has(image.layers[0].digest));
    assert!(ours.store.check().unwrap().is_whole());
}

#[test]
fn between_registries_it_is_the_same_image() {
    let Some(debian) = Debian::start() else { return };
    let ours = Ours::start();
    let image = image("far");
    let digest = put(&ours.store, "one/app", Some("key-1"), &image);
    let (_dir, through) = new_store();
    let from = ours.reference("one/app:key-1");
    for expected in [Outcome::Copied, Outcome::Present] {
        let heard = Listener::default();
        let copied = client().copy(&from, &debian.reference("two/app:key-1"), &through, &heard).unwrap();
        assert_eq!(copied, digest);
        // The second time the blobs are there: what `through` says of it is told, too.
        assert!(outcomes(&heard).contains(&expected), "{:?}", outcomes(&heard));
    }
    assert_eq!(client().head(&debian.reference("two/app:key-1")).unwrap().unwrap().digest, digest);
}

#[test]
fn what_is_not_whole_is_not_tagged() {
    let ours = Ours::start();
    let (other, image) = (Ours::start(), image("broken"));
    let digest = put(&other.store, "one/app", None, &image);
    std::fs::write(other.store.blob_path(image.layers[0].digest), layer("lie", 100).bytes).unwrap();
    let (_dir, through) = new_store();
    let from = other.reference("one/app").at_digest(digest);
    let error = client().copy(&from, &ours.reference("two/app:key-1"), &through, &()).unwrap_err();
    assert!(!matches!(error, ClientError::Store(StoreError::NoBlob { .. })), "{error}");
    assert_eq!(ours.store.tag("two/app", "key-1").unwrap(), None);
}

#[test]
fn a_mirror_is_asked_for_what_has_a_digest_only() {
    let ours = Ours::start();
    let image = image("mirrored");
    let digest = put(&ours.store, "one/app", Some("v1"), &image);
    // Nothing listens there.
    let gone: Reference = "localhost:1/one/app:v1".parse().unwrap();
    let mirrors = |mirror: String| vec![("localhost:1".to_owned(), mirror)];
    let client = Client::new(ClientConfig { mirrors: mirrors(ours.addr().to_string()), ..config() });
    let (_dir, store) = new_store();
    let pulled = client.pull(&gone.at_digest(digest), &store, &oci::client::Platforms::All, &()).unwrap();
    assert_eq!(pulled.digest, digest);
    assert!(client.manifest(&gone).is_err(), "a mirror does not say what a tag means");
    assert!(client.put_manifest(&gone, image.media_type, &image.manifest).is_err(), "nor is it written to");
}

#[test]
fn a_mirror_that_is_away_or_lacks_it_costs_nothing() {
    let (ours, empty) = (Ours::start(), Ours::start());
    let digest = put(&ours.store, "one/app", None, &image("here"));
    let at = ours.reference("one/app").at_digest(digest);
    for mirror in ["localhost:1".to_owned(), empty.addr().to_string()] {
        let mirrors = vec![(ours.addr().to_string(), mirror)];
        let client = Client::new(ClientConfig { mirrors, ..config() });
        assert_eq!(client.manifest(&at).unwrap().digest, digest);
    }
}
