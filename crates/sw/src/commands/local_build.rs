//! The rendered YAML as it is run on this machine: another registry, and where else images are.

use std::collections::BTreeMap;

use base::Source;
use oci::{Reference, Store};
use stream::render::Names;
use stream::render::pipeline::{CACHES, INSECURE, REPOSITORY};
use tekton::catalog::Catalog;
use tekton::load::{Object, load};
use tekton::types::core::EnvVar;
use tekton::types::{Param, PipelineTask};

use super::plan::{Planned, pushed_path};
use super::prebuilt;
use crate::failure::Failure;
use crate::settings::MIRRORS;

/// What is different when a stream is built on this machine.
pub struct Here {
    /// Where images are pushed: the local store has the path that the stream's repository has.
    repository: String,
    /// Where else they are looked for: what this machine built of the streams below, then the registries that answered.
    caches: Vec<String>,
    /// Registries of which the local store has images that steps want, each with this machine's.
    mirrors: String,
}

impl Here {
    /// What `registry`, which serves `store`, is to the run of a plan.
    ///
    /// # Errors
    /// When a repository of the stream file is malformed.
    pub fn new(registry: &str, planned: &Planned, store: &Store) -> Result<Self, Failure> {
        let repository = format!("{registry}/{}", pushed_path(&planned.loaded)?);
        let mut caches: Vec<String> = Vec::new();
        for cache in &planned.loaded.graphs.stream.caches {
            let cache: Reference = cache.parse()?;
            caches.push(format!("{registry}/{}", cache.repository()));
        }
        caches.extend(planned.elsewhere.iter().cloned());
        let at_hand = prebuilt::registries_at_hand(store, &planned.loaded).into_iter();
        let mirrors = at_hand.map(|of| format!("{of}={registry}")).collect::<Vec<_>>().join(",");
        Ok(Self { repository, caches, mirrors })
    }
}

/// The rendered objects, with what is different on this machine put into them, and the name of the run.
///
/// Tasks share this machine's network (docs/decisions/0005), so a test's ports are taken while it runs for another platform.
///
/// # Errors
/// YAML that was not rendered by this program.
pub fn catalog(yaml: &str, names: &Names, here: &Here) -> Result<(Catalog, String), Failure> {
    let mut documents = load(&Source::new("rendered", yaml))?.documents;
    for document in &mut documents {
        let run = match &mut document.object {
            Object::Pipeline(pipeline) => {
                one_after_the_other(&mut pipeline.spec.tasks, names);
                continue;
            }
            Object::PipelineRun(run) => run,
            _ => continue,
        };
        run.spec.params.retain(|p| ![REPOSITORY, INSECURE, CACHES].contains(&p.name.as_str()));
        run.spec.params.push(Param::new(REPOSITORY, here.repository.as_str()));
        run.spec.params.push(Param::new(INSECURE, "true"));
        run.spec.params.push(Param::new(CACHES, here.caches.clone()));
        if !here.mirrors.is_empty() {
            let pods = run.spec.task_run_template.pod_template.get_or_insert_default();
            pods.env.push(EnvVar::new(MIRRORS, here.mirrors.as_str()));
        }
    }
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}{}", base::name::suffix()))?;
    let name = catalog.runs().next().map(|r| r.metadata().name.clone()).unwrap_or_default();
    Ok((catalog, name))
}

/// Lets a test wait for itself on the platform before.
fn one_after_the_other(tasks: &mut [PipelineTask], names: &Names) {
    let mut before: BTreeMap<&str, String> = BTreeMap::new();
    for task in tasks {
        let Some((test, _)) = names.test_of(&task.name) else { continue };
        task.run_after.extend(before.insert(test, task.name.clone()));
    }
}
