//! `sw cache prune`: removes what builds left and nobody needs any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::{Digest, size};
use engine::record::{Run, Runs, State};
use jiff::Timestamp;
use oci::manifest::config::CONFIG_LIMIT;
use oci::store::GcOptions;
use oci::unpack::Layers;
use oci::{Descriptor, ImageConfig, Manifest, Reference, Store};
use release::payload::info::ReleaseInfo;
use serde::Serialize;
use stream::plan::LastBuild;

use super::build_record::{self, BuildLock, BuildRecord};
use super::cache_stats::{content, walk};
use super::newest_build::NewestBuild;
use crate::cli::{Format, PruneArgs};
use crate::failure::Failure;
use crate::output::summary::Summary;
use crate::settings::Home;

/// What was removed, or would be.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pruned {
    /// `repository@digest`.
    images: Vec<String>,
    runs: Vec<String>,
    unpacked_layers: usize,
    /// Sources with patches applied; they are made again when they are wanted.
    patched: usize,
    /// What remote references meant when they were fetched.
    resolved: usize,
    /// Of what nothing else needs.
    bytes: u64,
    /// As much of it is younger than a day, and goes with a later collection: somebody may be about to use it again.
    later: u64,
}

/// Removes, or says what would be removed.
///
/// Only repositories that streams were built to are looked at: what somebody pushed or pulled stays.
pub fn run(home: &Home, args: &PruneArgs) -> Result<(), Failure> {
    let store = Store::open(home.store())?;
    // Nothing is removed from under a build, and what it records counts.
    let streams = if args.dry_run { BTreeMap::new() } else { build_record::all(home)? };
    let _locks = streams.keys().map(|name| BuildLock::take(home, name)).collect::<Result<Vec<_>, _>>()?;
    let records = build_record::all(home)?;
    let needed = needed(&store, &records)?;
    let paths: BTreeSet<&str> = records.values().flat_map(|r| &r.paths).map(String::as_str).collect();
    let mut going: BTreeSet<(String, Digest)> = BTreeSet::new();
    for repository in store.repositories()? {
        if repository.rsplit_once('/').is_some_and(|(parent, _)| paths.contains(parent)) {
            let old = old_images(&store, &repository, &needed, args)?;
            going.extend(old.into_iter().map(|digest| (repository.clone(), digest)));
        }
    }
    let runs = Runs::new(home.runs()).list()?;
    let old_runs = old_runs(&runs, &records, args);
    let mut pruned = Pruned {
        images: going
            .iter()
            .filter(|(_, digest)| !is_note(&store, *digest))
            .map(|(repository, digest)| format!("{repository}@{digest}"))
            .collect(),
        runs: old_runs.iter().map(|run| run.id.clone()).collect(),
        unpacked_layers: 0,
        patched: 0,
        resolved: 0,
        bytes: freed(&store, &going)?,
        later: 0,
    };
    if !args.dry_run {
        for (repository, digest) in &going {
            store.delete_manifest(repository, *digest)?;
        }
        for run in &old_runs {
            fs::remove_dir_all(&run.dir)?;
        }
        let collected = store.gc(GcOptions::default())?;
        pruned.later = pruned.bytes.saturating_sub(collected.bytes);
        store.write_index()?;
    }
    let old = older(&home.resolved(), args)?;
    pruned.resolved = old.len();
    if !args.dry_run {
        old.iter().try_for_each(fs::remove_file)?;
    }
    // A run may use a layer whose image is gone, and a plan that is being made a patched source.
    if runs.iter().all(|run| run.state != State::Running) {
        let layers = Layers::open(home.layers())?;
        let used = unpacked_forms(&store, &going)?;
        for layer in layers.list()?.into_iter().filter(|layer| !used.contains(layer)) {
            pruned.unpacked_layers += 1;
            if !args.dry_run {
                layers.remove(layer)?;
            }
        }
        let old = older(&home.patched(), args)?;
        pruned.patched = old.len();
        if !args.dry_run {
            old.iter().try_for_each(fs::remove_dir_all)?;
        }
    }
    show(&pruned, args)
}

