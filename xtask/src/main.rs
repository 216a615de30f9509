//! `cargo xtask generate|check|deps|parity|sizes|fuzz|examples`

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::examples::{self, options::Options};
use xtask::{deps, fuzz, generate, parity, root, sizes};

const USAGE: &str = "\
usage: cargo xtask COMMAND
  generate  write the reference pages that are made of the code
  check     tell whether they are up to date, and run deps, parity and sizes
  deps      tell whether crates use only what they may
  parity    tell whether every feature of Tekton has its tests, and fields are as in Tekton
  sizes     tell whether files are short enough
  fuzz      [SECONDS] [TARGET] [--input N]: try damaged input
  examples  run the examples and compare what they leave with what they must leave (`make examples`)";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    match run(&command) {
        Ok(true) => ExitCode::SUCCESS,
        // What failed has been told.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str) -> Result<bool> {
    let root = root();
    let problems = match command {
        "generate" => {
            for path in generate::write(&root)? {
                println!("wrote {path}");
            }
            Vec::new()
        }
        "check" => {
            [generate::drift(&root)?, deps::check(&root)?, parity::check(&root)?, sizes::check(&root)?]
                .concat()
        }
        "fuzz" => {
            fuzz::run(&root, &fuzz::Request::parse(std::env::args().skip(2))?)?;
            Vec::new()
        }
        "deps" => deps::check(&root)?,
        "parity" => parity::check(&root)?,
        "sizes" => sizes::check(&root)?,
        "examples" => return examples::run(&root, &Options::parse(std::env::args().skip(2))?),
        _ => bail!("`{command}` is not a command\n{USAGE}"),
    };
    if problems.is_empty() { Ok(true) } else { bail!("{}", problems.join("\n")) }
}
