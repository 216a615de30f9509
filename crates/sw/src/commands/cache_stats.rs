//! `sw cache stats`: what the local store has of each stream.

use std::collections::{BTreeMap, BTreeSet};

use base::{Digest, size};
use oci::unpack::Layers;
use oci::{Manifest, Store, StoredManifest};
use serde::Serialize;
use stream::definition::Rebuild;
use stream::key::policy::tag_prefix;

use super::build_record::{self, Counted};
use super::cache_prune::is_note;
use crate::cli::Format;
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// What one stream has, or what is there without one.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// The stream; none for repositories that no stream was built to.
    stream: Option<String>,
    keys: usize,
    images: usize,
    /// Of everything that its images need; rows may share layers.
    bytes: u64,
    last_run: Option<Counted>,
    repositories: BTreeMap<String, Held>,
}

/// What a repository has.
#[derive(Debug, Default, Serialize)]
struct Held {
    keys: usize,
    images: usize,
    bytes: u64,
}

/// Shows what there is.
pub fn run(home: &Home, output: Format) -> Result<(), Failure> {
    let store = Store::open(home.store())?;
    let records = build_record::all(home)?;
    let mut rows: BTreeMap<Option<String>, Row> = BTreeMap::new();
    for (stream, record) in &records {
        let row = Row { stream: Some(stream.clone()), last_run: record.last_run, ..Row::default() };
        rows.insert(Some(stream.clone()), row);
    }
    let mut everything: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut of_rows: BTreeMap<Option<String>, BTreeMap<Digest, u64>> = BTreeMap::new();
    for repository in store.repositories()? {
        let parent = repository.rsplit_once('/').map_or("", |(parent, _)| parent);
        let stream = records.iter().find(|(_, r)| r.paths.contains(parent)).map(|(s, _)| s.clone());
        let mut blobs = BTreeMap::new();
        let manifests = store.manifests(&repository)?;
        for (digest, _) in &manifests {
            blobs.extend(content(&store, *digest)?);
        }
        let keys = store
            .tags(&repository)?
            .iter()
            .filter(|tag| tag.starts_with(tag_prefix(Rebuild::Transitive)))
            .count();
        let held = Held {
            keys,
            images: manifests.iter().filter(|(digest, _)| !is_note(&store, *digest)).count(),
            bytes: blobs.values().sum(),
        };
        everything.extend(&blobs);
        of_rows.entry(stream.clone()).or_default().extend(blobs);
        let row = rows.entry(stream).or_default();
        row.keys += held.keys;
        row.images += held.images;
        row.repositories.insert(repository, held);
    }
    for (stream, blobs) in of_rows {
        rows.entry(stream).or_default().bytes = blobs.values().sum();
    }
    let layers = Layers::open(home.layers())?.list()?.len();
    let total: u64 = everything.values().sum();
    // Streams by name, the rest at the end.
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by(|a, b| (a.stream.is_none(), &a.stream).cmp(&(b.stream.is_none(), &b.stream)));
    if output == Format::Json {
        let shown = serde_json::json!({"streams": rows, "bytes": total, "unpackedLayers": layers});
        anstream::println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    let mut table = vec![["STREAM", "KEYS", "IMAGES", "SIZE", "LAST RUN"].map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(|row| {
        let last = row.last_run.map(|run| format!("{} found, {} built", run.found, run.built));
        vec![
            row.stream.clone().unwrap_or_else(|| "(others)".to_owned()),
            row.keys.to_string(),
            row.images.to_string(),
            size::bytes(row.bytes),
            last.unwrap_or_default(),
        ]
    }));
    anstream::print!("{}", columns(&table));
    anstream::println!("{} together, shared layers once; {layers} layers unpacked", size::bytes(total));
    Ok(())
}

/// A manifest and what it needs, with their sizes.
///
/// # Errors
/// When the manifest is damaged.
pub fn content(store: &Store, manifest: Digest) -> Result<BTreeMap<Digest, u64>, Failure> {
    let mut found = BTreeMap::new();
    walk(store, manifest, &mut |stored, parsed| {
        found.insert(stored.digest, stored.bytes.len() as u64);
        found.extend(parsed.blobs().iter().map(|blob| (blob.digest, blob.size)));
    })?;
    Ok(found)
}

/// Visits a manifest and those that it is an index of.
///
/// # Errors
/// When one is damaged.
pub fn walk(
    store: &Store,
    manifest: Digest,
    visit: &mut dyn FnMut(&StoredManifest, &Manifest),
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let mut pending = vec![manifest];
    while let Some(digest) = pending.pop() {
        if !seen.insert(digest) {
            continue;
        }
        // A child of an index may be missing: only one platform of it was wanted.
        let Some(stored) = store.manifest_by_digest(digest)? else { continue };
        let parsed = stored.parse()?;
        visit(&stored, &parsed);
        pending.extend(parsed.children().iter().map(|child| child.digest));
    }
    Ok(())
}
