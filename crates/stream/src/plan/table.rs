//! A plan as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::estimate::Estimate;
use super::{Plan, Planned};
use crate::definition::Platform;
use crate::definition::platform::listed;

/// A line for each component, bases first, and a line of counts. Platforms on which the same happens for the same reasons share
/// a line. Ends with a line break.
pub fn table(plan: &Plan) -> String {
    let several = plan.platforms.len() > 1;
    let mut header = vec!["COMPONENT".to_owned(), "ACTION".to_owned(), "WHY".to_owned()];
    if several {
        header.insert(1, "PLATFORMS".to_owned());
    }
    let mut rows = vec![header];
    for row in rows_of(plan) {
        let why = row.planned.why();
        let mut cells =
            vec![row.planned.component.clone(), row.planned.action.as_str().to_owned(), why.join("; ")];
        if several {
            let names: Vec<&str> = row.platforms.iter().map(|platform| platform.architecture()).collect();
            cells.insert(1, names.join(", "));
        }
        rows.push(cells);
    }
    let mut text = String::new();
    for row in &rows {
        let last = row.len() - 1;
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            text.push_str(cell);
            if column < last {
                text.push_str(&" ".repeat(width - cell.chars().count() + 2));
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}", summary(plan));
    text
}

/// A component with the platforms on which the same happens to it.
struct Row<'a> {
    planned: &'a Planned,
    platforms: Vec<Platform>,
}

fn rows_of(plan: &Plan) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut met: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for planned in &plan.components {
        let indices = met.entry(&planned.component).or_default();
        let same = |index: &&usize| {
            let row = &rows[**index].planned;
            (row.action, &row.reasons) == (planned.action, &planned.reasons)
        };
        match indices.iter().find(same) {
            Some(index) => rows[*index].platforms.push(planned.platform),
            None => {
                indices.push(rows.len());
                rows.push(Row { planned, platforms: vec![planned.platform] });
            }
        }
    }
    rows
}

/// How long it will take, if that is known and not nothing: `about 3m 20s; longest: base → etcd (2m 5s)`
pub fn time(estimate: &Estimate) -> String {
    if estimate.seconds < 0.5 {
        return String::new();
    }
    let mut text = format!("about {}", span(estimate.seconds));
    // Writing to a string cannot fail.
    if estimate.critical_path.len() > 1 {
        let path = estimate.critical_path.join(" → ");
        let _ = write!(text, "; longest way: {path} ({})", span(estimate.critical_seconds));
    }
    if !estimate.unknown.is_empty() {
        let _ = write!(text, "; {} never built here, counted as average", estimate.unknown.len());
    }
    text.push('\n');
    text
}

/// `1h 2m`, `3m 20s`, `12s`.
fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that a build takes")]
    let seconds = seconds.round().max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}

/// `11 components: 1 to build, 2 maybe, 8 reused; 10 tags in the payload`; for several platforms
/// `11 components for linux/amd64, linux/arm64: 2 images to build, 20 reused; 10 tags in the payload`
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts;
    let several = plan.platforms.len() > 1;
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let mut parts = Vec::new();
    for (count, what) in [
        (counts.build, "to build"),
        (counts.rebase, "to rebase"),
        (counts.maybe, "maybe"),
        (counts.reuse, "reused"),
    ] {
        if count > 0 {
            let count = if several && parts.is_empty() { plural(count, "image") } else { count.to_string() };
            parts.push(format!("{count} {what}"));
        }
    }
    if counts.held_back > 0
        && let Some(reused) = parts.last_mut()
    {
        *reused = format!("{reused} ({} held back)", counts.held_back);
    }
    let components: BTreeSet<&str> =
        plan.components.iter().map(|planned| planned.component.as_str()).collect();
    let on = if several { format!(" for {}", listed(&plan.platforms)) } else { String::new() };
    format!(
        "{}{on}: {}; {} in the payload",
        plural(components.len(), "component"),
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") },
        plural(plan.payload.len(), "tag")
    )
}
