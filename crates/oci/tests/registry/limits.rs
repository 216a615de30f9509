//! Too much, too large, too strange.

use std::io::Write;
use std::net::TcpStream;

use base::Digest;
use oci::server::Server;
use oci::{Store, media};

use super::protocol::{get, put_manifest};
use crate::support::http::{send, send_chunked};
use crate::support::noise;
use crate::support::ours::{LOOPBACK, Ours};
use crate::support::small_disk::SmallDisk;

#[test]
fn manifests_have_a_limit() {
    let ours = Ours::start();
    let large = format!("{{\"schemaVersion\":2,\"x\":\"{}\"}}", "x".repeat(4 << 20));
    let refused = put_manifest(ours.addr(), "a", "v1", media::OCI_MANIFEST, large.as_bytes());
    assert_eq!((refused.status, &*refused.code()), (413, "SIZE_INVALID"));
    let piece = vec![b'x'; 1 << 20];
    let pieces: Vec<&[u8]> = (0..5).map(|_| piece.as_slice()).collect();
    let refused = send_chunked(
        ours.addr(),
        "PUT",
        "/v2/a/manifests/v1",
        &[("Content-Type", media::OCI_MANIFEST)],
        &pieces,
    );
    assert_eq!(refused.status, 413, "also when the length is not said");
    assert_eq!(put_manifest(ours.addr(), "a", "v1", "text/html", b"<p>").status, 400);
}

#[test]
fn memory_does_not_grow_with_the_blob() {
    let ours = Ours::start();
    let before = resident();
    let piece = noise("memory", 1 << 20);
    let pieces: Vec<&[u8]> = (0..200).map(|_| piece.as_slice()).collect();
    let whole = pieces.concat();
    let digest = Digest::of(&whole);
    drop(whole);
    let sent =
        send_chunked(ours.addr(), "POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], &pieces);
    assert_eq!(sent.status, 201);
    // A client that asks for everything and reads nothing.
    let mut lazy: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(ours.addr()).unwrap()).collect();
    for stream in &mut lazy {
        stream.write_all(format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let grown = resident().saturating_sub(before);
    assert!(grown < 150 << 20, "{} MiB more for 20 readers of 200 MiB", grown >> 20);
}

/// Bytes of memory that this process uses now.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = SmallDisk::mount(dir.path()) else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    let store = Store::open(dir.path().join("store")).unwrap();
    let server = Server::start(store.clone(), LOOPBACK).unwrap();
    let bytes = noise("full", 8 << 20);
    let refused = send(
        server.addr(),
        "POST",
        &format!("/v2/a/blobs/uploads/?digest={}", Digest::of(&bytes)),
        &[],
        &bytes,
    );
    assert_eq!(refused.status, 507, "{refused:?}");
    let message = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("full") && message.contains("free some space"), "{message}");
    assert_eq!(get(server.addr(), "/v2/").status, 200, "it goes on");
    assert!(!store.has(Digest::of(&bytes)));
    server.stop();
    drop(store);
}

mod any_input {
    use proptest::prelude::*;

    use crate::support::http::send;
    use crate::support::ours::Ours;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// Whatever path comes, the answer is a refusal, and no file appears outside the places that the store has.
        #[test]
        fn strange_paths_are_refused(
            segments in prop::collection::vec("[a-zA-Z0-9._:%/~-]{0,12}|\\.\\.|%2e%2e|blobs|uploads|manifests|tags", 1..6),
            method in "GET|PUT|DELETE|PATCH",
        ) {
            let ours = Ours::start();
            let path = format!("/v2/{}", segments.join("/"));
            let answer = send(ours.addr(), &method, &path, &[("Content-Type", "application/vnd.oci.image.manifest.v1+json")], b"{}");
            prop_assert!((200..500).contains(&answer.status), "{} {}: {}", method, path, answer.status);
            let files: Vec<_> = std::fs::read_dir(ours.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            prop_assert_eq!(files, ["store"]);
            prop_assert!(ours.store.check().unwrap().is_whole());
        }
    }
}
