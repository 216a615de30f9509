//! What came of a run that built a stream: which images there are now, and what is kept of it for the next plan.

use std::collections::BTreeMap;

use base::Digest;
use engine::Finished;
use oci::Store;
use oci::rebase::Provenance;
use stream::definition::{Platform, Rebuild};
use stream::key::policy::tag;
use stream::plan::{FailedBuild, LastBuild, Newest};
use stream::render::Names;

use super::build_record::{BuildRecord, Counted};
use super::cache_rebase::stored;
use super::newest_build::NewestBuild;
use super::plan::{Planned, pushed_path};
use crate::failure::Failure;

/// A component on a platform.
type Place = (Platform, String);

/// Images by platform and component.
pub type Images = BTreeMap<Place, Digest>;

/// What came of a run.
pub struct Outcome<'a> {
    planned: &'a Planned,
    store: &'a Store,
    finished: &'a Finished,
    run: &'a str,
    names: &'a Names,
    /// For components whose tasks gave results, whether the image was there already.
    cached: BTreeMap<Place, bool>,
    /// The images of the components whose tasks succeeded, and of those that have none because they are there already.
    pub images: Images,
}

impl<'a> Outcome<'a> {
    /// Of the run called `run`, whose tasks have `names`.
    pub fn new(
        planned: &'a Planned,
        names: &'a Names,
        store: &'a Store,
        finished: &'a Finished,
        run: &'a str,
    ) -> Self {
        let prebuilt = planned.plan.components.iter().filter(|c| c.prebuilt.is_some());
        let mut images: Images =
            prebuilt.filter_map(|c| Some(((c.platform, c.component.clone()), c.image?))).collect();
        let mut cached = BTreeMap::new();
        for (task, results) in finished.task_results() {
            let Some(place) = built_by(names, &task) else { continue };
            if let Some(digest) = results.get("digest").and_then(|digest| digest.trim().parse().ok()) {
                images.insert(place.clone(), digest);
            }
            cached.extend(results.get("cached").map(|cached| (place, cached.trim() == "true")));
        }
        Self { planned, store, finished, run, names, cached, images }
    }

    /// The record of the last build with what this run adds, without its release.
    ///
    /// # Errors
    /// When the stream's repository is malformed.
    pub fn recorded(&self) -> Result<BuildRecord, Failure> {
        let loaded = &self.planned.loaded;
        let mut record = self.planned.record.clone();
        record.paths.insert(pushed_path(loaded)?);
        record.from_releases.clone_from(&loaded.from_releases);
        record.last_run = Some(self.counted());
        for (task, seconds) in self.finished.task_seconds() {
            let built = built_by(self.names, &task).filter(|place| self.cached.get(place) == Some(&false));
            if let Some((platform, component)) = built {
                record.platforms.entry(platform).or_default().seconds.insert(component, seconds);
            }
        }
        for ((platform, component), image) in &self.images {
            let built = record.platforms.entry(*platform).or_default();
            built.images.insert(component.clone(), *image);
            match self.provenance(*image) {
                Some(from) => drop(built.rebased.insert(component.clone(), from)),
                None => drop(built.rebased.remove(component)),
            }
            let last = self.last_build((*platform, component), *image)?;
            built.components.extend(last.map(|last| (component.clone(), last)));
        }
        for (platform, built) in &mut record.platforms {
            let there = loaded.graphs.on(*platform);
            built
                .failed
                .retain(|component, _| there.is_some_and(|graph| graph.nodes.contains_key(component)));
        }
        for (task, succeeded) in self.finished.task_outcomes() {
            let Some((platform, component)) = built_by(self.names, &task) else { continue };
            let built = record.platforms.entry(platform).or_default();
            if succeeded {
                built.failed.remove(&component);
            } else {
                built.failed.insert(component, FailedBuild { run: self.run.to_owned(), task });
            }
        }
        Ok(record)
    }

    /// The components whose images were set on another base, and were not there at the last build.
    pub fn rebased(&self) -> Vec<String> {
        let new = |((platform, component), image): (&Place, &Digest)| {
            let before = self.planned.record.platforms.get(platform);
            if before.and_then(|before| before.images.get(component)) == Some(image) {
                return None;
            }
            self.provenance(*image)?;
            let plan = &self.planned.plan;
            plan.on(*platform, component).map(|one| plan.title(one))
        };
        self.images.iter().filter_map(new).collect()
    }

    /// Components that were built and came out as the last time, each with those that were therefore not rebuilt.
    pub fn early_cutoffs(&self) -> BTreeMap<String, Vec<String>> {
        let plan = &self.planned.plan;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in &plan.components {
            if self.cached.get(&(one.platform, one.component.clone())) != Some(&true) {
                continue;
            }
            let before = self.planned.record.platforms.get(&one.platform);
            let needs = one.depends_on.iter();
            for base in needs.filter_map(|need| plan.on(one.platform, &need.component)) {
                let place = (base.platform, base.component.clone());
                let built = self.cached.get(&place) == Some(&false);
                let was = before.and_then(|before| before.images.get(&base.component));
                if built && self.images.get(&place).is_some_and(|image| was == Some(image)) {
                    found.entry(plan.title(base)).or_default().push(plan.title(one));
                }
            }
        }
        found
    }

    /// How many images the run found and how many it built.
    fn counted(&self) -> Counted {
        let found = self.cached.values().filter(|cached| **cached).count();
        Counted { found, built: self.cached.len() - found }
    }

    /// On what an image was set, if it was not built where it stands.
    fn provenance(&self, image: Digest) -> Option<Provenance> {
        stored(self.store, image).and_then(|parts| Provenance::read(&parts.config))
    }

    /// What a component was built from, to be told from what it will be built from the next time.
    fn last_build(
        &self,
        (platform, component): (Platform, &str),
        image: Digest,
    ) -> Result<Option<LastBuild>, Failure> {
        let loaded = &self.planned.loaded;
        let node = loaded.graphs.on(platform).and_then(|graph| graph.nodes.get(component));
        let inputs = self.planned.inputs.get(&platform).and_then(|inputs| inputs.get(component));
        let Some((node, inputs)) = node.zip(inputs) else { return Ok(None) };
        if let Some(newest) = self.held_back_on((platform, component), image)? {
            return Ok(Some(LastBuild::of_newest(&newest, inputs, node)));
        }
        let here = self.images.iter().filter(|((on, _), _)| *on == platform);
        let here = here.map(|((_, component), image)| (component.clone(), *image)).collect();
        Ok(Some(LastBuild::new(inputs, node, &here, &loaded.lock)))
    }

    /// What an image really stands on that was used although there is something newer.
    fn held_back_on(
        &self,
        (platform, component): (Platform, &str),
        image: Digest,
    ) -> Result<Option<Newest>, Failure> {
        let planned = self.planned;
        let held_back = planned.plan.on(platform, component).filter(|one| one.held_back.is_some());
        let Some(keys) = held_back.and_then(|one| one.weak_keys) else { return Ok(None) };
        let repository = format!("{}/{component}", pushed_path(&planned.loaded)?);
        // The task put it there under the key that it was found by.
        let found = Rebuild::ALL.into_iter().filter_map(|rebuild| {
            let key = tag(rebuild, &keys.of(rebuild)?);
            NewestBuild::in_store(self.store, &repository, &key).map(NewestBuild::known)
        });
        Ok(found.into_iter().find(|newest| newest.image == image))
    }
}

/// The component that a task of the run builds, and its platform.
fn built_by(names: &Names, task: &str) -> Option<Place> {
    names.component_of(task).map(|(component, platform)| (platform, component.to_owned()))
}
