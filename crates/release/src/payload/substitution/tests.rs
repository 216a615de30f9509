#![allow(clippy::unwrap_used)]

use super::*;
use crate::payload::component_version::ComponentVersion;
use crate::payload::image_stream::Tag;
use proptest::prelude::*;

const TARGET: &str = "reg/etcd@sha256:1234";

fn pull_specs(entries: &[(&str, &str)]) -> PullSpecs {
    let entry = |(i, (source, target)): (usize, &(&str, &str))| {
        (format!("c{i}"), (*source).to_owned(), (*target).to_owned())
    };
    PullSpecs::new(entries.iter().enumerate().map(entry).collect()).unwrap()
}

fn replaced(sources: &[(&str, &str)], text: &str) -> String {
    String::from_utf8(pull_specs(sources).apply(text.as_bytes())).unwrap()
}

#[test]
fn references_are_replaced_with_tag_or_digest() {
    for before in
        ["q.io/etcd", "q.io/etcd:latest", "q.io/etcd:v1.2-3_x", "q.io/etcd@sha256:5678", "q.io/etcd@a+b.c:00"]
    {
        for (open, close) in
            [("", ""), ("image: ", "\n"), ("\"", "\""), ("'", "'"), ("x=", " y"), ("//", "\t")]
        {
            let text = format!("{open}{before}{close}");
            assert_eq!(replaced(&[("q.io/etcd", TARGET)], &text), format!("{open}{TARGET}{close}"), "{text}");
        }
    }
}

#[test]
fn what_the_rule_misses_stays() {
    for text in [
        "https://q.io/etcd:8443/test",
        "--x=q.io/etcd,q.io/other",
        "(q.io/etcd)",
        "[q.io/etcd]",
        "{q.io/etcd}",
        "q.io/etcd;",
        "q.io/etcd\\n",
        "q.io/etcd-operator:latest",
        "xq.io/etcd",
        "_q.io/etcd",
        "q.io/etcd\u{b}",
        "q.io/etcd@sha256:5",
        "q.io/etcd:",
        "q.io/etcd:-x",
    ] {
        assert_eq!(replaced(&[("q.io/etcd", TARGET)], text), text);
    }
    let long_tag = format!("q.io/etcd:{}", "a".repeat(129));
    assert_eq!(replaced(&[("q.io/etcd", TARGET)], &long_tag), long_tag);
}

#[test]
fn of_two_references_one_byte_apart_the_second_stays() {
    assert_eq!(
        replaced(&[("q.io/etcd", TARGET)], "q.io/etcd:a q.io/etcd:b"),
        format!("{TARGET} q.io/etcd:b")
    );
    assert_eq!(replaced(&[("q.io/etcd", TARGET)], "q.io/etcd:a  q.io/etcd:b"), format!("{TARGET}  {TARGET}"));
}

#[test]
fn the_literal_is_not_a_pattern_and_the_target_not_a_template() {
    assert_eq!(replaced(&[("q.io/etcd", "$1${x}")], "q_io/etcd q.io/etcd"), "q_io/etcd $1${x}");
}

#[test]
fn a_literal_with_a_tag_wins_over_the_same_without() {
    let sources = [("q.io/etcd", "short"), ("q.io/etcd:old", "long")];
    assert_eq!(replaced(&sources, "q.io/etcd:old"), "long");
    assert_eq!(replaced(&sources, "q.io/etcd:new"), "short");
}

#[test]
fn bytes_that_are_not_text_pass() {
    let out = pull_specs(&[("q.io/etcd", TARGET)]).apply(b"\xff\xfeq.io/etcd\n\xff");
    assert_eq!(out, [b"\xff\xfe", TARGET.as_bytes(), b"\n\xff"].concat());
}

fn versions(release: &str, known: &[(&str, &str)], tags: &[(&str, &[&str])]) -> Versions {
    let version = |(name, v): &(&str, &str)| {
        ((*name).to_owned(), ComponentVersion { version: (*v).to_owned(), display_name: String::new() })
    };
    let list =
        |(name, tags): &(&str, &[&str])| ((*name).to_owned(), tags.iter().map(|t| (*t).to_owned()).collect());
    Versions::new(release, known.iter().map(version).collect(), tags.iter().map(list).collect())
}

