//! Registries that want to know who is asking.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oci::auth::{AuthEnv, Credential, Keychain, Secret};
use oci::client::{Client, ClientConfig, ClientError, Platforms};
use oci::{Reference, Store};
use serde_json::json;
use tempfile::TempDir;
use testkit::image::Image;

use super::config;
use crate::support::debian::{Debian, Settings};
use crate::support::scripted::{Asked, Reply, Scripted};
use crate::support::{image, put};

/// bcrypt of `hunter2`.
const HTPASSWD: &str = "alice:$2b$04$Vn/BHCdj.n9QYg7ESZ6d9ONdafOetxdCNMvmhAmsL5OtkZlhDvt9u\n";

fn with(keychain: Keychain) -> Client {
    Client::new(ClientConfig { keychain, ..config() })
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic { username: username.into(), password: Secret::new(password) }
}

/// A keychain of one auth file as `podman login` writes it.
fn auth_file(dir: &TempDir, key: &str, username: &str, password: &str) -> Keychain {
    let path = dir.path().join("auth.json");
    let auth = STANDARD.encode(format!("{username}:{password}"));
    fs::write(&path, json!({"auths": {key: {"auth": auth}}}).to_string()).unwrap();
    Keychain::from_file(&path, &AuthEnv::default()).unwrap()
}

/// Pushes and pulls an image.
fn round_trip(client: &Client, name: &Reference) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("from")).unwrap();
    let digest = put(&store, "x", None, &image("login"));
    client.push(&store, digest, name, &()).unwrap();
    let back = Store::open(dir.path().join("to")).unwrap();
    client.pull(name, &back, &Platforms::All, &()).unwrap();
    assert!(back.check().unwrap().is_whole());
}

#[test]
fn user_and_password_on_debians_registry() {
    let started = Debian::start_with(|dir| {
        let file = dir.path().join("htpasswd");
        fs::write(&file, HTPASSWD).unwrap();
        Settings {
            more: format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file.display()),
            ..Settings::default()
        }
    });
    let Some(registry) = started else { return };
    let dir = tempfile::tempdir().unwrap();
    let name = registry.reference("private/image:v1");
    round_trip(&with(auth_file(&dir, &registry.addr().to_string(), "alice", "hunter2")), &name);
    round_trip(&with(auth_file(&dir, &format!("{}/private", registry.addr()), "alice", "hunter2")), &name);
    round_trip(&with(Keychain::fixed(basic("alice", "hunter2"))), &name);

    let wrong = with(auth_file(&dir, &registry.addr().to_string(), "alice", "wrong"));
    let auth = STANDARD.encode("alice:hunter2");
    let given = json!({"auths": {registry.addr().to_string(): {"auth": auth}}}).to_string();
    round_trip(&wrong.with_credentials("a secret", &given).unwrap(), &name);
    // Its own credentials are still there for registries that the text does not have, and no helper is asked.
    let helper = json!({"credHelpers": {registry.addr().to_string(): "no-such-helper"}}).to_string();
    let other =
        with(Keychain::fixed(basic("alice", "hunter2"))).with_credentials("a secret", &helper).unwrap();
    round_trip(&other, &name);
    let none = with(Keychain::anonymous()).with_credentials("a secret", &helper).unwrap();
    let error = none.manifest(&name).unwrap_err().to_string();
    assert!(error.contains("a secret") && !error.contains("no-such-helper"), "{error}");
    assert!(wrong.with_credentials("a secret", "{").is_err());

    let error =
        with(auth_file(&dir, &registry.addr().to_string(), "alice", "wrong")).manifest(&name).unwrap_err();
    assert!(matches!(error, ClientError::Unauthorized { .. }), "{error}");
    let error = error.to_string();
    for part in ["pull from `private/image`", "auth.json", "podman login", &registry.addr().to_string()] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("wrong"), "{error}");

    let env = AuthEnv { home: Some("/nonexistent/home".into()), ..AuthEnv::default() };
    let error = with(Keychain::load(&env).unwrap()).manifest(&name).unwrap_err().to_string();
    for part in ["wants a login", "/nonexistent/home/.config/containers/auth.json", "podman login"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A token service whose tokens Debian's registry believes: RS256 by a key whose certificate the registry has.
struct TokenService {
    server: Scripted,
    dir: TempDir,
}

impl TokenService {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let arguments =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens", "-keyout"];
        testkit::peer::run(Command::new("openssl").args(arguments).args([
            &path("key.pem"),
            "-out",
            &path("cert.pem"),
        ]));
        let pem = fs::read_to_string(path("cert.pem")).unwrap();
        let certificate: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
        let key = path("key.pem");
        let server = Scripted::start(move |asked| grant(asked, &key, &certificate));
        Self { server, dir }
    }

    fn registry(&self) -> Option<Debian> {
        Debian::start_with(|_| Settings {
            more: format!(
                "auth: {{token: {{realm: 'http://{}/token', service: registry.test, issuer: tokens, rootcertbundle: {}}}}}\n",
                self.server.addr(),
                self.dir.path().join("cert.pem").display()
            ),
            ..Settings::default()
        })
    }
}

