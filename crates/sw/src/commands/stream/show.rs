//! `sw stream show` and `sw stream diff`.

use std::path::Path;

use base::Exit;
use serde_json::{Value, json};
use stream::definition::Definition;
use stream::overlay::show::{Difference, Line, differences, lines};
use stream::source::folder::Folder;

use super::{lineage, root};
use crate::cli::{Format, ShowFormat, StreamCommand};
use crate::commands::Ended;
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// The most characters of a line before its origin stands in the next column anyway.
const WIDEST: usize = 72;

/// Carries out `sw stream …`.
pub fn run(home: &Home, command: &StreamCommand) -> Result<Ended, Failure> {
    match command {
        StreamCommand::Show { stream, output } => show(&read(home, &stream.stream)?, *output),
        StreamCommand::Diff { a, b, output } => diff(&read(home, a)?, &read(home, b)?, *output),
    }
}

fn read(home: &Home, given: &Path) -> Result<Definition, Failure> {
    Ok(lineage::read(home, &Folder::new(root(given)?), lineage::Asking::default())?.definition)
}

fn show(definition: &Definition, output: ShowFormat) -> Result<Ended, Failure> {
    let lines = lines(definition)?;
    match output {
        ShowFormat::Yaml => lines.iter().for_each(|line| anstream::println!("{}", line.text)),
        ShowFormat::Text => anstream::print!("{}", annotated(&lines)),
        ShowFormat::Json => {
            let operations: Vec<Value> = definition
                .history
                .applied
                .iter()
                .map(|applied| {
                    let (line, _) = applied.source.position(applied.span.start);
                    json!({
                        "stream": applied.stream,
                        "operation": applied.operation,
                        "origin": format!("{}:{line}", applied.source.name()),
                    })
                })
                .collect();
            let shown = json!({
                "stream": definition.stream,
                "parents": definition.history.parents,
                "operations": operations,
                "lines": lines,
            });
            anstream::println!("{}", serde_json::to_string_pretty(&shown)?);
        }
    }
    Ok(Exit::Success.into())
}

/// The lines with their origins as comments, in a column; still a stream file.
fn annotated(lines: &[Line]) -> String {
    let width =
        lines.iter().map(|line| line.text.chars().count()).filter(|n| *n <= WIDEST).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.text);
        if let Some(origin) = &line.origin {
            let pad = width.saturating_sub(line.text.chars().count());
            text.push_str(&format!("{}  # {origin}", " ".repeat(pad)));
        }
        text.push('\n');
    }
    text
}

fn diff(a: &Definition, b: &Definition, output: Format) -> Result<Ended, Failure> {
    let found = differences(a, b);
    match output {
        Format::Json => anstream::println!("{}", serde_json::to_string_pretty(&found)?),
        Format::Text if found.is_empty() => anstream::eprintln!("no difference"),
        Format::Text => {
            let rows: Vec<Vec<String>> = found.iter().map(row).collect();
            anstream::print!("{}", columns(&rows));
        }
    }
    Ok(Exit::Success.into())
}

/// `+ field value`, `- field value`, `~ field from → to`.
fn row(difference: &Difference) -> Vec<String> {
    let Difference { field, from, to } = difference;
    let (sign, text) = match (from, to) {
        (None, Some(to)) => ("+", short(to)),
        (Some(from), None) => ("-", short(from)),
        (Some(Value::Array(from)), Some(Value::Array(to))) => ("~", items(from, to)),
        (Some(from), Some(to)) => ("~", format!("{} → {}", short(from), short(to))),
        (None, None) => ("", String::new()),
    };
    vec![sign.to_owned(), field.clone(), text]
}

/// What came to a list and what went.
fn items(from: &[Value], to: &[Value]) -> String {
    let gone = from.iter().filter(|item| !to.contains(item)).map(|item| format!("-{}", short(item)));
    let new = to.iter().filter(|item| !from.contains(item)).map(|item| format!("+{}", short(item)));
    let changes: Vec<String> = gone.chain(new).collect();
    if changes.is_empty() { "in another order".to_owned() } else { changes.join(" ") }
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get("source") {
            // A whole component: where it is from says most.
            Some(source) => short(source),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}
