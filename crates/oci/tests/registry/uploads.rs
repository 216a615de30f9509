//! Uploads that are interrupted, repeated, or made by several at once.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::Digest;
use oci::Store;
use oci::server::Server;
use oci::server::event::{Event, unobserved};
use testkit::image::Image;

use super::protocol::{finish, get, push, upload};
use crate::support::http::send;
use crate::support::ours::{LOOPBACK, Ours};
use crate::support::{noise, nothing_half_written};

/// Waits until the upload has so many bytes.
fn wait_for(ours: &Ours, location: &str, range: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while get(ours.addr(), location).header("range") != Some(range) {
        assert!(Instant::now() < deadline, "the upload never got to {range}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_arrived_before_the_connection_broke_is_kept() {
    let ours = Ours::start();
    let bytes = noise("broken", 500_000);
    let started = send(ours.addr(), "POST", "/v2/a/blobs/uploads/", &[], b"");
    let mut stream = TcpStream::connect(ours.addr()).unwrap();
    let head = format!("PATCH {} HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n", started.location());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&bytes[..200_000]).unwrap();
    drop(stream);
    wait_for(&ours, &started.location(), "0-199999");
    let rest = send(
        ours.addr(),
        "PATCH",
        &started.location(),
        &[("Content-Range", "200000-499999")],
        &bytes[200_000..],
    );
    assert_eq!((rest.status, rest.header("range")), (202, Some("0-499999")));
    let finished = finish(ours.addr(), &rest.location(), Digest::of(&bytes), b"");
    assert_eq!(finished.status, 201, "{finished:?}");
    assert_eq!(get(ours.addr(), &finished.location()).body, bytes);
    assert!(nothing_half_written(&ours.store));
}

#[test]
fn an_upload_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    let server = Server::start(store.clone(), LOOPBACK).unwrap();
    let started = send(server.addr(), "POST", "/v2/a/blobs/uploads/", &[], b"");
    assert_eq!(send(server.addr(), "PATCH", &started.location(), &[], b"first, ").status, 202);
    server.stop();
    let server = Server::start(store.clone(), LOOPBACK).unwrap();
    let more = send(server.addr(), "PATCH", &started.location(), &[("Content-Range", "7-12")], b"second");
    assert_eq!((more.status, more.header("range")), (202, Some("0-12")));
    assert_eq!(finish(server.addr(), &more.location(), Digest::of("first, second"), b"").status, 201);
    assert_eq!(store.read(Digest::of("first, second"), 100).unwrap(), b"first, second");
}

#[test]
fn a_second_writer_of_an_upload_waits_for_the_first() {
    let ours = Ours::start();
    let started = send(ours.addr(), "POST", "/v2/a/blobs/uploads/", &[], b"");
    let mut first = TcpStream::connect(ours.addr()).unwrap();
    let head = format!("PATCH {} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc", started.location());
    first.write_all(head.as_bytes()).unwrap();
    // The first holds the upload as soon as its bytes are on disk.
    let uploads = ours.store.dir().join("repositories/a/_uploads");
    let file = std::fs::read_dir(uploads).unwrap().next().unwrap().unwrap().path();
    while std::fs::metadata(&file).unwrap().len() < 3 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (addr, location) = (ours.addr(), started.location());
    let second =
        std::thread::spawn(move || send(addr, "PATCH", &location, &[("Content-Range", "6-8")], b"ghi"));
    std::thread::sleep(Duration::from_millis(200));
    first.write_all(b"def").unwrap();
    let second = second.join().unwrap();
    assert_eq!((second.status, second.header("range")), (202, Some("0-8")), "{second:?}");
    assert_eq!(finish(ours.addr(), &second.location(), Digest::of("abcdefghi"), b"").status, 201);
}

#[test]
fn many_push_at_the_same_time() {
    let ours = Ours::start();
    let shared = noise("shared", 400_000);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (ours, shared) = (&ours, &shared);
            scope.spawn(move || {
                for round in 0..3 {
                    upload(ours.addr(), "same", shared);
                    let image = Image::holding(&format!("{worker} {round}")).build();
                    push(ours.addr(), &format!("own/{worker}"), &format!("v{round}"), &image);
                    push(ours.addr(), "same", "latest", &image);
                }
            });
        }
    });
    assert_eq!(ours.store.repositories().unwrap().len(), 9);
    let latest = get(ours.addr(), "/v2/same/manifests/latest");
    assert_eq!(latest.header("docker-content-digest"), Some(&*Digest::of(&latest.body).to_string()));
    assert!(nothing_half_written(&ours.store));
}

#[test]
fn stopping_lets_running_requests_finish() {
    let ours = Ours::start();
    let (addr, store) = (ours.addr(), ours.store.clone());
    let mut stream = TcpStream::connect(addr).unwrap();
    let digest = Digest::of("abcdef");
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let uploads = store.dir().join("repositories/a/_uploads");
    while !uploads.exists() || std::fs::read_dir(&uploads).unwrap().count() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let Ours { server, dir: _dir, .. } = ours;
    let stopping = std::thread::spawn(move || server.stop());
    while TcpStream::connect(addr).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(b"def").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    stopping.join().unwrap();
    assert!(store.has(digest));
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let ours = Ours::start();
    let mut idle = TcpStream::connect(ours.addr()).unwrap();
    idle.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut buffer = [0; 4096];
    assert!(std::io::Read::read(&mut idle, &mut buffer).unwrap() > 0);
    let started = Instant::now();
    ours.server.stop();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_port_in_use_is_told() {
    let ours = Ours::start();
    let error = Server::start(ours.store.clone(), ours.addr()).unwrap_err().to_string();
    assert!(error.contains(&ours.addr().to_string()) && error.contains("choose another"), "{error}");
}

#[test]
fn an_observer_hears_of_bytes_and_answers() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ours = Ours::start_observed({
        let heard = Arc::clone(&heard);
        Arc::new(move |event| {
            let line = match event {
                Event::Sent { repository, bytes, total, .. } => format!("sent {repository} {bytes}/{total}"),
                Event::Received { repository, bytes, .. } => format!("received {repository} {bytes}"),
                Event::Answered { method, path, status, .. } => format!("{method} {path} {status}"),
            };
            heard.lock().unwrap().push(line);
        })
    });
    let digest = upload(ours.addr(), "a/b", &noise("observed", 1_200_000));
    get(ours.addr(), &format!("/v2/a/b/blobs/{digest}"));
    let heard = heard.lock().unwrap();
    for line in [
        "POST /v2/a/b/blobs/uploads/ 202".to_owned(),
        "received a/b 1200000".to_owned(),
        "sent a/b 1200000/1200000".to_owned(),
        format!("GET /v2/a/b/blobs/{digest} 200"),
    ] {
        assert!(heard.contains(&line), "{line} in {heard:#?}");
    }
    assert!(heard.iter().filter(|line| line.starts_with("sent")).count() > 1, "piece by piece");
    let _ = unobserved();
}
