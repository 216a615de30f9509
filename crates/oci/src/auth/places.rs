//! Where auth files are (containers-auth.json(5), and Docker's `config.json`).

use std::ffi::OsString;
use std::path::PathBuf;

/// The part of the environment that decides where credentials are. It comes in as a value.
#[derive(Debug, Clone, Default)]
pub struct AuthEnv {
    /// `REGISTRY_AUTH_FILE`: the only file, when set.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `DOCKER_CONFIG`: a folder.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PATH`, where helper programs are looked for.
    pub path: Option<OsString>,
    /// The user's number, for `/run/containers/UID`.
    pub uid: u32,
}

impl AuthEnv {
    /// Reads the variables through `get`; empty ones count as unset.
    pub fn from_variables(get: impl Fn(&str) -> Option<OsString>, uid: u32) -> Self {
        let get = |name| get(name).filter(|value| !value.is_empty());
        let path = |name| get(name).map(PathBuf::from);
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            path: get("PATH"),
            uid,
        }
    }

    /// The files in the order they are asked; none of them must exist.
    pub fn files(&self) -> Vec<PathBuf> {
        if let Some(only) = &self.registry_auth_file {
            return vec![only.clone()];
        }
        let below_home = |rest: &str| self.home.as_ref().map(|home| home.join(rest));
        let runtime = self.xdg_runtime_dir.as_ref().map_or_else(
            || PathBuf::from(format!("/run/containers/{}/auth.json", self.uid)),
            |dir| dir.join("containers/auth.json"),
        );
        let config = self.xdg_config_home.clone().or_else(|| below_home(".config"));
        let docker = self.docker_config.clone().or_else(|| below_home(".docker"));
        std::iter::once(runtime)
            .chain(config.map(|dir| dir.join("containers/auth.json")))
            .chain(docker.map(|dir| dir.join("config.json")))
            .collect()
    }
}
