//! Connections that break and registries that are busy.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oci::Store;
use oci::client::{Client, ClientConfig, ClientError, Platforms, RetryPolicy};
use oci::server::Server;
use oci::server::event::Event;
use oci::store::StoreError;
use testkit::image::Image;

use super::{Listener, client, config};
use crate::support::debian::Debian;
use crate::support::ours::{LOOPBACK, Ours};
use crate::support::proxy::{Fault, Proxy};
use crate::support::scripted::{Reply, Scripted};
use crate::support::small_disk::SmallDisk;
use crate::support::{image, layer, nothing_half_written, put};

fn new_store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    (dir, store)
}

/// One blob at a time, so that a connection's faults hit a known one.
fn one_at_a_time() -> Client {
    Client::new(ClientConfig { jobs: 1, ..config() })
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let ours = Ours::start_observed({
        let sent = Arc::clone(&sent);
        Arc::new(move |event| {
            if let Event::Sent { total, .. } = event {
                sent.lock().unwrap().push(total);
            }
        })
    });
    let image = image("resume");
    put(&ours.store, "a", Some("v1"), &image);
    let size = image.layers[1].bytes.len() as u64;
    let proxy = Proxy::start(ours.addr(), &[Fault::Down(1_000_000), Fault::Down(900_000)], Fault::None);
    let (_dir, store) = new_store();
    let heard = Listener::default();
    one_at_a_time().pull(&proxy.reference("a:v1"), &store, &Platforms::All, &heard).unwrap();
    assert!(store.check().unwrap().is_whole() && store.has(image.layers[1].digest));
    assert_eq!(heard.retries.lock().unwrap().len(), 2, "{:?}", heard.retries);
    // The requests for the large layer asked for less every time.
    let mut asked: Vec<u64> = sent.lock().unwrap().iter().copied().filter(|total| *total > 100_000).collect();
    asked.dedup();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0] == size && asked[1] < size - 900_000 && asked[2] < asked[1] - 800_000, "{asked:?}");
}

