//! One file per command: from parsed arguments to an exit code.

mod answering;
mod approval;
mod branch;
mod build;
mod build_outcome;
mod build_record;
mod cache;
mod cache_lookup;
mod cache_prune;
mod cache_rebase;
mod cache_stats;
mod changed_files;
mod doctor;
mod engine;
mod foreign;
mod found_at_once;
mod graph;
mod import;
mod inputs;
mod known_builds;
mod local_build;
mod logs;
mod newest_build;
mod oci_runtime;
mod plan;
mod prebuilt;
mod registry;
mod release;
mod remote;
mod render;
mod resume;
mod run;
mod run_inputs;
mod runs;
mod scan;
mod store;
mod stream;
mod trigger;
mod validate;
mod vendor;
mod watch;
mod why;

use std::time::Duration;

use base::Exit;
use oci::client::{Client, ClientConfig, RetryPolicy};

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::settings::Home;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In one of the documented ways.
    With(Exit),
    /// With the code of a process that it stands for.
    Code(u8),
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self::With(exit)
    }
}

/// Carries out the command line.
///
/// # Errors
/// What did not work, with the exit code.
pub fn run(cli: Cli) -> Result<Ended, Failure> {
    let home = Home::new(cli.home);
    match cli.command {
        Command::Build(args) => build::run(&home, &args),
        Command::Plan(args) => plan::plan(&home, &args),
        Command::Why(args) => why::why(&home, &args),
        Command::Rdeps(args) => why::rdeps(&home, &args),
        Command::Render(args) => render::run(&home, &args),
        Command::Lock(args) => stream::lock(&home, &args),
        Command::Update(args) => stream::update::run(&home, &args),
        Command::Branch(args) => branch::run(&home, &args),
        Command::Import(command) => import::run(&home, &command),
        Command::Bases(args) => stream::bases::run(&home, &args),
        Command::Stream(command) => stream::show::run(&home, &command),
        Command::Approve(args) => approval::approve(&home, &args),
        Command::Approval(command) => approval::run(&command),
        Command::Scan(args) => scan::run(&args),
        Command::Run(args) => run::run(&home, &args),
        Command::Graph(args) => graph::run(&home, &args),
        Command::Validate(args) => validate::run(&home, &args),
        Command::Vendor(args) => vendor::run(&home, &args),
        Command::Trigger(args) => trigger::run(&home, &args),
        Command::Runs(args) => runs::run(&home, &args),
        Command::Shell(args) => resume::shell(&home, &args),
        Command::Logs(args) => logs::run(&home, &args),
        Command::Release(command) => release::run(&home, command),
        Command::Registry(command) => registry::run(&home, command),
        Command::Store(command) => store::run(&home, command),
        Command::Cache(command) => cache::run(&home, command),
        Command::Doctor(args) => doctor::run(&home, &args),
        Command::OciRuntime(args) => Ok(oci_runtime::run(&args)),
    }
}

/// A client with this user's credentials; `insecure` is a registry that may speak plain http.
///
/// # Errors
/// When a file with credentials cannot be understood.
fn registry_client(insecure: Option<String>) -> Result<Client, Failure> {
    Ok(Client::new(client_config(insecure)?))
}

/// Like [`registry_client`], for what may as well be missing: it is tried only so often, and not waited for long.
///
/// # Errors
/// As for [`registry_client`].
fn hasty_client(insecure: Option<String>, attempts: u32, patience: Duration) -> Result<Client, Failure> {
    let retry = RetryPolicy { attempts, ..RetryPolicy::default() };
    Ok(Client::new(ClientConfig { retry, patience, ..client_config(insecure)? }))
}

fn client_config(insecure: Option<String>) -> Result<ClientConfig, Failure> {
    let keychain = oci::auth::Keychain::load(&crate::settings::auth_environment())?;
    let insecure = insecure.into_iter().collect();
    let proxies = crate::settings::proxies();
    let mirrors = crate::settings::mirrors().map_err(Failure::invalid)?;
    Ok(ClientConfig { keychain, insecure, proxies, mirrors, ..ClientConfig::default() })
}
