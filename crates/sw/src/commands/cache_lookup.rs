//! `sw cache lookup`, `sw cache record` and `sw cache copy`: the first and the last step of a task that builds a component.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Digest, Exit};
use oci::client::{Client, ClientError};
use oci::rebase::Rebased;
use oci::{Reference, Store, StoredManifest};
use stream::definition::Rebuild;
use stream::key::final_key;
use stream::key::policy::{Whence, tag};
use stream::plan::Swap;

use super::cache_rebase::{Exchanged, Places};
use super::newest_build::NewestBuild;
use super::{hasty_client, registry_client};
use crate::cli::{CacheAt, CopyArgs, LookupArgs, RecordArgs, WeakKeyArgs};
use crate::failure::Failure;

/// How long the registry of another stream may take to begin an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a line begins with that goes to standard error.
const WARNING: &str = "warning: ";

/// `sw cache lookup`.
pub fn lookup(args: &LookupArgs) -> Result<(), Failure> {
    let answer = answer(args)?;
    for (file, text) in &answer.files {
        write(file, text)?;
    }
    for line in &answer.said {
        if line.starts_with(WARNING) { anstream::eprintln!("{line}") } else { anstream::println!("{line}") }
    }
    Ok(())
}

/// What `sw cache lookup` found out.
pub struct Answer {
    /// Whether there is an image.
    pub hit: bool,
    /// What it writes into which files.
    pub files: Vec<(PathBuf, String)>,
    /// What it says, in lines.
    pub said: Vec<String>,
}

/// Looks, and copies what other streams have; says what to write where.
///
/// # Errors
/// Arguments that make no sense, and when the component's registry does not answer.
pub fn answer(args: &LookupArgs) -> Result<Answer, Failure> {
    let lookup = Lookup::new(args)?;
    let key = final_key(&args.inputs, lookup.bases.iter().cloned(), lookup.operands.iter().cloned());
    let found = if args.force { None } else { lookup.find(&key)? };
    let mut said = lookup.said.into_inner();
    let digest = found.as_ref().map(|found| found.image.to_string()).unwrap_or_default();
    let mut files = vec![
        (&args.hit_file, found.is_some().to_string()),
        (&args.digest_file, digest),
        (&args.key_file, key.hex()),
    ];
    match &found {
        Some(Found { image, rebuild, key }) => {
            files.extend(results(&args.at, *image, &key.hex(), true));
            said.push(format!("{} is there: {image}", tag(*rebuild, key)));
        }
        None => said.push(format!("{} is not there: it must be built", tag(Rebuild::Transitive, &key))),
    }
    let files = files.into_iter().filter_map(|(file, text)| Some((file.clone()?, text))).collect();
    Ok(Answer { hit: found.is_some(), files, said })
}

/// `sw cache record`.
pub fn record(args: &RecordArgs) -> Result<(), Failure> {
    let key = Digest::from_hex(&args.key).map_err(|e| Failure::new(Exit::Invalid, e))?;
    let own = Own::new(&args.at)?;
    let image = own.client.manifest(&own.repository.at_digest(args.digest))?;
    let name = tag(Rebuild::Transitive, &key);
    own.client.put_manifest(&own.repository.at_tag(&name)?, &image.media_type, &image.bytes)?;
    let operands = digests("--operand", &args.weak.operands)?;
    let newest = NewestBuild::of(&image, &digests("--base", &args.weak.bases)?, &operands);
    own.note(&newest, &args.weak)?.iter().for_each(|warning| anstream::eprintln!("{warning}"));
    for (file, text) in results(&args.at, args.digest, &key.hex(), false) {
        file.as_deref().map_or(Ok(()), |file| write(file, &text))?;
    }
    anstream::println!("{name} is now {}", args.digest);
    Ok(())
}

/// `sw cache copy`: the only base is the image.
pub fn copy(args: CopyArgs) -> Result<(), Failure> {
    let CopyArgs { key, weak, at } = args;
    let [(_, spec)] = weak.bases.as_slice() else {
        let count = weak.bases.len();
        return Err(Failure::invalid(format!(
            "{count} bases are given, and only a single one can be the image"
        )));
    };
    let from: Reference = spec.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
    let digest =
        from.digest().ok_or_else(|| Failure::invalid(format!("{spec}: give the image by digest")))?;
    let own = Own::new(&at)?;
    let scratch = tempfile::tempdir()?;
    let through = Store::open(scratch.path().join("store"))?;
    own.client.copy(&from, &own.repository.at_digest(digest), &through, &())?;
    record(&RecordArgs { key, digest, weak, at })
}

/// An image that is as good as built, and the key that says so.
struct Found {
    image: Digest,
    rebuild: Rebuild,
    key: Digest,
}

/// The component's repository.
struct Own {
    client: Client,
    repository: Reference,
}

impl Own {
    fn new(at: &CacheAt) -> Result<Self, Failure> {
        let repository: Reference = at.repository.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
        let client = registry_client(at.insecure.insecure.then(|| repository.registry().to_owned()))?;
        Ok(Self { client, repository })
    }

