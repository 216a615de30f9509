//! `sw bases`: what every `FROM` of every component means, or that nothing says it.

use std::collections::BTreeMap;

use base::{Exit, Source, Span};
use serde::Serialize;
use stream::check;
use stream::graph::{Base, BaseImage};
use stream::lock::Lock;

use super::unlocked::Unlocked;
use crate::cli::{BasesArgs, Format};
use crate::commands::Ended;
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// One image that a component starts from.
#[derive(Debug, Serialize)]
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
}

#[derive(Debug, Serialize)]
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
    let mut rows: Vec<Row> = Vec::new();
    for (component, node) in &bases.nodes {
        rows.extend(node.bases.iter().map(|(name, base)| row(component, name, base, lock)));
    }
    rows.extend(bases.unresolved.iter().map(|one| Row {
        component: one.component.clone(),
        name: one.name.clone(),
        entry: None,
        means: None,
        at: line(&one.source, one.span),
    }));
    rows.sort_by(|a, b| (&a.component, &a.name).cmp(&(&b.component, &b.name)));
    match args.output {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&rows)?),
        Format::Text => print(&rows),
    }
    let sound = bases.unresolved.is_empty() && !findings.has_errors();
    Ok(if sound { Exit::Success } else { Exit::Invalid }.into())
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
    }
}

fn line(source: &Source, span: Span) -> String {
    format!("{}:{}", source.name(), source.position(span.start).0)
}

/// A line for each name, then how many components use what.
fn print(rows: &[Row]) {
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
        table.push(vec![row.component.clone(), row.name.clone(), means, entry, row.at.clone()]);
    }
    anstream::print!("{}", columns(&table));
    let mut users: Vec<(String, usize)> = users.into_iter().collect();
    users.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    let counted: Vec<Vec<String>> =
        users.into_iter().map(|(means, count)| vec![count.to_string(), means]).collect();
    anstream::print!("\n{}", columns(&counted));
}
