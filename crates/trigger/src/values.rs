//! The concrete values that a reason shows.

use std::sync::LazyLock;

use expression::{Scope, evaluate};
use regex::Regex;
use serde_json::Value as Json;

/// So many values are shown beside an expression.
const MOST: usize = 6;

/// So much of a value is shown.
const LONGEST: usize = 80;

/// A text for a reason: quoted, on one line, not too long.
pub fn quoted(text: &str) -> String {
    shown(&Json::from(text))
}

/// A value for a reason, as JSON, not too long.
pub fn shown(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// An expression on one line, as a reason shows it.
pub fn line(expression: &str) -> String {
    let line = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(2 * LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What the variables of an expression are for this event: ` (body.ref is "refs/heads/x", …)`, or nothing.
pub fn of_expression(expression: &str, scope: &Scope) -> String {
    static MENTIONS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let start = "body|headers?|extensions|event_title|event|target_branch|source_branch|target_url|source_url|files|pac";
        Regex::new(&format!(
            r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b((?:{start})(?:\.[A-Za-z_]\w*\(?|\[(?:'[^']*'|"[^"]*"|\d+)\])*)"#
        ))
        .ok()
    });
    let Some(mentions) = MENTIONS.as_ref() else { return String::new() };
    let mut told: Vec<String> = Vec::new();
    for found in mentions.captures_iter(expression).filter_map(|c| c.get(1)) {
        // What ends in a parenthesis is a function of what stands before it.
        let mut mention = found.as_str();
        if let Some(at) = mention.find('(') {
            mention = mention[..at].rsplit_once('.').map_or("", |(before, _)| before);
        }
        if mention.is_empty()
            || matches!(mention, "body" | "header" | "headers" | "extensions" | "files" | "pac")
        {
            continue;
        }
        let value = evaluate(mention, scope).map_or_else(|_| "missing".to_owned(), |value| shown(&value));
        let text = format!("{mention} is {value}");
        if !told.contains(&text) && told.len() < MOST {
            told.push(text);
        }
    }
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}
