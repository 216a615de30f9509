//! `sw store`: whether the local images are whole, and removal of what is not needed.

use base::{Exit, size};
use oci::Store;
use oci::store::GcOptions;

use super::Ended;
use crate::cli::{Format, StoreCommand};
use crate::failure::Failure;
use crate::settings::Home;

/// Carries out `sw store …`.
pub fn run(home: &Home, command: StoreCommand) -> Result<Ended, Failure> {
    let store = Store::open(home.store())?;
    match command {
        StoreCommand::Check { output } => check(&store, output),
        StoreCommand::Gc => {
            let report = store.gc(GcOptions::default())?;
            anstream::println!("removed {} blobs, {}", report.blobs, size::bytes(report.bytes));
            Ok(Exit::Success.into())
        }
    }
}

fn check(store: &Store, output: Format) -> Result<Ended, Failure> {
    let report = store.check()?;
    let exit = if report.is_whole() { Exit::Success } else { Exit::Failed };
    if output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(exit.into());
    }
    for problem in &report.problems {
        anstream::println!("{}: {}\n    {}", problem.path.display(), problem.what, problem.advice);
    }
    let verdict = match report.problems.len() {
        0 => "whole".to_owned(),
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    anstream::println!(
        "{}: {verdict} ({} blobs, {}, {} manifests)",
        store.dir().display(),
        report.blobs,
        size::bytes(report.bytes),
        report.manifests
    );
    if !report.leftovers.is_empty() {
        anstream::println!(
            "{} unfinished files, harmless; `sw store gc` removes old ones",
            report.leftovers.len()
        );
    }
    Ok(exit.into())
}
