//! The command line of `cargo xtask examples`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// How the examples are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Only those with one of these texts in their name; all when there are none.
    pub only: Vec<String>,
    /// Examples that run at the same time.
    pub jobs: usize,
    /// The program; built when not given.
    pub sw: Option<PathBuf>,
    /// Writes what came out of an example of the repository that has no expected outcome yet.
    pub record: bool,
}

/// What the command line takes.
pub const USAGE: &str = "\
usage: cargo xtask examples [--only TEXT]... [--jobs N] [--sw FILE] [--record]
  --only TEXT  run those with TEXT in their name; may be given several times
  --jobs N     run N at the same time [default: one and a half for each processor]
  --sw FILE    run this program instead of building one
  --record     write the outcome of an example in examples/ that has none yet; read it before you commit it";

impl Options {
    /// # Errors
    /// What cannot be understood, with the usage.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self> {
        // Most examples wait: for a sleep, for a sidecar, for a container to start.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = processors + processors.div_ceil(2);
        let mut options = Self { only: Vec::new(), jobs, sw: None, record: false };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--only" => options.only.push(value()?),
                "--jobs" => {
                    let given = value()?;
                    let jobs = given.parse().ok().filter(|n| *n > 0);
                    options.jobs =
                        jobs.with_context(|| format!("--jobs takes a number from 1, not `{given}`"))?;
                }
                "--sw" => options.sw = Some(value()?.into()),
                "--record" => options.record = true,
                _ => bail!("`{word}` is not understood\n{USAGE}"),
            }
        }
        Ok(options)
    }

    /// Whether an example of this name is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words() {
        let options = parse("--only matrix --only finally --jobs 3 --sw bin/sw").unwrap();
        assert_eq!((options.jobs, options.sw.clone()), (3, Some("bin/sw".into())));
        assert!(options.wants("beta/pipelinerun-with-matrix"));
        assert!(!options.wants("results"));
        assert!(parse("").unwrap().wants("anything"));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (line, told) in [
            ("--jobs 0", "--jobs takes a number from 1, not `0`"),
            ("--jobs", "--jobs needs a value"),
            ("matrix", "`matrix` is not understood"),
        ] {
            assert!(parse(line).unwrap_err().to_string().starts_with(told), "{line}");
        }
    }
}
