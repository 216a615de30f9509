//! From what was named on the command line to the objects in it: files, all files below folders, and kustomizations.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base::{Diagnostic, Diagnostics, Severity, Source};
use kustomize::{Disk, Origin};
use tekton::cluster::Cluster;
use tekton::load::{Document, load};
use tekton::validate::validate_with;
use tekton::yaml::{self, Node};

use crate::cli::InputArgs;
use crate::failure::{Failure, colour_wanted};

/// A file of YAML larger than this is not one that people write.
const LARGEST_FILE: u64 = 64 << 20;

/// What was read.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The objects of all texts without errors.
    pub documents: Vec<Document>,
    /// What admission would refuse, and what is worth saying.
    pub findings: Vec<Diagnostic>,
    /// How many files and kustomizations there were.
    pub files: usize,
    /// Every text that was read from a file.
    read: Vec<Source>,
    /// Texts that kustomizations built, by name, with their trees and where they were written.
    built: HashMap<String, (Source, Node, Origin)>,
}

/// Reads and checks everything.
///
/// # Errors
/// Files and folders that cannot be read; findings are no errors here.
pub fn read(args: &InputArgs) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::default();
    for path in &args.files {
        if path.is_dir() {
            let mut files = Vec::new();
            below(path, &mut files).map_err(|e| unreadable(path, &e))?;
            for file in files {
                match file.file_stem().is_some_and(|name| name == "kustomization") {
                    true => inputs.findings.push(left_out(&file)),
                    false => inputs.file(&file)?,
                }
            }
        } else {
            inputs.file(path)?;
        }
    }
    for folder in &args.kustomize {
        inputs.kustomization(folder)?;
    }
    inputs.validate();
    Ok(inputs)
}

/// The objects of everything; warnings are printed.
///
/// # Errors
/// Those of [`read`], and everything that admission would refuse.
pub fn read_all(args: &InputArgs) -> Result<Vec<Document>, Failure> {
    let inputs = read(args)?;
    if inputs.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Diagnostics(inputs.findings).into());
    }
    let colour = colour_wanted(&std::io::stderr());
    for finding in &inputs.findings {
        anstream::eprintln!("{}", shown(finding, colour).trim_end());
    }
    Ok(inputs.documents)
}

/// A finding for people, with an empty line after it; what is skipped is one line.
pub fn shown(finding: &Diagnostic, colour: bool) -> String {
    if ["foreign-kind", "kustomization"].contains(&finding.code) {
        finding.to_string()
    } else {
        format!("{}\n", finding.render(colour))
    }
}

impl Inputs {
    /// A finding about what a kustomization built, told where it was written; any other as it is.
    pub fn where_written(&self, finding: Diagnostic) -> Diagnostic {
        let built = finding.place.as_ref().and_then(|(source, _)| self.built.get(source.name()));
        match built {
            Some((source, tree, origin)) => kustomize::relocate(finding, (source, tree), origin),
            None => finding,
        }
    }

    /// The texts that people wrote, each once, in the order in which they were read.
    pub fn sources(&self) -> Vec<Source> {
        let mut seen = HashSet::new();
        let mut built: Vec<&Source> = self.built.values().map(|(.., origin)| &origin.source).collect();
        built.sort_by_key(|source| source.name());
        self.read.iter().chain(built).filter(|source| seen.insert(source.name())).cloned().collect()
    }

    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        self.files += 1;
        let text = text(path).map_err(|e| unreadable(path, &e))?;
        let source = Source::new(path.display().to_string(), text);
        self.text(&source);
        self.read.push(source);
        Ok(())
    }

    fn text(&mut self, source: &Source) {
        let found = match load(source) {
            Ok(loaded) => {
                self.documents.extend(loaded.documents);
                loaded.warnings
            }
            Err(refused) => refused,
        };
        self.tell(found);
    }

    /// What the cluster would refuse that the documents are for.
    fn validate(&mut self) {
        let cluster = Cluster::of(&self.documents).unwrap_or_else(|wrong| {
            self.findings.extend(wrong);
            Cluster::default()
        });
        for found in self.documents.iter().map(|d| validate_with(d, &cluster.features)).collect::<Vec<_>>() {
            self.tell(found);
        }
    }

    fn tell(&mut self, found: Diagnostics) {
        let found: Vec<Diagnostic> = found.into_iter().map(|finding| self.where_written(finding)).collect();
        self.findings.extend(found);
    }

    fn kustomization(&mut self, folder: &Path) -> Result<(), Failure> {
        self.files += 1;
        let built = match kustomize::build(&Disk, folder) {
            Ok(built) => built,
            Err(problems) => {
                self.findings.extend(problems);
                return Ok(());
            }
        };
        let (texts, warnings) = texts(folder, built)?;
        self.findings.extend(warnings);
        for (source, origin) in texts {
            if let Some(tree) = yaml::parse(&source).ok().and_then(|mut nodes| nodes.pop()) {
                self.built.insert(source.name().to_owned(), (source.clone(), tree, origin));
            }
            self.text(&source);
        }
        Ok(())
    }
}

/// What the kustomization in `folder` builds, a text for each object; warnings are printed.
///
/// # Errors
/// What is wrong with it.
pub fn kustomized(folder: &Path) -> Result<Vec<Source>, Failure> {
    let (texts, warnings) = texts(folder, kustomize::build(&Disk, folder)?)?;
    let colour = colour_wanted(&std::io::stderr());
    warnings.into_iter().for_each(|warning| anstream::eprintln!("{}", shown(&warning, colour).trim_end()));
    Ok(texts.into_iter().map(|(source, _)| source).collect())
}

/// Every object becomes a text of its own, named after the file that it was built from.
fn texts(folder: &Path, built: kustomize::Built) -> Result<(Vec<(Source, Origin)>, Diagnostics), Failure> {
    let text = |object: kustomize::Object| {
        let origin = object.origin;
        let (line, _) = origin.source.position(origin.span.start);
        let name = format!("{} (built from {}:{line})", folder.display(), origin.source.name());
        Ok((Source::new(name, stream::yaml::document(&object.value)?), origin))
    };
    Ok((built.objects.into_iter().map(text).collect::<Result<_, Failure>>()?, built.warnings))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::invalid(format!("cannot read {}: {error}", path.display()))
}

/// The files, and all YAML files below the folders.
///
/// # Errors
/// Folders that cannot be read.
pub fn all_files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in given {
        if path.is_dir() {
            below(path, &mut files).map_err(|e| unreadable(path, &e))?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read or is no text.
pub fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(LARGEST_FILE).read_to_string(&mut text)?;
    } else {
        fs::File::open(file)?.take(LARGEST_FILE).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Files that a kustomization patches are seldom whole without it.
fn left_out(kustomization: &Path) -> Diagnostic {
    let folder = kustomization.parent().unwrap_or(Path::new("."));
    let message = format!("skipped {}: build it with -k {}", kustomization.display(), folder.display());
    Diagnostic::warning("kustomization", message)
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
