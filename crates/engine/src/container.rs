//! One container of a pod, from its description to its start; steps and sidecars differ only in what they mount.

use std::path::PathBuf;

use tekton::types::{EnvFromSource, EnvVar, ResourceRequirements, SecurityContext};

use crate::attempt::Scene;
use crate::event::Happened;
use crate::local::bundle::{ContainerSpec, Mounted};
use crate::local::compose::{Wanted, compose};
use crate::local::container::{Container, Sink};
use crate::local::devices;
use crate::local::images::mount;
use crate::local::shell::Terminal;

/// What steps and sidecars have in common.
pub struct Described<'a> {
    /// The container's name in the pod.
    pub container: &'a str,
    /// The image's name.
    pub image: &'a str,
    /// The script's text, if it has one.
    pub script: Option<&'a str>,
    /// Entry point.
    pub command: &'a [String],
    /// Arguments.
    pub args: &'a [String],
    /// Working directory.
    pub working_dir: &'a str,
    /// Environment from objects.
    pub env_from: &'a [EnvFromSource],
    /// Environment.
    pub env: &'a [EnvVar],
    /// Mounts.
    pub mounts: Vec<Mounted>,
    /// User, capabilities and the like.
    pub security: Option<&'a SecurityContext>,
    /// What it may use.
    pub resources: &'a ResourceRequirements,
    /// No network but loopback.
    pub isolated: bool,
}

/// A container that can be started: its root file system is mounted.
pub struct Ready<'a> {
    scene: &'a Scene<'a>,
    bundle: PathBuf,
    /// Its description.
    pub spec: ContainerSpec,
    /// Its id at the runtime.
    pub id: String,
}

/// Mounts the root file system and composes the container.
///
/// # Errors
/// What is wrong, for people.
pub fn prepare<'a>(scene: &'a Scene<'a>, described: Described<'_>) -> Result<Ready<'a>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let Described { container, image, .. } = described;
    let shared = scene.shared;
    let mut own = scene.environment(described.env_from, described.env).map_err(|e| text(&e))?;
    if described.isolated {
        own.set("TEKTON_HERMETIC", "1");
    }
    let (devices, lacking) = devices::wanted(described.resources);
    for what in lacking {
        let message = format!("{}/{container}: {what}", scene.task);
        shared.journal.record(Happened::Warning { message });
    }
    let mut mounts = described.mounts;
    let hidden = |n: &&Mounted| !mounts.iter().any(|m| m.target == n.target);
    let network: Vec<Mounted> = scene.network.iter().filter(hidden).cloned().collect();
    mounts.extend(network);
    let image = scene.images.get(image).ok_or_else(|| format!("the image {image} was not resolved"))?;
    let dir = scene.pod.container(container).map_err(|e| text(&e))?;
    let rootfs = mount(image, &dir)?;
    let script = described.script.map(|script| scene.pod.script(container, script));
    let id = shared.container_id(&scene.prepared.pod_name, container);
    let bundle = shared.bundle(&id).map_err(|e| text(&e))?;
    let (limits, lacking) = shared.limiter.limits(&described.resources.limits);
    for message in lacking {
        shared.journal.record(Happened::Warning { message });
    }
    let spec = compose(
        Wanted {
            image,
            script: script.transpose().map_err(|e| text(&e))?,
            command: described.command,
            args: described.args,
            working_dir: described.working_dir,
            own: &own,
            mounts,
            security: described.security,
            pod_security: scene.prepared.pod.security_context.as_ref(),
            hostname: &scene.prepared.pod_name,
            this: &shared.config.this,
            devices,
            isolated: described.isolated,
            limits,
            cgroup: format!("/{}/{id}", shared.cgroup),
        },
        &rootfs,
    )
    .map_err(|e| text(&e))?;
    scene
        .pod
        .own_working_dir(&spec)
        .map_err(|e| format!("cannot make the working directory {}: {e}", spec.cwd))?;
    Ok(Ready { scene, bundle, spec, id })
}

impl Ready<'_> {
    /// Opens a shell with all that this container has, before it starts or after it has ended.
    ///
    /// # Errors
    /// When it cannot be opened; for people.
    pub fn shell(&self, terminal: &Terminal) -> Result<(), String> {
        let Scene { shared, stop, .. } = self.scene;
        let id = format!("{}-shell", self.id);
        let bundle = shared.bundle(&id).map_err(|e| e.to_string())?;
        let spec = ContainerSpec { cgroup: format!("/{}/{id}", shared.cgroup), ..self.spec.clone() };
        let told = |taken| shared.journal.terminal_taken(taken);
        let state = shared.runtime_state();
        terminal.shell(&shared.config.runtime, &spec, (&state, &bundle, &id), stop, &told)
    }

    /// Starts it. Without a sink of its own, standard error goes where standard output goes.
    ///
    /// # Errors
    /// When the runtime cannot be executed, for people.
    pub fn start(&self, stdout: Sink, stderr: Option<Sink>) -> Result<Container, String> {
        let shared = self.scene.shared;
        let (runtime, state) = (&shared.config.runtime, shared.runtime_state());
        Container::start(runtime, &self.spec, &self.bundle, &state, &self.id, stdout, stderr)
            .map_err(|e| e.to_string())
    }
}