/// Alice gets what she asks for, strangers may pull from `public/`, a refresh token is as good as Alice's password.
fn grant(asked: &Asked, key: &str, certificate: &str) -> Reply {
    let query = match &*asked.method {
        "POST" => String::from_utf8(asked.body.clone()).unwrap(),
        _ => asked.path.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default(),
    };
    let decoded = query.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
    let values = |name: &str| -> Vec<String> {
        decoded
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(k, _)| *k == name)
            .map(|(_, v)| v.to_owned())
            .collect()
    };
    let alice = format!("Basic {}", STANDARD.encode("alice:hunter2"));
    let known = match asked.header("authorization") {
        Some(given) if given == alice => true,
        Some(_) => return Reply::new(401).body(r#"{"details":"incorrect username or password"}"#),
        None => values("refresh_token") == ["refresh-me"] && values("grant_type") == ["refresh_token"],
    };
    assert_eq!(values("service"), ["registry.test"], "{decoded}");
    let scopes: Vec<String> =
        values("scope").iter().flat_map(|s| s.split('+').map(str::to_owned).collect::<Vec<_>>()).collect();
    let access: Vec<_> = scopes
        .iter()
        .map(|scope| {
            let parts: Vec<&str> = scope.split(':').collect();
            let actions: Vec<&str> = match known {
                true => parts[2].split(',').collect(),
                false if parts[1].starts_with("public/") => vec!["pull"],
                false => vec![],
            };
            json!({"type": parts[0], "name": parts[1], "actions": actions})
        })
        .collect();
    let now = jiff::Timestamp::now().as_second();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [certificate]});
    let claims = json!({
        "iss": "tokens", "aud": "registry.test", "sub": "alice", "jti": format!("{now}"),
        "iat": now - 5, "nbf": now - 5, "exp": now + 300, "access": access,
    });
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("signed");
    fs::write(&file, &signed).unwrap();
    let signature =
        testkit::peer::run(Command::new("openssl").args(["dgst", "-sha256", "-sign", key]).arg(&file)).stdout;
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    Reply::new(200)
        .header("Content-Type", "application/json")
        .body(json!({"token": token, "expires_in": 300}).to_string())
}

