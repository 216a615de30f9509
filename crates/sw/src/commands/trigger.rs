//! `sw trigger`: what an event would run, and why it would not run the rest.

use std::path::{Path, PathBuf};

use base::{Diagnostics, Exit, Severity, Source};
use engine::run::uid;
use serde_json::json;
use tekton::load::{Document, Object, load};
use tekton::validate::validate;
use trigger::event::facts::SETTABLE;
use trigger::{Event, Given, Outcome, simulate};

use super::Ended;
use super::changed_files::changed_files;
use super::run::run_documents;
use crate::cli::{InputArgs, RunArgs, RunFormat, TriggerArgs, TriggerFormat};
use crate::failure::{Failure, colour_wanted};
use crate::output::candidates;
use crate::settings::Home;

/// Shows what matches, and runs it when asked to.
pub fn run(home: &Home, args: &TriggerArgs) -> Result<Ended, Failure> {
    if args.run
        && let Some(ended) = super::engine::confined()?
    {
        return Ok(ended);
    }
    let outcome = outcome(args)?;
    let colour = colour_wanted(&std::io::stderr());
    for finding in &outcome.findings.0 {
        anstream::eprintln!("{}\n", finding.render(colour));
    }
    // With --run, standard output is for the runs.
    match args.output {
        TriggerFormat::Text if args.run => anstream::eprintln!("{}", candidates::text(&outcome.candidates)),
        TriggerFormat::Text => anstream::println!("{}", candidates::text(&outcome.candidates)),
        TriggerFormat::Json if args.run => {}
        TriggerFormat::Json => {
            let all = json!({"candidates": outcome.candidates, "findings": outcome.findings.0});
            anstream::println!("{}", serde_json::to_string_pretty(&all)?);
        }
        TriggerFormat::Yaml if args.run => {}
        TriggerFormat::Yaml => print_yaml(&outcome)?,
    }
    if outcome.findings.has_errors() {
        return Ok(Exit::Invalid.into());
    }
    if !outcome.candidates.iter().any(|c| c.matched) {
        return Ok(Exit::Failed.into());
    }
    if args.run { run_all(home, args, &outcome) } else { Ok(Exit::Success.into()) }
}

fn outcome(args: &TriggerArgs) -> Result<Outcome, Failure> {
    if let Some((name, _)) = args.facts.iter().find(|(name, _)| !SETTABLE.contains(&name.as_str())) {
        return Err(Failure::invalid(format!("--set {name}: it is none of {}", SETTABLE.join(", "))));
    }
    let text = super::inputs::text(&args.event)
        .map_err(|e| Failure::invalid(format!("cannot read {}: {e}", args.event.display())))?;
    let event = Event::read(&text, &args.headers)
        .map_err(|e| Failure::invalid(format!("{}: {e}", args.event.display())))?;
    let files = match args.files.is_empty() && !args.kustomize.is_empty() {
        true => Vec::new(),
        false => files(&args.files, &args.event)?,
    };
    let mut sources = Vec::new();
    for folder in &args.kustomize {
        sources.extend(super::inputs::kustomized(folder)?);
    }
    for file in &files {
        let text = super::inputs::text(file)
            .map_err(|e| Failure::invalid(format!("cannot read {}: {e}", file.display())))?;
        sources.push(Source::new(file.display().to_string(), text));
    }
    let set = args.facts.iter().find(|(name, _)| name == "git_auth_secret").map(|(_, value)| value.clone());
    let given = Given {
        changes: changed_files(args)?,
        facts: args.facts.clone(),
        event_id: uid(),
        uid: uid(),
        git_auth_secret: set.unwrap_or_else(|| format!("pac-gitauth-{}", base::name::suffix())),
    };
    let root = repository(&files);
    simulate(&event, &sources, &given, &|path| beside(&root, path))
        .map_err(|e| Failure::invalid(format!("{}: {e}", args.event.display())))
}

