//! Credentials of a run's ServiceAccount as the files that git, ssh and registry clients look for (tekton.md §2.9).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tekton::catalog::Catalog;
use tekton::contents::{Contents, Kind, contents};
use tekton::prepare::paths::CREDENTIALS;
use tekton::types::core::objects::LocalObjectReference;

/// Contents by path below `/tekton/creds` and below HOME. Printed for debugging, it shows the paths only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// The files; those that nothing was given for are not there.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What could not be used, for people and without any secret.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

/// The credentials of the account called `account`; none when it is not among the run's objects.
pub fn of_account(catalog: &Catalog, account: &str) -> Credentials {
    let mut found = Collected::default();
    for reference in catalog.service_account(account).iter().flat_map(|a| &a.secrets) {
        if let Err(why) = found.add(catalog, &reference.name) {
            found.warnings.push(format!("secret {} is not used for credentials: {why}", reference.name));
        }
    }
    found.into_files()
}

/// The credentials for pulling images: a `config.json` from `secrets`, which the pod names, and from those of the account;
/// no file when there are none. For one registry the pod's win.
pub fn for_pulling(catalog: &Catalog, account: &str, secrets: &[LocalObjectReference]) -> Credentials {
    let mut found = Collected::default();
    let accounts = catalog.service_account(account);
    let accounts = accounts.iter().flat_map(|a| &a.image_pull_secrets);
    for reference in accounts.chain(secrets) {
        if let Err(why) = found.add(catalog, &reference.name) {
            found.warnings.push(format!("secret {} is not used for pulling images: {why}", reference.name));
        }
    }
    let config = json!({"auths": found.registries}).to_string();
    let config =
        (!found.registries.is_empty()).then(|| (".docker/config.json".to_owned(), config.into_bytes()));
    Credentials { files: config.into_iter().collect(), warnings: found.warnings }
}

/// What the secrets say, before it is written down.
#[derive(Default)]
struct Collected {
    /// User and password by place.
    git: Vec<(Place, String, String)>,
    ssh: Vec<(Place, Identity)>,
    /// Entries of config.json by registry; of a later secret, if there are several.
    registries: Map<String, Value>,
    warnings: Vec<String>,
}

#[derive(Clone)]
struct Identity {
    secret: String,
    key: Vec<u8>,
    known_hosts: Option<Vec<u8>>,
}

impl Collected {
    fn add(&mut self, catalog: &Catalog, name: &str) -> Result<(), String> {
        let secret = catalog.secret(name).ok_or("it is not in the files of this run")?;
        let mut values =
            contents(catalog, Kind::Secret, name).map_err(|e| e.to_string())?.unwrap_or_default();
        let annotated = |prefix: &'static str| {
            secret
                .metadata
                .annotations
                .iter()
                .filter(move |(k, _)| k.starts_with(prefix))
                .map(|(_, v)| v.as_str())
        };
        match secret.r#type.as_str() {
            "kubernetes.io/basic-auth" => {
                for url in annotated("tekton.dev/git-") {
                    let (user, password) = (text(&values, "username")?, text(&values, "password")?);
                    self.git.push((Place::http(url)?, user, password));
                }
                for registry in annotated("tekton.dev/docker-") {
                    let (user, password) = (text(&values, "username")?, text(&values, "password")?);
                    let auth = STANDARD.encode(format!("{user}:{password}"));
                    let entry = json!({"username": user, "password": password, "auth": auth});
                    self.registries.insert(registry.to_owned(), entry);
                }
            }
            "kubernetes.io/ssh-auth" => {
                for place in annotated("tekton.dev/git-") {
                    let place = Place::ssh(place)?;
                    let key = values.get("ssh-privatekey").ok_or("it has no key `ssh-privatekey`")?;
                    if !plain(name) {
                        return Err("its name cannot be that of a file".to_owned());
                    }
                    let known_hosts = values.get("known_hosts").cloned();
                    let identity = Identity { secret: name.to_owned(), key: key.clone(), known_hosts };
                    self.ssh.push((place, identity));
                }
            }
            "kubernetes.io/dockerconfigjson" => {
                let mut config = object(&mut values, ".dockerconfigjson")?;
                if let Some(Value::Object(auths)) = config.remove("auths") {
                    self.registries.extend(auths);
                }
            }
            "kubernetes.io/dockercfg" => self.registries.extend(object(&mut values, ".dockercfg")?),
            // Other secrets are for volumes and the environment.
            _ => {}
        }
        Ok(())
    }

    fn into_files(mut self) -> Credentials {
        let mut files = BTreeMap::new();
        let mut gitconfig = String::new();
        // git asks the store without a path for places that have no section with useHttpPath, and the first line of the host
        // answers: that must be the one for the whole host.
        self.git.sort_by_key(|(place, ..)| !place.path.is_empty());
        let mut store = String::new();
        if !self.git.is_empty() {
            gitconfig.push_str("[credential]\n\thelper = store\n");
        }
        for (place, user, password) in &self.git {
            gitconfig.push_str(&format!(
                "[credential \"{}\"]\n\tusername = {}\n",
                place.url(""),
                quoted(user)
            ));
            if !place.path.is_empty() {
                gitconfig.push_str("\tuseHttpPath = true\n");
            }
            let login = format!("{}:{}@", percent(user), percent(password));
            store.push_str(&place.url(&login));
            store.push('\n');
        }
        let (mut config, mut known_hosts) = (String::new(), Vec::new());
        for (place, identity) in &self.ssh {
            let alias = place.alias(&identity.secret);
            config.push_str(&format!(
                "Host {alias}\n    HostName {}\n    Port {}\n    IdentityFile {CREDENTIALS}/.ssh/id_{}\n",
                place.host,
                place.port.unwrap_or(22),
                identity.secret
            ));
            if !place.path.is_empty() {
                config.push_str("    IdentitiesOnly yes\n");
                // An address that says `alias` instead of the host gets the identity of this one repository.
                let (host, path) = (&place.host, &place.path);
                let port = place.port.map(|p| format!(":{p}")).unwrap_or_default();
                gitconfig.push_str(&format!("[url \"git@{alias}:{path}\"]\n"));
                gitconfig.push_str(&format!("\tinsteadOf = ssh://git@{host}{port}/{path}\n"));
                if place.port.is_none() {
                    gitconfig.push_str(&format!("\tinsteadOf = git@{host}:{path}\n"));
                }
            }
            match &identity.known_hosts {
                Some(known) => push_lines(&mut known_hosts, known),
                None => config.push_str("    StrictHostKeyChecking no\n"),
            }
            let mut key = Vec::new();
            push_lines(&mut key, &identity.key);
            files.insert(format!(".ssh/id_{}", identity.secret), key);
        }
        let docker = if self.registries.is_empty() {
            String::new()
        } else {
            json!({ "auths": self.registries }).to_string()
        };
        let all = [
            (".gitconfig", gitconfig.into_bytes()),
            (".git-credentials", store.into_bytes()),
            (".ssh/config", config.into_bytes()),
            (".ssh/known_hosts", known_hosts),
            (".docker/config.json", docker.into_bytes()),
        ];
        files.extend(all.into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(p, b)| (p.to_owned(), b)));
        Credentials { files, warnings: self.warnings }
    }
}

