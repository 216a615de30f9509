//! `sw cache`: finds and records builds by the key of their inputs, in the registry that holds the images.
//!
//! Used by tasks as their first and last step, on this machine and on a cluster alike; so the registry itself is the
//! cache that everybody shares.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use base::{Digest, Exit, size};
use engine::cache::StepCache;
use engine::cache::store::LIMIT;
use oci::client::{Client, ClientError};
use oci::{Reference, Store};

use super::{Ended, cache_prune, cache_stats, hasty_client, registry_client};
use crate::cli::{CacheAt, CacheCommand, Format};
use crate::failure::Failure;
use crate::settings::Home;

/// What the tags begin with under which images are found by key.
pub const KEY_TAG: &str = "key-";
/// How long the registry of another stream may take to begin an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Carries out `sw cache …`.
pub fn run(home: &Home, command: CacheCommand) -> Result<Ended, Failure> {
    match command {
        CacheCommand::Steps { prune, output } => steps(home, prune, output)?,
        CacheCommand::Stats { output } => cache_stats::run(home, output)?,
        CacheCommand::Prune(args) => cache_prune::run(home, &args)?,
        CacheCommand::Lookup {
            inputs,
            bases,
            operands,
            also,
            hit_file,
            digest_file,
            key_file,
            force,
            at,
        } => {
            let key =
                stream::key::final_key(&inputs, digests("--base", &bases)?, digests("--operand", &operands)?);
            let found = if force { None } else { find(&at, &also, key)? };
            write(&hit_file, if found.is_some() { "true" } else { "false" })?;
            write(&digest_file, &found.map(|d| d.to_string()).unwrap_or_default())?;
            write(&key_file, &key.hex())?;
            match found {
                Some(digest) => {
                    results(&at, digest, &key.hex(), true)?;
                    anstream::println!("{} is there: {digest}", tag(&key.hex()));
                }
                None => anstream::println!("{} is not there: it must be built", tag(&key.hex())),
            }
        }
        CacheCommand::Record { key, digest, at } => {
            let key: Digest = Digest::from_hex(&key).map_err(|e| Failure::new(Exit::Invalid, e))?;
            record(&at, &key.hex(), digest)?;
            results(&at, digest, &key.hex(), false)?;
            anstream::println!("{} is now {digest}", tag(&key.hex()));
        }
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

/// The tag under which the image of a key is found.
fn tag(key: &str) -> String {
    format!("{KEY_TAG}{key}")
}

/// The digests of images that an option names.
fn digests(option: &str, images: &[(String, String)]) -> Result<Vec<(String, Digest)>, Failure> {
    images
        .iter()
        .map(|(name, spec)| {
            let reference: Reference = spec.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
            let digest = reference.digest().ok_or_else(|| {
                Failure::invalid(format!("{option} {name}={spec}: give the image by digest"))
            })?;
            Ok((name.clone(), digest))
        })
        .collect()
}

fn client(at: &CacheAt) -> Result<(Client, Reference), Failure> {
    let repository: Reference = at.repository.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
    let client = registry_client(at.insecure.insecure.then(|| repository.registry().to_owned()))?;
    Ok((client, repository))
}

/// The image of a key in the component's repository; an image of another stream is copied there first.
fn find(at: &CacheAt, also: &[String], key: Digest) -> Result<Option<Digest>, Failure> {
    let (client, repository) = client(at)?;
    let wanted = repository.at_tag(&tag(&key.hex()))?;
    if let Some(found) = client.head(&wanted)? {
        return Ok(Some(found.digest));
    }
    let component = repository.repository().rsplit('/').next().unwrap_or_default();
    let insecure = at.insecure.insecure.then(|| repository.registry().to_owned());
    let hasty = hasty_client(insecure, 2, PATIENCE)?;
    for stream in also {
        let place = format!("{stream}/{component}");
        let from: Reference = place.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
        if from.name() == repository.name() {
            continue;
        }
        match copy(&hasty, &from.at_tag(&tag(&key.hex()))?, &wanted) {
            Ok(None) => {}
            Ok(Some(digest)) => {
                anstream::println!("taken from {place}");
                return Ok(Some(digest));
            }
            // What cannot be had from there is built.
            Err(e) => anstream::eprintln!("warning: {place} is not used: {e}"),
        }
    }
    Ok(None)
}

/// Copies an image, if it is there.
fn copy(client: &Client, from: &Reference, to: &Reference) -> Result<Option<Digest>, ClientError> {
    let Some(found) = client.head(from)? else { return Ok(None) };
    let scratch = tempfile::tempdir().map_err(ClientError::Write)?;
    let through = Store::open(scratch.path().join("store"))?;
    // By digest: what was found is what is copied.
    client.copy(&from.at_digest(found.digest), to, &through, &()).map(Some)
}

fn record(at: &CacheAt, key: &str, digest: Digest) -> Result<(), Failure> {
    let (client, repository) = client(at)?;
    let manifest = client.manifest(&repository.at_digest(digest))?;
    client.put_manifest(&repository.at_tag(&tag(key))?, &manifest.media_type, &manifest.bytes)?;
    Ok(())
}

fn results(at: &CacheAt, digest: Digest, key: &str, cached: bool) -> Result<(), Failure> {
    write(&at.task_image_file, &format!("{}@{digest}", at.repository))?;
    write(&at.task_digest_file, &digest.to_string())?;
    write(&at.task_cached_file, if cached { "true" } else { "false" })?;
    write(&at.task_key_file, key)
}

fn write(file: &Option<PathBuf>, text: &str) -> Result<(), Failure> {
    match file {
        Some(path) => fs::write(path, text)
            .map_err(|e| anyhow::Error::from(e).context(path.display().to_string()).into()),
        None => Ok(()),
    }
}
