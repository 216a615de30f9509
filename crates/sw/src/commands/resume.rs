//! Earlier runs from what they recorded: `sw run --resume` goes on with one, `sw shell` looks into one.

use base::diagnostic::nearest;
use base::{Exit, Source};
use engine::Config;
use engine::config::{Reuse, Shell, ShellWhen};
use engine::earlier::{Begun, Earlier};
use engine::local::images::Alias;
use engine::record::{Run, Runs, State};
use tekton::catalog::Catalog;
use tekton::cluster::Cluster;
use tekton::defaults;
use tekton::load::{Document, Object, load};
use tekton::prepare::Part;
use tekton::types::{Param, PipelineRun, TaskRun};

use super::Ended;
use super::engine::confined;
use super::inputs::{read_all, text};
use super::logs::find;
use super::run::{configured, execute, folder, folder_claim, param_value, step_cache, terminal};
use crate::cli::{InputArgs, RunArgs, ShellArgs};
use crate::failure::Failure;
use crate::settings::Home;

/// Goes on with the run `id`.
pub fn run(home: &Home, args: &RunArgs, id: &str) -> Result<Exit, Failure> {
    let run = find(home, id)?;
    let begun = begun(home, &run)?;
    let mut documents = recorded(&run)?;
    let given = read_all(&args.inputs)?;
    same_inputs(&run, &begun, &documents, &given, args)?;
    let secrets = given.into_iter().filter(|d| matches!(d.object, Object::Secret(_)));
    documents.extend(secrets);
    complete(&run, &begun, &documents)?;
    let name = put_run(&mut documents, &begun)?;
    let from = begun.from.as_ref().map(|id| find(home, id)).transpose()?;
    let reuse = Reuse {
        part: begun.part.clone(),
        from: from.map(|run| Earlier::load(&run)).transpose()?,
        resumes: Some(Earlier::load(&run)?),
        resumable: true,
        cache: step_cache(home, args)?,
    };
    let config = Config { reuse, ..as_before(home, args, &begun, &mut documents)? };
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}{}", base::name::suffix()))?;
    execute(home, &config, args, &catalog, &name)
}

/// `sw shell`: runs the steps before one again, in a run of its own, and opens a shell in place of that one.
pub fn shell(home: &Home, args: &ShellArgs) -> Result<Ended, Failure> {
    // Asked in the first process of the two: what is wrong is told before anything begins.
    terminal("sw shell")?;
    let run = find(home, &args.run)?;
    let earlier = Earlier::load(&run)?;
    let step = step_of(&run, &earlier, args)?;
    if let Some(ended) = confined()? {
        return Ok(ended);
    }
    let Some(mut begun) = Begun::read(&run.dir)? else {
        return Err(Failure::invalid(format!(
            "the record of run {} does not say enough for a shell",
            run.id
        )));
    };
    // A run of its own, whose volumes begin as those of the earlier one.
    begun.object["metadata"]["uid"] = serde_json::Value::String(String::new());
    let mut documents = recorded(&run)?;
    let inputs = InputArgs { files: args.secrets.clone(), ..InputArgs::default() };
    let given = read_all(&inputs)?;
    documents.extend(given.into_iter().filter(|d| matches!(d.object, Object::Secret(_))));
    complete(&run, &begun, &documents)?;
    let name = put_run(&mut documents, &begun)?;
    let part = earlier.pipeline_task(&args.task).map(|task| Part::Only(vec![task]));
    let from = part.is_some().then_some(earlier);
    let run_args = RunArgs::plain(inputs, args.engine.clone(), args.offline);
    let config = Config {
        reuse: Reuse { part, from, ..Reuse::default() },
        shell: Some(Shell {
            terminal: terminal("sw shell")?,
            when: ShellWhen::InsteadOf { task: args.task.clone(), step },
        }),
        ..as_before(home, &run_args, &begun, &mut documents)?
    };
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}{}", base::name::suffix()))?;
    let exit = execute(home, &config, &run_args, &catalog, &name)?;
    // Leaving the shell is what cancels the run.
    Ok(if exit == Exit::Interrupted { Exit::Success } else { exit }.into())
}

/// The step that is asked for; without one, the step that failed, else the first.
fn step_of(run: &Run, earlier: &Earlier, args: &ShellArgs) -> Result<String, Failure> {
    let Some(steps) = earlier.steps(&args.task) else {
        let tasks = earlier.tasks();
        let message = format!("in run {} ended no task", run.id);
        return Err(Failure::unknown(&message, &args.task, tasks.iter().map(String::as_str)));
    };
    let names = || steps.iter().map(|(name, _)| name.as_str());
    match &args.step {
        Some(step) if names().any(|name| name == step) => Ok(step.clone()),
        Some(step) => Err(Failure::unknown(&format!("the task `{}` has no step", args.task), step, names())),
        None => {
            let failed = steps.iter().find(|(_, failed)| *failed).or(steps.first());
            let none = || Failure::invalid(format!("the task `{}` ended before its first step", args.task));
            failed.map(|(name, _)| name.clone()).ok_or_else(none)
        }
    }
}

