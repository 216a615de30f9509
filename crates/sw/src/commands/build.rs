//! `sw build`: a stream to a tested release.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base::{Digest, Exit, Hasher};
use engine::Finished;
use engine::event::Observer;
use oci::server::{Server, event};
use oci::{Reference, Store};
use release::payload::info::ReleaseInfo;
use release::verdict::Decision;
use stream::definition::Origin;
use stream::plan::Action;
use stream::render::Names;
use stream::render::pipeline::fetched_context;
use stream::source::folder::{Fetched, Folder, lies_here};

use super::Ended;
use super::build_outcome::{Images, Outcome};
use super::build_record::{self, BuildLock, BuiltRelease};
use super::engine::{config, confined, observer};
use super::foreign;
use super::found_at_once::FoundAtOnce;
use super::local_build::{Here, catalog};
use super::plan::{Planned, planned, rendered};
use super::prebuilt;
use super::release::{find_verdict, shown};
use super::stream::findings::pass;
use super::stream::load;
use crate::cli::{BuildArgs, Format};
use crate::failure::Failure;
use crate::settings::Home;

/// Builds a stream.
pub fn run(home: &Home, args: &BuildArgs) -> Result<Ended, Failure> {
    if let Some(ended) = confined()? {
        return Ok(ended);
    }
    let loaded = load(home, &args.stream, args.offline)?.with_platforms_asked(home)?.turned(args.knobs)?;
    pass(&loaded.findings, args.strict)?;
    let name = loaded.graphs.stream.name.clone();
    let _lock = BuildLock::take(home, &name)?;
    let mut planned = planned(home, loaded, &args.force, args.offline)?;
    let rendered = rendered(&planned)?;
    let (yaml, names) = (rendered.text(), rendered.names);
    let store = Store::open(home.store())?;
    if let Some(exit) = unchanged(home, args, &planned, &yaml, &store)? {
        return Ok(exit.into());
    }
    // Once with the Containerfiles that are here, so as to fetch nothing in vain.
    foreign::check(&planned)?;
    if !args.offline {
        prebuilt::check(&store, &planned.loaded)?;
    }
    let Planned { loaded, plan, .. } = &mut planned;
    let built = |name: &str| plan.of(name).any(|one| one.action != Action::Reuse);
    if !args.offline {
        prebuilt::check_bases(&store, loaded, &built)?;
    }
    loaded.fetch(home, &built)?;
    foreign::check(&planned)?;
    if args.output == Format::Text {
        anstream::eprint!("{}", stream::plan::table::table(&planned.plan));
    }
    let volume = home.builds(&name).join("volume");
    snapshot(&volume.join("source"), &planned)?;
    let rerun =
        format!("{} build {} (what is finished is not built again)", program(), args.stream.stream.display());
    let observer = observer(home, &args.engine, args.output == Format::Json, &rerun);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_observed(store.clone(), address, transfers(observer.clone()))?;
    let here = Here::new(&server.addr().to_string(), &planned, &store)?;
    let (catalog, run) = catalog(&yaml, &names, &here)?;
    // The claim that the rendered run names: the folders `source` and `cache` in it.
    let folders = BTreeMap::from([(name, (volume, false))]);
    let mut config = config(home, &args.engine, folders, observer)?;
    config.foreknown = Some(Arc::new(FoundAtOnce::new(&args.engine)));
    let finished = engine::run(&config, &catalog, &catalog, &run)?;
    server.stop();
    // So that other tools can read the store as an OCI layout.
    store.write_index()?;
    conclude(home, args, &planned, (&yaml, &names), &store, &finished, &run).map(Ended::from)
}

