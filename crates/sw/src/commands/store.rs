//! `sw store`: whether the local images are whole, and removal of what is not needed.

use std::path::Path;

use base::{Exit, size};
use oci::store::GcOptions;
use oci::{Reference, Store};

use super::Ended;
use crate::cli::{Format, StoreCommand};
use crate::failure::Failure;
use crate::settings::Home;

/// Carries out `sw store …`.
pub fn run(home: &Home, command: StoreCommand) -> Result<Ended, Failure> {
    let store = Store::open(home.store())?;
    match command {
        StoreCommand::Check { output } => check(&store, output),
        StoreCommand::Import { from } => import(&store, &from),
        StoreCommand::Gc => {
            let report = store.gc(GcOptions::default())?;
            anstream::println!("removed {} blobs, {}", report.blobs, size::bytes(report.bytes));
            Ok(Exit::Success.into())
        }
    }
}

/// The repository through which images come in that have no name of their own yet.
const INCOMING: &str = "incoming";

/// Brings images in under the names that they have in the layout.
fn import(store: &Store, from: &Path) -> Result<Ended, Failure> {
    let mut unnamed = 0;
    for image in oci::layout::import(store, INCOMING, from)? {
        let Some(name) = image.name.filter(|name| name.parse::<Reference>().is_ok()) else {
            unnamed += 1;
            continue;
        };
        let reference: Reference = name.parse()?;
        let Some(stored) = store.manifest_by_digest(image.digest)? else { continue };
        // What is named by digest is found by digest.
        let tag = reference.digest().is_none().then(|| reference.selector());
        store.put_sparse_index(reference.repository(), &stored.media_type, &stored.bytes, tag.as_deref())?;
        // It has a place now.
        store.delete_manifest(INCOMING, image.digest)?;
        anstream::println!("{name} {}", image.digest);
    }
    if unnamed > 0 {
        let message = format!("{unnamed} images in {} have no name; copy them with skopeo", from.display());
        return Err(Failure::invalid(message));
    }
    Ok(Exit::Success.into())
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
