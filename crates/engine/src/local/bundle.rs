//! One container as the OCI runtime specification describes it (config.json).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Capability, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxCpuBuilder, LinuxDevice,
    LinuxDeviceCgroupBuilder, LinuxMemoryBuilder, LinuxNamespaceBuilder, LinuxNamespaceType,
    LinuxPidsBuilder, LinuxResources, LinuxResourcesBuilder, Mount, MountBuilder, PosixRlimit,
    PosixRlimitBuilder, PosixRlimitType, ProcessBuilder, RootBuilder, Spec, SpecBuilder, UserBuilder,
};
use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::limits::Limits;

use super::{devices, rootless};

/// Who the process runs as, in the container's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
}

/// Something mounted into the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Absolute path in the container.
    pub target: PathBuf,
    /// What is mounted there.
    pub what: What,
}

/// What a [`Mounted`] shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A file or folder of this machine.
    Bind {
        /// Its absolute path.
        source: PathBuf,
        /// Whether the container may only read it.
        read_only: bool,
    },
    /// An empty file system in memory.
    Memory {
        /// At most so many bytes; without, the kernel's default of half the memory.
        size: Option<u64>,
        /// Permission bits of its root.
        mode: u32,
    },
}

/// What a container may do beyond the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privileges {
    /// All capabilities, all devices, nothing masked.
    pub privileged: bool,
    /// Capabilities beyond the default set, with or without `CAP_`; `ALL` is understood.
    pub add: Vec<String>,
    /// Capabilities taken away, applied before `add`.
    pub drop: Vec<String>,
    /// The root file system cannot be written.
    pub read_only_root: bool,
    /// setuid programs give nothing.
    pub no_new_privileges: bool,
    /// Devices of this machine, besides those that every container has.
    pub devices: Vec<PathBuf>,
    /// No network but loopback.
    pub isolated: bool,
}

/// All that is needed to run one process in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    /// Mounted root file system.
    pub rootfs: PathBuf,
    /// Command line; the program is looked up in PATH of `env`.
    pub args: Vec<String>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// Absolute working directory in the container.
    pub cwd: String,
    /// Who runs it.
    pub user: User,
    /// Host name.
    pub hostname: String,
    /// Mounts, in order; a later one may lie inside an earlier one.
    pub mounts: Vec<Mounted>,
    /// What it may do.
    pub privileges: Privileges,
    /// What it may use.
    pub limits: Limits,
    /// Whether its standard input is a terminal, which it then controls.
    pub terminal: bool,
    /// Path of the container's control group below each controller.
    pub cgroup: String,
}

/// Capabilities of a container that asks for nothing: the set that Docker and containerd give.
const DEFAULT_CAPABILITIES: [Capability; 14] = [
    Capability::AuditWrite,
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Mknod,
    Capability::NetBindService,
    Capability::NetRaw,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// Kernel interfaces that an unprivileged container must not see.
const MASKED: [&str; 9] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];

