//! Whether a sidecar is ready: Kubernetes probes.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tekton::types::core::Probe;
use tekton::types::core::probe::{ContainerPort, HttpGetAction, IntOrString};

use super::runtime::Runtime;

/// Where probes of one container run.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The runtime that runs it.
    pub runtime: &'a Runtime,
    /// The runtime's folder.
    pub state: &'a Path,
    /// Its id there.
    pub id: &'a str,
    /// Its named ports.
    pub ports: &'a [ContainerPort],
}

/// When a probe is tried, with Kubernetes' defaults.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Before the first try.
    pub delay: Duration,
    /// Between two tries.
    pub period: Duration,
    /// Successes in a row that are needed.
    pub successes: u32,
}

impl Schedule {
    /// The schedule of `probe`.
    ///
    /// The first seconds are tried more often than the period says: on a cluster probes start late anyway, and here a
    /// task waits for its sidecar.
    pub fn of(probe: &Probe) -> Self {
        let seconds = |n: i32| Duration::from_secs(u64::try_from(n).unwrap_or(0));
        let period = if probe.period_seconds > 0 { seconds(probe.period_seconds) } else { seconds(10) };
        Self {
            delay: seconds(probe.initial_delay_seconds),
            period: period.min(Duration::from_millis(250)),
            successes: u32::try_from(probe.success_threshold.max(1)).unwrap_or(1),
        }
    }
}

/// Tries a probe once.
///
/// # Errors
/// What the probe saw instead of success.
pub fn try_once(probe: &Probe, target: Target<'_>) -> Result<(), String> {
    let timeout = Duration::from_secs(u64::try_from(probe.timeout_seconds.max(1)).unwrap_or(1));
    if let Some(exec) = &probe.exec {
        return run(target, &exec.command, timeout);
    }
    if let Some(http) = &probe.http_get {
        return get(http, port(&http.port, target.ports)?, timeout);
    }
    if let Some(tcp) = &probe.tcp_socket {
        return connect(&tcp.host, port(&tcp.port, target.ports)?, timeout).map(drop);
    }
    if let Some(grpc) = &probe.grpc {
        let port = u16::try_from(grpc.port).map_err(|_| format!("{} is not a port", grpc.port))?;
        // The health service answers as soon as the server listens; its reply is not asked for here.
        return connect("", port, timeout).map(drop);
    }
    Ok(())
}

fn run(target: Target<'_>, args: &[String], timeout: Duration) -> Result<(), String> {
    let mut child = target
        .runtime
        .exec(target.state, target.id, args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot run the probe: {e}"))?;
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{} ended with {status}", args.join(" "))),
            None if Instant::now() > deadline => {
                // It may end by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{} took longer than {}s", args.join(" "), timeout.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn connect(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, String> {
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let failed = |e: std::io::Error| format!("{host}:{port}: {e}");
    let mut last = format!("{host}:{port}: no address");
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = failed(e),
        }
    }
    Err(last)
}

fn get(action: &HttpGetAction, port: u16, timeout: Duration) -> Result<(), String> {
    let host = if action.host.is_empty() { "127.0.0.1" } else { &action.host };
    let scheme = if action.scheme.is_empty() { "http".to_owned() } else { action.scheme.to_lowercase() };
    let path = if action.path.starts_with('/') { action.path.clone() } else { format!("/{}", action.path) };
    let url = format!("{scheme}://{host}:{port}{path}");
    // As the kubelet: certificates are not verified, redirects count as success, proxies are not used.
    let client = reqwest::blocking::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .build()
        .map_err(|e| e.to_string())?;
    let mut request = client.get(&url);
    for header in &action.http_headers {
        request = request.header(&header.name, &header.value);
    }
    let status = request.send().map_err(|e| format!("{url}: {e}"))?.status();
    if (200..400).contains(&status.as_u16()) { Ok(()) } else { Err(format!("{url} answered {status}")) }
}

fn port(port: &IntOrString, named: &[ContainerPort]) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(n) => i64::from(*n),
        IntOrString::String(s) => match named.iter().find(|p| p.name == *s) {
            Some(p) => p.container_port.into(),
            None => s.parse().map_err(|_| format!("no port is named `{s}`"))?,
        },
    };
    u16::try_from(number).map_err(|_| format!("{number} is not a port"))
}