fn show(pruned: &Pruned, args: &PruneArgs) -> Result<(), Failure> {
    if args.output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(pruned)?);
        return Ok(());
    }
    if args.dry_run {
        pruned.images.iter().for_each(|image| anstream::println!("image {image}"));
        pruned.runs.iter().for_each(|run| anstream::println!("run   {run}"));
    }
    anstream::println!(
        "{} {} images ({}), {} unpacked layers, {} runs, {} patched sources, {} remote definitions",
        if args.dry_run { "would remove" } else { "removed" },
        pruned.images.len(),
        size::bytes(pruned.bytes),
        pruned.unpacked_layers,
        pruned.runs.len(),
        pruned.patched,
        pruned.resolved
    );
    if pruned.later > 0 {
        anstream::println!(
            "{} of it is younger than a day; `sw store gc` removes it then",
            size::bytes(pruned.later)
        );
    }
    Ok(())
}

/// What was put into a folder longer ago than things are kept. What can be had again is counted by days only.
fn older(folder: &Path, args: &PruneArgs) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let entry = entry?;
        if age(entry.metadata()?.modified()?) >= days(args.keep) {
            old.push(entry.path());
        }
    }
    Ok(old)
}

/// What the last builds of all streams used and made, and the releases that they are from.
fn needed(store: &Store, records: &BTreeMap<String, BuildRecord>) -> Result<BTreeSet<Digest>, Failure> {
    let mut needed = BTreeSet::new();
    for record in records.values() {
        for built in record.platforms.values() {
            needed.extend(built.images.values());
            needed.extend(built.components.values().flat_map(LastBuild::images));
        }
        for spec in record.release.iter().map(|release| &release.pull_spec).chain(&record.from_releases) {
            release(store, spec, &mut needed)?;
        }
    }
    Ok(needed)
}

/// A release and its images: of a release for several platforms those of every one, with the lists that they are in.
fn release(store: &Store, pull_spec: &str, needed: &mut BTreeSet<Digest>) -> Result<(), Failure> {
    let at: Reference = pull_spec.parse()?;
    // One that somebody removed, or that is elsewhere, needs nothing here.
    let Some(stored) = store.resolve(&at)? else { return Ok(()) };
    let releases = match stored.parse()? {
        Manifest::Image(_) => vec![stored.digest],
        Manifest::Index(list) => {
            let named = |child: &&Descriptor| child.platform.as_ref().is_none_or(|of| of.name().is_some());
            list.manifests.iter().filter(named).map(|child| child.digest).collect()
        }
    };
    let mut images = vec![stored.digest];
    for release in releases.into_iter().filter(|release| store.has(*release)) {
        let info = ReleaseInfo::read(store, &at.at_digest(release))?;
        images.extend(info.images().filter_map(|(_, spec)| spec.split_once('@')?.1.parse::<Digest>().ok()));
    }
    for image in images {
        walk(store, image, &mut |member, _| {
            needed.insert(member.digest);
        })?;
    }
    Ok(())
}

/// The images of a repository that may go. What says something about an image goes with it, and so do the images of a list.
fn old_images(
    store: &Store,
    repository: &str,
    needed: &BTreeSet<Digest>,
    args: &PruneArgs,
) -> Result<BTreeSet<Digest>, Failure> {
    let mut images: Vec<(SystemTime, Digest)> = Vec::new();
    let mut about: Vec<(Digest, Digest)> = Vec::new();
    let mut lists: Vec<(Digest, Digest)> = Vec::new();
    for (digest, _) in store.manifests(repository)? {
        let Some(stored) = store.manifest_by_digest(digest)? else { continue };
        let manifest = stored.parse()?;
        let newest = NewestBuild::read(&manifest).map(|newest| newest.image.digest);
        match newest.or(manifest.subject().map(|subject| subject.digest)) {
            Some(subject) => about.push((digest, subject)),
            None => {
                images.push((store.written(repository, digest)?.unwrap_or(SystemTime::now()), digest));
                lists.extend(manifest.children().iter().map(|child| (digest, child.digest)));
            }
        }
    }
    images.sort_unstable_by(|a, b| b.cmp(a));
    let listed: BTreeSet<Digest> = lists.iter().map(|(_, child)| *child).collect();
    let (members, images): (Vec<_>, Vec<_>) = images.into_iter().partition(|(_, at)| listed.contains(at));
    let images = images.into_iter().enumerate();
    let old = images.filter(|(position, (written, digest))| {
        is_old(*position, *written, args) && !needed.contains(digest)
    });
    let mut old: BTreeSet<Digest> = old.map(|(_, (_, digest))| digest).collect();
    let stay: BTreeSet<Digest> =
        lists.iter().filter(|(list, _)| !old.contains(list)).map(|(_, child)| *child).collect();
    let members = members.into_iter().map(|(_, digest)| digest);
    old.extend(members.filter(|member| !stay.contains(member) && !needed.contains(member)));
    about.retain(|(_, subject)| old.contains(subject));
    old.extend(about.into_iter().map(|(digest, _)| digest));
    Ok(old)
}