/// Where credentials are for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    scheme: &'static str,
    host: String,
    port: Option<u16>,
    /// Without slashes around it.
    path: String,
}

impl Place {
    fn http(url: &str) -> Result<Self, String> {
        let (scheme, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => ("https", rest),
            (_, Some(rest)) => ("http", rest),
            _ => return Err(format!("the annotation {url:?} must begin with https:// or http://")),
        };
        Self::after_scheme(scheme, rest).ok_or_else(|| format!("the annotation {url:?} is not an address"))
    }

    /// `host`, `host:port`, `host/path`, also with `ssh://` and a user in front.
    fn ssh(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        Self::after_scheme("ssh", rest).ok_or_else(|| format!("the annotation {text:?} is not an address"))
    }

    /// Only what has no meaning in the files that it is written into.
    fn after_scheme(scheme: &'static str, rest: &str) -> Option<Self> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (authority, None),
        };
        let path = path.trim_matches('/');
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~/%+".contains(c);
        (plain(host) && path.chars().all(harmless)).then(|| Self {
            scheme,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }

    fn url(&self, login: &str) -> String {
        let port = self.port.map(|p| format!(":{p}")).unwrap_or_default();
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("{}://{login}{}{port}{slash}{}", self.scheme, self.host, self.path)
    }

    /// The name in ssh's configuration: one of its own for a single repository.
    fn alias(&self, secret: &str) -> String {
        if self.path.is_empty() { self.host.clone() } else { format!("{}-{secret}", self.host) }
    }
}

/// Names of hosts and objects: nothing that could be an option, a pattern, a path or a second word.
fn plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

fn text(values: &Contents, key: &str) -> Result<String, String> {
    let bytes = values.get(key).ok_or_else(|| format!("it has no key `{key}`"))?;
    String::from_utf8(bytes.clone()).map_err(|_| format!("its key `{key}` is not text"))
}

fn object(values: &mut Contents, key: &str) -> Result<Map<String, Value>, String> {
    let bytes = values.remove(key).ok_or_else(|| format!("it has no key `{key}`"))?;
    serde_json::from_slice(&bytes).map_err(|_| format!("its key `{key}` is not a JSON object"))
}

/// A value of git's configuration.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn percent(text: &str) -> String {
    let encode = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Appends lines; the last one gets its end, without which ssh does not read a key.
fn push_lines(to: &mut Vec<u8>, lines: &[u8]) {
    to.extend_from_slice(lines);
    if !lines.ends_with(b"\n") {
        to.push(b'\n');
    }
}

#[cfg(test)]
mod tests;