#[test]
fn version_placeholders() {
    let known = [("a", "2.0.0"), ("b", "1.0.0")];
    let two = [("a", &["tag2", "tag1"][..])];
    for (release, tags, text, result) in [
        ("", &[][..], "v: 0.0.1-snapshot\n", Ok("v: 0.0.1-snapshot\n")),
        ("4.0.0", &[], "v: 0.0.1-snapshot\n", Ok("v: 4.0.0\n")),
        ("4.0.0-rc.1+build", &[], "0.0.1-snapshot", Ok("4.0.0-rc.1")),
        ("4.0", &[], "0.0.1-snapshot", Ok("0.0.1-snapshot")),
        ("4.0.0", &[], "0.0.1-snapshot0 0.0.1-snapshotted", Ok("0.0.1-snapshot0 0.0.1-snapshotted")),
        ("4.0.0", &[], "0.0.1-snapshot_x 0.0.1-snapshotX", Ok("4.0.0_x 4.0.0X")),
        ("4.0.0", &[], "10.0.1-snapshot x0.0.1-snapshot", Ok("10.0.1-snapshot x0.0.1-snapshot")),
        ("4.0.0", &[], "0.0.1-snapshot,0.0.1-snapshot", Ok("4.0.0,4.0.0")),
        ("", &[], "-0.0.1-snapshot-a_", Ok("-2.0.0_")),
        ("", &[], "0.0.1-snapshot-a 0.0.1-snapshot-b", Ok("2.0.0 1.0.0")),
        ("", &two, "0.0.1-snapshot-b", Ok("1.0.0")),
        (
            "",
            &two,
            "0.0.1-snapshot-a",
            Err("the version for `a` is inconsistent across the referenced images: tag1, tag2;"),
        ),
        ("", &[], "0.0.1-snapshot-", Err("empty version references are not allowed")),
        ("", &[], "0.0.1-snapshot-a 0.0.1-snapshot-c", Err("unknown version reference `c`:")),
        ("", &[], "0.0.1-snapshot-d 0.0.1-snapshot-c", Err("unknown version references: d, c")),
        ("", &[], "0.0.1-snapshot-a0.0.1-snapshot-b", Err("unknown version reference `a0`")),
    ] {
        let out = versions(release, &known, tags).apply(text.as_bytes());
        match result {
            Ok(expected) => assert_eq!(String::from_utf8(out.unwrap()).unwrap(), expected, "{text}"),
            Err(message) => {
                let error = out.unwrap_err().to_string();
                assert!(error.starts_with(message), "{text}: {error}");
            }
        }
    }
}

fn stream(tags: &[(&str, &str)]) -> ImageStream {
    let tag = |(name, labels): &(&str, &str)| {
        let mut tag = Tag::new(*name, format!("reg/x@sha256:{name}"));
        tag.annotations = Some([(VERSIONS.to_owned(), (*labels).to_owned())].into());
        tag
    };
    ImageStream { name: "4.9.9".to_owned(), tags: tags.iter().map(tag).collect(), ..ImageStream::default() }
}

fn local(tags: &[(&str, &str)]) -> ImageStream {
    ImageStream { tags: tags.iter().map(|(n, s)| Tag::new(*n, *s)).collect(), ..ImageStream::default() }
}

fn refusal(release: &ImageStream, component: &ImageStream) -> String {
    Substitution::new(release, Some(component), false).unwrap_err().to_string()
}

#[test]
fn a_component_must_name_components_of_the_release_once() {
    let release = stream(&[("x1", ""), ("x2", "")]);
    assert!(
        refusal(&release, &local(&[("nope", "q/a")])).starts_with("no input image tag named `nope`; add")
    );
    assert!(refusal(&release, &local(&[("x3", "q/a")])).ends_with("did you mean `x1`?"));
    assert!(refusal(&release, &local(&[("x1", "")])).starts_with("no from.name for the tag x1"));
    assert!(
        refusal(&release, &local(&[("x1", "q/a"), ("x2", "q/a")]))
            .starts_with("the source repository `q/a` was defined more than once (for `x1` and `x2`)")
    );
    let lenient = Substitution::new(&release, Some(&local(&[("nope", "q/a"), ("x1", "q/b")])), true).unwrap();
    assert_eq!(lenient.apply(b"q/a:x q/b").unwrap(), b"q/a:x reg/x@sha256:x1");
}

