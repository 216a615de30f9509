//! How much a container may use, and what of that this machine can hold it to (tekton.md §2.28).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Access, access};
use tekton::types::Quantity;

use crate::cgroup::ROOT;
use crate::local::rootless;

/// Processes and threads of a container when nobody says otherwise: more than builds need, few enough for a machine to
/// stay usable.
pub const DEFAULT_PROCESSES: u64 = 4096;

/// Ceilings of one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Thousandths of a processor.
    pub cpu: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Whether swap counts as memory.
    pub with_swap: bool,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Whether these are counted for the user and not for the container, for want of a control group.
    pub processes_of_user: bool,
}

impl Limits {
    /// From `computeResources.limits`; other resources than `cpu` and `memory` mean nothing here, and neither do
    /// amounts that are no quantities (which a cluster refuses).
    pub fn of(amounts: &BTreeMap<String, Quantity>) -> Self {
        let positive = |n: &u64| *n > 0;
        let cpu = amounts.get("cpu").and_then(Quantity::thousandths).filter(positive);
        let memory = amounts.get("memory").and_then(Quantity::units).filter(positive);
        Self { cpu, memory, ..Self::default() }
    }
}

/// What this machine can hold containers to; an error says why not.
#[derive(Debug, Clone)]
pub struct Controllers {
    /// Processor time.
    pub cpu: Result<(), String>,
    /// Memory.
    pub memory: Result<(), String>,
    /// Processes.
    pub processes: Result<(), String>,
    swap: bool,
    /// Whether the kernel counts processes for the user.
    of_user: bool,
}

impl Controllers {
    /// Looks at this machine: control groups of version 2, version 1, or both (then those of version 1 do the work).
    pub fn here() -> Self {
        let rootless = rootless::is_inside();
        let root = Path::new(ROOT);
        let unified = fs::read_to_string(root.join("cgroup.controllers")).ok();
        let find = |name: &str, file: &str| {
            if rootless {
                return Err("control groups take root".to_owned());
            }
            let dir = match &unified {
                Some(known) if known.split_whitespace().any(|c| c == name) => root.to_owned(),
                None if root.join(name).join(file).exists() => root.join(name),
                _ => return Err(format!("{ROOT} has no controller `{name}`")),
            };
            access(&dir, Access::WRITE_OK).map_err(|e| format!("{}: {e}", dir.display()))
        };
        let swap = match unified {
            // The first line is a heading.
            Some(_) => fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1),
            None => root.join("memory/memory.memsw.limit_in_bytes").exists(),
        };
        Self {
            cpu: find("cpu", "cpu.cfs_quota_us"),
            memory: find("memory", "memory.limit_in_bytes"),
            processes: find("pids", "cgroup.procs"),
            swap,
            // RLIMIT_NPROC never holds root (setrlimit(2)), but the root of a user namespace.
            of_user: rootless,
        }
    }

    /// Of what is wanted, what can be had; and a sentence for each that cannot.
    pub fn enforceable(&self, wanted: Limits) -> (Limits, Vec<String>) {
        let mut limits = Limits { with_swap: self.swap, ..wanted };
        let mut lacking = Vec::new();
        let mut drop_if_missing = |can: &Result<(), String>, amount: &mut Option<u64>, name: &str| {
            if let (Err(why), Some(_)) = (can, amount.take_if(|_| can.is_err())) {
                lacking.push(format!("{name} limits are not applied: {why}"));
            }
        };
        drop_if_missing(&self.cpu, &mut limits.cpu, "cpu");
        drop_if_missing(&self.memory, &mut limits.memory, "memory");
        if self.of_user && self.processes.is_err() {
            limits.processes_of_user = true;
        } else {
            drop_if_missing(&self.processes, &mut limits.processes, "process");
        }
        (limits, lacking)
    }
}

/// The limits of one run; what this machine lacks is told once.
#[derive(Debug)]
pub struct Limiter {
    controllers: Controllers,
    processes: Option<u64>,
    told: Mutex<BTreeSet<String>>,
}

impl Limiter {
    /// For containers that may have `processes` each; 0 is no limit.
    pub fn new(controllers: Controllers, processes: u64) -> Self {
        Self { controllers, processes: (processes > 0).then_some(processes), told: Mutex::default() }
    }

    /// What holds for a container with these `computeResources.limits`, and what its owner has to be told.
    pub fn limits(&self, amounts: &BTreeMap<String, Quantity>) -> (Limits, Vec<String>) {
        let wanted = Limits { processes: self.processes, ..Limits::of(amounts) };
        let (limits, mut lacking) = self.controllers.enforceable(wanted);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        lacking.retain(|sentence| told.insert(sentence.clone()));
        (limits, lacking)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn amounts(pairs: &[(&str, &str)]) -> BTreeMap<String, Quantity> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), Quantity::from(*v))).collect()
    }

    #[test]
    fn processors_in_thousandths_and_memory_in_bytes() {
        let limits =
            Limits::of(&amounts(&[("cpu", "1500m"), ("memory", "64Mi"), ("ephemeral-storage", "1Gi")]));
        assert_eq!((limits.cpu, limits.memory), (Some(1500), Some(64 << 20)));
        assert_eq!(Limits::of(&amounts(&[("cpu", "0"), ("memory", "much")])), Limits::default());
    }

    #[test]
    fn what_is_missing_is_told_once() {
        let no = || Err("no controller".to_owned());
        let controllers =
            Controllers { cpu: Ok(()), memory: no(), processes: no(), swap: false, of_user: false };
        let limiter = Limiter::new(controllers.clone(), 10);
        let wanted = amounts(&[("cpu", "2"), ("memory", "1Gi")]);
        let (limits, told) = limiter.limits(&wanted);
        assert_eq!(limits, Limits { cpu: Some(2000), ..Limits::default() });
        assert_eq!(
            told,
            ["memory limits are not applied: no controller", "process limits are not applied: no controller"]
        );
        assert_eq!(limiter.limits(&wanted).1, Vec::<String>::new());
        assert_eq!(Limiter::new(controllers.clone(), 0).limits(&amounts(&[])).1, Vec::<String>::new());
        let (of_user, told) =
            Limiter::new(Controllers { of_user: true, ..controllers }, 10).limits(&amounts(&[]));
        assert_eq!((of_user.processes, of_user.processes_of_user, told.len()), (Some(10), true, 0));
    }
}
