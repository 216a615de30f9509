#![allow(clippy::unwrap_used)]

use base::Source;
use tekton::load::load;

use super::*;

fn credentials(yaml: &str) -> Credentials {
    let loaded = load(&Source::new("secrets.yaml", yaml)).unwrap();
    let catalog = Catalog::new(loaded.documents, &mut |name| format!("{name}x")).unwrap();
    of_account(&catalog, "robot")
}

fn account(secrets: &str) -> String {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n";
    format!("{account}secrets: [{secrets}]\n")
}

fn secret(name: &str, kind: &str, annotations: &str, values: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/{kind}\n\
         metadata: {{name: {name}, annotations: {{{annotations}}}}}\nstringData: {{{values}}}\n"
    )
}

fn file<'a>(credentials: &'a Credentials, path: &str) -> &'a str {
    std::str::from_utf8(&credentials.files[path]).unwrap()
}

fn paths(credentials: &Credentials) -> Vec<&str> {
    credentials.files.keys().map(String::as_str).collect()
}

#[test]
fn passwords_for_git() {
    let yaml = account("{name: repo}, {name: host}")
        + &secret(
            "repo",
            "basic-auth",
            "tekton.dev/git-0: https://a.example/org/repo",
            "username: u, password: p",
        )
        + &secret(
            "host",
            "basic-auth",
            "tekton.dev/git-x: \"https://a.example:8443/\"",
            "username: 'x y', password: 'p@:/'",
        );
    let found = credentials(&yaml);
    assert_eq!(paths(&found), [".git-credentials", ".gitconfig"]);
    assert_eq!(
        file(&found, ".git-credentials"),
        "https://x%20y:p%40%3A%2F@a.example:8443\nhttps://u:p@a.example/org/repo\n"
    );
    assert_eq!(
        file(&found, ".gitconfig"),
        "[credential]\n\thelper = store\n\
         [credential \"https://a.example:8443\"]\n\tusername = \"x y\"\n\
         [credential \"https://a.example/org/repo\"]\n\tusername = \"u\"\n\tuseHttpPath = true\n"
    );
}

#[test]
fn keys_for_ssh() {
    let yaml = account("{name: host}, {name: repo}")
        + &secret(
            "host",
            "ssh-auth",
            "tekton.dev/git-0: localhost",
            "ssh-privatekey: key, known_hosts: known",
        )
        + &secret(
            "repo",
            "ssh-auth",
            "tekton.dev/git-0: 'git@b.example:2222/org/repo'",
            "ssh-privatekey: \"other\\n\"",
        );
    let found = credentials(&yaml);
    assert_eq!(
        paths(&found),
        [".gitconfig", ".ssh/config", ".ssh/id_host", ".ssh/id_repo", ".ssh/known_hosts"]
    );
    assert_eq!(file(&found, ".ssh/id_host"), "key\n");
    assert_eq!(file(&found, ".ssh/id_repo"), "other\n");
    assert_eq!(file(&found, ".ssh/known_hosts"), "known\n");
    assert_eq!(
        file(&found, ".ssh/config"),
        "Host localhost\n    HostName localhost\n    Port 22\n    IdentityFile /tekton/creds/.ssh/id_host\n\
         Host b.example-repo\n    HostName b.example\n    Port 2222\n    IdentityFile /tekton/creds/.ssh/id_repo\n    \
         IdentitiesOnly yes\n    StrictHostKeyChecking no\n"
    );
    assert_eq!(
        file(&found, ".gitconfig"),
        "[url \"git@b.example-repo:org/repo\"]\n\tinsteadOf = ssh://git@b.example:2222/org/repo\n"
    );
}

