//! skopeo, buildah and podman with a home, configuration and storage of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct Tools {
    dir: TempDir,
}

impl Tools {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let containers = dir.path().join("home/.config/containers");
        fs::create_dir_all(&containers).unwrap();
        for sub in ["run", "tmp", "storage", "runroot"] {
            fs::create_dir(dir.path().join(sub)).unwrap();
        }
        let write = |name: &str, text: String| fs::write(containers.join(name), text).unwrap();
        write("policy.json", r#"{"default": [{"type": "insecureAcceptAnything"}]}"#.to_owned());
        write("registries.conf", "unqualified-search-registries = []\n".to_owned());
        write(
            "containers.conf",
            "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n".to_owned(),
        );
        write(
            "storage.conf",
            format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/storage\"\nrunroot = \"{0}/runroot\"\n",
                dir.path().display()
            ),
        );
        Self { dir }
    }

    /// A place for files of the test.
    pub fn path(&self, rest: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(rest)
    }

    /// A tool that sees nothing of the host's configuration.
    pub fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let conf = |name| self.path("home/.config/containers").join(name);
        let mut command = Command::new(tool);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("TMPDIR", self.path("tmp"))
            .env("CONTAINERS_CONF", conf("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", conf("storage.conf"))
            .env("CONTAINERS_REGISTRIES_CONF", conf("registries.conf"))
            .env("BUILDAH_ISOLATION", "chroot")
            .current_dir(self.dir.path());
        command
    }

    /// Runs a tool that must succeed; gives what it printed.
    pub fn run(&self, tool: &str, arguments: &[&str]) -> String {
        String::from_utf8(testkit::peer::run(&mut self.command(tool, arguments)).stdout).unwrap()
    }
}
