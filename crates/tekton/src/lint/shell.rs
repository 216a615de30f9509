//! What is known of scripts: their interpreter, and how it was told to behave.

/// The program that reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interpreter<'a> {
    /// Without its folder: `bash`.
    pub(super) name: &'a str,
    /// What stands behind it on the `#!` line.
    pub(super) options: &'a str,
}

impl Interpreter<'_> {
    pub(super) fn is_shell(&self) -> bool {
        is_shell(self.name)
    }
}

/// Whether a program is a shell of the Bourne family.
pub(super) fn is_shell(program: &str) -> bool {
    ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"].contains(&base_name(program))
}

/// Whether a program takes program text after `-c` or `-e`.
pub(super) fn takes_text(program: &str) -> bool {
    let name = base_name(program);
    let others = ["python", "python2", "python3", "perl", "ruby", "node"];
    is_shell(name) || others.contains(&name) || name.starts_with("python3.")
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The interpreter on the `#!` line; none when there is no such line, and Tekton takes `/bin/sh` with `set -e` (§2.3).
pub(super) fn interpreter(script: &str) -> Option<Interpreter<'_>> {
    let line = script.trim_start().strip_prefix("#!")?.lines().next()?.trim();
    let (program, mut rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut name = base_name(program);
    if name == "env" {
        rest = rest.trim_start().strip_prefix("-S").unwrap_or(rest).trim_start();
        let (real, options) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        (name, rest) = (base_name(real), options);
    }
    Some(Interpreter { name, options: rest.trim() })
}

/// Whether a shell is told to do `letter` (`e` of `set -e`), under the `long` name too (`errexit`): on the `#!` line or
/// by a `set` anywhere.
pub(super) fn sets(script: &str, letter: char, long: &str) -> bool {
    let asks = |words: &str| {
        let mut words = words.split_whitespace();
        let mut found = false;
        while let Some(word) = words.next().filter(|w| w.starts_with('-') && *w != "--") {
            let flags = &word[1..];
            found |= !flags.starts_with('-') && flags.contains(letter);
            if flags.ends_with('o') {
                found |= words.next() == Some(long);
            }
        }
        found
    };
    let line = interpreter(script).is_some_and(|i| asks(i.options));
    line || script.split(['\n', ';', '&', '|']).any(|command| {
        command.trim_start().strip_prefix("set ").is_some_and(|options| asks(options.trim_start()))
    })
}

/// A command of a script: its first line, joined with those that continue it, and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) text: String,
    pub(super) start: usize,
}

/// The commands of a script, without comments and the bodies of here-documents.
pub(super) fn commands(script: &str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut here: Option<String> = None;
    let (mut start, mut continued) = (0, false);
    for line in script.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let text = line.trim();
        if let Some(end) = &here {
            if text == end {
                here = None;
            }
            continue;
        }
        if text.is_empty() || text.starts_with('#') {
            continued = false;
            continue;
        }
        here = here_document(text);
        let goes_on = text.ends_with(['\\', '|']) || text.ends_with("&&");
        match commands.last_mut().filter(|_| continued) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(text);
            }
            None => {
                let indent = line.len() - line.trim_start().len();
                commands.push(Command { text: text.to_owned(), start: at + indent });
            }
        }
        continued = goes_on;
    }
    commands
}

/// The word that ends the here-document which begins on a line.
fn here_document(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("<<")?;
    if rest.starts_with('<') {
        return None;
    }
    let word = rest.trim_start_matches('-').trim_start();
    let word: String = word
        .chars()
        .filter(|c| !"'\"\\".contains(*c))
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        let name = |script| interpreter(script).map(|i| (i.name, i.options));
        assert_eq!(name("#!/bin/bash -ex\n"), Some(("bash", "-ex")));
        assert_eq!(name("#!/usr/bin/env -S python3 -u"), Some(("python3", "-u")));
        assert_eq!(name("#!/usr/bin/env bash"), Some(("bash", "")));
        assert_eq!(name("echo"), None);
    }

    #[test]
    fn options_of_shells() {
        for script in [
            "#!/bin/sh -e\n",
            "#!/bin/sh\nset -eux",
            "set -o errexit",
            "a; set -uo pipefail -e",
            "set -euo pipefail",
        ] {
            assert!(sets(script, 'e', "errexit"), "{script}");
        }
        for script in ["#!/bin/sh\n", "set -u", "set -o pipefail", "set +e", "offset -e", "set -- -e"] {
            assert!(!sets(script, 'e', "errexit"), "{script}");
        }
    }

    #[test]
    fn commands_of_scripts() {
        let script = "#!/bin/sh\n# note\na \\\n  b\ncat <<'EOF'\ntext\nEOF\nc | \n d\n";
        let texts: Vec<String> = commands(script).into_iter().map(|c| c.text).collect();
        assert_eq!(texts, ["a \\ b", "cat <<'EOF'", "c | d"]);
    }
}
