#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

fn keychain(text: &str) -> Keychain {
    let file = AuthFile::parse(Path::new("auth.json"), text).unwrap();
    let path = PathBuf::from("auth.json");
    Keychain { searched: vec![path.clone()], files: vec![(path, file)], ..Keychain::default() }
}

/// The password found for a repository.
fn password(keychain: &Keychain, registry: &str, repository: &str) -> Option<String> {
    match keychain.find(registry, repository).unwrap().credential? {
        Credential::Basic { password, .. } => Some(password.reveal().to_owned()),
        other => Some(format!("{other:?}")),
    }
}

#[test]
fn the_most_specific_key_wins() {
    // base64 of `u:host`, `u:namespace`, `u:repository`
    let keys = keychain(
        r#"{"auths": {
            "r.io": {"auth": "dTpob3N0"},
            "r.io/a": {"auth": "dTpuYW1lc3BhY2U="},
            "r.io/a/b": {"auth": "dTpyZXBvc2l0b3J5"}
        }}"#,
    );
    assert_eq!(password(&keys, "r.io", "a/b").as_deref(), Some("repository"));
    assert_eq!(password(&keys, "r.io", "a/b/c").as_deref(), Some("repository"));
    assert_eq!(password(&keys, "r.io", "a/bb").as_deref(), Some("namespace"));
    assert_eq!(password(&keys, "r.io", "x").as_deref(), Some("host"));
    assert_eq!(password(&keys, "r.io:5000", "a/b"), None);
    assert_eq!(password(&keys, "evil-r.io", "a/b"), None);
}

#[test]
fn docker_hub_and_old_spellings() {
    let keys = keychain(r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dTpodWI="}}}"#);
    assert_eq!(password(&keys, "docker.io", "library/debian").as_deref(), Some("hub"));
    let keys = keychain(
        r#"{"auths": {"https://r.io/v2/": {"username": "u", "password": "p"}, "https://s.io/x": {"auth": "dTp4"}}}"#,
    );
    assert_eq!(password(&keys, "r.io", "a").as_deref(), Some("p"));
    assert_eq!(password(&keys, "s.io", "a"), None, "an entry for a namespace is not for its host");
}

#[test]
fn tokens_of_both_kinds() {
    let keys = keychain(
        r#"{"auths": {"a.io": {"auth": "dTpw", "identitytoken": "refresh"}, "b.io": {"registrytoken": "bearer"}}}"#,
    );
    let credential = |registry| keys.find(registry, "x").unwrap().credential.unwrap();
    assert_eq!(credential("a.io"), Credential::Identity(Secret::new("refresh")));
    assert_eq!(credential("b.io"), Credential::Bearer(Secret::new("bearer")));
}

#[test]
fn files_are_asked_in_podmans_order() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, user: &str, registry: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(
            path,
            format!(r#"{{"auths": {{"{registry}": {{"username": "u", "password": "{user}"}}}}}}"#),
        )
        .unwrap();
    };
    let mut env = AuthEnv {
        xdg_runtime_dir: Some(dir.path().join("run")),
        home: Some(dir.path().join("home")),
        ..AuthEnv::default()
    };
    write("home/.docker/config.json", "docker", "r.io");
    assert_eq!(password(&Keychain::load(&env).unwrap(), "r.io", "x").as_deref(), Some("docker"));
    write("home/.config/containers/auth.json", "config", "r.io");
    assert_eq!(password(&Keychain::load(&env).unwrap(), "r.io", "x").as_deref(), Some("config"));
    write("run/containers/auth.json", "run", "r.io");
    write("home/.docker/config.json", "docker", "only-docker.io");
    let keys = Keychain::load(&env).unwrap();
    assert_eq!(password(&keys, "r.io", "x").as_deref(), Some("run"));
    assert_eq!(password(&keys, "only-docker.io", "x").as_deref(), Some("docker"));
    assert!(keys.find("r.io", "x").unwrap().origin.contains("run/containers/auth.json"));

    write("alone.json", "alone", "r.io");
    env.registry_auth_file = Some(dir.path().join("alone.json"));
    let keys = Keychain::load(&env).unwrap();
    assert_eq!(password(&keys, "r.io", "x").as_deref(), Some("alone"));
    assert_eq!(password(&keys, "only-docker.io", "x"), None, "the variable names the only file");
    assert!(keys.find("only-docker.io", "x").unwrap().origin.contains("alone.json"), "the place is told");
}

#[test]
fn variables_become_places() {
    let env = AuthEnv::from_variables(
        |name| match name {
            "HOME" => Some("/h".into()),
            "XDG_RUNTIME_DIR" => Some("".into()),
            "DOCKER_CONFIG" => Some("/d".into()),
            _ => None,
        },
        7,
    );
    let files: Vec<_> = env.files().iter().map(|p| p.display().to_string()).collect();
    assert_eq!(files, ["/run/containers/7/auth.json", "/h/.config/containers/auth.json", "/d/config.json"]);
}

