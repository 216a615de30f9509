#![allow(clippy::unwrap_used)]

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
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
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
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), question.as_bytes()).unwrap();
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
