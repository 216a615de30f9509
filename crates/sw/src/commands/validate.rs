//! `sw validate`: what Tekton's admission would refuse, before anything runs.

use base::{Diagnostic, Exit, Severity};
use resolve::Resolving;
use resolve::walk::references;
use tekton::catalog::Catalog;
use tekton::load::{Document, Object};

use super::Ended;
use super::inputs::{Inputs, read, shown};
use super::remote::remote;
use crate::cli::{FindingsFormat, ValidateArgs};
use crate::failure::{Failure, colour_wanted};
use crate::output::sarif;
use crate::settings::Home;

/// Checks files, all YAML files below folders, and what kustomizations build. Exit code 2 when something would be refused.
pub fn run(home: &Home, args: &ValidateArgs) -> Result<Ended, Failure> {
    let Inputs { documents, mut findings, files, .. } = read(&args.inputs)?;
    let objects = documents.len();
    if args.resolve {
        findings.extend(resolved(home, &documents)?);
    }
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
    anstream::eprintln!("{files} files, {objects} objects: {errors} errors, {warnings} warnings");
    Ok(if errors > 0 { Exit::Invalid } else { Exit::Success }.into())
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