/// Kernel interfaces that an unprivileged container must not write.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl ContainerSpec {
    /// Writes `config.json` into `bundle`.
    ///
    /// # Errors
    /// When a capability has no such name, or the file cannot be written.
    pub fn write(&self, bundle: &Path) -> Result<(), BundleError> {
        let text = serde_json::to_vec(&self.to_oci()?)?;
        std::fs::write(bundle.join("config.json"), text)
            .map_err(|e| BundleError::Write { dir: bundle.to_owned(), source: e })
    }

    fn to_oci(&self) -> Result<Spec, BundleError> {
        let privileges = &self.privileges;
        let capabilities = self.capabilities()?;
        let capability_sets = LinuxCapabilitiesBuilder::default()
            .bounding(capabilities.clone())
            .effective(capabilities.clone())
            .permitted(capabilities.clone())
            .inheritable(HashSet::new())
            .ambient(HashSet::new())
            .build()?;
        let process = ProcessBuilder::default()
            .terminal(self.terminal)
            .user(
                UserBuilder::default()
                    .uid(self.user.uid)
                    .gid(self.user.gid)
                    .additional_gids(self.user.groups.clone())
                    .build()?,
            )
            .args(self.args.clone())
            .env(self.env.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>())
            .cwd(&self.cwd)
            .capabilities(capability_sets)
            .rlimits(self.rlimits()?)
            .oom_score_adj(first_to_end())
            .no_new_privileges(privileges.no_new_privileges)
            .build()?;
        let mut namespaces = vec![
            LinuxNamespaceType::Pid,
            LinuxNamespaceType::Ipc,
            LinuxNamespaceType::Uts,
            LinuxNamespaceType::Mount,
        ];
        namespaces.extend(privileges.isolated.then_some(LinuxNamespaceType::Network));
        let namespaces = namespaces
            .into_iter()
            .map(|typ| LinuxNamespaceBuilder::default().typ(typ).build())
            .collect::<Result<Vec<_>, _>>()?;
        let paths = |list: &[&str]| -> Vec<String> {
            if privileges.privileged { Vec::new() } else { list.iter().map(|p| (*p).to_owned()).collect() }
        };
        let mut linux = LinuxBuilder::default()
            .resources(self.resources()?)
            .namespaces(namespaces)
            .devices(self.devices()?)
            .cgroups_path(&self.cgroup)
            .masked_paths(paths(&MASKED))
            .readonly_paths(paths(&READ_ONLY))
            .build()?;
        if rootless::is_inside() {
            // A runtime that is not asked for control groups does not mind that there are none.
            linux.set_resources(None).set_cgroups_path(None);
        }
        Ok(SpecBuilder::default()
            .version("1.0.2")
            .root(RootBuilder::default().path(&self.rootfs).readonly(privileges.read_only_root).build()?)
            .hostname(&self.hostname)
            .mounts(self.oci_mounts()?)
            .process(process)
            .linux(linux)
            .build()?)
    }

    fn devices(&self) -> Result<Vec<LinuxDevice>, OciSpecError> {
        let Privileges { devices, privileged, .. } = &self.privileges;
        devices.iter().filter_map(|path| devices::describe(path, *privileged).transpose()).collect()
    }

    /// All devices are allowed: what is in /dev, and who may make more, decides.
    fn resources(&self) -> Result<LinuxResources, OciSpecError> {
        let devices = vec![LinuxDeviceCgroupBuilder::default().allow(true).access("rwm").build()?];
        let mut resources = LinuxResourcesBuilder::default().devices(devices);
        if let Some(thousandths) = self.limits.cpu {
            // The kernel takes no quota below a millisecond.
            let quota = (thousandths.saturating_mul(CPU_PERIOD) / 1000).max(1000);
            resources =
                resources.cpu(LinuxCpuBuilder::default().quota(signed(quota)).period(CPU_PERIOD).build()?);
        }
        if let Some(bytes) = self.limits.memory {
            let memory = LinuxMemoryBuilder::default().limit(signed(bytes));
            // Memory and swap together: as much swap as memory would be twice the limit.
            let memory = if self.limits.with_swap { memory.swap(signed(bytes)) } else { memory };
            resources = resources.memory(memory.build()?);
        }
        if let Some(processes) = self.limits.processes.filter(|_| !self.limits.processes_of_user) {
            resources = resources.pids(LinuxPidsBuilder::default().limit(signed(processes)).build()?);
        }
        resources.build()
    }

    fn rlimits(&self) -> Result<Vec<PosixRlimit>, OciSpecError> {
        let Some(n) = self.limits.processes.filter(|_| self.limits.processes_of_user) else {
            return Ok(Vec::new());
        };
        let builder = PosixRlimitBuilder::default().typ(PosixRlimitType::RlimitNproc);
        Ok(vec![builder.soft(n).hard(n).build()?])
    }

    fn oci_mounts(&self) -> Result<Vec<Mount>, OciSpecError> {
        let sys_access = if self.privileges.privileged { "rw" } else { "ro" };
        let mut mounts = vec![
            mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"])?,
            mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"])?,
            mount(
                "/dev/pts",
                "devpts",
                "devpts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            )?,
            mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"])?,
            mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"])?,
            // The container shares the machine's network namespace, so sysfs cannot be mounted anew by everybody; the
            // machine's own is shown instead.
            mount("/sys", "none", "/sys", &["rbind", "nosuid", "noexec", "nodev", sys_access])?,
        ];
        for m in &self.mounts {
            let target = m.target.to_string_lossy();
            mounts.push(match &m.what {
                What::Bind { source, read_only } => {
                    let access = if *read_only { "ro" } else { "rw" };
                    let mut options = vec!["rbind", "rprivate", access];
                    options.extend(locked_options(source));
                    mount(&target, "none", &source.to_string_lossy(), &options)?
                }
                What::Memory { size, mode } => {
                    let mode = format!("mode={mode:o}");
                    let size = size.map(|s| format!("size={s}"));
                    let mut options = vec!["nosuid", "nodev", mode.as_str()];
                    options.extend(size.as_deref());
                    mount(&target, "tmpfs", "tmpfs", &options)?
                }
            });
        }
        Ok(mounts)
    }

    /// Of what is asked for, what this process can give.
    fn capabilities(&self) -> Result<HashSet<Capability>, BundleError> {
        let own = own_capabilities();
        if self.privileges.privileged {
            return Ok(own);
        }
        let mut set = HashSet::from(DEFAULT_CAPABILITIES);
        for name in &self.privileges.drop {
            match capability(name)? {
                None => set.clear(),
                Some(c) => drop(set.remove(&c)),
            }
        }
        for name in &self.privileges.add {
            match capability(name)? {
                None => set.extend(own.iter().copied()),
                Some(c) => drop(set.insert(c)),
            }
        }
        Ok(set.intersection(&own).copied().collect())
    }
}

