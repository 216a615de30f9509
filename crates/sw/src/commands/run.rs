//! `sw run`: any Tekton YAML on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use base::Exit;
use engine::cache::StepCache;
use engine::config::{Reuse, Shell, ShellWhen};
use engine::earlier::Earlier;
use engine::local::shell::Terminal;
use engine::mask::Mask;
use engine::{Config, EngineError, Finished};
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
use super::logs::find;
use super::remote::remote;
use super::run_inputs::check;
use crate::cli::{RunArgs, RunFormat};
use crate::failure::Failure;
use crate::settings::Home;

/// Claims that are folders of this machine, and whether they may only be read.
pub(super) type Folders = BTreeMap<String, (PathBuf, bool)>;

/// Runs what the files say.
pub fn run(home: &Home, args: &RunArgs) -> Result<Ended, Failure> {
    // Asked in the first process of the two: what is wrong is told before anything begins.
    shell(args)?;
    if args.reuse.watch {
        return super::watch::run(args);
    }
    if let Some(ended) = confined()? {
        return Ok(ended);
    }
    if let Some(id) = &args.reuse.resume {
        return Ok(super::resume::run(home, args, id)?.into());
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
    let from = args.reuse.from.as_ref().map(|id| find(home, id)).transpose()?;
    let from = from.map(|run| Earlier::load(&run)).transpose()?;
    let cache = step_cache(home, args)?;
    let reuse = Reuse { part: args.reuse.part(), from, resumes: None, resumable: true, cache };
    let settings = cluster.defaults.settings;
    let config = Config { reuse, settings, ..configured(home, args, folders)? };
    execute(home, &config, args, &catalog, &name)
}

/// The step cache, when it is asked for.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn step_cache(home: &Home, args: &RunArgs) -> Result<Option<StepCache>, Failure> {
    let open =
        || StepCache::open(home.steps()).with_context(|| format!("cannot use {}", home.steps().display()));
    Ok(args.reuse.cache.then(open).transpose()?)
}

/// The engine for `sw run`.
///
/// # Errors
/// When the store cannot be opened.
pub(super) fn configured(home: &Home, args: &RunArgs, folders: Folders) -> Result<Config, Failure> {
    let observer = observer(home, &args.engine, args.output == RunFormat::Json, &command_line());
    let shell = shell(args)?.map(|terminal| Shell { terminal, when: ShellWhen::StepFails });
    let mut config = Config { shell, ..config(home, &args.engine, folders, observer)? };
    if args.offline {
        config.client = None;
    }
    Ok(config)
}

/// The terminal for `--shell-on-failure`.
fn shell(args: &RunArgs) -> Result<Option<Terminal>, Failure> {
    args.reuse.shell_on_failure.then(|| terminal("--shell-on-failure")).transpose()
}

/// The user's terminal, which `what` needs.
///
/// # Errors
/// When there is none.
pub(super) fn terminal(what: &str) -> Result<Terminal, Failure> {
    let no = || Failure::invalid(format!("{what} needs a terminal as standard input and output"));
    Terminal::of_this_process().ok_or_else(no)
}

/// Runs the object called `name` and prints what came of it.
///
/// # Errors
/// When it cannot be run at all.
pub(super) fn execute(
    home: &Home,
    config: &Config,
    args: &RunArgs,
    catalog: &Catalog,
    name: &str,
) -> Result<Exit, Failure> {
    let remote = remote(home, args.offline, Some(config.stop.clone()))?;
    let definitions = Resolving { catalog, remote: &remote };
    let finished = engine::run(config, catalog, &definitions, name).map_err(|e| match e {
        EngineError::Part { .. } | EngineError::NoParts(_) | EngineError::VolumesGone(_) => {
            Failure::new(Exit::Invalid, e)
        }
        other => other.into(),
    })?;
    report(&finished, args.output, &Mask::of(catalog))?;
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

fn report(finished: &Finished, output: RunFormat, mask: &Mask) -> Result<(), Failure> {
    match output {
        RunFormat::Json => return Ok(()),
        RunFormat::Yaml => {
            anstream::print!("{}", objects(finished, mask)?.join("---\n"));
            return Ok(());
        }
        RunFormat::Text => {}
    }
    let condition = finished.condition();
    for (name, value) in finished.results() {
        anstream::println!("{name}: {}", mask.text(value.trim_end()));
    }
    match finished {
        Finished::Pipeline(run, _) => {
            anstream::eprintln!("{}: {}", condition.reason, mask.text(&condition.message));
            if !finished.succeeded() && !run.status.child_references.is_empty() {
                anstream::eprintln!("to go on with what is not finished: sw run --resume last");
            }
        }
        // The line of its only task has the message.
        Finished::Task(_) => anstream::eprintln!("{}", condition.reason),
    }
    Ok(())
}

/// The finished objects as YAML: the run, then the runs that it made in the order of their start, those of a pipeline in
/// the pipeline after it.
fn objects(finished: &Finished, mask: &Mask) -> Result<Vec<String>, Failure> {
    let masked = finished.all().into_iter().map(|run| {
        let mut value = match run {
            Finished::Task(run) => serde_json::to_value(run)?,
            Finished::Pipeline(run, _) => serde_json::to_value(run)?,
        };
        mask.json(&mut value);
        Ok(stream::yaml::document(&value)?)
    });
    masked.collect()
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
fn amend(run: &mut Object, args: &RunArgs) -> Result<Folders, Failure> {
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
        let claim = folder_claim(workspace);
        bindings.retain(|b| b.name != *workspace);
        bindings.push(claim_binding(workspace, &claim));
        folders.insert(claim, folder(workspace, dir)?);
    }
    Ok(folders)
}

/// The claim that stands for the folder of a workspace.
pub(super) fn folder_claim(workspace: &str) -> String {
    format!("folder-{workspace}")
}

/// The folder of `--workspace`, and whether it may only be read.
///
/// # Errors
/// When it is none, or cannot be read.
pub(super) fn folder(workspace: &str, dir: &str) -> Result<(PathBuf, bool), Failure> {
    let (dir, read_only) = dir.strip_suffix(":ro").map_or((dir, false), |d| (d, true));
    let path = std::fs::canonicalize(dir).and_then(|path| std::fs::read_dir(&path).map(|_| path));
    let path = path.map_err(|e| {
        Failure::invalid(format!("--workspace {workspace}={dir}: {e}; give a folder that can be read"))
    })?;
    Ok((path, read_only))
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

/// The value of `--param`.
///
/// # Errors
/// When it looks like JSON and is none.
pub(super) fn param_value(name: &str, text: &str) -> Result<ParamValue, Failure> {
    if text.starts_with(['[', '{']) {
        return serde_json::from_str(text)
            .map_err(|e| Failure::invalid(format!("--param {name}: {e}; quote JSON for your shell")));
    }
    Ok(ParamValue::String(text.to_owned()))
}