#[test]
fn tokens_on_debians_registry() {
    if !testkit::peer::has("openssl") {
        return;
    }
    let service = TokenService::start();
    let Some(registry) = service.registry() else { return };
    let alice = with(Keychain::fixed(basic("alice", "hunter2")));
    round_trip(&alice, &registry.reference("private/a:v1"));
    round_trip(&alice, &registry.reference("public/a:v1"));
    let tokens = service.server.asked().len();
    alice.tags(&registry.reference("private/a")).unwrap();
    assert_eq!(service.server.asked().len(), tokens, "the token is kept");
    alice
        .delete(
            &registry
                .reference("private/a")
                .at_digest(alice.head(&registry.reference("private/a:v1")).unwrap().unwrap().digest),
        )
        .unwrap();

    round_trip(
        &with(Keychain::fixed(Credential::Identity(Secret::new("refresh-me")))),
        &registry.reference("private/b:v1"),
    );

    let stranger = with(Keychain::anonymous());
    stranger.manifest(&registry.reference("public/a:v1")).unwrap();
    let error = stranger.manifest(&registry.reference("private/b:v1")).unwrap_err().to_string();
    assert!(error.contains("wants a login") && error.contains("private/b"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    let digest = put(&store, "x", None, &Image::holding("stranger").build());
    let error =
        stranger.push(&store, digest, &registry.reference("public/a:v2"), &()).unwrap_err().to_string();
    assert!(error.contains("push to `public/a`"), "{error}");

    let wrong = with(auth_file(&dir, &registry.addr().to_string(), "alice", "swordfish"));
    let error = wrong.manifest(&registry.reference("public/a:v1")).unwrap_err().to_string();
    for part in ["incorrect username or password", "auth.json", "podman login"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("swordfish"));
}

#[test]
fn a_token_that_ends_too_early_is_replaced() {
    let (granted, image) = (Arc::new(AtomicUsize::new(0)), Image::holding("expired").build());
    let server = Scripted::start({
        let granted = Arc::clone(&granted);
        move |asked| {
            let host = asked.header("host").unwrap().to_owned();
            if asked.path.starts_with("/token") {
                let number = granted.fetch_add(1, Ordering::SeqCst);
                return Reply::new(200)
                    .body(json!({"access_token": format!("t{number}"), "expires_in": 3600}).to_string());
            }
            // The first token is taken back before it was used.
            if asked.header("authorization") == Some("Bearer t1") {
                return Reply::new(200).header("Content-Type", image.media_type).body(image.manifest.clone());
            }
            Reply::new(401)
                .header("WWW-Authenticate", format!("Bearer realm=\"http://{host}/token\",service=\"s\""))
        }
    });
    with(Keychain::anonymous()).manifest(&server.reference("a:v1")).unwrap();
    assert_eq!(granted.load(Ordering::SeqCst), 2);
}

#[test]
fn credentials_go_only_where_they_belong() {
    // Where the blobs really are: it must not see who asks.
    let image = Image::holding("elsewhere").build();
    let blobs: Vec<Vec<u8>> = image.blobs().into_iter().map(<[u8]>::to_vec).collect();
    let storage = Scripted::start(move |asked| {
        let blob = blobs.iter().find(|b| asked.path.ends_with(&base::Digest::of(b).hex()));
        blob.map_or(Reply::new(404), |blob| Reply::new(200).body(blob.clone()))
    });
    let elsewhere = storage.addr();
    let registry = Scripted::start({
        let image = image.clone();
        move |asked| {
            if asked.header("authorization").is_none() {
                return Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\"");
            }
            match asked.path.rsplit_once("sha256:") {
                Some((_, hex)) => Reply::new(307).header("Location", format!("http://{elsewhere}/{hex}")),
                None if asked.path == "/v2/" => Reply::new(200),
                None => Reply::new(200).header("Content-Type", image.media_type).body(image.manifest.clone()),
            }
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store")).unwrap();
    let client = with(Keychain::fixed(basic("alice", "hunter2")));
    client.pull(&registry.reference("a:v1"), &store, &Platforms::All, &()).unwrap();
    assert_eq!(storage.asked().len(), 2);
    assert!(storage.asked().iter().all(|asked| asked.header("authorization").is_none()));
    assert!(registry.asked().iter().any(|asked| asked.header("authorization").is_some()));

    // A token service that anybody could listen to.
    let registry = Scripted::start(|_| {
        Reply::new(401)
            .header("WWW-Authenticate", "Bearer realm=\"http://tokens.example.com/token\",service=\"s\"")
    });
    let error = client.manifest(&registry.reference("a:v1")).unwrap_err().to_string();
    assert!(error.contains("tokens.example.com") && error.contains("not https"), "{error}");
}

#[test]
fn a_user_without_the_right_is_told_so() {
    let registry = Scripted::start(|asked| match asked.header("authorization") {
        None => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) => {
            Reply::new(403).body(r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#)
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let keychain = auth_file(&dir, &registry.addr().to_string(), "bob", "x");
    let error = with(keychain).manifest(&registry.reference("a:v1")).unwrap_err();
    assert!(matches!(error, ClientError::Forbidden { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("requested access is denied") && error.contains("auth.json"), "{error}");
}
