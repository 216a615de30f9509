//! Sets up the engine from settings and arguments; shared by `sw run` and `sw build`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base::wildcard::matches;
use base::{Exit, SystemClock};
use engine::config::Reuse;
use engine::event::Observer;
use engine::local::confine::{self, Entered};
use engine::local::images::Alias;
use engine::local::runtime::Runtime;
use engine::local::stop::{Reason, Stop};
use engine::local::volume::Claims;
use engine::record::Runs;
use oci::Store;
use oci::unpack::Layers;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tekton::prepare::Settings;

use super::{Ended, registry_client};
use crate::cli::EngineArgs;
use crate::failure::Failure;
use crate::output::json::JsonLines;
use crate::output::terminal::Terminal;
use crate::settings::Home;

/// Images that tasks of this project name and that a cluster pulls; here they are this machine.
const OWN_IMAGES: [&str; 2] = ["ghcr.io/streamwright/sw:*", "ghcr.io/streamwright/toolbox:*"];

/// Whether the image is one of those that tasks of this project name.
pub fn is_own_image(image: &str) -> bool {
    OWN_IMAGES.iter().any(|pattern| matches(pattern, image))
}

/// Splits off the private process that a run lives in; gives the exit code when this is the outer one and all is done.
///
/// # Errors
/// When the machine refuses namespaces.
pub fn confined() -> Result<Option<Ended>, Failure> {
    match confine::enter().map_err(|e| Failure::new(Exit::Host, e))? {
        Entered::Inside => Ok(None),
        Entered::Done(code) => Ok(Some(Ended::Code(code))),
    }
}

/// The engine's configuration. `folders` are claims that are folders of this machine, with whether they are read-only.
///
/// # Errors
/// When the store cannot be opened.
pub fn config(
    home: &Home,
    args: &EngineArgs,
    folders: BTreeMap<String, (PathBuf, bool)>,
    observer: Arc<dyn Observer>,
) -> Result<engine::Config, Failure> {
    let this = std::env::current_exe()?;
    let host = |pattern: &str| Alias { pattern: pattern.to_owned(), target: "host".to_owned() };
    let given = args
        .images
        .iter()
        .map(|(pattern, target)| Alias { pattern: pattern.clone(), target: target.clone() });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(engine::Config {
        runs: Runs::new(home.runs()),
        store: Store::open(home.store()).map_err(|e| unusable(home, e))?,
        layers: Layers::open(home.layers()).map_err(|e| unusable(home, e))?,
        client: Some(Arc::new(registry_client(None)?)),
        aliases: given.chain(OWN_IMAGES.map(host)).collect(),
        claims: Claims { dir: home.claims(), folders },
        settings: Settings::default(),
        runtime: Runtime::new(&args.runtime, &this),
        this,
        jobs: args.jobs.map_or(cores, usize::from),
        max_processes: args.max_processes,
        max_log: args.max_log,
        clock: Arc::new(SystemClock),
        observers: vec![observer],
        stop: stop_on_signals()?,
        reuse: Reuse::default(),
        foreknown: None,
        shell: None,
    })
}

/// What to say when the home folder cannot be used.
pub fn unusable(home: &Home, error: impl std::fmt::Display) -> Failure {
    let dir = home.dir().display();
    let message = format!("cannot use {dir}: {error}; --home or STREAMWRIGHT_HOME name another folder");
    Failure::new(Exit::Failed, anyhow::Error::msg(message))
}

/// The observer of a run: events as `json` lines, else lines for people. `rerun` is the command line that runs it again.
pub fn observer(home: &Home, args: &EngineArgs, json: bool, rerun: &str) -> Arc<dyn Observer> {
    if json {
        return Arc::new(JsonLines);
    }
    Arc::new(Terminal::new(args.logs, home.runs(), rerun.to_owned()))
}

/// The first signal stops the run in order; the second one ends the process, and the kernel ends everything in it.
fn stop_on_signals() -> Result<Stop, Failure> {
    let stop = Stop::new()?;
    // Ctrl-C reaches this process from the terminal and, as SIGTERM, from the outer one; only the latter counts.
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    let asked = stop.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever().filter(|s| *s != SIGINT) {
            let _ = signal;
            if asked.asked().is_some() {
                #[expect(
                    clippy::exit,
                    reason = "the user asked a second time: end now, the kernel cleans up"
                )]
                std::process::exit(Exit::Interrupted.code().into());
            }
            anstream::eprintln!("stopping; press Ctrl-C again to end at once");
            asked.ask(Reason::Cancelled);
        }
    })?;
    Ok(stop)
}
