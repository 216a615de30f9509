//! The built-in OCI runtime, executed by the engine for each container.

use engine::local::builtin::{self, ExecArgs, NOT_STARTED, RunArgs};

use super::Ended;
use crate::cli::{OciRuntimeArgs, OciRuntimeCommand};

/// Runs the container; what the runtime itself has to say goes to the file of `--log`, as with runc.
pub fn run(args: &OciRuntimeArgs) -> Ended {
    let result = match &args.command {
        OciRuntimeCommand::Run { keep, bundle, pid_file, id } => builtin::run(&RunArgs {
            root: args.root.clone(),
            keep: *keep,
            bundle: bundle.clone(),
            pid_file: pid_file.clone(),
            id: id.clone(),
        }),
        OciRuntimeCommand::Exec { id, command } => {
            builtin::exec(&ExecArgs { root: args.root.clone(), id: id.clone(), args: command.clone() })
        }
    };
    match result {
        Ok(code) => Ended::Code(code),
        Err(message) => {
            let logged =
                args.log.as_ref().is_some_and(|log| std::fs::write(log, format!("{message}\n")).is_ok());
            if !logged {
                anstream::eprintln!("{message}");
            }
            Ended::Code(NOT_STARTED)
        }
    }
}
