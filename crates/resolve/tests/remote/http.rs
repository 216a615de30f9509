//! The resolver `http`.

use base::Digest;

use crate::support::{Place, Web, fetch, fetch_with, message, task};

#[test]
fn a_document_with_its_digest() {
    let place = Place::new();
    let web = Web::of(vec![("/t.yaml", task("t"))]);
    let remote = place.remote();
    let url = web.url("/t.yaml");
    let found = fetch(&remote, "http", &[("url", &url)]).unwrap();
    assert_eq!(found.text, task("t"));
    assert_eq!(found.source.digest["sha256"], Digest::of(task("t")).hex());
    assert_eq!(found.source.uri, url);
    let right = Digest::of(task("t")).to_string();
    assert!(fetch(&remote, "http", &[("url", &url), ("digest", &right)]).is_ok());
    let wrong = Digest::of("other").to_string();
    let refused = message(fetch(&remote, "http", &[("url", &url), ("digest", &wrong)]));
    assert!(
        refused.contains(&right) && refused.contains("instead of") && refused.contains(&wrong),
        "{refused}"
    );
    let malformed = message(fetch(&remote, "http", &[("url", &url), ("digest", "md5:1")]));
    assert!(malformed.contains("is not written as sha256"), "{malformed}");
    assert!(message(fetch(&remote, "http", &[("url", &web.url("/none"))])).contains("no such document"));
    assert!(
        message(fetch(&remote, "http", &[("url", "file:///etc/passwd")])).contains("must begin with http")
    );
}

#[test]
fn giants_and_loops_end() {
    let place = Place::new();
    let web = Web::start(|asked| match asked.path.as_str() {
        "/loop" => (302, "Location: /loop\r\n".to_owned(), Vec::new()),
        _ => (200, String::new(), vec![b'#'; (4 << 20) + 1]),
    });
    let remote = place.remote();
    let giant = message(fetch(&remote, "http", &[("url", &web.url("/giant"))]));
    assert!(giant.contains("it has more than 4"), "{giant}");
    let looped = message(fetch(&remote, "http", &[("url", &web.url("/loop"))]));
    assert!(looped.contains("redirected more than ten times"), "{looped}");
}

#[test]
fn a_login_goes_to_its_server_only() {
    let place = Place::new();
    let other = Web::of(vec![("/t.yaml", task("t"))]);
    let target = format!("http://localhost:{}/t.yaml", other.addr.port());
    let web = Web::start(move |_| (302, format!("Location: {target}\r\n"), Vec::new()));
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
    let url = web.url("/");
    let pairs = [("url", &*url), ("http-username", "me"), ("http-password-secret", "s")];
    fetch_with(&place.remote(), secret, "http", &pairs).unwrap();
    let told = |web: &Web| {
        web.asked().iter().any(|a| a.headers.iter().any(|h| h.starts_with("authorization: basic")))
    };
    assert!(told(&web));
    assert!(!told(&other), "a redirection does not carry the login to another host");
    let half = message(fetch(&place.remote(), "http", &[("url", &url), ("http-username", "me")]));
    assert!(half.contains("belong together"), "{half}");
}
