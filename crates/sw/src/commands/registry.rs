//! `sw registry serve`: the local store as a registry.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{Exit, size};
use oci::Store;
use oci::server::{Server, event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Ended;
use crate::cli::RegistryCommand;
use crate::failure::Failure;
use crate::settings::Home;

/// Carries out `sw registry …`.
pub fn run(home: &Home, command: RegistryCommand) -> Result<Ended, Failure> {
    match command {
        RegistryCommand::Serve { listen } => serve(home, listen),
    }
}

/// Serves until a signal; prints the address on standard output, one line per answered write on standard error.
fn serve(home: &Home, listen: SocketAddr) -> Result<Ended, Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let store = Store::open(home.store())?;
    let observer: event::Observer = Arc::new(|event| {
        if let event::Event::Answered { method, path, status, took } = event
            && method != "GET"
            && method != "HEAD"
        {
            anstream::eprintln!("{method} {path} {status} {}", size::duration(took));
        }
    });
    let server = Server::start_observed(store, listen, observer).map_err(|e| Failure::new(Exit::Host, e))?;
    anstream::println!("http://{}", server.addr());
    if !server.addr().ip().is_loopback() {
        anstream::eprintln!(
            "warning: everybody who reaches {} can read and write; there is no authentication",
            server.addr()
        );
    }
    anstream::eprintln!("serving {} until Ctrl-C", home.store().display());
    signals.forever().next();
    server.stop();
    Ok(Exit::Success.into())
}
