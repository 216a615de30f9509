//! buildah, as the task `containerfile` uses it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::peer;

/// buildah with images of its own.
#[derive(Debug)]
pub struct Buildah {
    dir: PathBuf,
}

impl Buildah {
    /// With its images below `dir`; none where it cannot build, which is said then.
    pub fn below(dir: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: buildah needs root");
            return None;
        }
        peer::has("buildah").then(|| Self { dir: dir.to_owned() })
    }

    /// Runs it.
    ///
    /// # Panics
    /// When it fails, with what it printed.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.dir.join("root")).arg("--runroot").arg(self.dir.join("run"));
        peer::run(command.args(["--storage-driver", "vfs"]).args(args))
    }

    /// Builds the Containerfile `file` in `context`, with more options, and tags what comes of it.
    ///
    /// # Panics
    /// When that fails, with what was printed.
    pub fn build(&self, tag: &str, file: &Path, context: &Path, more: &[&str]) {
        let [file, context] = [file, context].map(|path| path.display().to_string());
        let always = ["build", "-q", "--isolation", "chroot", "--pull-never", "--layers=false"];
        let same = ["--timestamp", "0", "--identity-label=false", "--file", &file, "--tag", tag];
        self.run(&[&always[..], &same[..], more, &[&context]].concat());
    }
}
