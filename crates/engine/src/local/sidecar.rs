//! Containers beside the steps: started before the first step, ready before it runs, stopped after the last one
//! (tekton.md §2.13).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tekton::types::core::Probe;
use tekton::types::core::probe::ContainerPort;

use super::container::{Container, ContainerError};
use super::probe::{Schedule, Target, try_once};
use super::runtime::Runtime;
use super::stop::Stop;

/// How long a stopped sidecar may take to end before it is killed; 30 s on a cluster, which nobody wants to watch.
const GRACE: Duration = Duration::from_secs(10);

/// How long a sidecar without a probe gets before the first step. On a cluster it is never less than a second, and tasks
/// that were written there count on it without knowing.
const HEAD_START: Duration = Duration::from_millis(200);

/// A running sidecar.
#[derive(Debug)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its container's id.
    pub id: String,
    /// The runtime's folder.
    pub state: PathBuf,
    /// Its ports, for probes that name one.
    pub ports: Vec<ContainerPort>,
    /// Ready when this succeeds.
    pub readiness: Option<Probe>,
    /// The container.
    pub container: Container,
}

/// How waiting ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// All are ready, or have ended by themselves.
    Yes,
    /// The stop was asked or the deadline passed first; with what the last probe saw.
    No(String),
}

/// Waits until every sidecar is ready: its probe succeeded, or it has none and runs, or it has ended.
pub fn wait_ready(sidecars: &[Running], runtime: &Runtime, deadline: Option<Instant>, stop: &Stop) -> Ready {
    let over = || stop.asked().is_some() || deadline.is_some_and(|d| Instant::now() >= d);
    for sidecar in sidecars {
        let Some(probe) = &sidecar.readiness else {
            if !head_start(&sidecar.container, over) {
                return Ready::No(format!("sidecar {} does not run yet", sidecar.name));
            }
            continue;
        };
        let target = Target { runtime, state: &sidecar.state, id: &sidecar.id, ports: &sidecar.ports };
        let schedule = Schedule::of(probe);
        let mut successes = 0;
        let mut next = Instant::now() + schedule.delay;
        let mut pause = Duration::from_millis(20);
        let mut last = "not tried".to_owned();
        while successes < schedule.successes && !sidecar.container.has_ended() {
            if over() {
                return Ready::No(format!("sidecar {} is not ready: {last}", sidecar.name));
            }
            let now = Instant::now();
            if now < next {
                std::thread::sleep((next - now).min(Duration::from_millis(20)));
                continue;
            }
            match try_once(probe, target) {
                Ok(()) => successes += 1,
                Err(saw) => {
                    successes = 0;
                    last = saw;
                }
            }
            next = Instant::now() + pause;
            pause = (pause * 2).min(schedule.period);
        }
    }
    Ready::Yes
}

/// Waits until a container runs, and a little longer, or has ended; false when time is `over` first.
fn head_start(container: &Container, over: impl Fn() -> bool) -> bool {
    let mut runs_since = None;
    while !container.has_ended() {
        if over() {
            return false;
        }
        if runs_since.is_none() && container.pid().is_some() {
            runs_since = Some(Instant::now());
        }
        if runs_since.is_some_and(|at: Instant| at.elapsed() >= HEAD_START) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A sidecar that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// Its exit code.
    pub code: i32,
    /// Whether it ended before it was told to.
    pub by_itself: bool,
    /// Whether the kernel ended a process of it for want of memory.
    pub out_of_memory: bool,
}

/// Stops all, at the same time.
///
/// # Errors
/// When the system cannot wait for one.
pub fn stop_all(sidecars: Vec<Running>) -> Result<Vec<Ended>, ContainerError> {
    std::thread::scope(|scope| {
        let stopping: Vec<_> = sidecars
            .into_iter()
            .map(|s| {
                scope.spawn(move || {
                    let ended = s.container.stop(GRACE)?;
                    Ok(Ended {
                        name: s.name,
                        code: ended.code,
                        by_itself: ended.stopped.is_none(),
                        out_of_memory: ended.trouble.out_of_memory,
                    })
                })
            })
            .collect();
        stopping.into_iter().map(|t| t.join().unwrap_or(Err(ContainerError::Lost))).collect()
    })
}
