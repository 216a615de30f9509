//! `sw why` and `sw rdeps`: one component's fate, and what hangs on it.

use std::collections::BTreeMap;

use base::Exit;
use serde_json::json;
use stream::graph::{Edge, Graphs};
use stream::overlay::Applied;
use stream::plan::dependents::{Touched, touched};
use stream::plan::{Action, ReasonCode, dependents};

use super::Ended;
use super::plan::{Planned, planned};
use super::stream::load;
use super::stream::unlocked::Unlocked;
use crate::cli::{Format, RdepsArgs, StreamArg, WhyArgs};
use crate::failure::Failure;
use crate::output::table::columns;
use crate::settings::Home;

/// `sw why`.
pub fn why(home: &Home, args: &WhyArgs) -> Result<Ended, Failure> {
    let loaded = load(home, &StreamArg { stream: args.stream.clone(), tasks: None }, false)?;
    known(&loaded.graphs, &args.component)?;
    let planned = planned(home, loaded.turned(args.knobs)?, &[], false)?;
    let operations: Vec<&Applied> = operations(&planned, &args.component).collect();
    if args.output == Format::Json {
        let shown = json!({
            "components": planned.plan.of(&args.component).collect::<Vec<_>>(),
            "lastFailures": planned.record.platforms.iter()
                .filter_map(|(platform, built)| Some((platform, built.failed.get(&args.component)?)))
                .collect::<BTreeMap<_, _>>(),
            "dependsOn": planned.loaded.graphs.iter().flat_map(|graph| {
                let needs = graph.before(&args.component).into_iter();
                needs.filter_map(|need| planned.plan.on(graph.platform, need))
            }).collect::<Vec<_>>(),
            "operations": operations.iter().map(|applied| json!({
                "operation": applied.operation, "stream": applied.stream, "origin": place(applied),
            })).collect::<Vec<_>>(),
        });
        anstream::println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(Exit::Success.into());
    }
    for one in planned.plan.of(&args.component) {
        explain(&planned, one, 0);
    }
    for applied in operations {
        let why = applied.operation.why().map(|why| format!(": {why}")).unwrap_or_default();
        anstream::println!("  {} by {} ({}){why}", applied.operation.verb(), applied.stream, place(applied));
    }
    Ok(Exit::Success.into())
}

/// A component's fate, all that changed, and below it what is built first because it depends on it.
fn explain(planned: &Planned, one: &stream::plan::Planned, depth: usize) {
    let component = planned.plan.title(one);
    let indent = "  ".repeat(depth);
    let whose = one.inherited.as_ref().map(|stream| format!(", inherited from {stream}")).unwrap_or_default();
    let what = match (one.action, &one.prebuilt) {
        (Action::Reuse, Some(image)) => format!("is the image {image}"),
        (Action::Reuse, None) => {
            format!("is reused: {}", one.image.map(|image| image.to_string()).unwrap_or_default())
        }
        (Action::Build, _) => "is built".to_owned(),
        (Action::Rebase, _) => "is set on another base, and built only if that does not fit".to_owned(),
        (Action::Maybe, _) => "is built if something that it depends on comes out new".to_owned(),
    };
    anstream::println!("{indent}{component} {what}{whose}");
    if let Some(key) = &one.key {
        anstream::println!("{indent}  key {key}");
    }
    for reason in &one.reasons {
        anstream::println!("{indent}  {}: {}", reason.code.as_str(), reason.code.meaning());
        let failed =
            planned.record.platforms.get(&one.platform).and_then(|built| built.failed.get(&one.component));
        match (reason.code, failed) {
            (ReasonCode::LastBuildFailed, Some(failed)) => {
                anstream::println!("{indent}    sw logs {} {}", failed.run, failed.task);
            }
            _ => reason.changes.iter().for_each(|change| anstream::println!("{indent}    {change}")),
        }
        if reason.code == ReasonCode::CommitChanged && !one.same_repository.is_empty() {
            anstream::println!("{indent}    the same repository builds {}", one.same_repository.join(", "));
        }
    }
    let built = planned.record.platforms.get(&one.platform);
    let built = built.filter(|built| one.image == built.images.get(&one.component).copied());
    if let Some(from) = built.and_then(|built| built.rebased.get(&one.component)) {
        anstream::println!("{indent}  rebased, not built: {from}");
    }
    if let Some(knob) = one.held_back {
        anstream::println!("{indent}  held back by `{knob}`");
    }
    for need in &one.depends_on {
        let need = planned.plan.on(one.platform, &need.component);
        if let Some(need) = need.filter(|need| need.action != Action::Reuse) {
            explain(planned, need, depth + 1);
        }
    }
}

