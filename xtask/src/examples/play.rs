//! One example from a fresh home to its finished objects.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base::Source;
use tekton::load::{Object, load};
use tekton::yaml;

use super::corpus::Example;
use super::stand_in::StandIn;
use super::status::{self, Left};

/// How long a run may take before it is ended and counts as failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// Starts the program in a network of its own that has nothing but loopback: what it does not find here it cannot get,
/// and servers of two examples can have the same port.
const ALONE: [&str; 6] = ["--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"];

/// Lines of what a failed run told that are shown.
const TOLD: usize = 12;

/// What all examples use.
#[derive(Debug)]
pub struct Stage {
    /// The program.
    pub sw: PathBuf,
    /// The image behind every name.
    pub image: StandIn,
}

/// What came of an example.
#[derive(Debug, Default)]
pub struct Played {
    /// One for each run of the file, in its order.
    pub runs: Vec<PlayedRun>,
}

/// What came of a run.
#[derive(Debug)]
pub struct PlayedRun {
    /// The finished objects, the run itself first; none when it was refused.
    pub left: Vec<Left>,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote for people.
    pub told: String,
}

impl Played {
    /// What is wrong when every run must have been refused with `message` in what was told.
    pub fn refusal_differs(&self, message: &str) -> Option<String> {
        let run = self.runs.iter().find(|r| r.code != Some(2) || !r.told.contains(message))?;
        Some(format!("expected to be refused with `{message}`, but: {}", run.end()))
    }
}

impl PlayedRun {
    /// The exit code and the last lines that were told.
    pub fn end(&self) -> String {
        let code = self.code.map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"));
        let lines: Vec<&str> = self.told.lines().collect();
        format!("{code}\n{}", lines[lines.len().saturating_sub(TOLD)..].join("\n"))
    }
}

/// Runs every run of an example, one after the other, with one home: what a claim holds is there for the next one.
///
/// # Errors
/// When the file cannot be read, the program does not start, does not end, or prints something else than YAML.
pub fn play(stage: &Stage, example: &Example) -> Result<Played> {
    let home = tempfile::Builder::new().prefix("sw-example-").tempdir()?;
    symlink(stage.image.store(), home.path().join("store"))?;
    symlink(stage.image.layers(), home.path().join("layers"))?;
    let mut played = Played::default();
    for run in runs(&example.file)? {
        played.runs.push(play_run(stage, example, &run, home.path())?);
    }
    if played.runs.is_empty() {
        bail!("{} has neither a PipelineRun nor a TaskRun", example.file.display());
    }
    Ok(played)
}

/// A run as it is written: its name, or what its name begins with.
struct Written {
    name: String,
    generated: bool,
}

fn runs(file: &Path) -> Result<Vec<Written>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let loaded = load(&Source::new(file.display().to_string(), text)).map_err(anyhow::Error::msg)?;
    let is_run = |object: &&Object| matches!(object, Object::PipelineRun(_) | Object::TaskRun(_));
    let metadata = loaded.documents.iter().map(|d| &d.object).filter(is_run).filter_map(Object::metadata);
    let written = |m: &tekton::types::ObjectMeta| match m.name.as_str() {
        "" => Written { name: m.generate_name.clone(), generated: true },
        name => Written { name: name.to_owned(), generated: false },
    };
    Ok(metadata.map(written).collect())
}

fn play_run(stage: &Stage, example: &Example, run: &Written, home: &Path) -> Result<PlayedRun> {
    let (out, told) = (home.join("out.yaml"), home.join("told"));
    let images = example.images.iter().map(|&image| image.to_owned()).chain(StandIn::aliases());
    let mut command = Command::new("unshare");
    command
        .args(ALONE)
        .arg(&stage.sw)
        .arg("--home")
        .arg(home)
        .args(["run", "--output", "yaml", "--name", &run.name])
        .arg(&example.file)
        .args(&example.settings)
        .args(images.flat_map(|image| ["--image".to_owned(), image]))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(File::create(&told)?);
    let code = wait(&mut command)?;
    let (out, told) = (fs::read_to_string(&out)?, fs::read_to_string(&told)?);
    let left = objects(&out, run).with_context(|| told.clone())?;
    Ok(PlayedRun { left, code, told })
}

/// Runs the command to its end, which is at hand when it takes too long: with its first process, a run ends whole.
fn wait(command: &mut Command) -> Result<Option<i32>> {
    let begun = Instant::now();
    let mut child = command.spawn().context("starting unshare")?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("it did not end in {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The objects that were printed, the random part of the run's name replaced.
fn objects(out: &str, run: &Written) -> Result<Vec<Left>> {
    let nodes = yaml::parse(&Source::new("what sw printed", out)).map_err(anyhow::Error::msg)?;
    let mut objects: Vec<serde_json::Value> =
        nodes.iter().filter(|n| !n.is_null()).map(yaml::Node::to_json).collect();
    let name = objects.first().and_then(|o| o["metadata"]["name"].as_str()).map(str::to_owned);
    if let Some(name) = name.filter(|_| run.generated) {
        let steady = format!("{}{}", run.name, status::RANDOM);
        objects.iter_mut().for_each(|o| status::rename(o, &name, &steady));
    }
    Ok(objects.iter().map(Left::of).collect())
}
