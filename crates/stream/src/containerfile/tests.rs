#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn read(text: &str, args: &[(&str, &str)]) -> Result<Containerfile, Diagnostics> {
    let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    parse(&Source::new("components/x/Containerfile", text), &args, "linux/amd64")
}

fn names(text: &str, args: &[(&str, &str)]) -> Vec<String> {
    read(text, args).unwrap().bases.into_iter().map(|b| b.name).collect()
}

#[test]
fn stages_are_not_bases() {
    let text = "
FROM golang:1.22 AS Build
FROM build AS test
FROM debian-mini/base
COPY --from=build /a /a
COPY --from=0 /b /b
COPY --from=registry.example/tools:1 /c /c
ADD --from=test d /d
RUN --mount=type=bind,from=cache.example/c:2,target=/c --mount=type=cache,target=/x true
FROM scratch
";
    assert_eq!(
        names(text, &[]),
        ["golang:1.22", "debian-mini/base", "registry.example/tools:1", "cache.example/c:2"]
    );
}

#[test]
fn a_stage_hides_only_what_comes_after_it() {
    assert_eq!(names("FROM x AS x\nFROM x\n", &[]), ["x"]);
    assert_eq!(names("FROM a\nCOPY --from=later /a /a\nFROM b AS later\n", &[]), ["a", "later", "b"]);
    assert_eq!(names("FROM a\nCOPY --from=3 /a /a\n", &[]), ["a", "3"]);
}

#[test]
fn arguments_are_substituted() {
    let text =
        "ARG TAG=1\nARG IMAGE=\"example/$TAG\" OTHER\nFROM $IMAGE\nFROM ${OTHER:-fallback}:$TARGETARCH\n";
    assert_eq!(names(text, &[]), ["example/1", "fallback:amd64"]);
    assert_eq!(names(text, &[("TAG", "2"), ("OTHER", "o")]), ["example/2", "o:amd64"]);
    let written: Vec<String> = read(text, &[]).unwrap().bases.into_iter().map(|b| b.written).collect();
    assert_eq!(written, ["$IMAGE", "${OTHER:-fallback}:$TARGETARCH"]);
    // An argument that the file does not declare changes nothing.
    assert_eq!(names("ARG A=1\nFROM x:$A\n", &[("B", "2")]), ["x:1"]);
}

#[test]
fn arguments_of_stages_are_known_by_name() {
    let file = read("ARG A=1\nFROM x\nARG B C=2\n", &[]).unwrap();
    assert_eq!(file.args.into_iter().collect::<Vec<_>>(), ["A", "B", "C"]);
}

#[test]
fn the_place_is_the_image() {
    for text in ["FROM  debian-mini/base AS x\n", "\u{feff}FROM --platform=$BUILDPLATFORM debian-mini/base\n"]
    {
        let file = read(text, &[]).unwrap();
        let Span { start, end } = file.bases[0].span;
        assert_eq!(&file.source.text()[start..end], "debian-mini/base");
    }
}

#[test]
fn undeclared_argument() {
    insta::assert_snapshot!(read("FROM example/base:$TAG\n", &[]).unwrap_err().render(false), @"
    error[undeclared-arg]: FROM uses $TAG, which no ARG before it declares
     --> components/x/Containerfile:1:6
      |
    1 | FROM example/base:$TAG
      |      ^^^^^^^^^^^^^^^^^
      |
      = help: write `ARG TAG=…` above the first FROM
    ");
}

#[test]
fn argument_without_value() {
    insta::assert_snapshot!(read("ARG TAG\nFROM example/base:${TAG}\n", &[]).unwrap_err().render(false), @"
    error[arg-without-value]: FROM uses $TAG, which has no default and no value
     --> components/x/Containerfile:2:6
      |
    2 | FROM example/base:${TAG}
      |      ^^^^^^^^^^^^^^^^^^^
      |
      = help: set it in the component's `args: {TAG: …}`, or write `ARG TAG=…`
    ");
}

#[test]
fn unsupported_substitution() {
    insta::assert_snapshot!(read("ARG TAG\nFROM base:${TAG%x}\n", &[]).unwrap_err().render(false), @"
    error[unsupported-expansion]: cannot read the substitution `${TAG%x}` in FROM
     --> components/x/Containerfile:2:6
      |
    2 | FROM base:${TAG%x}
      |      ^^^^^^^^^^^^^
      |
      = help: use $NAME, ${NAME}, ${NAME:-default} or ${NAME:+value}
    ");
}

#[test]
fn empty_from() {
    insta::assert_snapshot!(read("ARG IMAGE=\nFROM $IMAGE\n", &[]).unwrap_err().render(false), @"
    error[empty-from]: FROM names no image
     --> components/x/Containerfile:2:6
      |
    2 | FROM $IMAGE
      |      ^^^^^^
      |
      = help: write the image's name, or give the ARG a default
    ");
}

#[test]
fn not_a_containerfile() {
    insta::assert_snapshot!(read("FROM x\nCPOY a b\n", &[]).unwrap_err().render(false), @"
    error[containerfile-syntax]: unknown instruction 'CPOY'
     --> components/x/Containerfile:2:1
      |
    2 | CPOY a b
      | ^^^^
      |
      = help: see https://docs.docker.com/reference/dockerfile/ for what may stand here
    ");
}

#[test]
fn no_from_at_all() {
    insta::assert_snapshot!(read("# nothing yet\n", &[]).unwrap_err().render(false), @"
    error[containerfile-syntax]: expected at least one FROM instruction
     --> components/x/Containerfile:1:1
      |
    1 | # nothing yet
      | ^
      |
      = help: see https://docs.docker.com/reference/dockerfile/ for what may stand here
    ");
}

#[test]
fn what_the_image_stands_on() {
    for (text, last) in [
        ("FROM go AS build\nFROM base\nCOPY --from=tools /a /a\n", Some("base")),
        ("FROM base AS one\nFROM go AS build\nFROM One\n", Some("base")),
        ("FROM base AS one\nFROM one AS two\nFROM two AS three\n", Some("base")),
        ("ARG TAG=1\nFROM base:$TAG\n", Some("base:$TAG")),
        ("FROM go AS build\nFROM scratch\n", None),
        ("FROM scratch AS empty\nFROM go\nFROM empty\n", None),
    ] {
        assert_eq!(read(text, &[]).unwrap().last.as_deref(), last, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_an_answer(text in "(FROM|ARG|COPY|RUN|#|\\PC|[ \\n$={}\"'\\\\]){0,40}") {
        if let Err(findings) = read(&text, &[]) {
            prop_assert!(!findings.render(false).is_empty());
        }
    }
}
