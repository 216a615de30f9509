//! Errors with the exit code they end in.

use std::io::IsTerminal;

use base::diagnostic::suggestion;
use base::{Diagnostics, Exit};

use crate::commands::Ended;

/// The most findings that are told: behind so many, a reader finds nothing, and most follow from the first.
const TOLD: usize = 50;

/// A command that did not work.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Ended,
    error: anyhow::Error,
}

impl Failure {
    /// `error` ends the program with `exit`.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Ended::With(exit), error: error.into() }
    }

    /// A message about wrong input.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, anyhow::Error::msg(message.into()))
    }

    /// There is nothing called `name`, as `message` begins to say; what was meant, or what there is.
    pub fn unknown<'a>(message: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::invalid(format!("{message} `{name}`; {}", suggestion(name, known)))
    }

    /// On standard error: findings with the text they are about, everything else as one line.
    pub fn print(&self) {
        let colour = colour_wanted(&std::io::stderr());
        if let Some(diagnostics) = self.error.downcast_ref::<Diagnostics>() {
            let (told, more) = diagnostics.0.split_at(diagnostics.0.len().min(TOLD));
            let told: Vec<String> = told.iter().map(|finding| finding.render(colour)).collect();
            anstream::eprintln!("{}", told.join("\n\n"));
            if !more.is_empty() {
                anstream::eprintln!("\nand {} more; correct these first", more.len());
            }
        } else {
            anstream::eprintln!("{}error:{} {self}", crate::output::terminal::RED, anstyle::Reset);
        }
    }
}

/// Whether findings on `stream` are coloured.
pub fn colour_wanted(stream: &impl IsTerminal) -> bool {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Never => false,
        anstream::ColorChoice::Auto => stream.is_terminal(),
        _ => true,
    }
}

impl std::fmt::Display for Failure {
    /// The message and its causes; many messages quote their cause, and nobody wants to read it twice.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = String::new();
        for cause in self.error.chain() {
            let text = cause.to_string();
            if told.is_empty() {
                told = text;
            } else if !told.contains(&text) {
                told = format!("{told}: {text}");
            }
        }
        f.write_str(&told)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    /// Findings about input end in [`Exit::Invalid`], everything else in [`Exit::Failed`].
    fn from(error: E) -> Self {
        let error = error.into();
        let exit = if error.is::<Diagnostics>() { Exit::Invalid } else { Exit::Failed };
        Self { exit: Ended::With(exit), error }
    }
}
