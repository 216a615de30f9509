//! Packages of Debian, answered by the apt of this machine from the lists that it has.
//!
//! Nothing is downloaded and nothing of the machine's own packages counts: apt gets a status file that says what the base images
//! bring, and preferences that leave only Debian's own archives.
//!
//! - [`output`]: what apt prints

pub mod output;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::pin::is_package_name;
use super::{Pin, ResolveError, ResolvePackages};
use crate::definition::Platform;

/// Other archives that the machine knows are not where the build looks.
const PREFERENCES: &str = "\
Package: *
Pin: release o=Debian
Pin-Priority: 500

Package: *
Pin: release *
Pin-Priority: -1
";

/// Packages that apt is asked about at once; a command line is only so long.
const AT_ONCE: usize = 2000;

/// The apt of this machine.
#[derive(Debug)]
pub struct Apt {
    work: PathBuf,
    /// The last status file, for the packages that it says are there: most components stand on one base. Held while apt runs, as
    /// two at a time cannot share the folder.
    last: Mutex<Option<(Platform, Vec<Pin>, String)>>,
}

impl Apt {
    /// Works in the folder `work`, which is made when needed and may be thrown away after; apt's caches live there too, so one
    /// folder for many questions is faster. No other process may use it.
    pub fn new(work: impl Into<PathBuf>) -> Self {
        Self { work: work.into(), last: Mutex::default() }
    }

    /// Writes what apt reads: preferences, and the packages that are there.
    fn prepare(&self, status: &str) -> Result<(), ResolveError> {
        let write = |name: &str, text: &str| fs::write(self.work.join(name), text);
        let prepared = fs::create_dir_all(self.work.join("cache"))
            .and_then(|()| fs::create_dir_all(self.work.join("preferences.d")))
            .and_then(|()| write("preferences", PREFERENCES))
            .and_then(|()| write("status", status));
        prepared.map_err(|error| ResolveError::Failed {
            what: format!("preparing {}", self.work.display()),
            why: error.to_string(),
        })
    }

