//! `sw import`: streams made of what others have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base::{Exit, Source};
use kustomize::Disk;
use oci::Reference;
use release::payload::info::ReleaseInfo;
use serde_json::Value;
use stream::definition::Platform;
use stream::definition::platform::listed;
use stream::import::art::{self, BuildData};
use stream::import::buildconfigs::{self, Variant};
use stream::import::payload::stream_file;
use stream::import::{Imported, report::Report};

use super::Ended;
use super::stream::published::{known_platform, published};
use crate::cli::{ImportCommand, ImportPlatforms};
use crate::failure::Failure;
use crate::settings::Home;

/// The report, beside the folders of the streams.
const REPORT: &str = "REPORT.md";
/// A file of build data larger than this is none.
const LARGEST_FILE: u64 = 4 << 20;

/// Carries out `sw import …`.
///
/// # Errors
/// Input that cannot be read or is something else; a folder that is there already.
pub fn run(home: &Home, command: &ImportCommand) -> Result<Ended, Failure> {
    match command {
        ImportCommand::Art { dir, to, platforms } => {
            write(&art::import(&build_data(dir)?, wanted(platforms).as_ref())?, &to.to)
        }
        ImportCommand::OkdPayloadPipeline { dir, to, platforms } => {
            let mut told = BTreeSet::new();
            let base = objects(&dir.join("buildconfigs"), &mut told)?;
            let mut variants = Vec::new();
            for folder in folders(&dir.join("variants"))? {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                variants.push(Variant { name, objects: objects(&folder, &mut told)? });
            }
            write(&buildconfigs::import(&base, &variants, wanted(platforms).as_ref())?, &to.to)
        }
        ImportCommand::Payload { spec, to } => payload(home, spec, &to.to),
    }
}

/// The platforms that were asked for; none when nobody did.
fn wanted(args: &ImportPlatforms) -> Option<BTreeSet<Platform>> {
    (!args.platforms.is_empty()).then(|| args.platforms.iter().copied().collect())
}

/// A published release as one stream; the commits that its images name are in it, as `builtFrom`.
fn payload(home: &Home, spec: &str, to: &Path) -> Result<Ended, Failure> {
    let at: Reference =
        spec.parse().map_err(|e| Failure::invalid(format!("`{spec}` is not a pull spec: {e}")))?;
    if at.digest().is_none() {
        return Err(Failure::invalid(format!(
            "`{spec}` may mean another release tomorrow; write its digest, …@sha256:…; `sw release info` tells it"
        )));
    }
    let (info, published) = published(home, &at, false)?;
    let text = stream_file(&published);
    let stream = stream::definition::parse(&Source::new(spec, text.as_str()))?.stream;
    let mut report = Report::new(&format!("{spec} as a stream"), &[]);
    report.decisions.push(for_platforms(&info, &stream.platforms));
    let without: Vec<&str> = stream
        .components
        .iter()
        .filter(|(_, component)| component.built_from.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    report.decisions.push("Every component is the image of the payload; nothing is built.".to_owned());
    report.decisions.push(
        "`builtFrom` is the repository and commit that the payload's annotations name: what `patch` is applied to. Which \
         folder and Containerfile of it, and which bases, a payload does not say."
            .to_owned(),
    );
    if !without.is_empty() {
        report.decisions.push(format!(
            "The payload does not say where the source of {} images is: {}.",
            without.len(),
            without.join(", ")
        ));
    }
    let streams = vec![("published".to_owned(), text)];
    write(&Imported { streams, report }, to)
}

/// What a release is for, and what of that a stream can be for.
fn for_platforms(info: &ReleaseInfo, stream: &BTreeSet<Platform>) -> String {
    let all = info.platforms();
    let others: Vec<String> =
        all.iter().filter(|platform| known_platform(platform).is_none()).map(ToString::to_string).collect();
    let mut text = match (all.len() == others.len(), info.list_digest) {
        (true, _) => format!(
            "The release does not say a platform that a stream can be for; the stream says {}.",
            listed(stream)
        ),
        (false, None) => format!("The release is for {} alone, and so is the stream.", listed(stream)),
        (false, Some(_)) => format!("The release is a list for {}, and so is the stream.", listed(stream)),
    };
    if !others.is_empty() {
        text.push_str(&format!(" No stream can be for {}.", others.join(", ")));
    }
    text
}

/// The files of a checkout of ocp-build-data.
fn build_data(dir: &Path) -> Result<BuildData, Failure> {
    let mut images = Vec::new();
    for entry in fs::read_dir(dir.join("images")).with_context(|| not_build_data(dir)).map_err(invalid)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "yml") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            images.push((name, text(&path)?));
        }
    }
    images.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(BuildData { group: text(&dir.join("group.yml"))?, streams: text(&dir.join("streams.yml"))?, images })
}

fn not_build_data(dir: &Path) -> String {
    format!("{} is no checkout of ocp-build-data: it has no readable folder images/", dir.display())
}

fn text(path: &Path) -> Result<Source, Failure> {
    let read = || -> anyhow::Result<String> {
        let size = fs::metadata(path)?.len();
        anyhow::ensure!(size <= LARGEST_FILE, "it is larger than {}", base::size::bytes(LARGEST_FILE));
        Ok(fs::read_to_string(path)?)
    };
    let text = read().with_context(|| format!("cannot read {}", path.display())).map_err(invalid)?;
    Ok(Source::new(path.display().to_string(), text))
}

/// The objects of a kustomization; its warnings are told, unless another one had them already.
fn objects(folder: &Path, told: &mut BTreeSet<String>) -> Result<Vec<Value>, Failure> {
    let built = kustomize::build(&Disk, folder)?;
    for warning in &built.warnings.0 {
        let text = warning.render(false);
        if told.insert(text.clone()) {
            anstream::eprintln!("{text}");
        }
    }
    Ok(built.objects.into_iter().map(|object| object.value).collect())
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            found.push(entry?.path());
        }
        found.retain(|path| path.is_dir());
        found.sort();
        Ok(found)
    };
    let context = || format!("{} cannot be read; name a checkout of okd-payload-pipeline", dir.display());
    read().with_context(context).map_err(invalid)
}

fn invalid(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Invalid, error)
}

/// Writes the streams and the report below `to`, all of them or, when one is there already, none.
fn write(imported: &Imported, to: &Path) -> Result<Ended, Failure> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for (name, text) in &imported.streams {
        files.push((to.join(name).join("stream.yaml"), text.clone()));
    }
    files.push((to.join(REPORT), imported.report.text()));
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::invalid(format!(
            "{} is there already; name another folder with --to, or remove it",
            there.display()
        )));
    }
    for (path, text) in &files {
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        anstream::println!("{}", path.display());
    }
    if imported.report.fields() > 0 {
        anstream::eprintln!(
            "{} kinds of fields were not carried over; {} lists them",
            imported.report.fields(),
            to.join(REPORT).display()
        );
    }
    Ok(Exit::Success.into())
}