    /// Makes `image` the newest one of its weak keys.
    ///
    /// A registry that does not take indexes costs later builds a choice, and this one nothing but the warnings that are returned.
    fn note(&self, image: &NewestBuild, weak: &WeakKeyArgs) -> Result<Vec<String>, Failure> {
        let index = image.index()?;
        let mut warnings = Vec::new();
        for (rebuild, key) in weak_keys(weak)? {
            let at = self.repository.at_tag(&tag(rebuild, &key))?;
            let noted = match self.client.head(&at) {
                Ok(Some(there)) if there.digest == index.digest => continue,
                Ok(_) => self.client.put_manifest(&at, &index.media_type, &index.bytes),
                Err(e) => Err(e),
            };
            if let Err(e) = noted {
                warnings.push(format!("{WARNING}not recorded for `rebuild: {}`: {e}", rebuild.as_str()));
            }
        }
        Ok(warnings)
    }
}

/// What is looked for, and where.
struct Lookup<'a> {
    args: &'a LookupArgs,
    own: Own,
    /// For registries that may as well be missing.
    hasty: Client,
    bases: Vec<(String, Digest)>,
    operands: Vec<(String, Digest)>,
    /// The component's repositories in other streams.
    others: Vec<Reference>,
    /// What there is to tell, in lines.
    said: RefCell<Vec<String>>,
}

impl<'a> Lookup<'a> {
    fn new(args: &'a LookupArgs) -> Result<Self, Failure> {
        let own = Own::new(&args.at)?;
        let component = own.repository.repository().rsplit('/').next().unwrap_or_default();
        let mut others = Vec::new();
        for stream in &args.also {
            let place = format!("{stream}/{component}");
            let from: Reference = place.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
            if from.name() != own.repository.name() {
                others.push(from);
            }
        }
        let insecure = args.at.insecure.insecure.then(|| own.repository.registry().to_owned());
        let hasty = hasty_client(insecure, 2, PATIENCE)?;
        let bases = digests("--base", &args.weak.bases)?;
        let operands = digests("--operand", &args.weak.operands)?;
        Ok(Self { args, own, hasty, bases, operands, others, said: RefCell::default() })
    }

    /// The image that the policy allows, else the one of this key.
    fn find(&self, key: &Digest) -> Result<Option<Found>, Failure> {
        let rebuild = self.args.rebuild.rebuild;
        if let Some((_, weak)) = weak_keys(&self.args.weak)?.into_iter().find(|(which, _)| *which == rebuild)
            && let Some(newest) = self.newest(rebuild, &weak, self.args.rebuild.whence)?
        {
            return Ok(Some(Found { image: newest.image.digest, rebuild, key: weak }));
        }
        let Some(image) = self.exact(key)? else { return self.rebase(key) };
        if !self.args.weak.weak_keys.is_empty() {
            let stored = self.own.client.manifest(&self.own.repository.at_digest(image))?;
            self.note(&stored)?;
        }
        Ok(Some(Found { image, rebuild: Rebuild::Transitive, key: *key }))
    }

    /// Sets the newest image of the same inputs on the base that is there now, if that may be and fits.
    fn rebase(&self, key: &Digest) -> Result<Option<Found>, Failure> {
        let keys = weak_keys(&self.args.weak)?;
        let local = keys.into_iter().find(|(rebuild, _)| *rebuild == Rebuild::Local).map(|(_, key)| key);
        let Some(local) = local.filter(|_| !self.args.swap.is_empty()) else { return Ok(None) };
        let Some(old) = self.newest(Rebuild::Local, &local, Whence::Anywhere)? else { return Ok(None) };
        let old = old.known();
        let [bases, operands] = [&self.bases, &self.operands]
            .map(|images| images.iter().map(|(name, digest)| (name.as_str(), *digest)).collect());
        let swap = Swap::between(&old, &bases, &operands, &self.args.swap);
        let Some(swap) = swap else { return Ok(None) };
        let at = self.own.repository.at_tag(&tag(Rebuild::Transitive, key))?;
        let places = Places {
            client: &self.own.client,
            own: &self.own.repository,
            others: &self.others,
            bases: self.places_of(&swap.base)?,
        };
        let stored = match places.exchange(old.image, &swap, &at) {
            Ok(Exchanged::Kept(image)) => {
                let base = &swap.base;
                self.say(format!("kept, not built: the new {base} is the same image for its platform"));
                image
            }
            Ok(Exchanged::Rebased(Rebased { parts, provenance, .. })) => {
                self.say(format!("rebased, not built: {provenance}"));
                if provenance.to != swap.to {
                    self.say(format!("that is its platform's image of the list {}", swap.to));
                }
                parts.manifest
            }
            Err(e) => {
                self.say(format!("not set on the new {}: {e}", swap.base));
                return Ok(None);
            }
        };
        self.note(&stored)?;
        Ok(Some(Found { image: stored.digest, rebuild: Rebuild::Transitive, key: *key }))
    }