    /// `apt-get` or `apt-cache`, cut off from the packages of this machine.
    fn command(&self, tool: &str, platform: Platform) -> Command {
        let mut command = Command::new(tool);
        // Messages are parsed, and the machine's language and apt settings must not change the answer.
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        let architecture = architecture(platform);
        let file = |name: &str| self.work.join(name).display().to_string();
        for option in [
            format!("Dir::State::status={}", file("status")),
            format!("Dir::Cache={}", file("cache")),
            // The cache of lists and status together is written whole for each new status; that of the lists alone is enough.
            "Dir::Cache::pkgcache=".to_owned(),
            "Dir::Cache::srcpkgcache=srcpkgcache.bin".to_owned(),
            format!("Dir::Etc::preferences={}", file("preferences")),
            format!("Dir::Etc::preferencesparts={}", file("preferences.d")),
            format!("APT::Architecture={architecture}"),
            format!("APT::Architectures={architecture}"),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Install-Suggests=false".to_owned(),
            "Acquire::ForceHash=sha256".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// The status file that says that `installed` is there.
    fn status(&self, installed: &[Pin], platform: Platform) -> Result<String, ResolveError> {
        if installed.is_empty() {
            return Ok(String::new());
        }
        self.prepare("")?;
        let mut command = self.command("apt-cache", platform);
        command.args(["show", "--no-all-versions", "--"]);
        command.args(installed.iter().map(|pin| format!("{}={}", pin.name, pin.version)));
        // apt-cache fails when one is unknown, and says which less clearly than the search below.
        let (_, shown, errors) = run(command)?;
        let status = output::installed(&shown);
        let known = output::names_and_versions(&status);
        match installed.iter().find(|pin| !known.contains(&(pin.name.as_str(), pin.version.as_str()))) {
            None => Ok(status),
            Some(_) if shown.is_empty() && !errors.is_empty() && !errors.contains("E: ") => {
                Err(ResolveError::Failed { what: "apt-cache show".to_owned(), why: last_line(&errors) })
            }
            Some(gone) => Err(ResolveError::Unknown {
                what: format!("`{}` {}, which a base image brings,", gone.name, gone.version),
                hint: " in the archive any more; `sw update` chooses the packages of the base anew"
                    .to_owned(),
            }),
        }
    }
}

impl Apt {
    /// Those of `pins` that the archives, as far as this machine knows them, have no longer: in this version, with this content.
    ///
    /// # Errors
    /// When apt knows no packages at all, or cannot be run.
    pub fn gone(&self, pins: &[Pin], platform: Platform) -> Result<BTreeSet<Pin>, ResolveError> {
        self.prepare("")?;
        let mut offered = BTreeSet::new();
        for some in pins.chunks(AT_ONCE) {
            let mut command = self.command("apt-cache", platform);
            command.args(["show", "--no-all-versions", "--"]);
            command.args(some.iter().map(|pin| format!("{}={}", pin.name, pin.version)));
            let (_, shown, errors) = run(command)?;
            if shown.is_empty() && !errors.is_empty() {
                return Err(ResolveError::Failed {
                    what: "apt-cache show".to_owned(),
                    why: last_line(&errors),
                });
            }
            offered.extend(output::offered(&shown));
        }
        if offered.is_empty() && !pins.is_empty() {
            let why = "it knows none of these packages; run `apt-get update`".to_owned();
            return Err(ResolveError::Failed { what: "apt-cache show".to_owned(), why });
        }
        Ok(pins.iter().filter(|pin| !offered.contains(pin)).cloned().collect())
    }
}

impl ResolvePackages for Apt {
    fn packages(
        &self,
        wanted: &[String],
        installed: &[Pin],
        platform: Platform,
    ) -> Result<Vec<Pin>, ResolveError> {
        if let Some(name) = wanted.iter().find(|name| !is_package_name(name)) {
            return Err(ResolveError::Unknown { what: format!("a package `{name}`"), hint: String::new() });
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let status = match last.take() {
            Some((same, there, status)) if same == platform && there == installed => status,
            _ => self.status(installed, platform)?,
        };
        self.prepare(&status)?;
        *last = Some((platform, installed.to_vec(), status));
        let mut command = self.command("apt-get", platform);
        command.args(["install", "--print-uris", "-qq", "-y", "--no-remove", "--no-upgrade", "--"]);
        command.args(wanted);
        let (success, printed, errors) = run(command)?;
        if !success {
            return Err(refusal(wanted, &errors, platform));
        }
        let pins = output::pins(&printed)
            .map_err(|line| ResolveError::Failed { what: "reading apt's answer".to_owned(), why: line })?;
        // apt takes `name-` as "remove name" and a name with a dot as a pattern, if there is no such package.
        let there = |name: &String| pins.iter().chain(installed).any(|pin| pin.name == *name);
        match wanted.iter().find(|name| !there(name)) {
            None => Ok(pins),
            Some(name) => Err(unknown(name, platform)),
        }
    }
}

fn unknown(name: &str, platform: Platform) -> ResolveError {
    // Lists of other processors are fetched only when dpkg knows of them.
    let add = match platform.architecture() == oci::Platform::host().architecture {
        true => String::new(),
        false => format!("dpkg --add-architecture {} && ", architecture(platform)),
    };
    ResolveError::Unknown {
        what: format!("a package `{name}`"),
        hint: format!(
            " in Debian's archives that this machine knows; check the name, or run `{add}apt-get update`"
        ),
    }
}

/// What apt means when it refuses.
fn refusal(wanted: &[String], errors: &str, platform: Platform) -> ResolveError {
    let about = |line: &str, name: &str| {
        line.ends_with(&format!("package {name}")) || line.contains(&format!("Package '{name}' has no"))
    };
    let missing = wanted.iter().find(|name| errors.lines().any(|line| about(line, name)));
    match missing {
        Some(name) => unknown(name, platform),
        None => ResolveError::Failed { what: "apt-get install".to_owned(), why: last_line(errors) },
    }
}

/// Whether it succeeded, and what it said.
fn run(mut command: Command) -> Result<(bool, String, String), ResolveError> {
    let tool = Path::new(command.get_program()).display().to_string();
    let output = command.output().map_err(|error| ResolveError::Failed {
        why: match error.kind() {
            io::ErrorKind::NotFound => {
                "it is not on this machine; packages of Debian are locked with apt".to_owned()
            }
            _ => error.to_string(),
        },
        what: tool,
    })?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((output.status.success(), text(output.stdout), text(output.stderr)))
}

fn last_line(text: &str) -> String {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
}

/// Debian's names for processors.
fn architecture(platform: Platform) -> &'static str {
    match platform {
        Platform::Amd64 => "amd64",
        Platform::Arm64 => "arm64",
        Platform::Ppc64le => "ppc64el",
        Platform::S390x => "s390x",
    }
}
