//! `sw run`: any Tekton YAML on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::Exit;
use engine::Finished;
use resolve::Resolving;
use tekton::catalog::Catalog;
use tekton::cluster::Cluster;
use tekton::defaults;
use tekton::load::{Document, Object};
use tekton::types::core::volume::PersistentVolumeClaimVolumeSource;
use tekton::types::{
    ObjectMeta, Param, ParamValue, PipelineRef, PipelineRun, PipelineRunSpec, TaskRef, TaskRun, TaskRunSpec,
    WorkspaceBinding,
};

use super::Ended;
use super::engine::{config, confined, observer};
use super::inputs::read_all;
use super::remote::remote;
use super::run_inputs::check;
use crate::cli::{RunArgs, RunFormat};
use crate::failure::Failure;
use crate::settings::Home;

/// Runs what the files say.
pub fn run(home: &Home, args: &RunArgs) -> Result<Ended, Failure> {
    if let Some(ended) = confined()? {
        return Ok(ended);
    }
    let mut documents = read_all(&args.inputs)?;
    let chosen = choose(&mut documents, args.name.as_deref())?;
    Ok(run_documents(home, documents, chosen, args)?.into())
}

/// Runs the run at position `chosen` of these documents. The files that `args` names are not looked at.
///
/// # Errors
/// Documents that do not fit together, and what keeps the engine from running.
pub(super) fn run_documents(
    home: &Home,
    mut documents: Vec<Document>,
    chosen: usize,
    args: &RunArgs,
) -> Result<Exit, Failure> {
    let cluster = Cluster::of(&documents)?;
    let folders = amend(&mut documents[chosen].object, args)?;
    documents.iter_mut().for_each(|d| defaults::apply(&mut d.object, &cluster.defaults));
    let mut complete = |prefix: &str| format!("{prefix}{}", base::name::suffix());
    let catalog = Catalog::new(documents, &mut complete)?;
    let found = check(&catalog, chosen, args, &cluster.defaults.settings);
    if found.has_errors() {
        return Err(found.into());
    }
    for warning in found {
        anstream::eprintln!("{}", warning.render(false));
    }
    let name = catalog.documents()[chosen].object.metadata().map(|m| m.name.clone()).unwrap_or_default();
    let rerun = command_line();
    let observer = observer(home, &args.engine, args.output == RunFormat::Json, &rerun);
    let mut config = engine::Config {
        settings: cluster.defaults.settings,
        ..config(home, &args.engine, folders, observer)?
    };
    if args.offline {
        config.client = None;
    }
    let remote = remote(home, args.offline, Some(config.stop.clone()))?;
    let definitions = Resolving { catalog: &catalog, remote: &remote };
    let finished = engine::run(&config, &catalog, &definitions, &name)?;
    report(&finished, args.output)?;
    Ok(exit(&finished))
}

