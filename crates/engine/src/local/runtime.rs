//! Which OCI runtime runs the containers, and how it is called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An OCI runtime, used through the command line that runc has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// This program itself, executed with the hidden sub-command `oci-runtime`.
    BuiltIn(PathBuf),
    /// Another program: `runc`, or a path.
    Program(OsString),
}

/// The hidden sub-command of the built-in runtime.
pub const SUBCOMMAND: &str = "oci-runtime";

impl Runtime {
    /// `builtin`, or the name or path of another runtime; `this` is this program's own file.
    pub fn new(name: &str, this: &Path) -> Self {
        match name {
            "builtin" => Self::BuiltIn(this.to_owned()),
            other => Self::Program(other.into()),
        }
    }

    /// The command that makes and runs the container of `bundle` in the foreground.
    ///
    /// The container's state and control group stay (`--keep`), so that they can be looked at. `root` keeps the runtime's state, `pid_file` gets the process id of the container's first process, `log` what the
    /// runtime says of itself.
    pub fn run(&self, root: &Path, bundle: &Path, pid_file: &Path, log: &Path, id: &str) -> Command {
        let mut command = self.command(root);
        command.arg("--log").arg(log);
        command.arg("run").arg("--keep").arg("--bundle").arg(bundle).arg("--pid-file").arg(pid_file).arg(id);
        command
    }

    /// The command that runs another process in the running container `id`.
    pub fn exec(&self, root: &Path, id: &str, args: &[String]) -> Command {
        let mut command = self.command(root);
        command.arg("exec").arg(id).args(args);
        command
    }

    fn command(&self, root: &Path) -> Command {
        let mut command = match self {
            Self::BuiltIn(program) => {
                let mut command = Command::new(program);
                command.arg(SUBCOMMAND);
                command
            }
            Self::Program(program) => Command::new(program),
        };
        command.arg("--root").arg(root);
        command
    }
}
