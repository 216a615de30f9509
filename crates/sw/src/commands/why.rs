//! `sw why` and `sw rdeps`: one component's fate, and what hangs on it.

use base::{Exit, diagnostic};
use serde_json::json;
use stream::overlay::Applied;
use stream::plan::{Action, dependents};

use super::Ended;
use super::plan::{Planned, planned};
use super::stream::load;
use crate::cli::{Format, StreamArg, WhyArgs};
use crate::failure::Failure;
use crate::settings::Home;

/// `sw why`.
pub fn why(home: &Home, args: &WhyArgs) -> Result<Ended, Failure> {
    let planned = read(home, args)?;
    let operations: Vec<&Applied> = operations(&planned, &args.component).collect();
    if args.output == Format::Json {
        let shown = json!({
            "component": planned.plan.component(&args.component),
            "bases": planned.loaded.graph.ancestors(&args.component)
                .into_iter().filter_map(|base| planned.plan.component(base)).collect::<Vec<_>>(),
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

/// A component's fate, all that changed, and below it the bases that are built first.
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
        (Action::Maybe, _) => "is built if a base comes out new".to_owned(),
    };
    anstream::println!("{indent}{component} {what}{whose}");
    if let Some(key) = &one.key {
        anstream::println!("{indent}  key {key}");
    }
    for reason in &one.reasons {
        anstream::println!("{indent}  {}: {}", reason.code.as_str(), reason.code.meaning());
        reason.changes.iter().for_each(|change| anstream::println!("{indent}    {change}"));
    }
    for base in &one.bases {
        if planned.plan.component(base).is_some_and(|base| base.action != Action::Reuse) {
            explain(planned, base, depth + 1);
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
pub fn rdeps(home: &Home, args: &WhyArgs) -> Result<Ended, Failure> {
    let planned = read(home, args)?;
    let found = dependents(&planned.loaded.graph, &args.component);
    if args.output == Format::Json {
        anstream::println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(Exit::Success.into());
    }
    let name = &args.component;
    let count = found.direct.len() + found.indirect.len();
    match count {
        0 => anstream::println!("no component starts from {name}"),
        1 => anstream::println!("1 component starts from {name}"),
        _ => anstream::println!("{count} components start from {name}"),
    }
    for (component, inherited) in &found.direct {
        let whose = inherited.as_ref().map(|stream| format!("  [from {stream}]")).unwrap_or_default();
        anstream::println!("  {component}{whose}");
    }
    for (component, through) in &found.indirect {
        anstream::println!("  {component}  through {}", through.join(", "));
    }
    if found.release_base {
        anstream::println!("the release payload is a layer on it");
    }
    for (what, names) in [("tested by", &found.tests), ("same repository", &found.same_repository)] {
        if !names.is_empty() {
            anstream::println!("{what}: {}", names.join(", "));
        }
    }
    Ok(Exit::Success.into())
}

fn read(home: &Home, args: &WhyArgs) -> Result<Planned, Failure> {
    let planned =
        planned(home, load(home, &StreamArg { stream: args.stream.clone(), tasks: None })?, &[], false)?;
    let components = &planned.loaded.graph.stream.components;
    if !components.contains_key(&args.component) {
        let names = components.keys().map(String::as_str);
        let hint = match diagnostic::nearest(&args.component, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sw plan` lists them".to_owned(),
        };
        return Err(Failure::invalid(format!("there is no component `{}`; {hint}", args.component)));
    }
    Ok(planned)
}
