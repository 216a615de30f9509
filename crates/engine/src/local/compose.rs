//! From what a step or sidecar asks for and what its image says to one container (tekton.md §2.2, §2.5, §2.6).

use std::path::{Path, PathBuf};

use oci::ImageConfig;
use tekton::substitute::kubernetes::expand;
use tekton::types::SecurityContext;
use tekton::types::core::security::PodSecurityContext;

use crate::limits::Limits;

use super::bundle::{ContainerSpec, Mounted, Privileges, What};
use super::devices;
use super::environment::Environment;
use super::images::Resolved;
use super::rootless;
use super::user::{self, UnknownUser};

/// PATH of an image that sets none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of this machine that tools of the `host` image need to reach the network as its users do.
const HOST_VARIABLES: [&str; 12] = [
    "PATH",
    "LANG",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
];

/// What a container asks for; names, mounts and environment are settled.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The image, resolved.
    pub image: &'a Resolved,
    /// Path of the script in the container, instead of a command.
    pub script: Option<String>,
    /// Entry point; empty for the image's.
    pub command: &'a [String],
    /// Arguments; empty for the image's when the entry point is the image's too.
    pub args: &'a [String],
    /// Working directory; empty for the image's, relative below /workspace.
    pub working_dir: &'a str,
    /// Own environment: what the command line may refer to.
    pub own: &'a Environment,
    /// Mounts.
    pub mounts: Vec<Mounted>,
    /// The container's security context.
    pub security: Option<&'a SecurityContext>,
    /// The pod's.
    pub pod_security: Option<&'a PodSecurityContext>,
    /// Host name: the pod's name.
    pub hostname: &'a str,
    /// This program's own file, shown to the `host` image as /usr/local/bin/sw.
    pub this: &'a Path,
    /// Devices that it asks for.
    pub devices: Vec<PathBuf>,
    /// No network but loopback.
    pub isolated: bool,
    /// What it may use.
    pub limits: Limits,
    /// Control group.
    pub cgroup: String,
}

/// The container, with its root file system mounted at `rootfs`.
///
/// # Errors
/// When the image's user is unknown, there is nothing to run, or it would run as root against the task's will.
pub fn compose(wanted: Wanted<'_>, rootfs: &Path) -> Result<ContainerSpec, ComposeError> {
    let empty = ImageConfig::default();
    let config = match wanted.image {
        Resolved::Image { config, .. } => config.as_ref(),
        Resolved::Host => &empty,
    };
    let process = config.config.clone();
    let security = wanted.security.cloned().unwrap_or_default();
    let pod = wanted.pod_security.cloned().unwrap_or_default();
    let id = |own: Option<i64>, pods: Option<i64>| own.or(pods).and_then(|n| u32::try_from(n).ok());
    let run_as = (id(security.run_as_user, pod.run_as_user), id(security.run_as_group, pod.run_as_group));
    let (mut user, home) = user::resolve(rootfs, &process.user, run_as)?;
    let groups = pod.supplemental_groups.iter().chain(&pod.fs_group);
    user.groups.extend(groups.filter_map(|g| u32::try_from(*g).ok()));
    if rootless::is_inside() {
        user = rootless::known(user).map_err(ComposeError::Unmapped)?;
    }
    if security.run_as_non_root.or(pod.run_as_non_root) == Some(true) && user.uid == 0 {
        return Err(ComposeError::Root);
    }

    let mut environment = Environment::default();
    environment.set("PATH", PATH);
    if *wanted.image == Resolved::Host {
        for name in HOST_VARIABLES {
            if let Ok(value) = std::env::var(name) {
                environment.set(name, value);
            }
        }
        // The registry of a local build listens on loopback, where no proxy can reach it.
        for name in ["no_proxy", "NO_PROXY"] {
            let others = environment.get(name).map(|v| format!("{v},")).unwrap_or_default();
            environment.set(name, format!("{others}127.0.0.1,localhost,::1"));
        }
    }
    environment.extend_texts(&process.env);
    environment.set("HOSTNAME", wanted.hostname);
    environment.extend(wanted.own);
    if environment.get("HOME").is_none() {
        environment.set("HOME", home);
    }

    let args = command_line(
        &wanted,
        process.entrypoint.as_deref().unwrap_or_default(),
        process.cmd.as_deref().unwrap_or_default(),
    )?;
    let mut mounts = wanted.mounts;
    if *wanted.image == Resolved::Host {
        let source = wanted.this.to_owned();
        mounts.push(Mounted {
            target: "/usr/local/bin/sw".into(),
            what: What::Bind { source, read_only: true },
        });
    }
    let capabilities = security.capabilities.clone().unwrap_or_default();
    Ok(ContainerSpec {
        rootfs: rootfs.to_owned(),
        args,
        env: environment.into_pairs(),
        cwd: working_dir(wanted.working_dir, &process.working_dir),
        user,
        hostname: wanted.hostname.to_owned(),
        mounts,
        privileges: Privileges {
            privileged: security.privileged == Some(true),
            add: capabilities.add,
            drop: capabilities.drop,
            read_only_root: security.read_only_root_filesystem == Some(true),
            no_new_privileges: security.allow_privilege_escalation == Some(false),
            devices: if security.privileged == Some(true) { devices::all() } else { wanted.devices },
            isolated: wanted.isolated,
        },
        limits: wanted.limits,
        terminal: false,
        cgroup: wanted.cgroup,
    })
}

/// script + args; else command + args; else the image's entry point + (args, or its Cmd when there are none). In all but
/// the script Kubernetes expands `$(VAR)`.
fn command_line(
    wanted: &Wanted<'_>,
    entrypoint: &[String],
    cmd: &[String],
) -> Result<Vec<String>, ComposeError> {
    let expanded = |texts: &[String]| -> Vec<String> {
        texts.iter().map(|t| expand(t, |name| wanted.own.get(name))).collect()
    };
    let args = expanded(wanted.args);
    let line = if let Some(script) = &wanted.script {
        [vec![script.clone()], args].concat()
    } else if !wanted.command.is_empty() {
        [expanded(wanted.command), args].concat()
    } else if entrypoint.is_empty() {
        // An image without entry point: its Cmd is the command, and args come after it (§2.2).
        [cmd.to_vec(), args].concat()
    } else if args.is_empty() {
        [entrypoint, cmd].concat()
    } else {
        [entrypoint.to_vec(), args].concat()
    };
    if line.is_empty() { Err(ComposeError::NothingToRun) } else { Ok(line) }
}

fn working_dir(own: &str, image: &str) -> String {
    match (own, image) {
        ("", "") => "/".to_owned(),
        ("", image) => image.to_owned(),
        (own, _) if own.starts_with('/') => own.to_owned(),
        (own, _) => format!("/workspace/{own}"),
    }
}

/// Why a container cannot be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The image names a user it does not have.
    #[error(transparent)]
    User(#[from] UnknownUser),
    /// Without root, users and groups are few.
    #[error("{0}")]
    Unmapped(String),
    /// Neither the step nor the image says what to run.
    #[error("there is nothing to run: the step has neither script nor command, and the image no entry point")]
    NothingToRun,
    /// runAsNonRoot (in Kubernetes' words).
    #[error("container has runAsNonRoot and image will run as root; set securityContext.runAsUser")]
    Root,
}