#[test]
fn a_download_that_breaks_always_ends_with_a_clear_word() {
    let ours = Ours::start();
    let image = image("hopeless");
    put(&ours.store, "a", Some("v1"), &image);
    let proxy = Proxy::start(ours.addr(), &[], Fault::Down(100_000));
    let (_dir, store) = new_store();
    let error = one_at_a_time().pull(&proxy.reference("a:v1"), &store, &Platforms::All, &()).unwrap_err();
    let ClientError::GaveUp { attempts: 4, .. } = error else { panic!("{error}") };
    let error = error.to_string();
    for part in ["tried 4 times", &image.layers[1].digest.to_string(), "`a`", "broke", "of 3317600 bytes"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(nothing_half_written(&store));
    assert!(!store.has(image.layers[1].digest) && store.tags("a").unwrap().is_empty());
}

#[test]
fn a_broken_upload_goes_on_where_it_stopped() {
    let received = Arc::new(Mutex::new(Vec::new()));
    let ours = Ours::start_observed({
        let received = Arc::clone(&received);
        Arc::new(move |event| {
            if let Event::Received { upload, bytes, .. } = event {
                received.lock().unwrap().push((upload.to_owned(), bytes));
            }
        })
    });
    let (_dir, store) = new_store();
    let image = image("up");
    let digest = put(&store, "x", None, &image);
    let proxy = Proxy::start(ours.addr(), &[Fault::Up(1_200_000), Fault::Up(900_000)], Fault::None);
    one_at_a_time().push(&store, digest, &proxy.reference("a:v1"), &()).unwrap();
    assert_eq!(ours.store.manifest("a", "v1").unwrap().unwrap().digest, digest);
    assert!(nothing_half_written(&ours.store));
    let size = image.layers[1].bytes.len() as u64;
    let received = received.lock().unwrap();
    let (large, _) = received.iter().find(|(_, bytes)| *bytes == size).unwrap();
    let steps: Vec<u64> = received.iter().filter(|(id, _)| id == large).map(|(_, bytes)| *bytes).collect();
    assert!(steps.windows(2).all(|w| w[0] < w[1]), "one upload, never sent twice: {steps:?}");
    assert!(proxy.connections() >= 3);
}

/// Debian's registry does not take up a broken upload; then the client starts it again.
#[test]
fn a_broken_upload_starts_again_where_it_must() {
    let Some(debian) = Debian::start() else { return };
    let (_dir, store) = new_store();
    let image = image("restart");
    let digest = put(&store, "x", None, &image);
    let proxy = Proxy::start(debian.addr(), &[Fault::Up(1_200_000), Fault::Up(900_000)], Fault::None);
    one_at_a_time().push(&store, digest, &proxy.reference("a:v1"), &()).unwrap();
    let (_dir, back) = new_store();
    client().pull(&debian.reference("a:v1"), &back, &Platforms::All, &()).unwrap();
    assert!(back.check().unwrap().is_whole());
}

#[test]
fn an_upload_that_breaks_always_ends_with_a_clear_word() {
    let ours = Ours::start();
    let (_dir, store) = new_store();
    let digest = put(&store, "x", None, &image("never"));
    let proxy = Proxy::start(ours.addr(), &[], Fault::Up(50_000));
    let error = one_at_a_time().push(&store, digest, &proxy.reference("a:v1"), &()).unwrap_err();
    assert!(matches!(error, ClientError::GaveUp { attempts: 4, .. }), "{error}");
    assert!(ours.store.tags("a").unwrap().is_empty());
    let uploads = std::fs::read_dir(ours.store.dir().join("repositories/a/_uploads")).unwrap();
    assert_eq!(uploads.count(), 0, "the client has cancelled what it started");
    assert!(ours.store.check().unwrap().is_whole());
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().tags(&format!("{free}/a").parse().unwrap()).unwrap_err().to_string();
    for part in [&*free.to_string(), "tried 4 times", "cannot connect", "refused"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A registry in front of ours that is busy for the first answers to a path.
fn busy(ours: &Ours, times: usize, status: u16, retry_after: &'static str) -> Scripted {
    let (addr, left) = (ours.addr(), AtomicUsize::new(times));
    Scripted::start(move |asked| {
        let is_ping = asked.path == "/v2/";
        if !is_ping && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Reply::new(status)
                .header("Retry-After", retry_after)
                .body(r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#);
        }
        let headers: Vec<(&str, &str)> = asked
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case("content-type") || n.eq_ignore_ascii_case("accept"))
            .map(|(n, v)| (&**n, &**v))
            .collect();
        let answer = crate::support::http::send(addr, &asked.method, &asked.path, &headers, &asked.body);
        let reply = Reply { status: answer.status, headers: Vec::new(), body: answer.body };
        answer
            .headers
            .into_iter()
            .filter(|(name, _)| {
                !name.eq_ignore_ascii_case("transfer-encoding") && !name.eq_ignore_ascii_case("connection")
            })
            .fold(reply, |reply, (name, value)| reply.header(&name, value))
    })
}

#[test]
fn a_busy_registry_is_asked_again() {
    for status in [429, 500, 502, 503, 504] {
        let ours = Ours::start();
        put(&ours.store, "a", Some("v1"), &Image::holding("busy").build());
        let server = busy(&ours, 2, status, "0");
        let (_dir, store) = new_store();
        client().pull(&server.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
        let (_dir, other) = new_store();
        let digest = put(&other, "x", None, &Image::holding("busy push").build());
        let server = busy(&ours, 3, status, "0");
        client().push(&other, digest, &server.reference("b:v1"), &()).unwrap();
        assert_eq!(ours.store.tag("b", "v1").unwrap(), Some(digest), "{status}");
    }
}

#[test]
fn a_registry_that_stays_busy_is_left() {
    let ours = Ours::start();
    let server = busy(&ours, usize::MAX, 503, "0");
    let error = client().tags(&server.reference("a")).unwrap_err().to_string();
    assert!(
        error.contains("tried 4 times") && error.contains("503") && error.contains("slow down"),
        "{error}"
    );
    assert_eq!(server.asked().len(), 5, "the ping and four tries");
    let refusing = busy(&ours, usize::MAX, 507, "0");
    let error = client().tags(&refusing.reference("a")).unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 507, .. }), "a full disk stays full: {error}");
    assert_eq!(refusing.asked().len(), 2);
}

