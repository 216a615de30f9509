//! One auth file: `auths`, `credHelpers`, `credsStore`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::helper::Helpers;
use super::{AuthError, Credential, Secret};
use crate::manifest::null_is_default;
use crate::reference::DOCKER_HUB;

/// More than any real file of this kind.
const FILE_LIMIT: u64 = 4 << 20;

/// The name under which Docker keeps its hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthFile {
    #[serde(default, deserialize_with = "null_is_default")]
    auths: BTreeMap<String, Entry>,
    #[serde(default, deserialize_with = "null_is_default")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    identitytoken: String,
    #[serde(default)]
    registrytoken: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl AuthFile {
    /// Reads a file; `None` when there is none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, AuthError> {
        let failed = |source| AuthError::Read { path: path.to_owned(), source };
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(e)
                if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            // A folder on the way is closed to this user (root's podman makes such a /run/containers), so nothing there
            // can be theirs. A file that is there and cannot be read is another matter.
            Err(e) if is_denied(&e) && std::fs::symlink_metadata(path).is_err_and(|e| is_denied(&e)) => {
                return Ok(None);
            }
            Err(e) => return Err(failed(e)),
        };
        let mut text = String::new();
        file.take(FILE_LIMIT).read_to_string(&mut text).map_err(failed)?;
        Self::parse(path, &text).map(Some)
    }

    /// Its `auths` alone.
    pub(super) fn without_helpers(self) -> Self {
        Self { auths: self.auths, ..Self::default() }
    }

    /// `path` is for messages. An empty file has no entries, as with podman.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, AuthError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // The parser's own words may quote the content, so only the place is told.
        serde_json::from_str(text).map_err(|e| AuthError::Malformed {
            path: path.to_owned(),
            line: e.line(),
            column: e.column(),
        })
    }

    /// The credential for a repository and the key it stands under.
    ///
    /// A helper that is named for the registry comes first, then the entries from the most specific key to the registry's own,
    /// then the store of the whole file.
    pub(super) fn find(
        &self,
        path: &Path,
        registry: &str,
        repository: &str,
        helpers: &Helpers,
    ) -> Result<Option<(Credential, String)>, AuthError> {
        let server = if registry == DOCKER_HUB { HUB_KEY } else { registry };
        for name in [registry, server] {
            if let Some(helper) = self.cred_helpers.get(name) {
                let found = helpers.get(helper, server, path)?;
                return Ok(found.map(|credential| (credential, format!("credHelpers.{name}"))));
            }
        }
        for key in self.keys(registry, repository) {
            let Some(entry) = self.auths.get(&key) else { continue };
            if let Some(credential) = entry.credential(path, &key)? {
                return Ok(Some((credential, key)));
            }
        }
        let Some(store) = &self.creds_store else { return Ok(None) };
        let found = helpers.get(store, server, path)?;
        Ok(found.map(|credential| (credential, "credsStore".to_owned())))
    }

    /// The keys that apply: `host/a/b`, `host/a`, `host`, then old spellings of the host.
    fn keys(&self, registry: &str, repository: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut full = format!("{registry}/{repository}");
        while let Some(cut) = full.rfind('/') {
            keys.push(full.clone());
            full.truncate(cut);
        }
        keys.push(registry.to_owned());
        let old = self.auths.keys().filter(|key| !keys.contains(key) && hostname(key) == hostname(registry));
        let old: Vec<String> = old.cloned().collect();
        keys.extend(old);
        keys
    }
}

/// `https://host/v1/` as `host`; the names of Docker's hub as one. A key with a path of its own stays what it is.
fn hostname(key: &str) -> &str {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let bare = bare.trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    match bare {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        other => other,
    }
}

impl Entry {
    fn credential(&self, path: &Path, key: &str) -> Result<Option<Credential>, AuthError> {
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credential::Bearer(Secret::new(&*self.registrytoken))));
        }
        if !self.identitytoken.is_empty() {
            return Ok(Some(Credential::Identity(Secret::new(&*self.identitytoken))));
        }
        if self.auth.is_empty() {
            if self.username.is_empty() {
                return Ok(None);
            }
            let password = Secret::new(&*self.password);
            return Ok(Some(Credential::Basic { username: self.username.clone(), password }));
        }
        let invalid = |reason| AuthError::Entry { path: path.to_owned(), key: key.to_owned(), reason };
        let bytes = STANDARD.decode(self.auth.trim()).map_err(|_| invalid("`auth` is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid("`auth` is not text"))?;
        let (username, password) = text.split_once(':').ok_or_else(|| invalid("`auth` has no `:`"))?;
        // Docker pads old entries with zero bytes.
        let password = Secret::new(password.trim_end_matches('\0'));
        Ok(Some(Credential::Basic { username: username.to_owned(), password }))
    }
}

fn is_denied(e: &std::io::Error) -> bool {
    e.kind() == std::io::ErrorKind::PermissionDenied
}
