//! `sw release info`: a release and its verdict.

use base::{Digest, Exit};
use oci::manifest::platform::names;
use oci::{Platform, Reference, Store};
use release::payload::content::Content;
use release::payload::info::{ImageColumn, InfoError, ListBy, ReleaseInfo};
use release::payload::registry::Fetching;
use release::verdict::{Document, MEDIA_TYPE, evidence};

use super::{client, parse};
use crate::cli::{InfoFormat, ReleaseInfoArgs};
use crate::commands::{Ended, build};
use crate::failure::Failure;
use crate::output::terminal::{GREEN, RED};
use crate::settings::Home;

/// Carries out `sw release info`.
pub fn run(home: &Home, args: &ReleaseInfoArgs) -> Result<Ended, Failure> {
    let store = Store::open(home.store())?;
    let at = match args.release.as_str() {
        "last" => build::last_release(home)?,
        spec => parse(spec)?,
    };
    // A release of this store is shown without asking a registry that may not run.
    let info = match store.resolve(&at)? {
        Some(_) => read(&store, &at, args.platform.as_ref())?,
        None => {
            let client = client(&at, args.insecure.insecure)?;
            read(&Fetching::new(&store, &client, &()), &at, args.platform.as_ref())?
        }
    };
    match args.output {
        InfoFormat::Text => {
            let verdict = find_verdict(&store, &at, info.pull_digest())?;
            anstream::print!("{}", shown(&info, verdict.as_ref()));
        }
        InfoFormat::Json => anstream::print!("{}", info.to_json()),
        InfoFormat::Name => anstream::print!("{}", info.to_list(ListBy::Name)),
        InfoFormat::Digest => anstream::print!("{}", info.to_list(ListBy::Digest)),
        InfoFormat::Pullspec => anstream::print!("{}", info.to_list(ListBy::PullSpec)),
    }
    Ok(Exit::Success.into())
}

fn read(
    content: &dyn Content,
    at: &Reference,
    platform: Option<&Platform>,
) -> Result<ReleaseInfo, InfoError> {
    match platform {
        Some(platform) => ReleaseInfo::read_for(content, at, platform),
        None => ReleaseInfo::read(content, at),
    }
}

/// A release for people: what oc prints of it, which other platforms it is for, and its verdict.
pub fn shown(info: &ReleaseInfo, verdict: Option<&Document>) -> String {
    let platforms = match info.list_platforms.as_slice() {
        [] | [_] => String::new(),
        platforms => format!("\nPlatforms: {} (--platform shows another)\n", names(platforms)),
    };
    let verdict = verdict.map(verdict_text).unwrap_or_default();
    format!("{}\n{platforms}{verdict}", info.to_text(ImageColumn::default()).trim_end())
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
fn verdict_text(document: &Document) -> String {
    let accepted = document.verdict == release::verdict::Decision::Accepted;
    let style = if accepted { GREEN } else { RED };
    let text = document.to_text();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("\n{style}{first}{style:#}\n{rest}")
}
