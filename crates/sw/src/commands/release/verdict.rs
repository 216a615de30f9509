//! `sw release verdict`: test results decide about a release.

use std::fs;
use std::path::Path;

use base::Exit;
use jiff::Timestamp;
use oci::Descriptor;
use release::payload::content::Content;
use release::payload::info::ReleaseInfo;
use release::payload::registry::Fetching;
use release::verdict::{Document, Evidence, Outcome, Release, ReportFile, Status};

use super::{client, parse, scratch_store, write};
use crate::cli::ReleaseVerdictArgs;
use crate::commands::Ended;
use crate::failure::Failure;

/// Largest JUnit report that is kept.
const LARGEST_REPORT: u64 = 16 << 20;

/// Carries out `sw release verdict`.
pub fn run(args: &ReleaseVerdictArgs) -> Result<Ended, Failure> {
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
    let stored = evidence.store(&store, &at)?;
    client.push(&store, evidence.digest(), &stored, &())?;
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
