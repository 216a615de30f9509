//! `sw lock --verify`: whether everything that the lock names is still there.

use std::collections::BTreeSet;
use std::path::Path;

use base::together::ask_all;
use base::{Exit, Source};
use oci::client::Client;
use oci::{Reference, Store};
use serde_json::json;
use stream::lock::debian::Apt;
use stream::lock::required::{Required, State, required};
use stream::lock::{self, Lock, Pin};
use stream::source::checkout::Checkouts;
use stream::source::fetch::Refusal;
use stream::source::folder::Folder;
use stream::source::history::is_there;

use super::lineage::{self, Asking};
use super::{LOCK_FILE, root};
use crate::cli::{Format, LockArgs};
use crate::commands::{Ended, registry_client};
use crate::failure::Failure;
use crate::output::printable::printable;
use crate::output::table::columns;
use crate::settings::Home;

/// Reasons that are shown; one registry that is down gives many.
const SHOWN: usize = 5;

/// One thing of the lock and what became of it.
struct Found {
    what: Required,
    of: BTreeSet<String>,
    state: State,
    /// `FILE:LINE`, when it is in the lock.
    at: Option<String>,
}

/// Carries out `sw lock --verify`.
///
/// # Errors
/// A lock that is missing or wrong.
pub fn run(home: &Home, args: &LockArgs) -> Result<Ended, Failure> {
    let folder = Folder::new(root(&args.stream.stream)?);
    let shown = args.stream.stream.display();
    // The lock alone says most, also when the stream it was made for is gone.
    let lineage = lineage::read(home, &folder, Asking::default());
    let text = match (folder.text(LOCK_FILE)?, &lineage) {
        (Some(text), _) => text,
        (None, Ok(lineage)) if !lineage.lock_files.is_empty() => lineage.lock_files[0].clone(),
        _ => {
            return Err(Failure::invalid(format!(
                "there is no {LOCK_FILE} to verify; `sw lock {shown}` writes it"
            )));
        }
    };
    let lock = lock::text::parse(&text)?;
    let found = ask(home, &lock, &text, lineage.as_ref().ok().map(|lineage| &lineage.definition.stream))?;
    if let Err(failure) = &lineage {
        failure.print();
    }
    match args.output {
        Format::Json => print_json(&found)?,
        Format::Text => print(&found, text.name(), &args.stream.stream),
    }
    let sound = found.iter().all(|one| matches!(one.state, State::There | State::Kept));
    Ok(if sound && lineage.is_ok() { Exit::Success } else { Exit::Failed }.into())
}

/// Asks for everything at the same time.
fn ask(
    home: &Home,
    lock: &Lock,
    text: &Source,
    stream: Option<&stream::definition::Stream>,
) -> Result<Vec<Found>, Failure> {
    let all: Vec<(Required, BTreeSet<String>)> = required(lock, stream).into_iter().collect();
    let work = tempfile::tempdir()?;
    let (apt, checkouts) = (Apt::new(work.path().join("apt")), Checkouts::new(home.checkouts()));
    let (store, client) = (Store::open(home.store())?, registry_client(None)?);
    let gone = lock.packages.iter().try_fold(BTreeSet::new(), |mut gone, (platform, packages)| {
        let pins: BTreeSet<&Pin> = packages.values().flat_map(|packages| &packages.pinned).collect();
        let pins: Vec<Pin> = pins.into_iter().cloned().collect();
        gone.extend(apt.gone(&pins, *platform)?);
        Ok::<_, lock::ResolveError>(gone)
    });
    let numbered: Vec<(usize, &Required)> = all.iter().map(|(what, _)| what).enumerate().collect();
    let states = ask_all(&numbered, |(number, what)| match what {
        Required::Commit { url, commit } => {
            let dir = work.path().join(number.to_string());
            let asked = std::fs::create_dir(&dir)
                .map_err(|e| Refusal::Failed(e.to_string()))
                .and_then(|()| is_there(&dir, url, commit));
            match asked {
                Ok(()) => State::There,
                Err(Refusal::Gone(_)) if checkouts.has(url, commit) => State::Kept,
                Err(Refusal::Gone(_)) => State::Gone,
                Err(Refusal::Failed(why)) => State::Unknown(why),
            }
        }
        Required::Image { reference, digest } => image(&store, &client, reference, *digest),
        Required::Package(pin) => match &gone {
            Ok(gone) if gone.contains(pin) => State::Gone,
            Ok(_) => State::There,
            Err(why) => State::Unknown(why.to_string()),
        },
    });
    let found = all.into_iter().zip(states).map(|((what, of), state)| {
        let line = lock::text::place(text, &what.written()).map(|span| text.position(span.start).0);
        let at = line.map(|line| format!("{}:{line}", text.name()));
        Found { what, of, state, at }
    });
    Ok(found.collect())
}

