#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use super::*;

#[test]
fn transports_that_run_programs_are_refused_by_git_too() {
    let dir = tempfile::tempdir().unwrap();
    let ran = dir.path().join("ran");
    let url = format!("ext::touch {}", ran.display());
    let error = Git::new().within(dir.path()).run(&["ls-remote", "--", &url]).unwrap_err();
    assert!(error.to_string().contains("transport 'ext' not allowed"), "{error}");
    assert!(!ran.exists());
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", silent.local_addr().unwrap());
    let until = Until::never().within(Duration::from_millis(300));
    let error = Git::new().until(until).run(&["ls-remote", "--", &url]).unwrap_err();
    assert!(matches!(error, GitError::TooSlow), "{error}");
    let until = Until::never().stopped_by(Arc::new(|| true));
    let error = Git::new().until(until).run(&["ls-remote", "--", &url]).unwrap_err();
    assert!(matches!(error, GitError::Stopped), "{error}");
}

#[test]
fn a_token_is_neither_on_the_command_line_nor_for_other_servers() {
    let git = Git::new().with_token("https://h.example/x.git", "hunter2").unwrap();
    let command = git.command(&["fetch", "--", "https://h.example/x.git"]);
    let words: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    assert!(!words.join(" ").contains("hunter2"));
    let fill = |url: &str| {
        let mut command = git.command(&["credential", "fill"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let question = format!("url={url}\n\n");
        Write::write_all(&mut child.stdin.take().unwrap(), question.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert!(fill("https://h.example").contains("password=hunter2"));
    assert!(!fill("https://other.example").contains("hunter2"));
    assert!(Git::new().with_token("ssh://h/x", "t").is_err());
    assert!(Git::new().with_token("https://h/x", "t\nhost=other").is_err());
}

#[test]
fn the_reason_is_the_line_that_says_it() {
    let said = "remote: hello\nfatal: couldn't find remote ref nope\nhint: look there\n";
    assert_eq!(last_words(said), "couldn't find remote ref nope");
    let said = "ssh: Could not resolve hostname h\nfatal: Could not read from remote repository.\n\nPlease make sure\n";
    assert_eq!(last_words(said), "ssh: Could not resolve hostname h");
    let said =
        "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.\n";
    assert_eq!(last_words(said), "'/x' does not appear to be a git repository");
    let said = "fatal: detected dubious ownership in repository at '/x'\nTo add an exception\n";
    assert!(
        last_words(said).ends_with("git config --global --add safe.directory '/x'"),
        "{}",
        last_words(said)
    );
    assert_eq!(last_words(""), "git said nothing");
}

/// Not as patient as with real servers.
fn hasty() -> Git {
    Git::new().patience(Patience {
        silence: Duration::from_millis(400),
        attempts: 3,
        first_pause: Duration::from_millis(10),
    })
}

#[test]
fn a_server_that_takes_the_connection_and_says_nothing_is_named() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let url = format!("git://{address}/x.git");
    let error = hasty().talk(&url, &["ls-remote", "--", &url]).unwrap_err();
    assert!(matches!(&error, GitError::Silent { host, .. } if *host == address), "{error}");
    assert!(error.to_string().starts_with(&format!("{address} said nothing for ")), "{error}");
}

#[test]
fn an_ssh_that_never_answers_is_ended_with_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let ssh = dir.path().join("ssh");
    // It starts another program that outlives it, as multiplexing ssh does.
    std::fs::write(&ssh, format!("#!/bin/sh\nsleep 600 &\necho $! >{}\nwait\n", pid.display())).unwrap();
    std::fs::set_permissions(&ssh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let git = hasty().within(dir.path());
    git.run(&["init", "--quiet"]).unwrap();
    git.run(&["config", "core.sshCommand", ssh.to_str().unwrap()]).unwrap();
    let url = "ssh://git@h.example/x.git";
    let error = git.talk(url, &["ls-remote", "--", url]).unwrap_err();
    assert!(matches!(&error, GitError::Silent { host, .. } if host == "h.example"), "{error}");
    let pid = std::fs::read_to_string(pid).unwrap();
    let status = || std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    // A killed process may take a moment.
    for _ in 0..500 {
        if status().is_empty() || status().contains("State:\tZ") {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it still runs: {}", status());
}

/// A server that says this to so many connections and then gives way to a real repository; counts the connections.
fn refusing(times: usize, answer: &'static str) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let commit = "c".repeat(40);
        // What a server without the smart protocol has at info/refs.
        let refs = format!("{commit}\trefs/heads/main\n");
        let good =
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{refs}", refs.len());
        let mut count = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count += 1;
            let mut asked = Vec::new();
            let mut piece = [0; 1024];
            while !asked.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(n) if n > 0 => asked.extend_from_slice(&piece[..n]),
                    _ => break,
                }
            }
            // An empty answer breaks the connection.
            let said = if count <= times { answer } else { &good };
            stream.write_all(said.as_bytes()).unwrap();
            if count > times && asked.starts_with(b"GET /x.git/info/refs") {
                break;
            }
        }
        count
    });
    (url, served)
}

#[test]
fn a_server_that_is_busy_twice_is_asked_again() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for answer in [busy, ""] {
        let (url, served) = refusing(2, answer);
        let lines = hasty().talk(&url, &["ls-remote", "--", &url, "main"]).unwrap();
        assert!(lines.starts_with(&[b'c'; 40]), "{}", String::from_utf8_lossy(&lines));
        assert_eq!(served.join().unwrap(), 3, "{answer}");
    }
}

#[test]
fn a_server_that_stays_busy_is_given_up_and_a_refusal_is_not_repeated() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let (url, _served) = refusing(usize::MAX, busy);
    let error = hasty().talk(&url, &["ls-remote", "--", &url]).unwrap_err();
    assert!(matches!(error, GitError::Unreachable { attempts: 3, .. }), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
    let (url, served) =
        refusing(1, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let error = hasty().talk(&url, &["ls-remote", "--", &url]).unwrap_err();
    assert!(matches!(error, GitError::Failed(_)), "{error}");
    // The next one is the second connection.
    hasty().talk(&url, &["ls-remote", "--", &url]).unwrap();
    assert_eq!(served.join().unwrap(), 2);
}
