//! What is kept, what is fetched again, and an end to waiting.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::Digest;
use resolve::{Remote, Settings};

use crate::support::{Place, Web, fetch, message, task};

#[test]
fn a_run_asks_once_and_the_next_one_again() {
    let place = Place::new();
    let web = Web::of(vec![("/t.yaml", task("t"))]);
    let url = web.url("/t.yaml");
    let get = |remote: &Remote| fetch(remote, "http", &[("url", &url)]).unwrap();
    let remote = place.remote();
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| get(&remote))));
    });
    assert_eq!(web.asked().len(), 1, "four threads, one question");
    get(&place.remote());
    assert_eq!(web.asked().len(), 2, "what may have changed is asked again");
    let digest = Digest::of(task("t")).to_string();
    let fixed = [("url", &*url), ("digest", &*digest)];
    fetch(&place.remote(), "http", &fixed).unwrap();
    fetch(&place.remote(), "http", &fixed).unwrap();
    assert_eq!(web.asked().len(), 3, "what cannot change is kept");
    fetch(&place.remote(), "http", &[("url", &url), ("cache", "always")]).unwrap();
    fetch(&place.remote(), "http", &[("url", &url), ("cache", "always")]).unwrap();
    assert_eq!(web.asked().len(), 4, "as long as it is fresh");
}

#[test]
fn offline_is_what_is_kept_and_no_question() {
    let place = Place::new();
    let web = Web::of(vec![("/t.yaml", task("t"))]);
    let url = web.url("/t.yaml");
    let missing = message(fetch(&place.offline(), "http", &[("url", &url)]));
    assert!(missing.contains(&url) && missing.contains("sw vendor FILE --to DIR"), "{missing}");
    assert!(web.asked().is_empty());
    fetch(&place.remote(), "http", &[("url", &url)]).unwrap();
    assert_eq!(fetch(&place.offline(), "http", &[("url", &url)]).unwrap().text, task("t"));
    assert_eq!(web.asked().len(), 1);
    for entry in std::fs::read_dir(place.path("cache")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("echo t", "echo evil")).unwrap();
    }
    assert!(fetch(&place.offline(), "http", &[("url", &url)]).is_err(), "a damaged file is not used");
}

#[test]
fn silent_servers_are_given_up_and_left_at_once_when_asked() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", silent.local_addr().unwrap());
    let both = [("git", vec![("url", &*url), ("pathInRepo", "a.yaml")]), ("http", vec![("url", &*url)])];
    for (resolver, pairs) in both {
        let short = Remote::new(Settings { limit: Duration::from_millis(200), ..place.settings() });
        let slow = message(fetch(&short, resolver, &pairs));
        assert!(slow.contains("no answer within"), "{slow}");
        let asked = Arc::new(AtomicBool::new(false));
        let stop = asked.clone();
        let remote = Remote::new(Settings {
            stop: Some(Arc::new(move || stop.load(Ordering::Relaxed))),
            ..place.settings()
        });
        let stopped = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| message(fetch(&remote, resolver, &pairs)));
            asked.store(true, Ordering::Relaxed);
            waiting.join().unwrap()
        });
        assert!(stopped.contains("stopped while fetching"), "{stopped}");
    }
}

#[test]
fn what_cannot_be_asked_is_said() {
    let remote = Place::new().remote();
    assert!(message(fetch(&remote, "gti", &[])).contains("there is no resolver of this name"));
    assert!(message(fetch(&remote, "git", &[("url", "https://h/x")])).contains("`pathInRepo` is missing"));
    let open = message(fetch(&remote, "git", &[("url", "$(tasks.a.results.b)"), ("pathInRepo", "a")]));
    assert!(open.contains("`url` has a reference in it that has no value yet"), "{open}");
}
