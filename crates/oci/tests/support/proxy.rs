//! Connections to a server that break after some bytes.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// When a connection breaks.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// After so many bytes to the client.
    Down(usize),
    /// After so many bytes to the server.
    Up(usize),
    /// Never.
    None,
}

pub struct Proxy {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Passes connections on; the first ones break by `faults`, in order, all later ones by `then`.
    pub fn start(to: SocketAddr, faults: &[Fault], then: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let faults = Mutex::new(faults.iter().copied().collect::<VecDeque<_>>());
        let thread = std::thread::spawn({
            let (connections, stop) = (Arc::clone(&connections), Arc::clone(&stop));
            move || {
                for client in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    connections.fetch_add(1, Ordering::SeqCst);
                    let fault = faults.lock().unwrap().pop_front().unwrap_or(then);
                    let (client, server) = (client.unwrap(), TcpStream::connect(to).unwrap());
                    let (up, down) = match fault {
                        Fault::Up(n) => (n, usize::MAX),
                        Fault::Down(n) => (usize::MAX, n),
                        Fault::None => (usize::MAX, usize::MAX),
                    };
                    pass(client.try_clone().unwrap(), server.try_clone().unwrap(), up);
                    pass(server, client, down);
                }
            }
        });
        Self { addr, connections, stop, thread: Some(thread) }
    }

    pub fn reference(&self, rest: &str) -> oci::Reference {
        format!("{}/{rest}", self.addr).parse().unwrap()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Passes bytes on until one side ends or `budget` is used up; then both directions end.
fn pass(mut from: TcpStream, mut to: TcpStream, mut budget: usize) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 << 10];
        while budget > 0 {
            let most = buffer.len().min(budget);
            match from.read(&mut buffer[..most]) {
                Ok(n) if n > 0 && to.write_all(&buffer[..n]).is_ok() => budget = budget.saturating_sub(n),
                _ => break,
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
