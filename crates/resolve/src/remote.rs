//! Fetches each reference once a run, from what is kept or from where it is.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use base::Digest;
use git::Until;
use oci::Store;
use oci::auth::Keychain;
use oci::client::web::Web;
use oci::client::{Client, ClientConfig, Proxies};
use tekton::catalog::Catalog;
use tekton::types::Param;

use crate::cache::{Cache, Kept, key};
use crate::git_file::Clones;
use crate::params::Params;
use crate::problem::Problem;
use crate::source::{self, Fetched, LIMIT, Machine, Source};

/// How often a request to stop is looked at.
const TICK: Duration = Duration::from_millis(20);

/// How long `cache: always` takes what may have changed meanwhile.
const FRESH: Duration = Duration::from_secs(300);

/// What references are fetched with.
pub struct Settings {
    /// Where definitions are kept.
    pub cache: PathBuf,
    /// Images that are here.
    pub store: Store,
    /// The user's credentials for registries.
    pub keychain: Keychain,
    /// Ways through a firewall.
    pub proxies: Proxies,
    /// Whether the network is not to be used.
    pub offline: bool,
    /// Says when the user wants an end; asked often, from several threads.
    pub stop: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// How long one reference may take; [`LIMIT`] is Tekton's.
    pub limit: Duration,
}

impl Settings {
    /// With the usual limit, the network, and nobody who stops it.
    pub fn new(cache: PathBuf, store: Store, keychain: Keychain, proxies: Proxies) -> Self {
        Self { cache, store, keychain, proxies, offline: false, stop: None, limit: LIMIT }
    }
}

/// Fetches references. Each is fetched once, whoever asks how often; usable from several threads at once.
pub struct Remote {
    cache: Cache,
    machine: Arc<Machine>,
    stop: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    limit: Duration,
    known: Mutex<HashMap<Digest, Slot>>,
}

/// A reference that is being fetched, or was.
type Slot = Arc<OnceLock<Result<Arc<Fetched>, Problem>>>;

impl Remote {
    /// Nothing is fetched yet.
    pub fn new(settings: Settings) -> Self {
        let Settings { cache, store, keychain, proxies, offline, stop, limit } = settings;
        let client =
            Client::new(ClientConfig { keychain, proxies: proxies.clone(), ..ClientConfig::default() });
        let web = Web::new(proxies.clone());
        let machine = Machine { store, client, web, proxies, clones: Clones::default(), offline };
        Self { cache: Cache::new(cache), machine: Arc::new(machine), stop, limit, known: Mutex::default() }
    }

    /// What the reference with this resolver and these parameters means; `catalog` has the secrets that they name.
    ///
    /// # Errors
    /// See [`Problem`].
    pub fn fetch(
        &self,
        resolver: &str,
        params: &[Param],
        catalog: &Catalog,
    ) -> Result<Arc<Fetched>, Problem> {
        let params = Params { list: params, catalog };
        let source = source::of(resolver, params)?;
        let key = key(resolver, params.list);
        let slot = self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        slot.get_or_init(|| self.get(key, params.text("cache").unwrap_or("auto"), source).map(Arc::new))
            .clone()
    }

    fn get(&self, key: Digest, policy: &str, source: Box<dyn Source>) -> Result<Fetched, Problem> {
        let asked = source.describe();
        let kept = self.cache.read(key);
        let enough = |kept: &Kept| match policy {
            "never" => false,
            "always" => source.is_fixed() || kept.age < FRESH,
            _ => source.is_fixed(),
        };
        if let Some(kept) = kept.as_ref().filter(|kept| enough(kept)) {
            return Ok(kept.fetched.clone());
        }
        match (self.wait(source), kept) {
            (Ok(fetched), _) => {
                // What cannot be kept is fetched again the next time.
                let _ = self.cache.write(key, &asked, &fetched);
                Ok(fetched)
            }
            // Repositories on this machine are read without a network, too; those that are gone were kept.
            (Err(Problem::Offline { .. } | Problem::Fetch { .. }), Some(kept)) if self.machine.offline => {
                Ok(kept.fetched)
            }
            (Err(problem), _) => Err(problem),
        }
    }

    /// Fetches on a thread of its own, which is left behind when its time is over: not everything that waits for a server
    /// can be interrupted, but nobody has to wait with it.
    fn wait(&self, source: Box<dyn Source>) -> Result<Fetched, Problem> {
        let what = source.describe();
        let mut until = Until::never().within(self.limit);
        if let Some(stop) = &self.stop {
            until = until.stopped_by(stop.clone());
        }
        let (machine, theirs) = (self.machine.clone(), until.clone());
        let (give, take) = mpsc::channel();
        let failed = |why: String| Problem::Fetch { what: what.clone(), why };
        thread::Builder::new()
            .name("resolve".to_owned())
            .spawn(move || {
                // A receiver that is gone did not want to wait any longer.
                let _ = give.send(source.fetch(&machine, &theirs));
            })
            .map_err(|e| failed(e.to_string()))?;
        loop {
            match take.recv_timeout(TICK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => return Err(failed("the resolver broke".to_owned())),
                Err(RecvTimeoutError::Timeout) if until.is_stopped() => {
                    return Err(Problem::Stopped { what });
                }
                Err(RecvTimeoutError::Timeout) if until.is_over() => {
                    return Err(Problem::TooSlow { what, limit: self.limit });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