/// The operations that made the component what it is.
fn operations<'a>(planned: &'a Planned, component: &'a str) -> impl Iterator<Item = &'a Applied> {
    let applied = &planned.loaded.definition.history.applied;
    applied.iter().filter(move |applied| {
        let nodes = planned.loaded.graphs.iter().filter_map(|graph| graph.nodes.get(component));
        let mut bases = nodes.flat_map(|node| node.bases.values());
        let mut uses = |name: &str| bases.any(|base| base.entry.as_deref() == Some(name));
        applied.operation.target() == component
            || matches!(applied.operation, stream::definition::overlay::Operation::SetBase(_))
                && uses(applied.operation.target())
    })
}

fn place(applied: &Applied) -> String {
    let (line, _) = applied.source.position(applied.span.start);
    format!("{}:{line}", applied.source.name())
}

/// `sw rdeps`.
pub fn rdeps(home: &Home, args: &RdepsArgs) -> Result<Ended, Failure> {
    let stream = StreamArg { stream: args.stream.clone(), tasks: None };
    let graphs = Unlocked::read(home, &stream, false)?.graphs()?;
    if !graphs.stream.components.contains_key(&args.component)
        && let Some(touched) = touched(&graphs, &args.component)
    {
        return of_repository(&touched, args.output);
    }
    known(&graphs, &args.component)?;
    let found = dependents(&graphs, &args.component);
    if args.output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(Exit::Success.into());
    }
    let name = &args.component;
    let count = found.direct.len() + found.indirect.len();
    match count {
        0 => anstream::println!("no component depends on {name}"),
        1 => anstream::println!("1 component depends on {name}"),
        _ => anstream::println!("{count} components depend on {name}"),
    }
    let direct = found.direct.iter().map(|(component, dependent)| {
        let how = match dependent.edge {
            Edge::Base => "is a layer on it",
            Edge::Builder => "is built with it",
            Edge::Operand => "names it as an operand",
        };
        let whose = dependent.inherited.as_ref().map(|stream| format!("[from {stream}]"));
        vec![format!("  {component}"), how.to_owned(), whose.unwrap_or_default()]
    });
    let indirect = found.indirect.iter().map(|(component, through)| {
        vec![format!("  {component}"), format!("through {}", through.join(", ")), String::new()]
    });
    let rows: Vec<Vec<String>> = direct.chain(indirect).collect();
    anstream::print!("{}", columns(&rows));
    if found.release_base {
        anstream::println!("the release payload is a layer on it");
    }
    for (what, names) in
        [("tested by", &found.tests), ("a commit in its repository touches too", &found.same_repository)]
    {
        if !names.is_empty() {
            anstream::println!("{what}: {}", names.join(", "));
        }
    }
    Ok(Exit::Success.into())
}

/// What a commit in a repository touches.
fn of_repository(touched: &Touched, output: Format) -> Result<Ended, Failure> {
    if output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&touched)?);
        return Ok(Exit::Success.into());
    }
    let Touched { repository, components, dependents } = touched;
    let plural = if components.len() == 1 { "component" } else { "components" };
    anstream::println!(
        "a commit in {repository} touches {} {plural}: {}",
        components.len(),
        components.join(", ")
    );
    if !dependents.is_empty() {
        anstream::println!("and by them {}: {}", dependents.len(), dependents.join(", "));
    }
    Ok(Exit::Success.into())
}

/// Refuses a component that does not exist.
fn known(graphs: &Graphs, component: &str) -> Result<(), Failure> {
    let components = &graphs.stream.components;
    if components.contains_key(component) {
        return Ok(());
    }
    Err(Failure::unknown("there is no component", component, components.keys().map(String::as_str)))
}
