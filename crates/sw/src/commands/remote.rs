//! Remote references, for the commands that follow them.

use std::sync::Arc;

use engine::local::stop::Stop;
use oci::Store;
use oci::auth::Keychain;
use resolve::{Remote, Settings};

use crate::failure::Failure;
use crate::settings::{Home, auth_environment, proxies};

/// What remote references are fetched with. `stop` ends the waiting of a run; other commands end with Ctrl-C themselves.
///
/// # Errors
/// When the store cannot be opened, or a file with credentials cannot be understood.
pub fn remote(home: &Home, offline: bool, stop: Option<Stop>) -> Result<Remote, Failure> {
    let store = Store::open(home.store()).map_err(|e| super::engine::unusable(home, e))?;
    let keychain = Keychain::load(&auth_environment())?;
    let settings = Settings::new(home.resolved(), store, keychain, proxies());
    let stop =
        stop.map(|stop| Arc::new(move || stop.asked().is_some()) as Arc<dyn Fn() -> bool + Send + Sync>);
    Ok(Remote::new(Settings { offline, stop, ..settings }))
}
