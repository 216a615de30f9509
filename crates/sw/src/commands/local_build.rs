//! The rendered YAML as it is run on this machine: another registry, and where else images are.

use base::Source;
use oci::{Reference, Store};
use stream::render::pipeline::{CACHES, INSECURE, REPOSITORY};
use tekton::catalog::Catalog;
use tekton::load::{Object, load};
use tekton::types::Param;
use tekton::types::core::EnvVar;

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

/// The rendered objects, with what is different on this machine put into the run, and the name of that.
///
/// # Errors
/// YAML that was not rendered by this program.
pub fn catalog(yaml: &str, here: &Here) -> Result<(Catalog, String), Failure> {
    let mut documents = load(&Source::new("rendered", yaml))?.documents;
    for document in &mut documents {
        let Object::PipelineRun(run) = &mut document.object else { continue };
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