/// Whether it only says which image is the newest of its kind.
pub fn is_note(store: &Store, digest: Digest) -> bool {
    let stored = store.manifest_by_digest(digest).ok().flatten();
    stored.and_then(|stored| stored.parse().ok()).as_ref().and_then(NewestBuild::read).is_some()
}

/// Runs of streams that are over and may go; the run that made a stream's last release stays.
fn old_runs<'a>(runs: &'a [Run], records: &BTreeMap<String, BuildRecord>, args: &PruneArgs) -> Vec<&'a Run> {
    let mut of_stream: BTreeMap<String, usize> = BTreeMap::new();
    let mut old = Vec::new();
    // The newest come first.
    for run in runs {
        let stream = Summary::of(&run.events).pipeline;
        let Some(record) = records.get(&stream) else { continue };
        let position = of_stream.entry(stream).or_default();
        let ended = run.events.last().map_or_else(Timestamp::now, |event| event.time);
        let last = record.release.as_ref().is_some_and(|release| release.run == run.id);
        if is_old(*position, ended.into(), args) && run.state != State::Running && !last {
            old.push(run);
        }
        *position += 1;
    }
    old
}

/// `position` counts from the newest.
fn is_old(position: usize, written: SystemTime, args: &PruneArgs) -> bool {
    match args.keep_last {
        Some(count) => position >= count,
        None => age(written) >= days(args.keep),
    }
}

fn age(written: SystemTime) -> Duration {
    SystemTime::now().duration_since(written).unwrap_or_default()
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 3600))
}

/// Bytes of what only images need that go.
fn freed(store: &Store, going: &BTreeSet<(String, Digest)>) -> Result<u64, Failure> {
    let (mut kept, mut gone) = (BTreeMap::new(), BTreeMap::new());
    for repository in store.repositories()? {
        for (digest, _) in store.manifests(&repository)? {
            if going.contains(&(repository.clone(), digest)) { &mut gone } else { &mut kept }
                .extend(content(store, digest)?);
        }
    }
    Ok(gone.iter().filter(|(digest, _)| !kept.contains_key(*digest)).map(|(_, size)| size).sum())
}

/// The diff ids of all images that stay.
fn unpacked_forms(store: &Store, going: &BTreeSet<(String, Digest)>) -> Result<BTreeSet<Digest>, Failure> {
    let mut configs = BTreeSet::new();
    for repository in store.repositories()? {
        for (digest, _) in store.manifests(&repository)? {
            if !going.contains(&(repository.clone(), digest)) {
                walk(store, digest, &mut |_, manifest| {
                    if let Manifest::Image(image) = manifest {
                        configs.insert(image.config.digest);
                    }
                })?;
            }
        }
    }
    // What is no image (a verdict, say) has no layers to unpack.
    let configs = configs.iter().filter_map(|config| store.read(*config, CONFIG_LIMIT).ok());
    let configs = configs.filter_map(|bytes| ImageConfig::parse(&bytes).ok());
    Ok(configs.flat_map(|config| config.rootfs.diff_ids).collect())
}
