//! `sw cache`: finds and records builds by the key of their inputs, in the registry that holds the images.
//!
//! Used by tasks as their first and last step, on this machine and on a cluster alike; so the registry itself is the
//! cache that everybody shares.

use base::{Exit, size};
use engine::cache::StepCache;
use engine::cache::store::LIMIT;

use super::{Ended, cache_lookup, cache_prune, cache_stats};
use crate::cli::{CacheCommand, Format};
use crate::failure::Failure;
use crate::settings::Home;

/// Carries out `sw cache …`.
pub fn run(home: &Home, command: CacheCommand) -> Result<Ended, Failure> {
    match command {
        CacheCommand::Steps { prune, output } => steps(home, prune, output)?,
        CacheCommand::Stats { output } => cache_stats::run(home, output)?,
        CacheCommand::Prune(args) => cache_prune::run(home, &args)?,
        CacheCommand::Lookup(args) => cache_lookup::lookup(&args)?,
        CacheCommand::Record(args) => cache_lookup::record(&args)?,
        CacheCommand::Copy(args) => cache_lookup::copy(args)?,
    }
    Ok(Exit::Success.into())
}

/// Shows what the step cache holds, after removing it if that is wanted.
fn steps(home: &Home, prune: bool, output: Format) -> Result<(), Failure> {
    let cache = StepCache::open(home.steps())?;
    if prune {
        cache.trim(0)?;
    }
    let held = cache.held()?;
    if output == Format::Json {
        anstream::println!("{}", serde_json::to_string(&held)?);
        return Ok(());
    }
    let (bytes, limit) = (size::bytes(held.bytes), size::bytes(LIMIT));
    anstream::println!("{} tasks, {bytes} of at most {limit}", held.entries);
    Ok(())
}