#[test]
fn the_pause_that_a_registry_asks_for_is_kept() {
    let ours = Ours::start();
    put(&ours.store, "a", Some("v1"), &Image::holding("pause").build());
    let server = busy(&ours, 1, 429, "1");
    let patient = RetryPolicy { longest_pause: Duration::from_secs(5), ..config().retry };
    let started = Instant::now();
    Client::new(ClientConfig { retry: patient, ..config() }).tags(&server.reference("a")).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn a_download_may_break_often_when_it_gets_on() {
    let ours = Ours::start();
    let image = Image::new().layer(layer("huge", 60 << 20)).build();
    put(&ours.store, "a", Some("v1"), &image);
    // Six breaks with four tries allowed, but 9 MB between them.
    let proxy = Proxy::start(ours.addr(), &[Fault::Down(9_000_000); 6], Fault::None);
    let (_dir, store) = new_store();
    one_at_a_time().pull(&proxy.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    assert!(store.has(image.layers[0].digest));
}

#[test]
fn an_upload_may_break_often_when_it_gets_on() {
    let ours = Ours::start();
    let (_dir, store) = new_store();
    let digest = put(&store, "x", None, &Image::new().layer(layer("huge", 60 << 20)).build());
    let proxy = Proxy::start(ours.addr(), &[Fault::Up(9_000_000); 6], Fault::None);
    one_at_a_time().push(&store, digest, &proxy.reference("a:v1"), &()).unwrap();
    assert_eq!(ours.store.tag("a", "v1").unwrap(), Some(digest));
}

#[test]
fn a_full_disk_on_either_side_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = SmallDisk::mount(dir.path()) else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    let full = Store::open(dir.path().join("store")).unwrap();
    let image = Image::new().layer(layer("full", 12 << 20)).build();

    let server = Server::start(full.clone(), LOOPBACK).unwrap();
    let (_dir, store) = new_store();
    let digest = put(&store, "x", None, &image);
    let to = format!("{}/a:v1", server.addr()).parse().unwrap();
    let error = client().push(&store, digest, &to, &()).unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 507, .. }), "{error}");
    assert!(error.to_string().contains("is full"), "{error}");
    server.stop();

    let ours = Ours::start();
    put(&ours.store, "a", Some("v1"), &image);
    std::fs::remove_dir_all(dir.path().join("store")).unwrap();
    let full = Store::open(dir.path().join("store")).unwrap();
    let error = client().pull(&ours.reference("a:v1"), &full, &Platforms::All, &()).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::Full { .. })), "{error}");
    assert!(nothing_half_written(&full) && full.tags("a").unwrap().is_empty());
}

/// A registry that refuses an upload at its start, does not read it, and does not hang up either.
#[test]
fn an_answer_in_the_middle_of_an_upload_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("{}/a:v1", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let close = "Connection: close\r\nContent-Length: 0\r\n\r\n";
            let last = head.starts_with(b"PATCH");
            let answer = match head.get(..4) {
                Some(b"GET ") => format!("HTTP/1.1 200 OK\r\n{close}"),
                Some(b"HEAD") => format!("HTTP/1.1 404 Not Found\r\n{close}"),
                Some(b"PUT ") => format!("HTTP/1.1 201 Created\r\n{close}"),
                Some(b"POST") => {
                    format!("HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\n{close}")
                }
                _ => format!("HTTP/1.1 413 Too Large\r\n{close}"),
            };
            stream.write_all(answer.as_bytes()).unwrap();
            if last {
                open.push(stream);
                return open;
            }
        }
        open
    });
    let (_dir, store) = new_store();
    let image = Image::new().layer(layer("refused", 30 << 20)).build();
    let digest = put(&store, "x", None, &image);
    let started = Instant::now();
    let error = one_at_a_time().push(&store, digest, &name, &()).unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 413, .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    server.join().unwrap();
}