#[test]
fn broken_files_are_named_without_their_content() {
    let broken = r#"{"auths": {"r.io": {"auth": ["hunter2"]}}}"#;
    let error = AuthFile::parse(Path::new("/x/auth.json"), broken).unwrap_err().to_string();
    assert!(error.starts_with("/x/auth.json:1:"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    for (entry, why) in [("***", "base64"), ("bm9jb2xvbg==", "no `:`"), ("//8=", "not text")] {
        let keys = keychain(&format!(r#"{{"auths": {{"r.io": {{"auth": "{entry}"}}}}}}"#));
        let error = keys.find("r.io", "x").unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("r.io") && !error.contains(entry), "{error}");
    }
    assert_eq!(password(&keychain(" "), "r.io", "x"), None);
    assert_eq!(password(&keychain(r#"{"auths": null}"#), "r.io", "x"), None);
    let missing = Keychain::from_file(Path::new("/nonexistent/auth.json"), &AuthEnv::default());
    assert!(matches!(missing, Err(AuthError::Read { .. })));
}

#[test]
fn secrets_do_not_show() {
    let credential = Credential::Basic { username: "u".into(), password: Secret::new("hunter2") };
    assert!(!format!("{credential:?}").contains("hunter2"));
    let keys = keychain(r#"{"auths": {"r.io": {"username": "u", "password": "hunter2"}}}"#);
    assert!(!format!("{keys:?}").contains("hunter2"));
}

/// A keychain whose file asks helpers, with helper programs of these scripts on its PATH.
fn with_helpers(dir: &Path, text: &str, helpers: &[(&str, &str)]) -> Keychain {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, script) in helpers {
        let path = bin.join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let file = dir.join("auth.json");
    fs::write(&file, text).unwrap();
    let env = AuthEnv { path: Some(bin.into()), ..AuthEnv::default() };
    Keychain::from_file(&file, &env).unwrap()
}

#[test]
fn helpers_are_asked() {
    let dir = tempfile::tempdir().unwrap();
    let keys = with_helpers(
        dir.path(),
        r#"{"auths": {"plain.io": {"username": "u", "password": "plain"}, "stored.io": {}},
            "credHelpers": {"one.io": "one", "token.io": "token"}, "credsStore": "store"}"#,
        &[
            (
                "one",
                r#"read -r server; printf '{"ServerURL":"%s","Username":"u","Secret":"from one for %s"}' "$server" "$server""#,
            ),
            ("token", r#"printf '{"Username":"<token>","Secret":"refresh"}'"#),
            (
                "store",
                r#"/bin/grep -q stored.io && printf '{"Username":"u","Secret":"stored"}' && exit; echo "credentials not found in native keychain"; exit 1"#,
            ),
        ],
    );
    assert_eq!(password(&keys, "one.io", "x").as_deref(), Some("from one for one.io"));
    assert_eq!(
        keys.find("token.io", "x").unwrap().credential,
        Some(Credential::Identity(Secret::new("refresh")))
    );
    assert_eq!(password(&keys, "plain.io", "x").as_deref(), Some("plain"));
    assert_eq!(password(&keys, "stored.io", "x").as_deref(), Some("stored"));
    assert_eq!(password(&keys, "unknown.io", "x"), None);
}

#[test]
fn broken_helpers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let keys = with_helpers(
        dir.path(),
        r#"{"credHelpers": {"a.io": "absent", "b.io": "../../bin/sh", "c.io": "fails", "d.io": "babbles"}}"#,
        &[("fails", "echo locked; exit 2"), ("babbles", "echo hunter2")],
    );
    for (registry, part) in [
        ("a.io", "`docker-credential-absent`"),
        ("b.io", "has a name with characters"),
        ("c.io", "failed: locked"),
        ("d.io", "not its protocol"),
    ] {
        let error = keys.find(registry, "x").unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_text_gives_its_entries_and_runs_no_helper() {
    let text = r#"{"auths": {"r.example": {"username": "u", "password": "p"}},
        "credHelpers": {"r.example": "steal"}, "credsStore": "steal"}"#;
    let keychain = Keychain::from_text("secret s", text).unwrap();
    let found = keychain.find("r.example", "x").unwrap();
    assert!(matches!(found.credential, Some(Credential::Basic { .. })), "{found:?}");
    assert!(found.origin.contains("secret s"), "{}", found.origin);
    assert!(keychain.find("other.example", "x").unwrap().credential.is_none());
    let malformed = Keychain::from_text("secret s", "{\"hunter2").unwrap_err().to_string();
    assert!(malformed.contains("secret s") && !malformed.contains("hunter2"), "{malformed}");
}