/// Options of the mount that `source` is on, which a user namespace can only pass on (mount_namespaces(7)).
fn locked_options(source: &Path) -> Vec<&'static str> {
    if !rootless::is_inside() {
        return Vec::new();
    }
    let flags = statvfs(source).map_or(StatVfsMountFlags::empty(), |s| s.f_flag);
    let locked = [
        (StatVfsMountFlags::NOSUID, "nosuid"),
        (StatVfsMountFlags::NODEV, "nodev"),
        (StatVfsMountFlags::NOEXEC, "noexec"),
        (StatVfsMountFlags::RDONLY, "ro"),
    ];
    locked.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, option)| option).collect()
}

/// Period of the processor's quota in microseconds, as Kubernetes has it.
const CPU_PERIOD: u64 = 100_000;

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// When this machine runs out of memory, the kernel shall end what steps do and not the engine, or anything else.
fn first_to_end() -> i32 {
    const STEPS: i32 = 500;
    // Less than what this process has itself is not permitted.
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").ok().and_then(|s| s.trim().parse().ok());
    own.unwrap_or(0).max(STEPS)
}

/// Those that this process has itself: nobody can give more, and a runtime that is asked to fails. Without /proc, those
/// that every kernel has had for years.
fn own_capabilities() -> HashSet<Capability> {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let text = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?;
        u64::from_str_radix(text.trim(), 16).ok()
    });
    let mask = mask.unwrap_or(u64::MAX >> (64 - KERNEL_ORDER.len()));
    KERNEL_ORDER.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, c)| *c).collect()
}

/// Capabilities in the kernel's numbering (linux/capability.h).
const KERNEL_ORDER: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// `None` stands for `ALL`.
fn capability(name: &str) -> Result<Option<Capability>, BundleError> {
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if short == "ALL" {
        return Ok(None);
    }
    short.parse().map(Some).map_err(|_| BundleError::UnknownCapability(name.to_owned()))
}

fn mount(target: &str, kind: &str, source: &str, options: &[&str]) -> Result<Mount, OciSpecError> {
    MountBuilder::default()
        .destination(target)
        .typ(kind)
        .source(source)
        .options(options.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>())
        .build()
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// securityContext names a capability that Linux does not have.
    #[error("`{0}` is not a Linux capability; write for example NET_ADMIN")]
    UnknownCapability(String),
    /// The file could not be written.
    #[error("cannot write config.json in {}: {source}", dir.display())]
    Write {
        /// The bundle's folder.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The values do not make a runtime specification.
    #[error("cannot describe the container: {0}")]
    Spec(#[from] OciSpecError),
    /// The specification could not be serialised.
    #[error("cannot describe the container: {0}")]
    Json(#[from] serde_json::Error),
}
