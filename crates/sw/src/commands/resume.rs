//! `sw run --resume`: goes on with a run that failed or was interrupted, from what it recorded.

use base::{Exit, Source, diagnostic};
use engine::Config;
use engine::config::Reuse;
use engine::earlier::{Begun, Earlier};
use engine::local::images::Alias;
use engine::record::{Run, Runs, State};
use tekton::catalog::Catalog;
use tekton::load::{Document, Object, load};
use tekton::types::{Param, PipelineRun, TaskRun};

use super::inputs::{read_all, text};
use super::logs::find;
use super::run::{configured, execute, folder, folder_claim, param_value, step_cache};
use crate::cli::RunArgs;
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
    let catalog = Catalog::new(documents, &mut |prefix| format!("{prefix}{}", base::name::suffix()))?;
    let config = configured(home, args, begun.folders.clone())?;
    let images = begun.images.iter();
    let aliases = images.map(|(pattern, target)| Alias { pattern: pattern.clone(), target: target.clone() });
    let aliases = config.aliases.iter().cloned().chain(aliases).collect();
    execute(home, &Config { aliases, reuse, ..config }, args, &catalog, &name)
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
    let hint = diagnostic::nearest(missing[0], given).map(|near| format!(" (there is `{near}`)"));
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
