//! How registries are reached: certificates, proxies.

use std::fs;
use std::process::Command;

use oci::client::{Client, ClientConfig, ClientError, Proxies};
use testkit::image::Image;

use super::{client, config};
use crate::support::debian::{Debian, Settings};
use crate::support::ours::Ours;
use crate::support::put;
use crate::support::scripted::{Reply, Scripted};

#[test]
fn certificates_are_checked() {
    if !testkit::peer::has("openssl") {
        return;
    }
    let started = Debian::start_with(|dir| {
        let path = |name: &str| dir.path().join(name).display().to_string();
        let arguments = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=registry",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:false",
            "-keyout",
        ];
        testkit::peer::run(Command::new("openssl").args(arguments).args([
            &path("key.pem"),
            "-out",
            &path("cert.pem"),
        ]));
        Settings {
            http: format!(", tls: {{certificate: {}, key: {}}}", path("cert.pem"), path("key.pem")),
            ..Settings::default()
        }
    });
    let Some(registry) = started else { return };
    let name = registry.reference("a:v1");

    let error = client().manifest(&name).unwrap_err();
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let pem = fs::read(registry.dir.path().join("cert.pem")).unwrap();
    let trusting = Client::new(ClientConfig { certificates: vec![pem], ..config() });
    assert_eq!(trusting.head(&name).unwrap(), None);
    let careless = Client::new(ClientConfig { insecure: vec![registry.addr().to_string()], ..config() });
    assert_eq!(careless.head(&name).unwrap(), None);
    let garbage = Client::new(ClientConfig {
        certificates: vec![b"-----BEGIN CERTIFICATE-----\nx".to_vec()],
        ..config()
    });
    assert!(matches!(garbage.head(&name), Err(ClientError::Setup(_))));
}

#[test]
fn proxies_are_used_but_not_for_this_machine() {
    let image = Image::holding("proxied").build();
    let (media_type, bytes) = (image.media_type, image.manifest.clone());
    let proxy = Scripted::start(move |asked| {
        if !asked.path.starts_with("http://registry.test/v2/") {
            return Reply::new(502);
        }
        Reply::new(200).header("Content-Type", media_type).body(bytes.clone())
    });
    let url = Some(format!("http://{}", proxy.addr()));
    let through = |exceptions: &str| {
        Client::new(ClientConfig {
            insecure: vec!["registry.test".to_owned()],
            proxies: Proxies { https: url.clone(), http: url.clone(), exceptions: exceptions.to_owned() },
            ..config()
        })
    };
    let name = "registry.test/a:v1".parse().unwrap();
    assert_eq!(through("").manifest(&name).unwrap().digest, image.digest);
    let asked: Vec<String> = proxy.asked().iter().map(|asked| asked.method.clone()).collect();
    assert_eq!(asked, ["CONNECT", "GET", "GET"], "https is tried first");

    let ours = Ours::start();
    put(&ours.store, "a", Some("v1"), &image);
    assert!(through("").head(&ours.reference("a:v1")).unwrap().is_some());
    assert_eq!(proxy.asked().len(), 3, "loopback is reached directly");
    assert!(
        through("registry.test").manifest(&name).is_err(),
        "an exception is reached directly: there is no such host"
    );
    assert_eq!(proxy.asked().len(), 3);
}

/// Without being listed, a registry elsewhere is never spoken to in plain http.
#[test]
fn plain_http_is_for_this_machine_and_named_registries() {
    let proxy = Scripted::start(|_| Reply::new(200));
    let url = Some(format!("http://{}", proxy.addr()));
    let proxies = Proxies { https: url.clone(), http: url, exceptions: String::new() };
    let client = Client::new(ClientConfig { proxies, ..config() });
    assert!(client.tags(&"registry.test/a".parse().unwrap()).is_err());
    assert!(proxy.asked().iter().all(|asked| asked.method == "CONNECT"), "{:?}", proxy.asked());
}