/// What was typed, quoted for a shell.
fn command_line() -> String {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // Arguments cannot have the NUL that nothing can quote.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

/// How a run ends the program.
pub fn exit(finished: &Finished) -> Exit {
    match () {
        () if finished.cancelled() => Exit::Interrupted,
        () if finished.succeeded() => Exit::Success,
        () if finished.refused() => Exit::Invalid,
        () => Exit::Failed,
    }
}

fn report(finished: &Finished, output: RunFormat) -> Result<(), Failure> {
    match output {
        RunFormat::Json => return Ok(()),
        RunFormat::Yaml => {
            anstream::print!("{}", objects(finished)?.join("---\n"));
            return Ok(());
        }
        RunFormat::Text => {}
    }
    let condition = finished.condition();
    for (name, value) in finished.results() {
        anstream::println!("{name}: {}", value.trim_end());
    }
    match finished {
        Finished::Pipeline(..) => anstream::eprintln!("{}: {}", condition.reason, condition.message),
        // The line of its only task has the message.
        Finished::Task(_) => anstream::eprintln!("{}", condition.reason),
    }
    Ok(())
}

/// The finished objects as YAML: the run, then the runs that it made in the order of their start, those of a pipeline in
/// the pipeline after it.
fn objects(finished: &Finished) -> Result<Vec<String>, Failure> {
    let text = |run: &Finished| match run {
        Finished::Task(run) => stream::yaml::document(run),
        Finished::Pipeline(run, _) => stream::yaml::document(run),
    };
    finished.all().into_iter().map(|run| Ok(text(run)?)).collect()
}

/// The position of the run that is meant. When the files have none, one is added for the pipeline or task that is meant.
pub(super) fn choose(documents: &mut Vec<Document>, only: Option<&str>) -> Result<usize, Failure> {
    let is_run = |o: &Object| matches!(o, Object::PipelineRun(_) | Object::TaskRun(_));
    if documents.iter().any(|d| is_run(&d.object)) {
        return the_one(documents, only, "run", is_run);
    }
    // A pipeline's file usually has its tasks with it: then the pipeline is meant.
    let is_pipeline = |o: &Object| matches!(o, Object::Pipeline(_));
    let target = if documents.iter().any(|d| is_pipeline(&d.object)) {
        the_one(documents, only, "Pipeline", is_pipeline)?
    } else {
        the_one(documents, only, "Task", |o| matches!(o, Object::Task(_)))?
    };
    let document = documents[target].clone();
    let target = name_of(&document.object).to_owned();
    let metadata = ObjectMeta { name: format!("{target}-{}", base::name::suffix()), ..ObjectMeta::default() };
    let object = match &document.object {
        Object::Pipeline(_) => Object::PipelineRun(PipelineRun::new(
            metadata,
            PipelineRunSpec { pipeline_ref: Some(PipelineRef::named(target)), ..PipelineRunSpec::default() },
        )),
        _ => Object::TaskRun(TaskRun::new(
            metadata,
            TaskRunSpec { task_ref: Some(TaskRef::named(target)), ..TaskRunSpec::default() },
        )),
    };
    documents.push(Document { object, ..document });
    Ok(documents.len() - 1)
}

fn the_one(
    documents: &[Document],
    only: Option<&str>,
    what: &str,
    is: impl Fn(&Object) -> bool,
) -> Result<usize, Failure> {
    let named = |o: &Object| only.is_none_or(|only| name_of(o) == only);
    let found: Vec<usize> = documents
        .iter()
        .enumerate()
        .filter(|(_, d)| is(&d.object) && named(&d.object))
        .map(|(i, _)| i)
        .collect();
    let names: Vec<&str> = documents.iter().map(|d| &d.object).filter(|o| is(o)).map(name_of).collect();
    match (found.as_slice(), only) {
        ([one], _) => Ok(*one),
        ([], Some(only)) if !names.is_empty() => Err(Failure::invalid(format!(
            "the files have no {what} called `{only}`, but: {}",
            names.join(", ")
        ))),
        ([], _) => Err(Failure::invalid("the files have no PipelineRun, TaskRun, Pipeline or Task to run")),
        _ => Err(Failure::invalid(format!(
            "the files have several of kind {what}: {}; say which with --name NAME",
            names.join(", ")
        ))),
    }
}

fn name_of(object: &Object) -> &str {
    object.metadata().map_or("", |m| if m.name.is_empty() { &m.generate_name } else { &m.name })
}

/// Puts `--param` and `--workspace` into the run; gives the folders that stand for claims.
fn amend(run: &mut Object, args: &RunArgs) -> Result<BTreeMap<String, (PathBuf, bool)>, Failure> {
    let (params, bindings) = match run {
        Object::PipelineRun(run) => (&mut run.spec.params, &mut run.spec.workspaces),
        Object::TaskRun(run) => (&mut run.spec.params, &mut run.spec.workspaces),
        _ => return Ok(BTreeMap::new()),
    };
    for (name, value) in &args.params {
        params.retain(|p| p.name != *name);
        params.push(Param { name: name.clone(), value: param_value(name, value)? });
    }
    let mut folders = BTreeMap::new();
    for (workspace, dir) in &args.workspaces {
        let (dir, read_only) = dir.strip_suffix(":ro").map_or((dir.as_str(), false), |d| (d, true));
        let path = std::fs::canonicalize(dir)
            .and_then(|path| std::fs::read_dir(&path).map(|_| path))
            .map_err(|e| {
                Failure::invalid(format!(
                    "--workspace {workspace}={dir}: {e}; give a folder that can be read"
                ))
            })?;
        let claim = format!("folder-{workspace}");
        bindings.retain(|b| b.name != *workspace);
        bindings.push(claim_binding(workspace, &claim));
        folders.insert(claim, (path, read_only));
    }
    Ok(folders)
}

/// Binds a workspace to a claim.
fn claim_binding(workspace: &str, claim: &str) -> WorkspaceBinding {
    WorkspaceBinding {
        name: workspace.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..WorkspaceBinding::default()
    }
}

fn param_value(name: &str, text: &str) -> Result<ParamValue, Failure> {
    if text.starts_with(['[', '{']) {
        return serde_json::from_str(text)
            .map_err(|e| Failure::invalid(format!("--param {name}: {e}; quote JSON for your shell")));
    }
    Ok(ParamValue::String(text.to_owned()))
}
