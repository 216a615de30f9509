//! `sw validate`: what Tekton's admission would refuse, before anything runs.

use std::fs;
use std::path::{Path, PathBuf};

use base::{Diagnostic, Exit, Severity, Source};
use tekton::load::load;
use tekton::validate::validate;

use super::Ended;
use crate::cli::{FindingsFormat, ValidateArgs};
use crate::failure::{Failure, colour_wanted};
use crate::output::sarif;

/// Checks files, and all YAML files below folders. Exit code 2 when something would be refused.
pub fn run(args: &ValidateArgs) -> Result<Ended, Failure> {
    let mut findings: Vec<Diagnostic> = Vec::new();
    let (mut files, mut objects) = (0, 0);
    for path in all_files(&args.files)? {
        files += 1;
        let text = super::run::read(&path)
            .map_err(|e| Failure::invalid(format!("cannot read {}: {e}", path.display())))?;
        match load(&Source::new(path.display().to_string(), text)) {
            Ok(loaded) => {
                objects += loaded.documents.len();
                findings.extend(loaded.warnings);
                findings.extend(loaded.documents.iter().flat_map(|d| validate(d).0));
            }
            Err(refused) => findings.extend(refused),
        }
    }
    match args.output {
        FindingsFormat::Text => {
            let colour = colour_wanted(&std::io::stdout());
            for finding in &findings {
                anstream::println!("{}\n", finding.render(colour));
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

fn all_files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in given {
        if path.is_dir() {
            below(path, &mut files)
                .map_err(|e| Failure::invalid(format!("cannot read {}: {e}", path.display())))?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The YAML files below a folder, sorted; links to folders are not followed.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            below(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    Ok(())
}
