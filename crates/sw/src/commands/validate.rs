//! `sw validate`: what Tekton's admission would refuse, before anything runs.

use base::{Exit, Severity};

use super::Ended;
use super::inputs::{Inputs, read, shown};
use crate::cli::{FindingsFormat, ValidateArgs};
use crate::failure::{Failure, colour_wanted};
use crate::output::sarif;

/// Checks files, all YAML files below folders, and what kustomizations build. Exit code 2 when something would be refused.
pub fn run(args: &ValidateArgs) -> Result<Ended, Failure> {
    let Inputs { documents, findings, files, .. } = read(&args.inputs)?;
    let objects = documents.len();
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
