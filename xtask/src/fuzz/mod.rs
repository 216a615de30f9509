//! Damaged input for everything that reads input: `cargo xtask fuzz [SECONDS] [TARGET]`.
//!
//! Each target gets seeds with damage done to them, one input after the other, in a process of its own: a panic, an overflow
//! of the stack, an abort and a hang all end that process, and its number of the last input is all that is needed to get
//! that input again: `cargo xtask fuzz TARGET --input N`. An input is made of its number alone.
//!
//! No coverage guides it. libFuzzer needs a sanitizer runtime and a second, instrumented build of the workspace; AFL needs
//! its own compiler. Both are for a nightly toolchain and for hours; this is for every change and twenty seconds.
//!
//! - [`target`]: what is fuzzed, and with which seeds
//! - `overlay`: what is done with overlays
//! - [`damage`]: from a seed and a number to an input
//! - `watch`: the processes

pub mod damage;
mod overlay;
pub mod target;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use target::{TARGETS, Target};

/// What is asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// For all targets together; 20 by default.
    pub seconds: Option<u64>,
    /// Only this one.
    pub target: Option<String>,
    /// Only this input, in this process.
    pub input: Option<u64>,
    /// The number of the first input; the time of day by default, so that every run looks at others.
    pub from: Option<u64>,
    /// The file that takes the number of each input before it is tried: this process is a watched one.
    pub progress: Option<String>,
}

impl Request {
    /// Reads the arguments behind `fuzz`.
    ///
    /// # Errors
    /// When an argument is not known.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut request = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut number = || -> Result<u64> {
                let value = args.next().with_context(|| format!("{arg} takes a number"))?;
                value.parse().with_context(|| format!("{arg} takes a number, not {value}"))
            };
            match arg.as_str() {
                "--input" => request.input = Some(number()?),
                "--from" => request.from = Some(number()?),
                "--progress" => request.progress = args.next(),
                _ => match arg.parse() {
                    Ok(seconds) => request.seconds = Some(seconds),
                    Err(_) => request.target = Some(arg),
                },
            }
        }
        Ok(request)
    }

    fn targets(&self) -> Result<Vec<&'static Target>> {
        let wanted = |t: &&Target| self.target.as_deref().is_none_or(|name| name == t.name);
        let targets: Vec<_> = TARGETS.iter().filter(wanted).collect();
        if targets.is_empty() {
            let names: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
            bail!("there is no such target; there are {}", names.join(", "));
        }
        Ok(targets)
    }
}

/// Fuzzes as asked for.
///
/// # Errors
/// What was found, with the command that shows it again.
pub fn run(root: &Path, request: &Request) -> Result<()> {
    let targets = request.targets()?;
    if let (Some(input), [target]) = (request.input, &targets[..]) {
        let seeds = target.seeds(root)?;
        println!("{} bytes", target.input(&seeds, input).len());
        (target.run)(&target.input(&seeds, input));
        println!("{} {input}: fine", target.name);
        return Ok(());
    }
    let time = Duration::from_secs(request.seconds.unwrap_or(20)) / u32::try_from(targets.len())?;
    let from = request.from.unwrap_or_else(now);
    if let (Some(progress), [target]) = (&request.progress, &targets[..]) {
        return watch::child(target, &target.seeds(root)?, from, time, Path::new(progress));
    }
    let mut found = Vec::new();
    for target in targets {
        match watch::parent(target, from, time)? {
            watch::Ended::Fine { inputs } => println!("{:14} {inputs} inputs from {from}", target.name),
            watch::Ended::Found { input, what } => found.push(format!(
                "{} {what}; again: cargo xtask fuzz {} --input {input}",
                target.name, target.name
            )),
        }
    }
    if found.is_empty() { Ok(()) } else { bail!("{}", found.join("\n")) }
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs() % 1_000_000 * 1_000_000)
}

/// Tries inputs in this process until the time is over; gives how many.
pub fn try_inputs(
    target: &Target,
    seeds: &[Vec<u8>],
    from: u64,
    time: Duration,
    mut before: impl FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let start = Instant::now();
    let mut number = from;
    while start.elapsed() < time {
        before(number)?;
        (target.run)(&target.input(seeds, number));
        number += 1;
    }
    Ok(number - from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parsed(args: &[&str]) -> Request {
        Request::parse(args.iter().map(|a| (*a).to_owned())).unwrap()
    }

    #[test]
    fn arguments() {
        let wanted = Request { seconds: Some(5), target: Some("layer".into()), ..Request::default() };
        assert_eq!(parsed(&["5", "layer"]), wanted);
        assert_eq!(parsed(&["layer", "--input", "7"]).input, Some(7));
        assert!(Request::parse(["--input".to_owned()]).is_err());
        assert!(parsed(&["nothing"]).targets().is_err());
    }

    #[test]
    fn a_number_is_an_input() {
        let root = crate::root();
        for target in TARGETS {
            let seeds = target.seeds(&root).unwrap();
            assert!(!seeds.is_empty(), "{}", target.name);
            for number in [0, 1, 77] {
                assert_eq!(target.input(&seeds, number), target.input(&seeds, number), "{}", target.name);
            }
            let all: std::collections::BTreeSet<_> = (0..50).map(|n| target.input(&seeds, n)).collect();
            assert!(all.len() > 40, "{}: only {} of 50 inputs differ", target.name, all.len());
        }
    }

    /// The seeds themselves are what the targets read every day: they must get through, and far.
    #[test]
    fn seeds_and_a_little_damage() {
        let root = crate::root();
        for target in TARGETS {
            let seeds = target.seeds(&root).unwrap();
            seeds.iter().for_each(|seed| (target.run)(seed));
            (0..20).for_each(|number| (target.run)(&target.input(&seeds, number)));
        }
    }
}
