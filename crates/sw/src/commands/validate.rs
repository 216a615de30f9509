//! `sw validate`: what Tekton's admission would refuse, and what is probably not meant, before anything runs.

use std::collections::HashMap;

use base::{Diagnostic, Exit, Severity, Source};
use resolve::Resolving;
use resolve::walk::references;
use tekton::catalog::Catalog;
use tekton::lint::comment::Comments;
use tekton::lint::lint;
use tekton::load::{Document, Object};

use super::Ended;
use super::inputs::{read, shown};
use super::remote::remote;
use crate::cli::{FindingsFormat, ValidateArgs};
use crate::failure::{Failure, colour_wanted};
use crate::output::sarif;
use crate::settings::Home;

/// Checks files, all YAML files below folders, and what kustomizations build. Exit code 2 when something would be refused,
/// or warnings are denied.
pub fn run(home: &Home, args: &ValidateArgs) -> Result<Ended, Failure> {
    let mut inputs = read(&args.inputs)?;
    let mut findings = std::mem::take(&mut inputs.findings);
    findings.extend(lint(&inputs.documents).into_iter().map(|finding| inputs.where_written(finding)));
    if args.resolve {
        findings.extend(resolved(home, &inputs.documents)?);
    }
    let findings = wanted(findings, &inputs.sources(), &args.allow);
    match args.output {
        FindingsFormat::Text => {
            let colour = colour_wanted(&std::io::stdout());
            for finding in &findings {
                anstream::println!("{}", shown(finding, colour));
            }
        }
        FindingsFormat::Json => anstream::println!("{}", serde_json::to_string_pretty(&findings)?),
        FindingsFormat::Sarif => {
            anstream::println!("{}", serde_json::to_string_pretty(&sarif::log(&findings))?)
        }
    }
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let (files, objects) = (inputs.files, inputs.documents.len());
    anstream::eprintln!("{files} files, {objects} objects: {errors} errors, {warnings} warnings");
    let refused = errors > 0 || (args.deny_warnings && warnings > 0);
    Ok(if refused { Exit::Invalid } else { Exit::Success }.into())
}

/// The findings file by file in the order of their texts, without the warnings that are allowed.
fn wanted(findings: Vec<Diagnostic>, sources: &[Source], allowed: &[String]) -> Vec<Diagnostic> {
    let order: HashMap<&str, usize> = sources.iter().enumerate().map(|(i, s)| (s.name(), i)).collect();
    let comments: Vec<Comments> = sources.iter().map(Comments::of).collect();
    let at = |finding: &Diagnostic| {
        let (source, span) = finding.place.as_ref()?;
        Some((*order.get(source.name())?, span.start))
    };
    // What has no text of its own (files that could not be read as objects) stays behind, as it came.
    let key = |finding: &Diagnostic| at(finding).unwrap_or((usize::MAX, 0));
    let unknown = sources.iter().zip(&comments).flat_map(|(source, comments)| comments.unknown(source));
    let mut findings: Vec<Diagnostic> = findings
        .into_iter()
        .filter(|finding| !at(finding).is_some_and(|(file, _)| comments[file].allow(finding)))
        .chain(unknown)
        .filter(|f| f.severity == Severity::Error || !allowed.iter().any(|code| code == f.code))
        .collect();
    findings.sort_by_key(key);
    findings
}

/// What is wrong with what remote references mean. Those that depend on what a run is given are passed over.
fn resolved(home: &Home, documents: &[Document]) -> Result<Vec<Diagnostic>, Failure> {
    // Only what resolvers may need: other objects may be there twice, in files that are not for one run.
    let needed = |d: &&Document| matches!(d.object, Object::Secret(_) | Object::ServiceAccount(_));
    let catalog = Catalog::new(documents.iter().filter(needed).cloned().collect(), &mut str::to_owned)?;
    let remote = remote(home, false, None)?;
    let resolving = Resolving { catalog: &catalog, remote: &remote };
    let mut findings = Vec::new();
    for document in documents {
        for reference in references(document) {
            if reference.params.iter().any(|p| p.value.texts().iter().any(|text| text.contains("$("))) {
                continue;
            }
            let found = resolving.document(reference.wanted, reference.resolver, reference.params);
            if let Err(problem) = found {
                let message = format!("resolver {:?}: {problem}", reference.resolver);
                let place = document.node.span_of(&reference.path);
                findings.push(Diagnostic::error("unresolved-reference", message).at(&document.source, place));
            }
        }
    }
    Ok(findings)
}
