//! Where things are kept, and what the environment says; the only place that reads environment variables.

use std::path::{Path, PathBuf};

use engine::local::rootless;

/// The folder of images, runs and claims.
///
/// ```text
/// store/    images: an OCI layout with repositories and tags
/// layers/   unpacked layers
/// runs/     journals and logs
/// claims/   persistent volume claims
/// steps/    the step cache
/// checkouts/ git sources of streams
/// patched/  sources with patches applied
/// answers/  what git servers and registries answered, for when they are not asked
/// resolved/ what remote references of Tekton YAML meant
/// builds/   what is known of the last build of each stream
/// ```
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// `given`, else `/var/lib/streamwright` for root, else `$XDG_DATA_HOME/streamwright`.
    pub fn new(given: Option<PathBuf>) -> Self {
        let dir = given.unwrap_or_else(|| {
            if rustix::process::geteuid().is_root() && !rootless::is_inside() {
                return PathBuf::from("/var/lib/streamwright");
            }
            let data = std::env::var_os("XDG_DATA_HOME")
                .map(PathBuf::from)
                .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")));
            data.unwrap_or_else(|| PathBuf::from("/tmp")).join("streamwright")
        });
        Self(std::path::absolute(&dir).unwrap_or(dir))
    }

    /// Whether it is where this user's home is without being told.
    pub fn is_default(&self) -> bool {
        Self::new(None).0 == self.0
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Images.
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Unpacked layers.
    pub fn layers(&self) -> PathBuf {
        self.0.join("layers")
    }

    /// Runs.
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// Persistent volume claims.
    pub fn claims(&self) -> PathBuf {
        self.0.join("claims")
    }

    /// The step cache.
    pub fn steps(&self) -> PathBuf {
        self.0.join("steps")
    }

    /// Git sources of streams, by repository and commit.
    pub fn checkouts(&self) -> PathBuf {
        self.0.join("checkouts")
    }

    /// What servers answered to streams.
    pub fn answers(&self) -> PathBuf {
        self.0.join("answers")
    }

    /// Sources with patches applied.
    pub fn patched(&self) -> PathBuf {
        self.0.join("patched")
    }

    /// What remote references of Tekton YAML meant.
    pub fn resolved(&self) -> PathBuf {
        self.0.join("resolved")
    }

    /// What is known of the last build of a stream.
    pub fn builds(&self, stream: &str) -> PathBuf {
        self.0.join("builds").join(stream)
    }
}

/// The environment variable with registries and their mirrors.
pub const MIRRORS: &str = "STREAMWRIGHT_MIRRORS";

/// The environment that registry credentials are looked up in.
pub fn auth_environment() -> oci::auth::AuthEnv {
    let uid = rootless::outer_uid();
    oci::auth::AuthEnv::from_variables(|name| std::env::var_os(name), uid)
}

/// Registries with their mirrors, as `STREAMWRIGHT_MIRRORS` names them: `REGISTRY=MIRROR,REGISTRY=MIRROR`.
///
/// # Errors
/// Text of another form.
pub fn mirrors() -> Result<Vec<(String, String)>, String> {
    let text = std::env::var(MIRRORS).unwrap_or_default();
    let pair = |pair: &str| match pair.split_once('=') {
        Some((registry, mirror)) if !registry.is_empty() && !mirror.is_empty() => {
            Ok((registry.to_owned(), mirror.to_owned()))
        }
        _ => Err(format!("{MIRRORS} has `{pair}`; write it as REGISTRY=MIRROR, with `,` between several")),
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect()
}

/// The proxies that registries are reached through.
pub fn proxies() -> oci::client::Proxies {
    oci::client::Proxies::from_variables(|name| std::env::var(name).ok())
}
