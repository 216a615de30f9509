//! Our verdicts beside the recorded answers of Tekton's admission.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use base::{Diagnostic, Diagnostics, Severity, Source};
use tekton::load::load;
use tekton::validate::validate;

/// What is wrong with a text.
fn errors(source: &Source) -> Vec<Diagnostic> {
    let found = match load(source) {
        Err(problems) => problems,
        Ok(loaded) => Diagnostics(loaded.documents.iter().flat_map(|d| validate(d).0).collect()),
    };
    found.into_iter().filter(|d| d.severity == Severity::Error).collect()
}

/// Checks one recorded case; what differs.
fn compare(yaml: &Path) -> Result<(), String> {
    let answer = std::fs::read_to_string(yaml.with_extension("txt")).unwrap();
    let source =
        Source::new(yaml.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(yaml).unwrap());
    let errors = errors(&source);
    let shown = || Diagnostics(errors.clone()).render(false);
    if answer.trim_end().ends_with("accepted") {
        return if errors.is_empty() {
            Ok(())
        } else {
            Err(format!("accepted there, refused here:\n{}", shown()))
        };
    }
    if errors.is_empty() {
        return Err(format!("refused there, accepted here:\n{answer}"));
    }
    if let Some(misplaced) = errors.iter().find(|d| d.place.is_none()) {
        return Err(format!("has no place: {misplaced}"));
    }
    if let Some((_, fact)) = answer.split_once("cannot decode incoming new object: json: ") {
        let told = |d: &Diagnostic| {
            d.message.contains(fact.trim()) || d.help.as_ref().is_some_and(|h| h.contains(fact.trim()))
        };
        return if errors.iter().any(told) {
            Ok(())
        } else {
            Err(format!("{answer}\nbut here:\n{}", shown()))
        };
    }
    let (_, lines) = answer.split_once("validation failed: ").unwrap();
    let expected: BTreeSet<&str> = lines.lines().map(|l| l.trim_end().trim_end_matches(':')).collect();
    let details: BTreeSet<&str> =
        errors.iter().filter_map(|d| d.help.as_deref()).flat_map(str::lines).collect();
    let messages: BTreeSet<&str> = errors.iter().map(|d| d.message.as_str()).collect();
    let missing: Vec<_> =
        expected.iter().filter(|l| !messages.contains(*l) && !details.contains(*l)).collect();
    let extra: Vec<_> = messages.iter().filter(|m| !expected.contains(*m)).collect();
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    Err(format!("only there: {missing:#?}\nonly here: {extra:#?}"))
}

#[test]
fn verdicts_messages_and_paths_are_those_of_tekton() {
    let Some(fixtures) = testkit::fixtures() else { return };
    let mut cases: Vec<_> = std::fs::read_dir(fixtures.join("tekton-admission"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 38);
    let different: Vec<String> = cases
        .iter()
        .filter_map(|yaml| {
            compare(yaml).err().map(|e| format!("=== {}\n{e}", yaml.file_stem().unwrap().display()))
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}
