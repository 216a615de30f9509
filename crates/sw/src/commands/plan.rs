//! `sw plan` and `sw render`: what a build would do, before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use base::{Digest, Exit, diagnostic};
use oci::{Reference, Store};
use stream::key::{Inputs, inputs};
use stream::plan::{KnownBuilds, LastBuild, Plan, plan as make_plan};
use stream::render::{Rendered, Request, render as make_render};

use super::stream::{Loaded, load};
use super::{Ended, build_record::BuildRecord};
use crate::cli::{Format, PlanArgs, RenderArgs};
use crate::failure::Failure;
use crate::settings::Home;

/// A stream with its plan.
pub struct Planned {
    /// The stream.
    pub loaded: Loaded,
    /// Inputs of each component.
    pub inputs: BTreeMap<String, Inputs>,
    /// What happens to each.
    pub plan: Plan,
    /// What is known of the last build.
    pub record: BuildRecord,
}

/// `sw plan`.
pub fn plan(home: &Home, args: &PlanArgs) -> Result<Ended, Failure> {
    let planned = planned(home, load(home, &args.stream)?, &args.force)?;
    match args.output {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&planned.plan)?),
        Format::Text => anstream::print!("{}", stream::plan::table::table(&planned.plan)),
    }
    Ok(Exit::Success.into())
}

/// `sw render`.
pub fn render(home: &Home, args: &RenderArgs) -> Result<Ended, Failure> {
    let planned = planned(home, load(home, &args.stream)?, &[])?;
    anstream::print!("{}", rendered(&planned)?.text());
    Ok(Exit::Success.into())
}

/// Plans with what the local store and the last build know.
///
/// # Errors
/// Sources that cannot be read; components to force that do not exist.
pub fn planned(home: &Home, loaded: Loaded, force: &[String]) -> Result<Planned, Failure> {
    let components = &loaded.graph.stream.components;
    for name in force {
        if !components.contains_key(name) {
            let hint = match diagnostic::nearest(name, components.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", components.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Err(Failure::invalid(format!("--force: there is no component `{name}`; {hint}")));
        }
    }
    let inputs =
        inputs(&loaded.graph, &loaded.definition.places, &loaded.lock, &loaded.folder, &loaded.tasks)?;
    let record = BuildRecord::read(home, &loaded.graph.stream.name)?;
    let store = Store::open(home.store())?;
    let known = LocalBuilds { store: &store, path: pushed_path(&loaded)?, record: &record };
    let forced: BTreeSet<String> = force.iter().cloned().collect();
    let plan = make_plan(&loaded.graph, &loaded.lock, &inputs, &known, &forced);
    Ok(Planned { loaded, inputs, plan, record })
}

/// The Tekton YAML of a plan.
///
/// # Errors
/// What a task cannot do.
pub fn rendered(planned: &Planned) -> Result<Rendered, Failure> {
    let Loaded { graph, lock, tasks, .. } = &planned.loaded;
    Ok(make_render(Request { graph, lock, plan: &planned.plan, tasks })?)
}

/// The stream's repository without its registry: where images are in the local store.
///
/// # Errors
/// When the repository is malformed.
pub fn pushed_path(loaded: &Loaded) -> Result<String, Failure> {
    let repository = &loaded.graph.stream.repository;
    let reference: Reference = repository.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
    Ok(reference.repository().to_owned())
}

/// Images of the local store by key, and the record of the last build.
struct LocalBuilds<'a> {
    store: &'a Store,
    path: String,
    record: &'a BuildRecord,
}

impl KnownBuilds for LocalBuilds<'_> {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Digest>> {
        let find = |(component, key): &(&str, Digest)| {
            let repository = format!("{}/{component}", self.path);
            // A store that cannot be read has nothing to offer; the build itself will say so.
            self.store.tag(&repository, &format!("key-{}", key.hex())).ok().flatten()
        };
        wanted.iter().map(find).collect()
    }

    fn last(&self, component: &str) -> Option<LastBuild> {
        self.record.components.get(component).cloned()
    }
}
