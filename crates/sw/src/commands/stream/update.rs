//! `sw update`: moves the lock to what is offered now, and tells what moved.

use std::collections::{BTreeMap, BTreeSet};

use base::Exit;
use base::together::ask_all;
use serde_json::{Value, json};
use stream::lock::moved::{Kind, Moved, moved};
use stream::lock::{Commit, Lock};
use stream::source::fetch::Refusal;
use stream::source::history::{Between, between};

use super::{How, LOCK_FILE, counted, findings, read, write_lock};
use crate::cli::{Format, StreamArg, UpdateArgs};
use crate::commands::Ended;
use crate::failure::Failure;
use crate::output::printable::printable;
use crate::output::table::columns;
use crate::settings::Home;

/// Subject lines that are shown of one move.
const SHOWN: usize = 20;

/// What lies between the commits of a move; why nobody can say, else.
type History = Result<Between, Refusal>;

/// The histories of moves, by kind and name.
type Histories = BTreeMap<(Kind, String), History>;

/// Two commits of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    url: String,
    old: String,
    new: String,
}

/// Carries out `sw update`.
///
/// # Errors
/// Names that mean nothing; what cannot be resolved, and then the lock stays as it is.
pub fn run(home: &Home, args: &UpdateArgs) -> Result<Ended, Failure> {
    let shown = args.stream.display();
    if !args.stream.exists() && !args.stream.as_os_str().is_empty() {
        return Err(Failure::invalid(format!(
            "there is no folder {shown}; the stream comes first: sw update STREAM {shown}, or sw update . {shown} for the one here"
        )));
    }
    let arg = StreamArg { stream: args.stream.clone(), tasks: None };
    let (loaded, own) = read(home, &arg, How { offline: false, names: Some(&args.names) })?;
    findings::tell(&loaded.findings);
    let lock = &loaded.lock;
    let moved = own.as_ref().map(|own| moved(own, lock)).unwrap_or_default();
    let histories = histories(own.as_ref(), lock, &moved)?;
    match (args.output, &own) {
        (Format::Json, _) => {
            let rows: Vec<Value> = moved.iter().map(|one| row_json(one, histories.get(&key(one)))).collect();
            anstream::println!("{}", serde_json::to_string_pretty(&rows)?);
        }
        (Format::Text, None) => {
            anstream::println!("there was no {LOCK_FILE}: {}", counted(lock));
        }
        (Format::Text, Some(_)) if moved.is_empty() => anstream::println!("nothing moved: {}", counted(lock)),
        (Format::Text, Some(_)) => {
            anstream::print!("{}", table(&moved, &histories));
            if args.commits {
                anstream::print!("{}", subjects(&moved, &histories));
            }
        }
    }
    if own.as_ref() == Some(lock) {
        return Ok(Exit::Success.into());
    }
    if args.dry_run {
        anstream::eprintln!("nothing was written; without --dry-run it will be");
    } else {
        write_lock(&loaded.folder, lock)?;
    }
    Ok(Exit::Success.into())
}

/// A move by kind and name, to find its history.
fn key(moved: &Moved) -> (Kind, String) {
    (moved.kind, moved.name.clone())
}

/// Asks the repositories what lies between, each pair of commits once.
fn histories(old: Option<&Lock>, new: &Lock, moved: &[Moved]) -> Result<Histories, Failure> {
    let commit = |lock: &Lock, one: &Moved| -> Option<Commit> {
        match one.kind {
            Kind::Parent => lock.from.clone(),
            Kind::Commit => lock.commits.get(&one.name).cloned(),
            Kind::Image | Kind::Package => None,
        }
    };
    let range = |one: &Moved| {
        let (from, to) = (commit(old?, one)?, commit(new, one)?);
        // Nothing lies between commits of two repositories.
        (from.url == to.url).then_some(Range { url: to.url, old: from.commit, new: to.commit })
    };
    let ranges: Vec<_> = moved.iter().filter_map(|one| Some((key(one), range(one)?))).collect();
    let questions: BTreeSet<&Range> = ranges.iter().map(|(_, range)| range).collect();
    let questions: Vec<(usize, &Range)> = questions.into_iter().enumerate().collect();
    let dir = tempfile::tempdir()?;
    let answers = ask_all(&questions, |(number, Range { url, old, new })| {
        let work = dir.path().join(number.to_string());
        std::fs::create_dir(&work).map_err(|e| Refusal::Failed(e.to_string()))?;
        between(&work, url, old, new)
    });
    let answers: BTreeMap<&Range, History> =
        questions.into_iter().map(|(_, range)| range).zip(answers).collect();
    Ok(ranges.iter().filter_map(|(key, range)| Some((key.clone(), answers.get(range)?.clone()))).collect())
}

fn row_json(moved: &Moved, history: Option<&History>) -> Value {
    let mut row = json!(moved);
    match history {
        None => {}
        Some(Ok(between)) => row["commits"] = json!(between),
        Some(Err(why)) => row["commits"] = json!({"unknown": why.to_string()}),
    }
    row
}

/// A line for each move: what, old, new, commits between.
fn table(moved: &[Moved], histories: &Histories) -> String {
    let head = ["", "NAME", "OLD", "NEW", "COMMITS"].map(str::to_owned).to_vec();
    let rows = moved.iter().map(|one| {
        let name = match &one.component {
            Some(component) => format!("{component}: {}", one.name),
            None => one.name.clone(),
        };
        let value = |value: &Option<String>| value.as_deref().map_or("-".to_owned(), |v| short(one.kind, v));
        let commits = histories.get(&key(one)).map(commits).unwrap_or_default();
        vec![one.kind.as_str().to_owned(), name, value(&one.old), value(&one.new), commits]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

/// Twelve digits of a commit or digest; versions as they are.
fn short(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Package => value.to_owned(),
        _ => value.trim_start_matches("sha256:").chars().take(12).collect(),
    }
}

fn commits(history: &History) -> String {
    match history {
        Ok(Between { added, dropped: 0, .. }) => added.to_string(),
        Ok(Between { added: 0, dropped, .. }) => format!("back by {dropped}"),
        Ok(Between { added, dropped, .. }) => {
            format!("{added}, and {dropped} dropped: history was written anew")
        }
        Err(Refusal::Gone(_)) => "the old commit is gone: history was written anew".to_owned(),
        Err(Refusal::Failed(why)) => format!("cannot be asked: {}", printable(why)),
    }
}

/// The commits of each move by their first lines; those of one repository once.
fn subjects(moved: &[Moved], histories: &Histories) -> String {
    let mut told: Vec<(&Moved, &Between, Vec<&str>)> = Vec::new();
    for one in moved {
        let Some(Ok(between)) = histories.get(&key(one)) else { continue };
        let same = |known: &Moved| (&known.url, &known.old, &known.new) == (&one.url, &one.old, &one.new);
        match told.iter_mut().find(|(known, ..)| same(known)) {
            Some((_, _, names)) => names.push(&one.name),
            None => told.push((one, between, vec![&one.name])),
        }
    }
    let mut text = String::new();
    for (_, between, names) in told.iter().filter(|(_, between, _)| between.added > 0) {
        text.push_str(&format!("\n{}\n", names.join(", ")));
        for subject in between.subjects.iter().take(SHOWN) {
            text.push_str(&format!("  {}\n", printable(subject)));
        }
        if between.added > SHOWN.min(between.subjects.len()) {
            text.push_str(&format!("  and {} more\n", between.added - SHOWN.min(between.subjects.len())));
        }
    }
    text
}