/// When everything is there and the release of exactly this content was accepted: shows it and ends.
fn unchanged(
    home: &Home,
    args: &BuildArgs,
    planned: &Planned,
    yaml: &str,
    store: &Store,
) -> Result<Option<Exit>, Failure> {
    let Some(last) = &planned.record.release else { return Ok(None) };
    if !planned.plan.is_unchanged()
        || !last.accepted
        || last.content != content(yaml, &planned_images(planned))
    {
        return Ok(None);
    }
    let at: Reference = last.pull_spec.parse()?;
    if store.resolve(&at)?.is_none() {
        return Ok(None);
    }
    if args.output == Format::Json {
        let line = serde_json::json!({"unchanged": true, "release": last.pull_spec, "accepted": true, "run": last.run});
        anstream::println!("{line}");
        return Ok(Some(Exit::Success));
    }
    anstream::eprintln!("{}", stream::plan::table::summary(&planned.plan));
    anstream::eprintln!("nothing changed since run {}; this is its release:\n", last.run);
    show(home, store, last)?;
    Ok(Some(Exit::Success))
}

/// Shows what steps push to and pull from the built-in registry.
fn transfers(observer: Arc<dyn Observer>) -> event::Observer {
    Arc::new(move |event| match event {
        event::Event::Received { repository, bytes, .. } => {
            // How much will come is not known before it is over.
            observer.transfer(&format!("push {repository}"), bytes, 0);
        }
        event::Event::Sent { repository, bytes, total, .. } => {
            observer.transfer(&format!("pull {repository}"), bytes, total);
        }
        event::Event::Answered { method: "PUT", path, .. } => {
            let repository = path.strip_prefix("/v2/").and_then(|p| p.split_once("/blobs/uploads/"));
            if let Some((repository, _)) = repository {
                observer.transfer(&format!("push {repository}"), 1, 1);
            }
        }
        event::Event::Answered { .. } => {}
    })
}

fn planned_images(planned: &Planned) -> Images {
    planned
        .plan
        .components
        .iter()
        .filter_map(|c| Some(((c.platform, c.component.clone()), c.image?)))
        .collect()
}

/// A digest over what was run and what came out. `--force` is left out: it changes the way, not the content.
fn content(yaml: &str, images: &Images) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(yaml);
    // The platforms are in the YAML, and images are in their order.
    for ((_, component), image) in images {
        hasher.field(component);
        hasher.field(image.to_string());
    }
    hasher.finish()
}

/// The stream's sources as they are now: what is built must be what the keys were computed from, whatever somebody edits
/// meanwhile.
fn snapshot(to: &Path, planned: &Planned) -> Result<(), Failure> {
    match fs::remove_dir_all(to) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
        _ => fs::create_dir_all(to)?,
    }
    let loaded = &planned.loaded;
    let mut fetched = BTreeMap::new();
    for (name, component) in &loaded.graphs.stream.components {
        // What is reused and can be planned without its source was not fetched.
        if component.planned_without_source() && !loaded.folder.fetched().contains_key(name) {
            continue;
        }
        match &component.source {
            Origin::Path(path) if lies_here(component) => {
                copy_tree(&loaded.folder.path().join(path), &to.join(path))?;
            }
            Origin::Image(_) | Origin::Images(_) => {}
            Origin::Path(_) | Origin::Git(_) => {
                let path = fetched_context(name);
                copy_tree(&loaded.folder.source(name, component)?, &to.join(&path))?;
                let before = loaded.folder.fetched().get(name).and_then(|fetched| fetched.before);
                fetched.insert(name.clone(), Fetched { within: to.to_owned(), path, before });
            }
        }
    }
    let copied_folder = Folder::new(to).with_fetched(fetched).with_patches_of(&loaded.folder);
    let copied = stream::key::inputs(
        &loaded.graphs,
        &loaded.definition.places,
        &loaded.lock,
        &copied_folder,
        &loaded.tasks,
    )?;
    if copied != planned.inputs {
        return Err(Failure::new(
            Exit::Failed,
            anyhow::Error::msg("a source changed while it was being copied; run the same command again"),
        ));
    }
    Ok(())
}

