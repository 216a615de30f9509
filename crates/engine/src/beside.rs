//! Sidecars of an attempt: started before the first step, stopped after the last one (tekton.md §2.13).

use tekton::prepare::{Failure, PreparedSidecar};
use tekton::status::task_run::Attempt;
use tekton::types::Time;
use tekton::types::status::{ContainerTerminated, SidecarState};

use crate::attempt::Scene;
use crate::container::{Described, prepare};
use crate::event::Happened;
use crate::local::container::OUT_OF_MEMORY;
use crate::local::sidecar::{Running, stop_all};

/// Starts one sidecar.
///
/// # Errors
/// When it cannot be described or started.
pub fn start(scene: &Scene<'_>, prepared: &PreparedSidecar) -> Result<Running, Failure> {
    let name = if prepared.name.is_empty() { prepared.container.clone() } else { prepared.name.clone() };
    let failed = |e: &dyn std::fmt::Display| scene.config_error(&name, e);
    let sidecar = &prepared.sidecar;
    let mounts = scene
        .pod
        .sidecar_mounts(prepared.script.is_some(), &sidecar.volume_mounts)
        .map_err(|e| failed(&e))?;
    let ready = prepare(
        scene,
        Described {
            container: &prepared.container,
            image: &sidecar.image,
            script: prepared.script.as_deref(),
            command: &sidecar.command,
            args: &sidecar.args,
            working_dir: &sidecar.working_dir,
            env_from: &sidecar.env_from,
            env: &sidecar.env,
            mounts,
            security: sidecar.security_context.as_ref(),
            resources: &sidecar.compute_resources,
            isolated: false,
        },
    )
    .map_err(|e| failed(&e))?;
    let log = scene.log(&name).map_err(|e| failed(&e))?;
    let container = ready.start(log.sink(), None).map_err(|e| failed(&e))?;
    let readiness = sidecar.readiness_probe.clone().or_else(|| sidecar.startup_probe.clone());
    Ok(Running {
        name,
        id: ready.id.clone(),
        state: scene.shared.runtime_state(),
        ports: sidecar.ports.clone(),
        readiness,
        container,
    })
}

/// Stops all and notes how each ended. One that was stopped counts as completed; its exit code then says only how it takes
/// SIGTERM.
pub fn stop(scene: &Scene<'_>, running: Vec<Running>, attempt: &mut Attempt) {
    let ended = match stop_all(running) {
        Ok(ended) => ended,
        Err(e) => {
            let message = format!("{}: cannot stop its sidecars: {e}", scene.task);
            scene.shared.journal.record(Happened::Warning { message });
            return;
        }
    };
    for (sidecar, prepared) in ended.into_iter().zip(&scene.prepared.sidecars) {
        let code = if sidecar.by_itself { sidecar.code } else { 0 };
        let reason = match code {
            0 => "Completed",
            OUT_OF_MEMORY if sidecar.out_of_memory => "OOMKilled",
            _ => "Error",
        };
        attempt.sidecars.push(SidecarState {
            name: sidecar.name,
            container: prepared.container.clone(),
            image_id: scene.image_id(&prepared.sidecar.image),
            terminated: Some(ContainerTerminated {
                exit_code: code,
                reason: reason.to_owned(),
                finished_at: Some(Time(scene.shared.config.clock.now())),
                ..ContainerTerminated::default()
            }),
            ..SidecarState::default()
        });
    }
}
