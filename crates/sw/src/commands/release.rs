//! `sw release`: payloads are shown, assembled, judged.

use std::fs;
use std::path::{Path, PathBuf};

use base::{Digest, Exit, Hasher};
use jiff::Timestamp;
use oci::client::Client;
use oci::{Descriptor, Reference, Store};
use release::payload::assemble::{Base, Component, Request, assemble};
use release::payload::content::Content;
use release::payload::info::{ImageColumn, ListBy, ReleaseInfo};
use release::payload::registry::Fetching;
use release::verdict::{Document, Evidence, MEDIA_TYPE, Outcome, Release, ReportFile, Status, evidence};

use super::{Ended, registry_client};
use crate::cli::{InfoFormat, ReleaseCommand, ReleaseInfoArgs, ReleaseNewArgs, ReleaseVerdictArgs};
use crate::failure::Failure;
use crate::output::terminal::{GREEN, RED};
use crate::settings::Home;

/// Largest JUnit report that is kept.
const LARGEST_REPORT: u64 = 16 << 20;

/// Carries out `sw release …`.
pub fn run(home: &Home, command: ReleaseCommand) -> Result<Ended, Failure> {
    match command {
        ReleaseCommand::Info(args) => info(home, &args),
        ReleaseCommand::New(args) => new(&args),
        ReleaseCommand::Verdict(args) => verdict(&args),
    }
}

fn info(home: &Home, args: &ReleaseInfoArgs) -> Result<Ended, Failure> {
    let store = Store::open(home.store())?;
    let at = match args.release.as_str() {
        "last" => super::build::last_release(home)?,
        spec => parse(spec)?,
    };
    // A release of this store is shown without asking a registry that may not run.
    let shown = match store.resolve(&at)? {
        Some(_) => ReleaseInfo::read(&store, &at)?,
        None => {
            let client = client(&at, args.insecure.insecure)?;
            ReleaseInfo::read(&Fetching::new(&store, &client, &()), &at)?
        }
    };
    match args.output {
        InfoFormat::Text => {
            anstream::println!("{}", shown.to_text(ImageColumn::default()).trim_end());
            if let Some(found) = find_verdict(&store, &at, shown.pull_digest())? {
                anstream::print!("{}", verdict_text(&found));
            }
        }
        InfoFormat::Json => anstream::print!("{}", shown.to_json()),
        InfoFormat::Name => anstream::print!("{}", shown.to_list(ListBy::Name)),
        InfoFormat::Digest => anstream::print!("{}", shown.to_list(ListBy::Digest)),
        InfoFormat::Pullspec => anstream::print!("{}", shown.to_list(ListBy::PullSpec)),
    }
    Ok(Exit::Success.into())
}

/// The newest verdict that the store has on a release.
///
/// # Errors
/// When the store or a verdict cannot be read.
pub fn find_verdict(store: &Store, at: &Reference, release: Digest) -> Result<Option<Document>, Failure> {
    let mut newest: Option<Document> = None;
    for referrer in store.referrers(at.repository(), release, Some(MEDIA_TYPE))? {
        let found = evidence::read(store, &at.at_digest(referrer.digest))?;
        if newest.as_ref().is_none_or(|n| n.judged <= found.judged) {
            newest = Some(found);
        }
    }
    Ok(newest)
}

/// The verdict for people: the decision in its colour, then excuses and tests.
pub fn verdict_text(document: &Document) -> String {
    let accepted = document.verdict == release::verdict::Decision::Accepted;
    let style = if accepted { GREEN } else { RED };
    let text = document.to_text();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("\n{style}{first}{style:#}\n{rest}")
}

fn new(args: &ReleaseNewArgs) -> Result<Ended, Failure> {
    let to = parse(&args.to_repository)?;
    let mut components = Vec::new();
    for (tag, spec) in &args.images {
        let image = parse(spec)?;
        let published = args
            .published
            .iter()
            .find_map(|(from, to)| Some(format!("{to}{}", spec.strip_prefix(from.as_str())?)));
        let component = Component::new(tag.clone(), image);
        components.push(match published {
            Some(pull_spec) => component.pulled_from(pull_spec),
            None => component,
        });
    }
    let name = release_name(args, &components);
    let created = match args.epoch {
        Some(seconds) => {
            Timestamp::from_second(seconds).map_err(|e| Failure::invalid(format!("--epoch: {e}")))?
        }
        None => Timestamp::now(),
    };
    let mut request = Request::new(name.clone(), created, components);
    request.base = Base::Tag(args.to_image_base_tag.clone());
    request.previous.clone_from(&args.previous);
    request.platform.clone_from(&args.platform);
    request.options.keep_unreferenced = args.keep_all;

    let (_scratch, store) = scratch_store()?;
    let client = client(&to, args.insecure.insecure)?;
    let content = Fetching::new(&store, &client, &());
    let assembled = assemble(&request, &content)?;
    for warning in &assembled.warnings.0 {
        anstream::eprintln!("{}", warning.render(false));
    }
    let tagged = to.at_tag(&name.replace('+', "_"))?;
    let at = assembled.store(&content, &content, &tagged)?;
    push(&client, &store, assembled.digest(), &tagged)?;
    write(&args.pullspec_file, &at.to_string())?;
    write(&args.digest_file, &assembled.digest().to_string())?;
    write(&args.name_file, &name)?;
    anstream::println!("{} {name} {created}", assembled.digest());
    Ok(Exit::Success.into())
}

