//! `sw why` and `sw rdeps`: one component's fate, and what hangs on it.

use base::Exit;
use base::diagnostic::did_you_mean;
use serde_json::json;
use stream::graph::{Edge, Graph};
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
    known(&loaded.graph, &args.component)?;
    let planned = planned(home, loaded.turned(args.knobs)?, &[], false)?;
    let operations: Vec<&Applied> = operations(&planned, &args.component).collect();
    if args.output == Format::Json {
        let shown = json!({
            "component": planned.plan.component(&args.component),
            "lastFailure": planned.record.failed.get(&args.component),
            "dependsOn": planned.loaded.graph.before(&args.component)
                .into_iter().filter_map(|need| planned.plan.component(need)).collect::<Vec<_>>(),
            "operations": operations.iter().map(|applied| json!({
                "operation": applied.operation, "stream": applied.stream, "origin": place(applied),
            })).collect::<Vec<_>>(),
        });
        anstream::println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(Exit::Success.into());
    }
    explain(&planned, &args.component, 0);
    for applied in operations {
        let why = applied.operation.why().map(|why| format!(": {why}")).unwrap_or_default();
        anstream::println!("  {} by {} ({}){why}", applied.operation.verb(), applied.stream, place(applied));
    }
    Ok(Exit::Success.into())
}

/// A component's fate, all that changed, and below it what is built first because it depends on it.
fn explain(planned: &Planned, component: &str, depth: usize) {
    let Some(one) = planned.plan.component(component) else { return };
    let indent = "  ".repeat(depth);
    let whose = one.inherited.as_ref().map(|stream| format!(", inherited from {stream}")).unwrap_or_default();
    let what = match (one.action, &one.prebuilt) {
        (Action::Reuse, Some(image)) => format!("is the image {image}"),
        (Action::Reuse, None) => {
            format!("is reused: {}", one.image.map(|image| image.to_string()).unwrap_or_default())
        }
        (Action::Build, _) => "is built".to_owned(),
        (Action::Maybe, _) => "is built if something that it depends on comes out new".to_owned(),
    };
    anstream::println!("{indent}{component} {what}{whose}");
    if let Some(key) = &one.key {
        anstream::println!("{indent}  key {key}");
    }
    for reason in &one.reasons {
        anstream::println!("{indent}  {}: {}", reason.code.as_str(), reason.code.meaning());
        match (reason.code, planned.record.failed.get(component)) {
            (ReasonCode::LastBuildFailed, Some(failed)) => {
                anstream::println!("{indent}    sw logs {} {}", failed.run, failed.task);
            }
            _ => reason.changes.iter().for_each(|change| anstream::println!("{indent}    {change}")),
        }
        if reason.code == ReasonCode::CommitChanged && !one.same_repository.is_empty() {
            anstream::println!("{indent}    the same repository builds {}", one.same_repository.join(", "));
        }
    }
    if let Some(knob) = one.held_back {
        anstream::println!("{indent}  held back by `{knob}`");
    }
    for need in &one.depends_on {
        if planned.plan.component(&need.component).is_some_and(|need| need.action != Action::Reuse) {
            explain(planned, &need.component, depth + 1);
        }
    }
}

/// The operations that made the component what it is.
fn operations<'a>(planned: &'a Planned, component: &'a str) -> impl Iterator<Item = &'a Applied> {
    let applied = &planned.loaded.definition.history.applied;
    applied.iter().filter(move |applied| {
        let base = planned.loaded.graph.nodes.get(component);
        let uses =
            |name: &str| base.is_some_and(|n| n.bases.values().any(|b| b.entry.as_deref() == Some(name)));
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
    let graph = Unlocked::read(home, &stream, false)?.graph()?;
    if !graph.stream.components.contains_key(&args.component)
        && let Some(touched) = touched(&graph, &args.component)
    {
        return of_repository(&touched, args.output);
    }
    known(&graph, &args.component)?;
    let found = dependents(&graph, &args.component);
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
fn known(graph: &Graph, component: &str) -> Result<(), Failure> {
    let components = &graph.stream.components;
    if components.contains_key(component) {
        return Ok(());
    }
    let hint = did_you_mean(component, components.keys().map(String::as_str))
        .unwrap_or_else(|| "`sw plan` lists them".to_owned());
    Err(Failure::invalid(format!("there is no component `{component}`; {hint}")))
}
