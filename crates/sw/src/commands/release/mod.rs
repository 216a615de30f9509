//! `sw release`: payloads are shown, assembled, judged.

mod info;
mod new;
mod verdict;

use std::fs;
use std::path::PathBuf;

use base::Exit;
use oci::client::Client;
use oci::{Reference, Store};

use super::{Ended, registry_client};
use crate::cli::ReleaseCommand;
use crate::failure::Failure;
use crate::settings::Home;

pub use info::{find_verdict, shown};

/// Carries out `sw release …`.
pub fn run(home: &Home, command: ReleaseCommand) -> Result<Ended, Failure> {
    match command {
        ReleaseCommand::Info(args) => info::run(home, &args),
        ReleaseCommand::New(args) => new::run(&args),
        ReleaseCommand::Verdict(args) => verdict::run(&args),
    }
}

/// A store that is thrown away after: what is made in a task's step goes to the registry, not to a home of the step's.
fn scratch_store() -> Result<(tempfile::TempDir, Store), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("store"))?;
    Ok((dir, store))
}

fn client(at: &Reference, insecure: bool) -> Result<Client, Failure> {
    registry_client(insecure.then(|| at.registry().to_owned()))
}

fn parse(spec: &str) -> Result<Reference, Failure> {
    spec.parse().map_err(|e: oci::reference::InvalidReference| Failure::new(Exit::Invalid, e))
}

fn write(file: &Option<PathBuf>, text: &str) -> Result<(), Failure> {
    match file {
        Some(path) => fs::write(path, text)
            .map_err(|e| anyhow::Error::from(e).context(path.display().to_string()).into()),
        None => Ok(()),
    }
}
