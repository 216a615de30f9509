//! `sw plan` and `sw render`: what a build would do, before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::suggestion;
use base::{Digest, Exit};
use oci::{Reference, Store};
use stream::key::{Inputs, inputs};
use stream::plan::against::Fate;
use stream::plan::{Plan, against, estimate, plan as make_plan};
use stream::render::{Rendered, Request, render as make_render};

use super::stream::findings::pass;
use super::stream::{Loaded, load};
use super::{Ended, build_record::BuildRecord, known_builds::KnownHereAndElsewhere};
use crate::cli::{Format, PlanArgs};
use crate::failure::Failure;
use crate::output::table::columns;
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
    /// Repositories of other machines where images may be looked for by key.
    pub elsewhere: Vec<String>,
}

/// `sw plan`.
pub fn plan(home: &Home, args: &PlanArgs) -> Result<Ended, Failure> {
    let loaded = load(home, &args.stream, args.offline)?.turned(args.knobs)?;
    pass(&loaded.findings, args.strict)?;
    let planned = planned(home, loaded, &args.force, args.offline)?;
    if let Some(release) = &args.diff {
        return diff(home, &planned, release, args.offline, args.output);
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let estimate = estimate(&planned.plan, &planned.record.seconds, jobs);
    match args.output {
        Format::Json => {
            let mut shown = serde_json::to_value(&planned.plan)?;
            shown["estimate"] = serde_json::to_value(&estimate)?;
            shown["findings"] = serde_json::to_value(&planned.loaded.findings)?;
            anstream::println!("{}", serde_json::to_string_pretty(&shown)?);
        }
        Format::Text => {
            anstream::print!("{}", stream::plan::table::table(&planned.plan));
            anstream::print!("{}", stream::plan::table::time(&estimate));
        }
    }
    Ok(Exit::Success.into())
}

/// What each tag of the payload will be, compared with a published release.
fn diff(
    home: &Home,
    planned: &Planned,
    release: &str,
    offline: bool,
    output: Format,
) -> Result<Ended, Failure> {
    let at: Reference = release.parse().map_err(|e| Failure::invalid(format!("--diff {release}: {e}")))?;
    let info = super::stream::lineage::release(home, &at, offline)?;
    let digest = |(tag, spec): (&str, &str)| {
        Some((tag.to_owned(), spec.split_once('@').and_then(|(_, digest)| digest.parse().ok())?))
    };
    let images: BTreeMap<String, Digest> = info.images().filter_map(digest).collect();
    let fates = against(&planned.plan, &images);
    if output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&fates)?);
        return Ok(Exit::Success.into());
    }
    let short = |digest: &Option<Digest>| digest.as_ref().map(Digest::short).unwrap_or_default();
    let header = ["TAG", "BECOMES", "RELEASE", "HERE", "WHY"].map(str::to_owned).to_vec();
    let changed = fates.iter().filter(|fate| fate.fate != Fate::Same);
    let rows: Vec<Vec<String>> = changed
        .map(|fate| {
            let (from, to) = (short(&fate.from), short(&fate.to));
            vec![fate.tag.clone(), fate.fate.as_str().to_owned(), from, to, fate.why.join("; ")]
        })
        .collect();
    let same = fates.len() - rows.len();
    if !rows.is_empty() {
        anstream::println!("{}", columns(&[vec![header], rows].concat()));
    }
    anstream::println!("{same} of {} tags are the images of {}", fates.len(), info.name());
    Ok(Exit::Success.into())
}

/// Plans with what the last build, the local store and, unless `offline`, the registries of the stream know.
///
/// # Errors
/// Sources that cannot be read; components to force that do not exist.
pub fn planned(home: &Home, loaded: Loaded, force: &[String], offline: bool) -> Result<Planned, Failure> {
    let components = &loaded.graph.stream.components;
    for name in force {
        if !components.contains_key(name) {
            let hint = suggestion(name, components.keys().map(String::as_str));
            return Err(Failure::invalid(format!("--force: there is no component `{name}`; {hint}")));
        }
    }
    let inputs =
        inputs(&loaded.graph, &loaded.definition.places, &loaded.lock, &loaded.folder, &loaded.tasks)?;
    let record = BuildRecord::read(home, &loaded.graph.stream.name)?;
    let store = Store::open(home.store())?;
    let known = KnownHereAndElsewhere::new(&store, &record, &loaded.graph, offline)?;
    let forced: BTreeSet<String> = force.iter().cloned().collect();
    let plan = make_plan(&loaded.graph, &loaded.lock, &inputs, &known, &forced);
    let elsewhere = known.reachable();
    Ok(Planned { loaded, inputs, plan, record, elsewhere })
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