/// The given name, or one made of stream, version and content: the same content has the same name (docs/decisions/0003).
fn release_name(args: &ReleaseNewArgs, components: &[Component]) -> String {
    if let Some(name) = &args.name {
        return name.clone();
    }
    let mut content: Vec<String> = components
        .iter()
        .map(|c| format!("{}={}", c.tag, c.digest().map(|d| d.to_string()).unwrap_or_default()))
        .collect();
    content.sort();
    let mut hasher = Hasher::new();
    content.iter().for_each(|c| hasher.field(c));
    hasher.field(&args.to_image_base_tag);
    hasher.field(args.epoch.unwrap_or_default().to_le_bytes());
    let (stream, version) =
        (args.stream.as_deref().unwrap_or_default(), args.version.as_deref().unwrap_or_default());
    format!("{version}-{stream}.k{}", hasher.finish().short())
}

fn verdict(args: &ReleaseVerdictArgs) -> Result<Ended, Failure> {
    let at = parse(&args.release)?;
    let (_scratch, store) = scratch_store()?;
    let client = client(&at, args.insecure.insecure)?;
    let content = Fetching::new(&store, &client, &());
    let shown = ReleaseInfo::read(&content, &at)?;
    let mut outcomes = Vec::new();
    let mut reports = Vec::new();
    for (test, how) in &args.outcomes {
        let mut outcome = outcome(test, how)?;
        if let Some(file) = report(args.junit_dir.as_deref(), test)? {
            match release::junit::read(&file.bytes) {
                Ok(parsed) => {
                    outcome.duration = parsed.suites.iter().flat_map(|s| &s.cases).map(|c| c.duration).sum();
                    outcome = outcome.with_reports([&parsed]);
                }
                Err(e) => outcome.message = Some(format!("its report {} cannot be read: {e}", file.name)),
            }
            reports.push(file);
        } else if outcome.status == Status::Failed {
            outcome.message = Some(format!("it wrote no {test}.xml; the log of its task says more"));
        }
        outcomes.push(outcome);
    }
    let release = Release { name: shown.name().to_owned(), digest: shown.pull_digest() };
    let document = Document::new(release, Timestamp::now(), outcomes);
    let manifest = content.manifest(&at)?;
    let subject = Descriptor::new(
        manifest.media_type.clone(),
        manifest.digest(),
        u64::try_from(manifest.bytes.len()).unwrap_or(u64::MAX),
    );
    let evidence = Evidence::new(&document, &subject, &reports);
    let stored = evidence.store(&content, &at)?;
    push(&client, &store, evidence.digest(), &stored)?;
    if let Some(dir) = &args.junit_dir {
        fs::write(dir.join("verdict.json"), document.to_json())?;
    }
    write(&args.verdict_file, &document.verdict.to_string())?;
    anstream::print!("{}", document.to_text());
    Ok(Exit::Success.into())
}

/// Tekton's word for how a task ended, and the weight of its test.
fn outcome(test: &str, how: &str) -> Result<Outcome, Failure> {
    let wrong = || {
        Failure::invalid(format!(
            "--outcome {test}={how}: write it as NAME=Succeeded:blocking, with Succeeded, Failed or None, and blocking or \
             informing"
        ))
    };
    let (status, weight) = how.split_once(':').ok_or_else(wrong)?;
    let status = match status {
        "Succeeded" => Status::Passed,
        "Failed" => Status::Failed,
        "None" => Status::Missing,
        _ => return Err(wrong()),
    };
    let blocking = match weight {
        "blocking" => true,
        "informing" => false,
        _ => return Err(wrong()),
    };
    Ok(Outcome::new(test, blocking, status))
}

fn report(dir: Option<&Path>, test: &str) -> Result<Option<ReportFile>, Failure> {
    let Some(dir) = dir else { return Ok(None) };
    let name = format!("{test}.xml");
    let path = dir.join(&name);
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() && meta.len() <= LARGEST_REPORT => {
            Ok(Some(ReportFile { name, bytes: fs::read(path)? }))
        }
        Ok(_) => Err(Failure::invalid(format!(
            "{} is not a file of at most {LARGEST_REPORT} bytes",
            path.display()
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// A store that is thrown away after: what is made in a task's step goes to the registry, not to a home of the step's.
fn scratch_store() -> Result<(tempfile::TempDir, Store), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("store"))?;
    Ok((dir, store))
}

fn client(at: &Reference, insecure: bool) -> Result<Client, Failure> {
    registry_client(insecure.then(|| at.registry().to_owned()))
}

fn push(client: &Client, store: &Store, digest: Digest, to: &Reference) -> Result<(), Failure> {
    Ok(client.push(store, digest, to, &())?)
}

fn parse(spec: &str) -> Result<Reference, Failure> {
    spec.parse().map_err(|e: oci::reference::InvalidReference| Failure::new(Exit::Invalid, e))
}

fn write(file: &Option<PathBuf>, text: &str) -> Result<(), Failure> {
    match file {
        Some(path) => fs::write(path, text)
            .map_err(|e| anyhow::Error::from(e).context(path.display().to_string()).into()),
        None => Ok(()),
    }
}
