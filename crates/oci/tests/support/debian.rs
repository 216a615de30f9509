//! Debian's `docker-registry` (distribution 2.8) on a free port.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Settings in YAML.
#[derive(Default)]
pub struct Settings {
    /// More lines.
    pub more: String,
    /// More of `http`, from a comma on.
    pub http: String,
}

pub struct Debian {
    process: Child,
    addr: SocketAddr,
    pub dir: TempDir,
}

impl Debian {
    /// Starts it without a login; `None` (and a word about it) when it is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(|_| Settings::default())
    }

    /// Starts it with more settings, made from the folder that it may use.
    pub fn start_with(more: impl Fn(&TempDir) -> Settings) -> Option<Self> {
        if !testkit::peer::has("docker-registry") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let more = more(&dir);
        // Another process may take the port between looking and listening; then look again.
        for _ in 0..5 {
            let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let root = dir.path().join("data");
            let config = format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: '{addr}', secret: test{}}}\n{}",
                root.display(),
                more.http,
                more.more
            );
            let file = dir.path().join("config.yml");
            fs::write(&file, config).unwrap();
            let log = fs::File::create(dir.path().join("log")).unwrap();
            let mut process = Command::new("docker-registry")
                .arg("serve")
                .arg(&file)
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
                if TcpStream::connect(addr).is_ok() {
                    return Some(Self { process, addr, dir });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("docker-registry did not start: {}", fs::read_to_string(dir.path().join("log")).unwrap());
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn reference(&self, rest: &str) -> oci::Reference {
        format!("{}/{rest}", self.addr).parse().unwrap()
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
