//! A place with a cache and a store, a repository, and a small web server.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use oci::Store;
use oci::auth::Keychain;
use oci::client::Proxies;
use resolve::{Fetched, Problem, Remote, Settings};
use serde_json::json;
use tekton::catalog::Catalog;
use tekton::load::{Document, load};
use tekton::types::Param;
use tempfile::TempDir;

/// A task called `name`.
pub fn task(name: &str) -> String {
    format!(
        "# Greets.\napiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: {name}\nspec:\n  steps:\n  - name: s\n    image: \
         example.com/i:1\n    script: echo {name}\n"
    )
}

/// A cache and a store.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn store(&self) -> Store {
        Store::open(self.path("store")).unwrap()
    }

    pub fn settings(&self) -> Settings {
        Settings::new(self.path("cache"), self.store(), Keychain::anonymous(), Proxies::default())
    }

    pub fn remote(&self) -> Remote {
        Remote::new(self.settings())
    }

    pub fn offline(&self) -> Remote {
        Remote::new(Settings { offline: true, ..self.settings() })
    }
}

pub fn params(pairs: &[(&str, &str)]) -> Vec<Param> {
    pairs.iter().map(|(n, v)| serde_json::from_value(json!({"name": n, "value": v})).unwrap()).collect()
}

pub fn documents(text: &str) -> Vec<Document> {
    load(&base::Source::new("run.yaml", text)).unwrap().documents
}

pub fn catalog(text: &str) -> Catalog {
    Catalog::new(documents(text), &mut |prefix| format!("{prefix}x")).unwrap()
}

/// A reference through a resolver, with secrets in `text`.
pub fn fetch_with(
    remote: &Remote,
    text: &str,
    resolver: &str,
    pairs: &[(&str, &str)],
) -> Result<Arc<Fetched>, Problem> {
    remote.fetch(resolver, &params(pairs), &catalog(text))
}

pub fn fetch(remote: &Remote, resolver: &str, pairs: &[(&str, &str)]) -> Result<Arc<Fetched>, Problem> {
    fetch_with(remote, "", resolver, pairs)
}

/// A repository made by git itself.
pub struct Repository(pub PathBuf);

impl Repository {
    pub fn new(dir: PathBuf) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        let new = Self(dir);
        new.git(&["init", "--quiet", "-b", "main"]);
        new
    }

    pub fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args).current_dir(&self.0);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything; gives the commit.
    pub fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn url(&self) -> &str {
        path_text(&self.0)
    }
}

pub fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a server was asked: the first line and the headers.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<String>,
}

/// Status, extra header lines and body.
pub type Answer = (u16, String, Vec<u8>);

/// A web server that answers as it is told, and remembers what it was asked.
pub struct Web {
    pub addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines =
                    BufReader::new(&stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty());
                let Some(first) = lines.next() else { continue };
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let question = Asked { path, headers: lines.map(|l| l.to_lowercase()).collect() };
                memory.lock().unwrap().push(question.clone());
                let (status, extra, body) = answer(&question);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{extra}\r\n",
                    body.len()
                );
                // A client that has seen enough hangs up.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Self { addr, asked }
    }

    /// Serves these documents, and nothing else.
    pub fn of(documents: Vec<(&'static str, String)>) -> Self {
        Self::start(move |asked| match documents.iter().find(|(path, _)| *path == asked.path) {
            Some((_, text)) => (200, String::new(), text.clone().into_bytes()),
            None => (404, String::new(), Vec::new()),
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// The message of what must have failed.
pub fn message<T>(result: Result<T, Problem>) -> String {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(problem) => problem.to_string(),
    }
}
