//! The repository is as it should be. What fails here says which command puts it right.
#![allow(clippy::unwrap_used)]

use xtask::deps::{self, Members};
use xtask::{generate, parity, root, sizes};

fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn reference_pages_are_what_the_code_says() {
    none(generate::drift(&root()).unwrap());
}

#[test]
fn crates_use_what_they_may() {
    none(deps::check(&root()).unwrap());
}

#[test]
fn features_of_tekton_have_their_tests() {
    none(parity::check(&root()).unwrap());
}

#[test]
fn files_are_short() {
    none(sizes::check(&root()).unwrap());
}

fn members(members: &[(&str, &[(&str, bool)])]) -> Members {
    members
        .iter()
        .map(|(name, uses)| {
            ((*name).to_owned(), uses.iter().map(|(n, dev)| ((*n).to_owned(), *dev)).collect())
        })
        .collect()
}

#[test]
fn an_arrow_that_goes_down_is_found() {
    let breaches = deps::breaches(&members(&[
        ("base", &[("tekton", false)]),
        ("tekton", &[("base", false), ("testkit", true)]),
        ("testkit", &[]),
        ("release", &[("testkit", false), ("libcontainer", false)]),
        ("engine", &[("libcontainer", false)]),
        ("utils", &[]),
    ]));
    let starts = [
        "`base` may not use `tekton`",
        "`release` uses `testkit`",
        "the crate `utils`",
        "`libcontainer` is named by engine, release",
    ];
    assert_eq!(breaches.len(), starts.len(), "{breaches:#?}");
    for (breach, start) in breaches.iter().zip(starts) {
        assert!(breach.starts_with(start), "{breach}");
    }
}

#[test]
fn drift_is_found_and_names_the_command() {
    let empty = std::env::temp_dir().join(format!("xtask-drift-{}", std::process::id()));
    let drift = generate::drift(&empty).unwrap();
    assert_eq!(drift.len(), generate::pages().unwrap().len());
    assert!(drift[0].contains("cargo xtask generate"), "{}", drift[0]);
    generate::write(&empty).unwrap();
    assert_eq!(generate::drift(&empty).unwrap(), Vec::<String>::new());
    assert_eq!(generate::write(&empty).unwrap(), Vec::<&str>::new(), "what is right is not written again");
    std::fs::remove_dir_all(empty).unwrap();
}

#[test]
fn tests_at_the_end_of_a_file_do_not_count() {
    assert_eq!(sizes::lines("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(sizes::lines("a\n#[cfg(test)]\nfn f() {}\nb\n"), 4);
}