    /// The repositories that may have a base: where it is now, and where other streams have it.
    fn places_of(&self, base: &str) -> Result<Vec<Reference>, Failure> {
        let spec = self.args.weak.bases.iter().find(|(name, _)| name == base).map(|(_, spec)| spec.as_str());
        let now: Reference = spec.unwrap_or_default().parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
        let name = now.repository().rsplit('/').next().unwrap_or_default();
        let others = self.args.also.iter().filter_map(|stream| format!("{stream}/{name}").parse().ok());
        Ok(std::iter::once(now.clone()).chain(others).collect())
    }

    /// The image of a key in the component's repository; an image of another stream is copied there first.
    fn exact(&self, key: &Digest) -> Result<Option<Digest>, Failure> {
        let name = tag(Rebuild::Transitive, key);
        let wanted = self.own.repository.at_tag(&name)?;
        if let Some(found) = self.own.client.head(&wanted)? {
            return Ok(Some(found.digest));
        }
        for place in &self.others {
            let from = place.at_tag(&name)?;
            let copied = self.hasty.head(&from).and_then(|found| {
                // By digest: what was found is what is copied.
                found.map(|found| self.copy(&place.at_digest(found.digest), &wanted)).transpose()
            });
            if let Some(digest) = self.taken(place, copied) {
                return Ok(Some(digest));
            }
        }
        Ok(None)
    }

    /// The newest image of a weak key, which is then in the component's repository.
    fn newest(&self, rebuild: Rebuild, key: &Digest, whence: Whence) -> Result<Option<NewestBuild>, Failure> {
        let name = tag(rebuild, key);
        let own = || newest_at(&self.own.client, &self.own.repository, &name);
        if whence != Whence::OthersFirst
            && let Some(found) = own()?
        {
            return Ok(Some(found));
        }
        for place in &self.others {
            let copied = newest_at(&self.hasty, place, &name).and_then(|found| {
                let Some(found) = found else { return Ok(None) };
                let image = found.image.digest;
                self.copy(&place.at_digest(image), &self.own.repository.at_digest(image))?;
                Ok(Some(found))
            });
            if let Some(found) = self.taken(place, copied) {
                let index = found.index()?;
                let at = self.own.repository.at_tag(&name)?;
                self.own.client.put_manifest(&at, &index.media_type, &index.bytes)?;
                return Ok(Some(found));
            }
        }
        if whence == Whence::OthersFirst { Ok(own()?) } else { Ok(None) }
    }

    /// What came of asking another stream. What cannot be had from there is built.
    fn taken<T>(&self, place: &Reference, asked: Result<Option<T>, ClientError>) -> Option<T> {
        match asked {
            Ok(found) => found.inspect(|_| self.say(format!("taken from {}", place.name()))),
            Err(e) => {
                self.say(format!("{WARNING}{} is not used: {e}", place.name()));
                None
            }
        }
    }

    /// Makes the image the newest one of its weak keys.
    fn note(&self, image: &StoredManifest) -> Result<(), Failure> {
        let newest = NewestBuild::of(image, &self.bases, &self.operands);
        self.own.note(&newest, &self.args.weak)?.into_iter().for_each(|warning| self.say(warning));
        Ok(())
    }

    fn say(&self, line: String) {
        self.said.borrow_mut().push(line);
    }

    fn copy(&self, from: &Reference, to: &Reference) -> Result<Digest, ClientError> {
        let scratch = tempfile::tempdir().map_err(ClientError::Write)?;
        let through = Store::open(scratch.path().join("store"))?;
        self.hasty.copy(from, to, &through, &())
    }
}

/// The newest build under a tag, if its image is there too.
///
/// # Errors
/// When the registry does not answer.
pub fn newest_at(
    client: &Client,
    repository: &Reference,
    name: &str,
) -> Result<Option<NewestBuild>, ClientError> {
    let Ok(at) = repository.at_tag(name) else { return Ok(None) };
    let Some(index) = client.head(&at)? else { return Ok(None) };
    let index = client.manifest(&repository.at_digest(index.digest))?;
    let Some(found) = index.parse().ok().as_ref().and_then(NewestBuild::read) else { return Ok(None) };
    Ok(client.head(&repository.at_digest(found.image.digest))?.map(|_| found))
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

fn weak_keys(args: &WeakKeyArgs) -> Result<Vec<(Rebuild, Digest)>, Failure> {
    let key = |(rebuild, key): &(String, String)| {
        let wrong = |e: &dyn std::fmt::Display| Failure::invalid(format!("--weak-key {rebuild}={key}: {e}"));
        Ok((rebuild.parse().map_err(|e| wrong(&e))?, key.parse().map_err(|e| wrong(&e))?))
    };
    args.weak_keys.iter().map(key).collect()
}

/// What is written into which file of a task's results.
fn results<'a>(
    at: &'a CacheAt,
    digest: Digest,
    key: &str,
    cached: bool,
) -> [(&'a Option<PathBuf>, String); 4] {
    [
        (&at.task_image_file, format!("{}@{digest}", at.repository)),
        (&at.task_digest_file, digest.to_string()),
        (&at.task_cached_file, cached.to_string()),
        (&at.task_key_file, key.to_owned()),
    ]
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|e| anyhow::Error::from(e).context(file.display().to_string()).into())
}