fn image(store: &Store, client: &Client, reference: &str, digest: base::Digest) -> State {
    let at = match reference.parse::<Reference>() {
        Ok(at) => at.at_digest(digest),
        Err(e) => return State::Unknown(e.to_string()),
    };
    match client.head(&at) {
        Ok(Some(_)) => State::There,
        _ if store.has(digest) => State::Kept,
        Ok(None) => State::Gone,
        Err(e) => State::Unknown(e.to_string()),
    }
}

fn print_json(found: &[Found]) -> Result<(), Failure> {
    let rows: Vec<_> = found
        .iter()
        .map(|one| {
            let mut row = json!(one.state);
            row["kind"] = json!(one.what.kind());
            row["name"] = json!(one.what.written());
            row["of"] = json!(one.of);
            row["at"] = json!(one.at);
            if let Required::Image { digest, .. } = &one.what {
                row["digest"] = json!(digest.to_string());
            }
            row
        })
        .collect();
    anstream::println!("{}", serde_json::to_string_pretty(&rows)?);
    Ok(())
}

/// What is not simply there, what to do about it, and how much there is.
fn print(found: &[Found], lock: &str, stream: &Path) {
    let mut rows = vec![["AT", "", "WHAT", "OF", ""].map(str::to_owned).to_vec()];
    let mut unknown_whys = Vec::new();
    let mut advice: BTreeSet<&str> = BTreeSet::new();
    for one in found.iter().filter(|one| one.state != State::There) {
        let name = match &one.what {
            Required::Commit { commit, .. } => commit.chars().take(12).collect(),
            Required::Image { reference, digest } => {
                reference.replace(&digest.to_string(), &format!("sha256:{}…", digest.short()))
            }
            Required::Package(pin) => format!("{} {}", pin.name, pin.version),
        };
        let state = match &one.state {
            State::There => String::new(),
            State::Kept => "gone, kept on this machine only".to_owned(),
            State::Gone => "GONE".to_owned(),
            State::Unknown(why) => {
                unknown_whys.push(format!("{name}: {}", printable(why)));
                "cannot be asked".to_owned()
            }
        };
        let of: Vec<&str> = one.of.iter().map(String::as_str).filter(|of| *of != name).collect();
        let at = one.at.clone().unwrap_or_default();
        rows.push(vec![at, one.what.kind().to_owned(), name, of.join(", "), state]);
        if one.state == State::Gone {
            advice.insert(one.what.kind());
        }
    }
    if rows.len() > 1 {
        anstream::print!("{}\n", columns(&rows));
    }
    unknown_whys.iter().take(SHOWN).for_each(|why| anstream::println!("{why}"));
    if unknown_whys.len() > SHOWN {
        anstream::println!("and {} more that cannot be asked", unknown_whys.len() - SHOWN);
    }
    let shown = stream.display();
    for kind in advice {
        let text = match kind {
            "commit" => format!(
                "commits: `sw update {shown} COMPONENT` takes what its `ref` means now; or give `url` a repository that still has it"
            ),
            "image" => format!(
                "images: `sw update {shown} IMAGE` takes what its tag means now; or push it back from a machine that has it"
            ),
            _ => format!(
                "packages: `sw update {shown} COMPONENT` takes the versions offered now; or add an apt source that still has \
                 these (snapshot.debian.org), and run `apt-get update`"
            ),
        };
        anstream::println!("{text}");
    }
    let count = |wanted: fn(&State) -> bool| found.iter().filter(|one| wanted(&one.state)).count();
    let (there, kept) = (count(|s| *s == State::There), count(|s| *s == State::Kept));
    let (gone, unknown) = (count(|s| *s == State::Gone), count(|s| matches!(s, State::Unknown(_))));
    let parts = [(there, "there"), (kept, "kept here only"), (gone, "gone"), (unknown, "not known")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let told = if parts.is_empty() { "nothing from elsewhere".to_owned() } else { parts.join(", ") };
    anstream::println!("{lock}: {told}");
}
