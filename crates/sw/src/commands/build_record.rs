//! What is known of the last build of a stream: `builds/<stream>/last.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};

use base::Digest;
use oci::rebase::Provenance;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use stream::definition::Platform;
use stream::plan::estimate::Seconds;
use stream::plan::{FailedBuild, LastBuild};

use crate::failure::Failure;
use crate::settings::Home;

/// What is known of the last build of a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRecord {
    /// What each platform had.
    #[serde(default)]
    pub platforms: BTreeMap<Platform, BuiltOn>,
    /// The repositories that the stream had, without their registries: where its images are in the local store.
    #[serde(default)]
    pub paths: BTreeSet<String>,
    /// The published releases that the stream is from, by pull spec.
    #[serde(default)]
    pub from_releases: Vec<String>,
    /// How many images the last run needed.
    #[serde(default)]
    pub last_run: Option<Counted>,
    /// The last release that was assembled and judged.
    #[serde(default)]
    pub release: Option<BuiltRelease>,
}

/// What is known of the last build of a stream on one platform.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuiltOn {
    /// What each component was built from, so that a plan can say what changed.
    #[serde(default)]
    pub components: BTreeMap<String, LastBuild>,
    /// The components whose last attempt failed.
    #[serde(default)]
    pub failed: BTreeMap<String, FailedBuild>,
    /// The image that each component had.
    #[serde(default)]
    pub images: BTreeMap<String, Digest>,
    /// Which of them were not built, but set on another base, and what they were before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rebased: BTreeMap<String, Provenance>,
    /// Seconds that each component took when it was last built.
    #[serde(default)]
    pub seconds: BTreeMap<String, f64>,
}

/// What a run did for its images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Images of the right key that were there.
    pub found: usize,
    /// Images that were built.
    pub built: usize,
}

/// A release that was assembled and judged here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuiltRelease {
    /// Digest of what was run and of the images it gave: the same again means the same release.
    pub content: Digest,
    /// Pull spec by digest, under the stream's repository.
    pub pull_spec: String,
    /// Whether its tests accepted it.
    pub accepted: bool,
    /// The run.
    pub run: String,
}

impl BuildRecord {
    /// Seconds that each component took when it was last built, by platform.
    pub fn seconds(&self) -> Seconds {
        self.platforms.iter().map(|(platform, built)| (*platform, built.seconds.clone())).collect()
    }

    /// Reads the record; an empty one when there is none, or one of another version.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(home: &Home, stream: &str) -> Result<Self, Failure> {
        match fs::read(home.builds(stream).join("last.json")) {
            // A record that is not understood only costs reasons in the next plan.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes the record, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, home: &Home, stream: &str) -> Result<(), Failure> {
        let dir = home.builds(stream);
        fs::create_dir_all(&dir)?;
        let temporary = dir.join(".last.json.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(temporary, dir.join("last.json"))?;
        Ok(())
    }
}

/// The streams that were built here, with what is known of them.
///
/// # Errors
/// When a record cannot be read.
pub fn all(home: &Home) -> Result<BTreeMap<String, BuildRecord>, Failure> {
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(home.builds("")).into_iter().flatten().flatten() {
        let Ok(stream) = entry.file_name().into_string() else { continue };
        let record = BuildRecord::read(home, &stream)?;
        records.insert(stream, record);
    }
    Ok(records)
}

/// Held while a stream is built: two builds of one stream would test the same ports and write the same record.
pub struct BuildLock(#[allow(dead_code, reason = "held, not used")] File);

impl BuildLock {
    /// Waits for the lock; says so on standard error when somebody has it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn take(home: &Home, stream: &str) -> Result<Self, Failure> {
        let dir = home.builds(stream);
        fs::create_dir_all(&dir)?;
        let file = File::create(dir.join("lock"))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            anstream::eprintln!("another build of {stream} is running; waiting for its end");
            flock(&file, FlockOperation::LockExclusive).map_err(io::Error::from)?;
        }
        Ok(Self(file))
    }
}