/// The engine as the earlier run had it: its folders, images, and the defaults of its cluster, which are written into the
/// documents as they were.
fn as_before(
    home: &Home,
    args: &RunArgs,
    begun: &Begun,
    documents: &mut [Document],
) -> Result<Config, Failure> {
    let config = configured(home, args, begun.folders.clone())?;
    let images = begun.images.iter();
    let aliases = images.map(|(pattern, target)| Alias { pattern: pattern.clone(), target: target.clone() });
    let aliases = config.aliases.iter().cloned().chain(aliases).collect();
    let defaults = Cluster::of(documents)?.defaults;
    documents.iter_mut().for_each(|d| defaults::apply(&mut d.object, &defaults));
    Ok(Config { aliases, settings: defaults.settings, ..config })
}

/// How the run began, when one can go on with it.
fn begun(home: &Home, run: &Run) -> Result<Begun, Failure> {
    let id = &run.id;
    let no = |why: &str| Failure::invalid(format!("cannot go on with run {id}: {why}"));
    match run.state {
        State::Running => return Err(no("it is still running")),
        State::Succeeded => {
            return Err(no("it succeeded, nothing is left to do; `sw run FILE` runs it anew"));
        }
        State::Interrupted | State::Failed(_) => {}
    }
    let Some(begun) = Begun::read(&run.dir)? else {
        return Err(no("its record does not say enough. What `sw build` began goes on with `sw build`"));
    };
    for other in Runs::new(home.runs()).list()? {
        if Begun::read(&other.dir)?.is_some_and(|b| b.resumes.as_ref() == Some(id)) {
            return Err(no(&format!("{} did that already; type --resume {}", other.id, other.id)));
        }
    }
    Ok(begun)
}

/// The objects that the run was made of, without secrets.
fn recorded(run: &Run) -> Result<Vec<Document>, Failure> {
    let path = run.dir.join("input.yaml");
    let text = text(&path).map_err(|e| {
        Failure::invalid(format!("cannot go on with run {}: {}: {e}", run.id, path.display()))
    })?;
    Ok(load(&Source::new(path.display().to_string(), text))?.documents)
}

/// Refuses what is not what the run began with.
fn same_inputs(
    run: &Run,
    begun: &Begun,
    recorded: &[Document],
    given: &[Document],
    args: &RunArgs,
) -> Result<(), Failure> {
    let mut differences = Vec::new();
    for document in given.iter().filter(|d| !matches!(d.object, Object::Secret(_) | Object::Other { .. })) {
        let (kind, name) = (document.object.kind(), name(&document.object));
        let (line, _) = document.source.position(document.span().start);
        let place = format!("{kind} {name} ({}:{line})", document.source.name());
        match recorded.iter().find(|r| (r.object.kind(), self::name(&r.object)) == (kind, name)) {
            Some(known) if known.object == document.object => {}
            Some(_) => differences.push(format!("{place} was changed")),
            None => differences.push(format!("{place} is new")),
        }
    }
    let params: Vec<Param> =
        serde_json::from_value(begun.object["spec"]["params"].clone()).unwrap_or_default();
    for (name, value) in &args.params {
        let value = param_value(name, value)?;
        if !params.iter().any(|p| p.name == *name && p.value == value) {
            differences.push(format!("param {name} had another value"));
        }
    }
    for (name, dir) in &args.workspaces {
        if begun.folders.get(&folder_claim(name)) != Some(&folder(name, dir)?) {
            differences.push(format!("workspace {name} was another folder"));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "run {} began with something else: {}. It goes on with what it began with; leave these out, or run them anew \
         without --resume",
        run.id,
        differences.join("; ")
    )))
}

fn name(object: &Object) -> &str {
    object.metadata().map_or("", |m| if m.name.is_empty() { &m.generate_name } else { &m.name })
}

/// Secrets are not in the record: their files have to be given again.
fn complete(run: &Run, begun: &Begun, documents: &[Document]) -> Result<(), Failure> {
    let given: Vec<&str> =
        documents.iter().filter(|d| matches!(d.object, Object::Secret(_))).map(|d| name(&d.object)).collect();
    let missing: Vec<&str> =
        begun.secrets.iter().map(String::as_str).filter(|name| !given.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hint = nearest(missing[0], given).map(|near| format!(" (there is `{near}`)"));
    Err(Failure::invalid(format!(
        "run {} used secrets that are not recorded: {}{}; give the files that have them: sw run --resume {} FILE",
        run.id,
        missing.join(", "),
        hint.unwrap_or_default(),
        run.id
    )))
}

/// Puts the run as it was into the documents: with a name, and with what the command line said. Gives its name.
fn put_run(documents: &mut Vec<Document>, begun: &Begun) -> Result<String, Failure> {
    let object = match begun.object["kind"].as_str() {
        Some("TaskRun") => Object::TaskRun(serde_json::from_value::<TaskRun>(begun.object.clone())?),
        _ => Object::PipelineRun(serde_json::from_value::<PipelineRun>(begun.object.clone())?),
    };
    let (kind, run) = (object.kind().to_owned(), name(&object).to_owned());
    let made_from = |d: &&mut Document| {
        let metadata = d.object.metadata();
        let own = metadata.is_some_and(|m| {
            if m.name.is_empty() { run.starts_with(&m.generate_name) } else { m.name == run }
        });
        d.object.kind() == kind && own
    };
    match documents.iter_mut().find(made_from) {
        Some(document) => document.object = object,
        None => {
            let place = documents.first().cloned();
            let place =
                place.ok_or_else(|| Failure::new(Exit::Invalid, anyhow::anyhow!("its record is empty")))?;
            documents.push(Document { object, ..place });
        }
    }
    Ok(run)
}
