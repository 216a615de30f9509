//! Which processors' programs this machine runs: those of its own, and those that its kernel hands to an emulator.
//!
//! It is tried, with a program that only ends: what the kernel knows of emulators (binfmt_misc) cannot be read in a private /proc, and
//! says nothing of whether they work.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oci::Platform;
use tekton::types::PodTemplate;

/// Where the program is loaded, and how it is aligned; the largest page of these processors.
const ADDRESS: u64 = 0x1_0000;
/// The sizes of the two headers before the code (System V ABI, "ELF Header", "Program Header").
const FILE_HEADER: u16 = 64;
const SEGMENT_HEADER: u16 = 56;
/// How often a file that somebody still writes is tried: a child of another thread may have it open until it runs its own program.
const TRIES: u32 = 20;

/// A processor, in the words of Go and OCI, with what a program for it looks like.
struct Processor {
    name: &'static str,
    /// `e_machine`.
    machine: u16,
    little: bool,
    /// `e_flags`.
    flags: u32,
    /// The system call exit(0).
    code: &'static [u8],
}

const PROCESSORS: [Processor; 4] = [
    Processor {
        name: "amd64",
        machine: 62,
        little: true,
        flags: 0,
        code: &[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05],
    },
    Processor {
        name: "arm64",
        machine: 183,
        little: true,
        flags: 0,
        code: &[0x00, 0x00, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
    },
    Processor {
        name: "ppc64le",
        machine: 21,
        little: true,
        flags: 2, // the second ABI, without descriptors of functions
        code: &[0x00, 0x00, 0x60, 0x38, 0x01, 0x00, 0x00, 0x38, 0x02, 0x00, 0x00, 0x44],
    },
    Processor {
        name: "s390x",
        machine: 22,
        little: false,
        flags: 0,
        code: &[0xa7, 0x29, 0x00, 0x00, 0x0a, 0x01],
    },
];

/// Whether this machine runs programs for `platform`, itself or by an emulator. It is tried once.
pub fn runs(platform: &Platform) -> bool {
    static KNOWN: Mutex<BTreeMap<&'static str, bool>> = Mutex::new(BTreeMap::new());
    let host = Platform::host();
    if platform.os != host.os || platform.architecture == host.architecture {
        return platform.os == host.os;
    }
    let Some(processor) = PROCESSORS.iter().find(|one| one.name == platform.architecture) else {
        return false;
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // What cannot be tried is not there.
    *known.entry(processor.name).or_insert_with(|| ends(&processor.program()).unwrap_or(false))
}

/// The other processors whose programs this machine runs.
pub fn emulated() -> Vec<&'static str> {
    let host = Platform::host();
    let others = PROCESSORS.iter().map(|one| one.name).filter(|name| *name != host.architecture);
    others.filter(|name| runs(&Platform::new(host.os.as_str(), *name))).collect()
}

/// The platform whose images a pod gets: of the nodes that it asks for, if this machine can stand in for such a node; else its own.
pub fn wanted(pod: &PodTemplate) -> Platform {
    let asked = pod.architecture().map(|architecture| Platform::new("linux", architecture));
    asked.filter(runs).unwrap_or_else(Platform::host)
}

/// A program for a processor (in the words of Go: `arm64`) that does nothing and ends well; none for one that is not known.
pub fn that_ends(architecture: &str) -> Option<Vec<u8>> {
    PROCESSORS.iter().find(|one| one.name == architecture).map(Processor::program)
}

impl Processor {
    /// The whole program: one segment that holds headers and code.
    fn program(&self) -> Vec<u8> {
        let (half, word, long) = (
            |n: u16| self.bytes(&n.to_le_bytes()),
            |n: u32| self.bytes(&n.to_le_bytes()),
            |n: u64| self.bytes(&n.to_le_bytes()),
        );
        let headers = u64::from(FILE_HEADER + SEGMENT_HEADER);
        let size = headers + self.code.len() as u64;
        let order = if self.little { 1 } else { 2 };
        [
            vec![0x7f, b'E', b'L', b'F', 2, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            half(2), // an executable
            half(self.machine),
            word(1),
            long(ADDRESS + headers),
            long(u64::from(FILE_HEADER)),
            long(0),
            word(self.flags),
            half(FILE_HEADER),
            half(SEGMENT_HEADER),
            half(1),
            vec![0; 6],
            word(1), // loaded
            word(5), // to be read and executed
            long(0),
            long(ADDRESS),
            long(ADDRESS),
            long(size),
            long(size),
            long(ADDRESS),
            self.code.to_vec(),
        ]
        .concat()
    }

    fn bytes(&self, little: &[u8]) -> Vec<u8> {
        let mut bytes = little.to_vec();
        if !self.little {
            bytes.reverse();
        }
        bytes
    }
}

/// Whether a program runs and ends well.
fn ends(program: &[u8]) -> io::Result<bool> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("ends");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?;
    io::Write::write_all(&mut file, program)?;
    drop(file);
    let mut command = Command::new(&path);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for _ in 0..TRIES {
        match command.status() {
            Err(e) if e.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            ended => return ended.map(|status| status.success()),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_program_for_this_machine_ends_and_another_does_not_start() {
        let host = Platform::host();
        let own = PROCESSORS.iter().find(|one| one.name == host.architecture).unwrap();
        assert!(ends(&own.program()).unwrap());
        let unknown = Processor { name: "none", machine: 0x1234, code: own.code, ..*own };
        assert_eq!(ends(&unknown.program()).unwrap_err().kind(), io::Error::from_raw_os_error(8).kind());
        assert!(runs(&host));
        assert!(!runs(&Platform::new("linux", "vax")));
        assert!(!runs(&Platform::new("windows", host.architecture.as_str())));
    }

    #[test]
    fn pods_get_images_for_the_nodes_that_they_ask_for_if_this_machine_runs_them() {
        let host = Platform::host();
        let asking = |architecture: &str| wanted(&PodTemplate::on_architecture(architecture));
        assert_eq!(wanted(&PodTemplate::default()), host);
        assert_eq!(asking(&host.architecture), host);
        assert_eq!(asking("vax"), host);
        for emulated in emulated() {
            assert_eq!(asking(emulated), Platform::new("linux", emulated));
        }
    }

    /// `readelf` finds nothing wrong with any of them.
    #[test]
    fn programs_are_what_they_say() {
        if Command::new("readelf").arg("--version").output().is_err() {
            println!("skipped: readelf is not here");
            return;
        }
        for (processor, machine) in PROCESSORS.iter().zip(["X86-64", "AArch64", "PowerPC64", "S/390"]) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("ends");
            std::fs::write(&path, processor.program()).unwrap();
            let shown = Command::new("readelf").args(["-hlW"]).arg(&path).output().unwrap();
            let (text, errors) =
                (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
            assert!(text.contains(machine) && text.contains("0x10078"), "{text}");
            assert!(text.contains(" R E "), "{text}");
            assert_eq!(errors, "", "{}", processor.name);
        }
    }
}
