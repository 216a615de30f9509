//! References inside program text: their values become a part of the program.

use std::collections::BTreeMap;

use base::Span;

use super::code::SHELL_INJECTION;
use super::found::Found;
use super::place::{At, Written, written};
use super::scope::TaskScope;
use super::shell::{interpreter, takes_text};
use crate::yaml::Node;

/// Places that are shown for one reference.
const SHOWN: usize = 5;

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    for (i, step) in task.spec.steps.iter().enumerate() {
        container(found, task, &task.at.index("steps", i), &step.command, step.args(), &step.script);
    }
    for (i, sidecar) in task.spec.sidecars.iter().enumerate() {
        let at = task.at.index("sidecars", i);
        container(found, task, &at, &sidecar.command, &sidecar.args, &sidecar.script);
    }
}

fn container(
    found: &mut Found<'_>,
    task: &TaskScope<'_>,
    at: &At<'_>,
    command: &[String],
    args: &[String],
    script: &str,
) {
    if !script.is_empty() {
        let language = interpreter(script).filter(|i| !i.is_shell()).map(|i| i.name.to_owned());
        program(found, task, at.field("script").node(), language.as_deref());
        return;
    }
    let words: Vec<(&str, At<'_>)> = [("command", command), ("args", args)]
        .into_iter()
        .flat_map(|(field, list)| list.iter().enumerate().map(move |(i, word)| (field, i, word.as_str())))
        .map(|(field, i, word)| (word, at.index(field, i)))
        .collect();
    if let Some(text) =
        program_text(&words.iter().map(|(word, _)| *word).collect::<Vec<_>>(), command.is_empty())
    {
        program(found, task, words[text].1.node(), None);
    }
}

/// Which word of a command line is program text: the one after `sh -c` and the like. `headless`: the program itself is
/// the image's, so that `-c` in front is enough.
fn program_text(words: &[&str], headless: bool) -> Option<usize> {
    let is_flag = |word: &str| {
        word.starts_with('-') && !word.starts_with("--") && word.ends_with(['c', 'e']) && word.len() < 8
    };
    let shell = words.iter().position(|word| takes_text(word));
    let first = match shell {
        Some(at) => at + 1,
        None if headless && words.first() == Some(&"-c") => 0,
        None => return None,
    };
    let flag = first + words[first..].iter().take_while(|w| w.starts_with('-') && !is_flag(w)).count();
    let text = flag + 1;
    words.get(flag).filter(|word| is_flag(word))?;
    words.get(text)?;
    Some(text)
}

/// Warns about foreign references in a text, one warning for each.
fn program(found: &mut Found<'_>, task: &TaskScope<'_>, node: Option<&Node>, language: Option<&str>) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.as_str()?))) else { return };
    let mut places: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for Written { key, span } in written(text, node, &task.at.document.source) {
        if is_reference(key) && !task.trust.key(key) {
            places.entry(key).or_default().push(span);
        }
    }
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort_by_key(|(_, spans)| spans[0].start);
    for (key, spans) in places {
        let kind = if key.contains("params") { "param" } else { "result" };
        let message = format!("the value of {kind} `$({key})` becomes a part of the program");
        found.spans(&SHELL_INJECTION, &spans[..spans.len().min(SHOWN)], message, help(key, language));
    }
}

/// Whether Tekton replaces the key, and not with something of its own.
fn is_reference(key: &str) -> bool {
    let plain = !key.contains(char::is_whitespace);
    plain && ["params", "inputs.params", "tasks.", "steps."].iter().any(|start| key.starts_with(start))
}

fn help(key: &str, language: Option<&str>) -> String {
    let name = variable_name(key);
    let read = match language {
        None => format!("\"${name}\""),
        Some(python) if python.starts_with("python") => format!("os.environ[\"{name}\"]"),
        Some("node") => format!("process.env.{name}"),
        Some("perl") => format!("$ENV{{{name}}}"),
        Some("ruby") => format!("ENV[\"{name}\"]"),
        Some(_) => format!("the variable {name}"),
    };
    format!(
        "give it to the step beside the text, `env: [{{name: {name}, value: $({key})}}]`, and read {read}"
    )
}

/// A name for an environment variable: the last part of the key.
fn variable_name(key: &str) -> String {
    let key = key.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = key.rfind(['.', '[']).map_or(0, |i| i + 1);
    let last = match key[start..].chars().all(|c| c.is_ascii_digit()) {
        true => key[..start.saturating_sub(1)].rsplit('.').next().unwrap_or(key),
        false => &key[start..],
    };
    let name: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let name = name.trim_matches('_').to_owned();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() { "VALUE".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_text_of_command_lines() {
        for (words, headless, text) in [
            (&["sh", "-c", "x"][..], false, Some(2)),
            (&["/bin/bash", "-euxc", "x", "y"], false, Some(2)),
            (&["bash", "-o", "c", "x"], false, None),
            (&["unshare", "sh", "-ec", "x"], false, Some(3)),
            (&["python3", "-u", "-c", "x"], false, Some(3)),
            (&["-c", "x"], true, Some(1)),
            (&["-c", "x"], false, None),
            (&["sh", "script.sh", "-c"], false, None),
            (&["sh", "-c"], false, None),
        ] {
            assert_eq!(program_text(words, headless), text, "{words:?}");
        }
    }

    #[test]
    fn names_of_variables() {
        for (key, name) in [
            ("params.git-url", "GIT_URL"),
            ("params[\"a.b\"]", "B"),
            ("params.list[0]", "LIST"),
            ("tasks.t.results.digest", "DIGEST"),
            ("params[\"1\"]", "VALUE"),
        ] {
            assert_eq!(variable_name(key), name, "{key}");
        }
    }
}
