//! `sw bases`: what every `FROM` of every component means, or that nothing says it.

use std::collections::BTreeMap;

use base::{Exit, Source, Span};
use serde::Serialize;
use stream::check::{self, Bases};
use stream::definition::Platform;
use stream::definition::platform::listed;
use stream::graph::{Base, BaseImage};
use stream::lock::Lock;

use super::unlocked::Unlocked;
use crate::cli::{BasesArgs, Format};
use crate::commands::Ended;
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// One image that a component starts from, on all platforms where it means the same.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    component: String,
    /// As its Containerfile, or `from`, names it.
    name: String,
    /// The entry of the table that says what it means; none for a name with a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    /// What it means; nothing for what is not resolved.
    #[serde(flatten)]
    means: Option<Means>,
    /// `FILE:LINE` of the name.
    at: String,
    /// Where that is so.
    platforms: Vec<Platform>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Means {
    /// This component.
    MeansComponent(String),
    /// This image, with the digest of the lock where it is known.
    MeansImage(String),
}

/// Carries out `sw bases`.
///
/// # Errors
/// Files that are missing or wrong.
pub fn run(home: &Home, args: &BasesArgs) -> Result<Ended, Failure> {
    let Unlocked { lineage, folder, tasks } = Unlocked::read(home, &args.stream, args.fetch)?;
    let lock = lineage.lock.as_ref().or(lineage.below.as_ref());
    let (bases, findings) = check::bases(&lineage.definition, &folder, &tasks);
    for finding in &findings.0 {
        anstream::eprintln!("{}", finding.render(false));
    }
    let rows = rows(&bases, lock);
    match args.output {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&rows)?),
        Format::Text => print(&rows, bases.len()),
    }
    let sound = bases.values().all(|bases| bases.unresolved.is_empty()) && !findings.has_errors();
    Ok(if sound { Exit::Success } else { Exit::Invalid }.into())
}

/// A row for each name, for all platforms where it means the same; by component and name.
fn rows(bases: &BTreeMap<Platform, Bases>, lock: Option<&Lock>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (platform, bases) in bases {
        let known = bases.nodes.iter().flat_map(|(component, node)| {
            node.bases.iter().map(move |(name, base)| row(component, name, base, lock))
        });
        let unknown = bases.unresolved.iter().map(|one| Row {
            component: one.component.clone(),
            name: one.name.clone(),
            entry: None,
            means: None,
            at: line(&one.source, one.span),
            platforms: Vec::new(),
        });
        let here: Vec<Row> = known.chain(unknown).collect();
        for row in here {
            let same = |other: &&mut Row| {
                (&other.component, &other.name, &other.means, &other.at)
                    == (&row.component, &row.name, &row.means, &row.at)
            };
            match rows.iter_mut().find(same) {
                Some(other) => other.platforms.push(*platform),
                None => rows.push(Row { platforms: vec![*platform], ..row }),
            }
        }
    }
    rows.sort_by(|a, b| (&a.component, &a.name).cmp(&(&b.component, &b.name)));
    rows
}

fn row(component: &str, name: &str, base: &Base, lock: Option<&Lock>) -> Row {
    let means = match &base.image {
        BaseImage::Component(component) => Means::MeansComponent(component.clone()),
        BaseImage::Image(image) => match lock.and_then(|lock| lock.image(image)) {
            Some(digest) if !image.contains('@') => Means::MeansImage(format!("{image}@{digest}")),
            _ => Means::MeansImage(image.clone()),
        },
    };
    Row {
        component: component.to_owned(),
        name: name.to_owned(),
        entry: base.entry.clone(),
        means: Some(means),
        at: line(&base.source, base.span),
        platforms: Vec::new(),
    }
}

fn line(source: &Source, span: Span) -> String {
    format!("{}:{}", source.name(), source.position(span.start).0)
}

/// A line for each name, then how many components use what. Of `platforms`, those are named on which alone a name means it.
fn print(rows: &[Row], platforms: usize) {
    let mut table: Vec<Vec<String>> = Vec::new();
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let means = match &row.means {
            Some(Means::MeansComponent(component)) => format!("component {component}"),
            Some(Means::MeansImage(image)) => image.clone(),
            None => "NOTHING SAYS WHAT IT IS".to_owned(),
        };
        *users.entry(means.clone()).or_default() += 1;
        let entry = match &row.entry {
            Some(entry) if *entry != row.name => format!("by {entry}"),
            _ => String::new(),
        };
        let only = if row.platforms.len() == platforms {
            String::new()
        } else {
            format!("on {}", listed(&row.platforms))
        };
        table.push(vec![row.component.clone(), row.name.clone(), means, entry, row.at.clone(), only]);
    }
    anstream::print!("{}", columns(&table));
    let mut users: Vec<(String, usize)> = users.into_iter().collect();
    users.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    let counted: Vec<Vec<String>> =
        users.into_iter().map(|(means, count)| vec![count.to_string(), means]).collect();
    anstream::print!("\n{}", columns(&counted));
}
