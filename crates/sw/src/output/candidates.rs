//! What an event would run, for people.

use anstyle::{AnsiColor, Reset, Style};
use trigger::Candidate;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

/// A line for each candidate, with what decided; notes below it.
pub fn text(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "the files have no trigger and no PipelineRun for Pipelines-as-Code".to_owned();
    }
    let mut lines = Vec::new();
    for candidate in candidates {
        let (name, place) = (clean(&candidate.name), clean(&candidate.place));
        match candidate.refusal() {
            Some(reason) => lines.push(format!(
                "{RED}✗{Reset} {name}: {}: {}  {DIM}{place}{Reset}",
                reason.subject,
                clean(&reason.why)
            )),
            None => {
                let why: Vec<String> = candidate
                    .reasons
                    .iter()
                    .filter(|r| r.holds)
                    .map(|r| format!("{}: {}", r.subject, clean(&r.why)))
                    .collect();
                lines.push(format!("{GREEN}✓{Reset} {name} ({})  {DIM}{place}{Reset}", why.join("; ")));
            }
        }
        lines.extend(candidate.notes.iter().map(|note| format!("    {}", clean(note))));
    }
    let matched = candidates.iter().filter(|c| c.matched).count();
    lines.push(format!("{matched} of {} match", candidates.len()));
    lines.join("\n")
}

/// Without what a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
