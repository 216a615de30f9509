//! `sw plan` and `sw render`: what a build would do, before anything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::together::ask_all;
use base::{Digest, Exit};
use oci::{Manifest, Reference, Store};
use release::payload::info::ReleaseInfo;
use stream::definition::Platform;
use stream::import::payload::Published;
use stream::key::{Inputs, inputs};
use stream::plan::against::{Fate, Released};
use stream::plan::{Plan, against, estimate, plan as make_plan};
use stream::render::{Rendered, Request, render as make_render};

use super::stream::findings::pass;
use super::stream::published::published;
use super::stream::{Loaded, load};
use super::{Ended, build_record::BuildRecord, hasty_client, known_builds::KnownHereAndElsewhere};
use crate::cli::{Format, PlanArgs};
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// How long a registry may take to begin an answer about a release's image.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream with its plan.
pub struct Planned {
    /// The stream.
    pub loaded: Loaded,
    /// Inputs of each component, by platform.
    pub inputs: BTreeMap<Platform, BTreeMap<String, Inputs>>,
    /// What happens to each.
    pub plan: Plan,
    /// What is known of the last build.
    pub record: BuildRecord,
    /// Repositories of other machines where images may be looked for by key.
    pub elsewhere: Vec<String>,
}

/// `sw plan`.
pub fn plan(home: &Home, args: &PlanArgs) -> Result<Ended, Failure> {
    let loaded = load(home, &args.stream, args.offline)?.with_platforms_asked(home)?.turned(args.knobs)?;
    pass(&loaded.findings, args.strict)?;
    let planned = planned(home, loaded, &args.force, args.offline)?;
    if let Some(release) = &args.diff {
        return diff(home, &planned, release, args.offline, args.output);
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let estimate = estimate(&planned.plan, &planned.record.seconds(), jobs);
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
    let published = published(home, &at, offline)?;
    let images = released(home, &published, offline)?;
    let fates = against(&planned.plan, &images);
    if output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&fates)?);
        return Ok(Exit::Success.into());
    }
    let short = |digest: &Option<Digest>| digest.as_ref().map(Digest::short).unwrap_or_default();
    let mut header = ["TAG", "BECOMES", "RELEASE", "HERE", "WHY"].map(str::to_owned).to_vec();
    let several = planned.plan.platforms.len() > 1;
    if several {
        header.insert(1, "PLATFORM".to_owned());
    }
    let changed = fates.iter().filter(|fate| fate.fate != Fate::Same);
    let rows: Vec<Vec<String>> = changed
        .map(|fate| {
            let (from, to) = (short(&fate.from), short(&fate.to));
            let mut row =
                vec![fate.tag.clone(), fate.fate.as_str().to_owned(), from, to, fate.why.join("; ")];
            if several {
                row.insert(1, fate.platform.architecture().to_owned());
            }
            row
        })
        .collect();
    let same = fates.len() - rows.len();
    if !rows.is_empty() {
        anstream::println!("{}", columns(&[vec![header], rows].concat()));
    }
    let on = if several { " on their platforms" } else { "" };
    anstream::println!("{same} of {} tags{on} are the images of {}", fates.len(), published.0.name());
    Ok(Exit::Success.into())
}

/// The images of a release by tag and platform, with the members of those that are lists, as far as they can be had now.
fn released(
    home: &Home,
    (info, published): &(ReleaseInfo, Published),
    offline: bool,
) -> Result<BTreeMap<String, BTreeMap<Platform, Released>>, Failure> {
    let specs: BTreeSet<&str> =
        published.images.iter().flat_map(|image| image.pull_specs.values()).map(String::as_str).collect();
    let images: Vec<(&str, Reference)> =
        specs.into_iter().filter_map(|spec| Some((spec, spec.parse().ok()?))).collect();
    let store = Store::open(home.store())?;
    // Of a release for one platform no member is asked for.
    let asks = info.list_digest.is_some() && !offline;
    let client = asks.then(|| hasty_client(None, 1, PATIENCE)).transpose()?;
    let members = ask_all(&images, |(_, at)| {
        let known = store.resolve(at).ok().flatten().map(|stored| (stored.media_type, stored.bytes));
        let asked = || client.as_ref()?.manifest(at).ok().map(|found| (found.media_type, found.bytes));
        let (media_type, bytes) = known.or_else(asked)?;
        Some(members(&Manifest::parse(&media_type, &bytes).ok()?))
    });
    let members: BTreeMap<&str, BTreeMap<Platform, Digest>> =
        images.iter().zip(members).filter_map(|((spec, _), members)| Some((*spec, members?))).collect();
    let released = |(platform, spec): (&Platform, &String)| {
        let digest = spec.parse::<Reference>().ok()?.digest()?;
        let member = members.get(spec.as_str()).and_then(|members| members.get(platform)).copied();
        Some((*platform, Released { digest, member }))
    };
    let images = published.images.iter();
    Ok(images
        .map(|image| (image.tag.clone(), image.pull_specs.iter().filter_map(released).collect()))
        .collect())
}

/// The images of a list, by platform.
fn members(manifest: &Manifest) -> BTreeMap<Platform, Digest> {
    let Manifest::Index(index) = manifest else { return BTreeMap::new() };
    let member = |platform: Platform| {
        Some((platform, index.select(&oci::Platform::new("linux", platform.architecture()))?.digest))
    };
    Platform::ALL.into_iter().filter_map(member).collect()
}

/// Plans with what the last build, the local store and, unless `offline`, the registries of the stream know.
///
/// # Errors
/// Sources that cannot be read; components to force that do not exist.
pub fn planned(home: &Home, loaded: Loaded, force: &[String], offline: bool) -> Result<Planned, Failure> {
    let components = &loaded.graphs.stream.components;
    for name in force {
        if !components.contains_key(name) {
            let known = components.keys().map(String::as_str);
            return Err(Failure::unknown("--force: there is no component", name, known));
        }
    }
    let inputs =
        inputs(&loaded.graphs, &loaded.definition.places, &loaded.lock, &loaded.folder, &loaded.tasks)?;
    let record = BuildRecord::read(home, &loaded.graphs.stream.name)?;
    let store = Store::open(home.store())?;
    let known = KnownHereAndElsewhere::new(&store, &record, &loaded.graphs, offline)?;
    let forced: BTreeSet<String> = force.iter().cloned().collect();
    let plan = make_plan(&loaded.graphs, &loaded.lock, &inputs, &known, &forced);
    let elsewhere = known.reachable();
    Ok(Planned { loaded, inputs, plan, record, elsewhere })
}

/// The Tekton YAML of a plan.
///
/// # Errors
/// What a task cannot do.
pub fn rendered(planned: &Planned) -> Result<Rendered, Failure> {
    let Loaded { graphs, lock, tasks, .. } = &planned.loaded;
    Ok(make_render(Request { graphs, lock, plan: &planned.plan, tasks })?)
}

/// The stream's repository without its registry: where images are in the local store.
///
/// # Errors
/// When the repository is malformed.
pub fn pushed_path(loaded: &Loaded) -> Result<String, Failure> {
    let repository = &loaded.graphs.stream.repository;
    let reference: Reference = repository.parse().map_err(|e| Failure::new(Exit::Invalid, e))?;
    Ok(reference.repository().to_owned())
}