#[test]
fn registries_are_merged() {
    let yaml = account("{name: basic}, {name: json}, {name: old}")
        + &secret(
            "basic",
            "basic-auth",
            "tekton.dev/docker-0: https://r.example",
            "username: u, password: p",
        )
        + &secret(
            "json",
            "dockerconfigjson",
            "",
            "'.dockerconfigjson': '{\"auths\": {\"s.example\": {\"auth\": \"x\"}}}'",
        )
        + &secret("old", "dockercfg", "", "'.dockercfg': '{\"t.example\": {\"auth\": \"y\"}}'");
    let found = credentials(&yaml);
    assert_eq!(paths(&found), [".docker/config.json"]);
    let config: Value = serde_json::from_str(file(&found, ".docker/config.json")).unwrap();
    let expected = json!({"auths": {
        "https://r.example": {"username": "u", "password": "p", "auth": "dTpw"},
        "s.example": {"auth": "x"},
        "t.example": {"auth": "y"},
    }});
    assert_eq!(config, expected);
}

#[test]
fn what_cannot_be_used_is_told_without_its_content() {
    let sly = "'https://a.example/x\"]\\n[core]'";
    let yaml = account("{name: gone}, {name: half}, {name: sly}, {name: json}, {name: opaque}")
        + &secret("half", "basic-auth", "tekton.dev/git-0: https://a.example", "username: geheim")
        + &secret("sly", "basic-auth", &format!("tekton.dev/git-0: {sly}"), "username: u, password: geheim")
        + &secret("json", "dockerconfigjson", "", "'.dockerconfigjson': 'geheim'")
        + &secret("opaque", "opaque", "", "a: geheim");
    let found = credentials(&yaml);
    assert_eq!(paths(&found), [""; 0]);
    let warnings = found.warnings.join("\n");
    for said in [
        "secret gone is not used for credentials: it is not in the files of this run",
        "secret half is not used for credentials: it has no key `password`",
        "secret sly is not used for credentials: the annotation",
        "secret json is not used for credentials: its key `.dockerconfigjson` is not a JSON object",
    ] {
        assert!(warnings.contains(said), "{warnings}");
    }
    assert_eq!(found.warnings.len(), 4);
    assert!(!warnings.contains("geheim") && !format!("{found:?}").contains("geheim"));
    assert_eq!(
        credentials("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other}\n"),
        Credentials::default()
    );
}

#[test]
fn only_plain_addresses() {
    for text in
        ["-oProxyCommand=x", "a b", "*", "a.example:x", "", "a.example/$(x)", "a\nHost *", "a.example/x y"]
    {
        assert!(Place::ssh(text).is_err(), "{text:?}");
    }
    for url in ["a.example", "ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/x\"y"]
    {
        assert!(Place::http(url).is_err(), "{url:?}");
    }
}

#[test]
fn secrets_for_pulling_of_the_pod_win_over_those_of_the_account() {
    let config = |user: &str| format!("'{{\"auths\": {{\"r.example\": {{\"username\": \"{user}\"}}}}}}'");
    let yaml = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\nimagePullSecrets: [{name: own}, {name: gone}]\n"
        .to_owned()
        + &secret("own", "dockerconfigjson", "", &format!(".dockerconfigjson: {}", config("account")))
        + &secret("pods", "dockerconfigjson", "", &format!(".dockerconfigjson: {}", config("pod")));
    let loaded = load(&Source::new("secrets.yaml", yaml)).unwrap();
    let catalog = Catalog::new(loaded.documents, &mut |name| format!("{name}x")).unwrap();
    let user = |found: &Credentials| {
        let config: Value = serde_json::from_str(file(found, ".docker/config.json")).unwrap();
        config["auths"]["r.example"]["username"].clone()
    };
    let accounts = for_pulling(&catalog, "robot", &[]);
    assert_eq!(user(&accounts), "account");
    assert_eq!(
        accounts.warnings,
        ["secret gone is not used for pulling images: it is not in the files of this run"]
    );
    let pods = [LocalObjectReference { name: "pods".into() }];
    assert_eq!(user(&for_pulling(&catalog, "robot", &pods)), "pod");
    assert_eq!(for_pulling(&catalog, "nobody", &[]), Credentials::default());
    assert!(of_account(&catalog, "robot").files.is_empty(), "steps do not get them");
}
