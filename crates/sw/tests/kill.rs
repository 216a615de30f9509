//! `kill -9` at random moments, then the same command again: nothing finished is lost and the store is whole.

#![allow(clippy::unwrap_used)]

mod tiny;

use std::process::Stdio;
use std::time::{Duration, Instant};

use tiny::{Tiny, can_build};

/// How often to kill: `STREAMWRIGHT_KILLS`, else few enough for every test run.
fn kills() -> u32 {
    std::env::var("STREAMWRIGHT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

/// Mounts and processes that mention `home`.
fn remains(home: &str) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mut found: Vec<String> = mounts.lines().filter(|l| l.contains(home)).map(str::to_owned).collect();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = std::fs::read(entry.path().join("environ")) else { continue };
        if String::from_utf8_lossy(&command).contains(home) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[test]
fn killed_at_random_moments_nothing_is_lost() {
    if !can_build() {
        return;
    }
    let mut finished = 0;
    for round in 0..kills() {
        let tiny = Tiny::new();
        let stream = tiny.stream();
        let home = tiny.home();
        let mut child = tiny
            .command(&["build", stream.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Spread over the length of a build, which is a few seconds.
        let moment =
            Duration::from_millis(u64::from(round) * 4000 / u64::from(kills().max(1)) + fastrand::u64(..300));
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        // The kernel ends what was started; that takes it a moment.
        let patience = Instant::now() + Duration::from_secs(5);
        while !remains(home.to_str().unwrap()).is_empty() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(remains(home.to_str().unwrap()), [""; 0], "killed after {moment:?}");

        let keys = recorded(&tiny);
        let check = tiny.sw(&["store", "check"]);
        assert_eq!(check.code, Some(0), "killed after {moment:?}: {}", check.stdout);
        let again = tiny.build();
        assert_eq!(again.code, Some(0), "killed after {moment:?}: {again:?}");
        let marks = Tiny::marks(&again);
        for component in &keys {
            let kept = marks.contains(&format!("{component} cached")) || marks.is_empty();
            assert!(kept, "killed after {moment:?}: {component} was finished and built again: {marks:?}");
        }
        finished += keys.len();
        let check = tiny.sw(&["store", "check"]);
        assert_eq!(check.code, Some(0), "after the second build: {}", check.stdout);
        let scratch = std::fs::read_dir(home.join("runs")).unwrap().flatten();
        assert_eq!(scratch.filter(|run| run.path().join("scratch").exists()).count(), 0, "scratch was left");
    }
    println!("{} kills, {finished} finished components, none lost", kills());
    assert!(
        kills() < 12 || finished > 0,
        "every kill came before anything was finished: the test says nothing"
    );
}

/// Components whose image is in the store under the key of its inputs.
fn recorded(tiny: &Tiny) -> Vec<String> {
    ["base", "app", "tool"]
        .into_iter()
        .filter(|component| {
            let tags = tiny.home().join("store/repositories/tiny").join(component).join("_tags");
            std::fs::read_dir(tags)
                .into_iter()
                .flatten()
                .flatten()
                .any(|tag| tag.file_name().to_string_lossy().starts_with("key-"))
        })
        .map(str::to_owned)
        .collect()
}