/// What was named, or what is there.
fn files(given: &[PathBuf], event: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !given.is_empty() {
        return super::inputs::all_files(given);
    }
    if Path::new(".tekton").is_dir() {
        return super::inputs::all_files(&[PathBuf::from(".tekton")]);
    }
    let entries = std::fs::read_dir(".")?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries
        .iter()
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path != event)
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::invalid(
            "there is no folder .tekton and no YAML file here; name the files with the triggers",
        ));
    }
    Ok(files)
}

/// The folder that paths in annotations begin at: that of `.tekton`, else this one.
fn repository(files: &[PathBuf]) -> PathBuf {
    let of = |file: &PathBuf| {
        let tekton = file.ancestors().find(|folder| folder.ends_with(".tekton"))?;
        tekton.parent().map(Path::to_path_buf)
    };
    let found = files.iter().find_map(of).unwrap_or_default();
    if found.as_os_str().is_empty() { PathBuf::from(".") } else { found }
}

/// A file of the repository; never one outside of it.
fn beside(root: &Path, path: &str) -> Result<String, String> {
    let root = root.canonicalize().map_err(|e| e.to_string())?;
    let file = root.join(path.trim_start_matches("./")).canonicalize().map_err(|e| e.to_string())?;
    if !file.starts_with(&root) {
        return Err("it is not in the repository".to_owned());
    }
    super::inputs::text(&file).map_err(|e| e.to_string())
}

/// The documents of the texts that are no runs, and each run that matched with its own.
fn loaded(outcome: &Outcome) -> Result<(Vec<Document>, Vec<Document>), Failure> {
    let mut found = Diagnostics::default();
    let mut load_into = |source: &Source, documents: &mut Vec<Document>, runs: bool| match load(source) {
        Ok(loaded) => {
            let is_run = |d: &Document| matches!(d.object, Object::PipelineRun(_) | Object::TaskRun(_));
            let wanted = |d: &Document| !matches!(d.object, Object::Other { .. }) && is_run(d) == runs;
            documents.extend(loaded.documents.into_iter().filter(wanted));
        }
        Err(problems) => found.extend(problems),
    };
    let (mut others, mut runs) = (Vec::new(), Vec::new());
    for source in &outcome.sources {
        load_into(source, &mut others, false);
    }
    for candidate in &outcome.candidates {
        for run in &candidate.runs {
            let name = format!("{} ({})", candidate.name, candidate.place);
            load_into(&Source::new(name, stream::yaml::document(run)?), &mut runs, true);
        }
    }
    others.iter().chain(&runs).for_each(|d| found.extend(validate(d)));
    found.0.retain(|d| d.severity == Severity::Error);
    Ok(found.into_result((others, runs))?)
}

fn print_yaml(outcome: &Outcome) -> Result<(), Failure> {
    let mut texts = Vec::new();
    for run in outcome.candidates.iter().flat_map(|c| &c.runs) {
        texts.push(stream::yaml::document(run)?);
    }
    if texts.is_empty() {
        return Ok(());
    }
    let (others, _) = loaded(outcome)?;
    for document in others.iter().filter(|d| !matches!(d.object, Object::Secret(_))) {
        texts.push(stream::yaml::document(&document.node.to_json())?);
    }
    anstream::print!("{}", texts.join("---\n"));
    Ok(())
}

fn run_all(home: &Home, args: &TriggerArgs, outcome: &Outcome) -> Result<Ended, Failure> {
    let (others, runs) = loaded(outcome)?;
    let output = match args.output {
        TriggerFormat::Text => RunFormat::Text,
        TriggerFormat::Json => RunFormat::Json,
        TriggerFormat::Yaml => RunFormat::Yaml,
    };
    let args = RunArgs { output, ..RunArgs::plain(InputArgs::default(), args.engine.clone(), false) };
    let mut first_failure = Exit::Success;
    for (index, run) in runs.into_iter().enumerate() {
        if output == RunFormat::Yaml && index > 0 {
            anstream::println!("---");
        }
        let mut documents = others.clone();
        documents.push(run);
        let chosen = documents.len() - 1;
        let exit = run_documents(home, documents, chosen, &args)?;
        if exit == Exit::Interrupted {
            return Ok(exit.into());
        }
        if first_failure == Exit::Success {
            first_failure = exit;
        }
    }
    Ok(first_failure.into())
}
