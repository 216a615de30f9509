//! Our server over a store in a temporary directory.

use std::net::SocketAddr;

use oci::Store;
use oci::server::Server;
use oci::server::event::Observer;
use tempfile::TempDir;

/// Any free port of this machine.
pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

pub struct Ours {
    pub store: Store,
    pub server: Server,
    pub dir: TempDir,
}

impl Ours {
    pub fn start() -> Self {
        Self::start_observed(oci::server::event::unobserved())
    }

    pub fn start_observed(observer: Observer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        let server = Server::start_observed(store.clone(), LOOPBACK, observer).unwrap();
        Self { store, server, dir }
    }

    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub fn reference(&self, rest: &str) -> oci::Reference {
        format!("{}/{rest}", self.addr()).parse().unwrap()
    }
}
