//! Failures that go unseen, secrets that are printed.

use base::Span;

use super::code::{IGNORED_ERRORS, PRINTED_SECRET};
use super::found::Found;
use super::place::At;
use super::scope::TaskScope;
use super::shell::{Command, commands, interpreter, sets};
use crate::types::EnvVar;

/// Secret variables of a step that are looked for.
const SECRETS: usize = 50;

pub(super) fn task(found: &mut Found<'_>, task: &TaskScope<'_>) {
    let shared = task.spec.step_template.iter().flat_map(|t| &t.env);
    let shared: Vec<&EnvVar> = shared.collect();
    for (i, step) in task.spec.steps.iter().enumerate() {
        let at = task.at.index("steps", i).field("script");
        errors(found, &step.script, &at);
        let env = shared.iter().copied().chain(&step.env);
        secrets(found, &step.script, env, &at);
    }
    for (i, sidecar) in task.spec.sidecars.iter().enumerate() {
        let at = task.at.index("sidecars", i).field("script");
        secrets(found, &sidecar.script, sidecar.env.iter(), &at);
    }
}

/// The place of a command in the text of the file.
fn place(at: &At<'_>, command: &Command) -> Span {
    let span = at.span();
    let text = at.document.source.text().get(span.start..span.end).unwrap_or("");
    let line = command.text.split(" \\ ").next().unwrap_or("").trim_end_matches('\\').trim_end();
    match text.find(line) {
        Some(start) if !line.is_empty() => Span::new(span.start + start, span.start + start + line.len()),
        _ => span,
    }
}

/// A script with its own `#!` line gets no `set -e`.
fn errors(found: &mut Found<'_>, script: &str, at: &At<'_>) {
    let Some(shell) = interpreter(script).filter(|i| i.is_shell()) else { return };
    let own = ["$?", "exit ", "return ", "trap ", "PIPESTATUS", "exec "];
    if sets(script, 'e', "errexit") || own.iter().any(|word| script.contains(word)) {
        return;
    }
    let commands = commands(script);
    let Some((_, before)) = commands.split_last() else { return };
    let Some(first) = before.iter().find(|c| can_fail(&c.text)) else { return };
    let all = if shell.name == "bash" { "set -euo pipefail" } else { "set -e" };
    let message = "the script goes on when this fails: it has a `#!` line, so Tekton adds no `set -e`";
    found.span(
        &IGNORED_ERRORS,
        place(at, first),
        message.to_owned(),
        format!("write `{all}` below the `#!` line"),
    );
}

/// Whether a command does something that commonly fails, and nobody looks at how it ended.
fn can_fail(command: &str) -> bool {
    let first = command.split_whitespace().next().unwrap_or("");
    let harmless = [
        "echo", "printf", "set", "export", "if", "then", "else", "elif", "fi", "for", "while", "until", "do",
        "done", "case", "esac", "{", "}", "}}", "function", "local", "readonly", "sleep", "true", ":", "pwd",
        "date", "env", "ls", "unset", "shift", "break", "continue", "declare", "id", "whoami", "hostname",
        "[", "[[", "test", "!", "wait", "((", "ps", "shopt", "umask", "umount", "kill", "jobs", "in", "tree",
        "find", "stat", "df", "cat",
    ];
    let assignment = first.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    let substitutes = command.contains("=$(") || command.contains("=\"$(") || command.contains('`');
    let handled =
        command.contains("||") || command.ends_with(')') && command.contains("()") || command.ends_with(";;");
    let word = first.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || "./$\"".contains(c));
    word && !handled
        && !command.contains("()")
        && !first.ends_with(')')
        && !harmless.contains(&first)
        && (!assignment || substitutes)
}

fn secrets<'e>(found: &mut Found<'_>, script: &str, env: impl Iterator<Item = &'e EnvVar>, at: &At<'_>) {
    let is_secret = |e: &&EnvVar| e.value_from.as_ref().is_some_and(|s| s.secret_key_ref.is_some());
    let secrets: Vec<&str> = env.filter(is_secret).map(|e| e.name.as_str()).take(SECRETS).collect();
    if secrets.is_empty() || !interpreter(script).is_none_or(|i| i.is_shell()) {
        return;
    }
    let traced = sets(script, 'x', "xtrace");
    let untraced = script.contains("set +x");
    for command in commands(script) {
        let Some(secret) = secrets.iter().find(|name| expands(&command.text, name)) else { continue };
        let (message, help) = if prints(&command.text) {
            (format!("this prints `{secret}`, whose value is a secret"), "leave it out")
        } else if traced && !untraced {
            let message =
                format!("with `set -x` this line is printed with the value of `{secret}`, which is a secret");
            (message, "turn tracing off before it: { set +x; } 2>/dev/null")
        } else {
            continue;
        };
        found.span(&PRINTED_SECRET, place(at, &command), message, help);
    }
}

/// Whether a command contains `$NAME` or `${NAME…}`; `${NAME:+…}` and `${#NAME}` do not show the value.
fn expands(command: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let plain =
        command.match_indices(&format!("${name}")).any(|(i, found)| ends(&command[i + found.len()..]));
    let braced = command.match_indices(&format!("${{{name}")).any(|(i, found)| {
        let rest = &command[i + found.len()..];
        ends(rest) && !rest.starts_with(":+") && !rest.starts_with('+')
    });
    plain || braced
}

/// Whether the output of a command goes to the log: it prints, and nothing takes what it prints.
fn prints(command: &str) -> bool {
    let first = command.split_whitespace().next().unwrap_or("");
    ["echo", "printf", "printenv"].contains(&first) && !command.contains(['|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_a_variable() {
        for command in ["echo $T", "echo \"${T}\"", "x ${T:-none}"] {
            assert!(expands(command, "T"), "{command}");
        }
        for command in ["echo $TT", "echo ${T:+set}", "echo ${#T}", "echo T"] {
            assert!(!expands(command, "T"), "{command}");
        }
        assert!(prints("echo \"$T\""));
        assert!(!prints("echo \"$T\" | login") && !prints("echo $T > f") && !prints("curl $T"));
    }

    #[test]
    fn commands_that_can_fail() {
        for command in ["make all", "cd x", "A=$(curl x)", "./run", "git clone \"$URL\""] {
            assert!(can_fail(command), "{command}");
        }
        for command in ["echo a", "A=b", "make || true", "f() {", "}", "fi", "x) y;;", "export A=b", "*) z"] {
            assert!(!can_fail(command), "{command}");
        }
    }
}
