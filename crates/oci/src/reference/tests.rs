#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn short_names_are_expanded_as_docker_does() {
    for (short, full) in [
        ("debian", "docker.io/library/debian"),
        ("debian:12", "docker.io/library/debian:12"),
        ("fedora/coreos", "docker.io/fedora/coreos"),
        ("index.docker.io/debian", "docker.io/library/debian"),
        ("localhost/x", "localhost/x"),
        ("quay.io/okd/scos-release:4.19", "quay.io/okd/scos-release:4.19"),
        ("MyHost/x", "MyHost/x"),
    ] {
        assert_eq!(short.parse::<Reference>().unwrap().to_string(), full);
    }
}

#[test]
fn all_parts_are_found() {
    let r: Reference = format!("localhost:5000/a/b:t@{D}").parse().unwrap();
    assert_eq!((r.registry(), r.repository(), r.tag()), ("localhost:5000", "a/b", Some("t")));
    assert_eq!(r.digest(), Some(Digest::of("")));
    assert_eq!(r.selector(), D);
    assert_eq!(r.name(), "localhost:5000/a/b");
    assert_eq!("[::1]:5000/x:y".parse::<Reference>().unwrap().registry(), "[::1]:5000");
    assert_eq!("a.b/c".parse::<Reference>().unwrap().selector(), "latest");
}

#[test]
fn errors_name_the_wrong_part() {
    for (text, part) in [
        ("", "empty"),
        ("docker://debian", "scheme"),
        ("Debian", "lower case"),
        ("quay.io/A/b", "lower case"),
        ("quay.io/", "repository is missing"),
        ("quay.io//b", "empty component"),
        ("quay.io/a/../b", "`..`"),
        ("quay.io/a___b", "`a___b`"),
        ("quay.io/a/_tags", "`_tags`"),
        ("a:", "tag is empty"),
        ("a:.x", "`.x` is not a tag"),
        ("a:b/c", "not a port"),
        ("a.b:70000/c", "not a port"),
        ("a@sha512:00", "only sha256"),
        ("a@sha256:00", "not a digest"),
        ("a@b", "not a digest"),
        ("-a.b/c", "not a registry host"),
        ("[::1/c", "`[::1` is not a registry host"),
        (&D[7..], "image id"),
        ("a b", "`a b`"),
        ("a\n", "not a repository component"),
    ] {
        let error = text.parse::<Reference>().unwrap_err().to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
    assert!(format!("a:{}", "x".repeat(129)).parse::<Reference>().is_err());
    assert!(format!("a.b/{}", "x".repeat(256)).parse::<Reference>().is_err());
}

proptest! {
    #[test]
    fn whatever_parses_round_trips_and_is_a_safe_path(text in r"[a-zA-Z0-9._:/@\[\]-]{0,40}") {
        if let Ok(r) = text.parse::<Reference>() {
            prop_assert_eq!(r.to_string().parse::<Reference>().unwrap(), r.clone());
            for component in r.repository().split('/') {
                prop_assert!(!component.starts_with(['.', '_', '-']) && !component.is_empty());
            }
        }
    }

    #[test]
    fn the_grammar_is_accepted(
        text in r"[a-z0-9]{1,8}\.[a-z]{2,3}(:[1-9][0-9]{1,3})?/([a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}/){0,2}[a-z]{1,8}(:[A-Za-z0-9_][A-Za-z0-9._-]{0,9})?",
    ) {
        prop_assert!(text.parse::<Reference>().is_ok(), "{}", text);
    }
}