#[test]
fn tags_of_other_kinds_are_ignored() {
    let mut component = local(&[("nope", "q/a")]);
    component.tags[0].from.as_mut().unwrap().kind = "ImageStreamTag".to_owned();
    let none = Substitution::new(&stream(&[]), Some(&component), false).unwrap();
    assert_eq!(none.apply(b"q/a 0.0.1-snapshot").unwrap(), b"q/a 4.9.9");
}

#[test]
fn versions_come_from_referenced_images_only() {
    let release =
        stream(&[("k1", "kubernetes=1.0.0"), ("k2", "kubernetes=1.0.1"), ("os", "machine-os=9.0.0")]);
    let both = local(&[("k1", "q/a"), ("k2", "q/b")]);
    assert!(refusal(&release, &both).starts_with(
        "input image stream has multiple versions defined for version kubernetes: k2 defines 1.0.1 but was already set to 1.0.0 on k1"
    ));
    let one = Substitution::new(&release, Some(&local(&[("k2", "q/b")])), false).unwrap();
    assert_eq!(one.apply(b"0.0.1-snapshot-kubernetes").unwrap(), b"1.0.1");
    assert!(one.apply(b"0.0.1-snapshot-machine-os").is_err());
}

#[test]
fn equal_versions_on_two_tags_are_refused_only_when_used() {
    let release = stream(&[("k1", "kubernetes=1.0.0"), ("k2", "kubernetes=1.0.0")]);
    let both = Substitution::new(&release, Some(&local(&[("k1", "q/a"), ("k2", "q/b")])), false).unwrap();
    assert_eq!(both.apply(b"0.0.1-snapshot").unwrap(), b"4.9.9");
    let error = both.apply(b"0.0.1-snapshot-kubernetes").unwrap_err().to_string();
    assert!(error.contains("inconsistent across the referenced images: k1, k2"), "{error}");
}

#[test]
fn kubectl_counts_from_the_command_line_images_only() {
    let release = stream(&[("cli", "kubectl=1.0.0"), ("tests", "kubectl=2.0.0"), ("tools", "kubectl=3.0.0")]);
    let all = local(&[("cli", "q/a"), ("tests", "q/b"), ("tools", "q/c")]);
    let substitution = Substitution::new(&release, Some(&all), false).unwrap();
    assert_eq!(substitution.apply(b"0.0.1-snapshot-kubectl").unwrap(), b"1.0.0");
    assert_eq!(substitution.warnings.len(), 1);
}

#[test]
fn defaults_fill_gaps_only() {
    let mut release = stream(&[("k1", "kubernetes=1.0.0")]);
    release.annotations.insert(VERSIONS.to_owned(), "kubernetes=7.0.0,crio=2.0.0".to_owned());
    let used = Substitution::new(&release, Some(&local(&[("k1", "q/a")])), false).unwrap();
    assert_eq!(used.apply(b"0.0.1-snapshot-kubernetes 0.0.1-snapshot-crio").unwrap(), b"1.0.0 2.0.0");
}

proptest! {
    #[test]
    fn text_without_the_literal_is_untouched(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let specs = pull_specs(&[("quay.io/openshift/origin-foo", TARGET)]);
        prop_assert_eq!(specs.apply(&text), text);
    }

    #[test]
    fn replacing_twice_changes_nothing_more(text in "[ \"',q/a:x@\n]{0,40}") {
        let specs = pull_specs(&[("q/a", "r@sha256:00")]);
        let twice_parted = specs.apply(&specs.apply(text.as_bytes()));
        let thrice = specs.apply(&twice_parted);
        prop_assert_eq!(thrice, twice_parted);
    }
}