/// Copies a folder with its links and the modes of its files, without `.git`.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    let meta = fs::symlink_metadata(from)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if meta.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else if meta.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            if name != ".git" {
                copy_tree(&from.join(&name), &to.join(&name))?;
            }
        }
    } else {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Records what was built, shows the release and its verdict.
fn conclude(
    home: &Home,
    args: &BuildArgs,
    planned: &Planned,
    (yaml, names): (&str, &Names),
    store: &Store,
    finished: &Finished,
    run: &str,
) -> Result<Exit, Failure> {
    let stream = &planned.loaded.graphs.stream;
    let outcome = Outcome::new(planned, names, store, finished, run);
    let mut record = outcome.recorded()?;
    let rebased = outcome.rebased();
    let results = finished.results();
    let text = args.output == Format::Text;
    let judged = match results.get("image") {
        Some(pushed) => {
            let pushed: Reference = pushed.trim().parse()?;
            let published: Reference = format!("{}/release", stream.repository).parse()?;
            let digest = pushed.digest().ok_or_else(|| anyhow::Error::msg("the release has no digest"))?;
            find_verdict(store, &pushed, digest)?.map(|verdict| {
                let accepted = verdict.verdict == Decision::Accepted;
                let pull_spec = published.at_digest(digest).to_string();
                BuiltRelease {
                    content: content(yaml, &outcome.images),
                    pull_spec,
                    accepted,
                    run: run.to_owned(),
                }
            })
        }
        None => None,
    };
    if judged.is_some() {
        record.release.clone_from(&judged);
    }
    record.write(home, &stream.name)?;
    if finished.cancelled() {
        anstream::eprintln!("stopped; the same command goes on where it was");
        return Ok(Exit::Interrupted);
    }
    let Some(judged) = judged else {
        let condition = finished.condition();
        anstream::eprintln!("no release: {}", condition.message);
        return Ok(Exit::Failed);
    };
    let stopped_at = outcome.early_cutoffs();
    if text {
        if !rebased.is_empty() {
            anstream::eprintln!("rebased, not built: {}", rebased.join(", "));
        }
        for (base, spared) in &stopped_at {
            anstream::eprintln!(
                "{base} was rebuilt and came out as before: {} not rebuilt",
                spared.join(", ")
            );
        }
        anstream::eprintln!();
        show(home, store, &judged)?;
    } else {
        let line = serde_json::json!({"unchanged": false, "release": judged.pull_spec, "accepted": judged.accepted, "run": run, "earlyCutoff": stopped_at, "rebased": rebased});
        anstream::println!("{line}");
    }
    Ok(if judged.accepted { Exit::Success } else { Exit::Rejected })
}

/// The release as `sw release info` shows it, its verdict, and what to try next.
fn show(home: &Home, store: &Store, built: &BuiltRelease) -> Result<(), Failure> {
    let at: Reference = built.pull_spec.parse()?;
    let info = ReleaseInfo::read(store, &at)?;
    let verdict = find_verdict(store, &at, info.pull_digest())?;
    anstream::print!("{}", shown(&info, verdict.as_ref()));
    let sw = program();
    let home_flag =
        if home.is_default() { String::new() } else { format!(" --home {}", home.dir().display()) };
    anstream::println!("\nNext:");
    let first = match verdict.as_ref().and_then(|v| v.excuses.first()) {
        Some(excuse) => (format!("logs {} test-{}", built.run, excuse.test), "why it was rejected"),
        None => (format!("logs {}", built.run), "what every step printed"),
    };
    for (command, what) in [
        ("release info last -o json".to_owned(), "the whole release as data"),
        first,
        ("registry serve".to_owned(), "serve the images to podman, skopeo, and clusters"),
    ] {
        anstream::println!("  {sw}{home_flag} {command:<36} {what}");
    }
    Ok(())
}

/// This program as its user called it.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "sw".to_owned())
}

/// The newest release that was built here, of any stream.
///
/// # Errors
/// When there is none.
pub fn last_release(home: &Home) -> Result<Reference, Failure> {
    let mut newest: Option<(std::time::SystemTime, BuiltRelease)> = None;
    for (stream, record) in build_record::all(home)? {
        let Some(release) = record.release else { continue };
        let modified = fs::metadata(home.builds(&stream).join("last.json"))?.modified()?;
        if newest.as_ref().is_none_or(|(time, _)| *time < modified) {
            newest = Some((modified, release));
        }
    }
    let (_, release) =
        newest.ok_or_else(|| Failure::invalid("no release was built here yet; run `sw build STREAM`"))?;
    Ok(release.pull_spec.parse()?)
}
