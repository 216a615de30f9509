//! `sw scan`: what is in an image, and what is not to be there.

use std::fs;

use base::Exit;
use oci::{Reference, Store};
use release::payload::registry::Fetching;
use release::scan::{Rules, read};
use serde_json::json;

use super::{Ended, registry_client};
use crate::cli::{Format, ScanArgs};
use crate::failure::Failure;
use crate::output::printable::printable;

/// Carries out `sw scan`.
pub fn run(args: &ScanArgs) -> Result<Ended, Failure> {
    let at: Reference = args.image.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
    let scratch = tempfile::tempdir()?;
    let store = Store::open(scratch.path().join("store"))?;
    let client = registry_client(args.insecure.insecure.then(|| at.registry().to_owned()))?;
    let inventory = read(&Fetching::new(&store, &client, &()), &at)?;
    let rules = Rules { deny: args.deny.clone(), allow_privileged: args.allow_setuid.clone() };
    let found = rules.findings(&inventory);
    let report = json!({"image": args.image, "inventory": inventory, "findings": found});
    if let Some(file) = &args.report {
        fs::write(file, format!("{}\n", serde_json::to_string_pretty(&report)?))
            .map_err(|e| anyhow::Error::from(e).context(file.display().to_string()))?;
    }
    if let Some(file) = &args.count_file {
        fs::write(file, found.len().to_string())?;
    }
    match args.output {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Text => {
            let (packages, privileged) = (inventory.packages.len(), inventory.privileged.len());
            anstream::println!("{at}: {packages} Debian packages, {privileged} setuid or setgid files");
            if inventory.rpm {
                anstream::println!("it has packages of rpm too, which are not looked at");
            }
            for finding in &found {
                anstream::println!("  {}: {}", finding.code, printable(&finding.message));
            }
        }
    }
    if found.is_empty() || args.inform {
        return Ok(Exit::Success.into());
    }
    anstream::eprintln!("{} findings; allow what is meant, or inform only", found.len());
    Ok(Exit::Failed.into())
}
