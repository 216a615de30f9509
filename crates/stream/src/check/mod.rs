//! Whether a stream makes sense, and what its names mean.
//!
//! Everything is looked at, so that one call reports all there is to correct.
//!
//! - `names`: names, tags, version, repository
//! - `platforms`: which components and tests are for which platforms
//! - `fields`: paths, packages, arguments, labels
//! - `contract`: what component and test tasks must take and give
//! - `pipeline`: what the pipeline must have, and what its tasks refer to
//! - [`bases`](fn@bases): what components start from
//! - `operands`: components whose images others name
//! - `rebuild`: which bases may be exchanged
//! - `waivers`: what is said about findings
//! - `cycle`: components that depend on each other

mod bases;
mod contract;
mod cycle;
mod fields;
mod names;
mod operands;
mod pipeline;
mod platforms;
mod rebuild;
mod waivers;

use base::diagnostic::suggestion;
use base::{Diagnostic, Diagnostics, Source};

use crate::definition::{Definition, Places, Stream};
use crate::graph::{Graph, Graphs};
use crate::overlay::History;
use crate::source::Sources;
use crate::task::Tasks;

pub use self::bases::{Bases, Unresolved, bases};

/// A stream that makes sense.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The stream with all its references resolved, for each of its platforms.
    pub graphs: Graphs,
}

/// Checks a stream against its sources and the tasks that there are.
///
/// # Errors
/// Everything that is wrong, each with its place and what to write instead.
pub fn check(definition: &Definition, sources: &dyn Sources, tasks: &Tasks) -> Result<Checked, Diagnostics> {
    let mut findings = Diagnostics::default();
    let scope = Scope::new(definition, sources, tasks);
    names::check(scope, &mut findings);
    platforms::check(scope, &mut findings);
    fields::check(scope, &mut findings);
    let mut nodes = bases::resolve(scope, &mut findings);
    operands::resolve(scope, &mut nodes, &mut findings);
    contract::check(scope, &nodes, &mut findings);
    pipeline::check(scope, &mut findings);
    rebuild::resolve(scope, &mut nodes, &mut findings);
    waivers::check(scope, &mut findings);
    let mut graphs = Vec::new();
    for (platform, nodes) in nodes {
        match Graph::new(definition.stream.on(platform), platform, nodes) {
            Ok(mut graph) => {
                graph.set_policies(definition);
                graph.stand_ins = definition.stream.stand_ins(platform);
                graphs.push(graph);
            }
            // The same components are in it on every platform.
            Err(cycle) if findings.0.iter().all(|finding| !cycle::CODES.contains(&finding.code)) => {
                findings.push(cycle::finding(scope, &cycle));
            }
            Err(_) => {}
        }
    }
    findings.into_result(Checked { graphs: Graphs::new(definition.stream.clone(), graphs) })
}

/// What every check looks at.
#[derive(Clone, Copy)]
struct Scope<'a> {
    stream: &'a Stream,
    places: &'a Places,
    history: &'a History,
    sources: &'a dyn Sources,
    tasks: &'a Tasks,
}

impl<'a> Scope<'a> {
    fn new(definition: &'a Definition, sources: &'a dyn Sources, tasks: &'a Tasks) -> Self {
        let Definition { stream, places, history } = definition;
        Self { stream, places, history, sources, tasks }
    }

    /// Whether the user works on an overlay, who cannot write into the streams below.
    fn is_overlay(self) -> bool {
        !self.history.parents.is_empty()
    }

    /// Whether what `source` says is said by an operation of an overlay.
    fn is_operation(self, source: &Source) -> bool {
        self.history.applied.iter().any(|applied| applied.source == *source)
    }

    /// How to say what a name in `FROM` means, in the words of the file that the user works on.
    fn write_base(self, name: &str, base: &str) -> String {
        if self.is_overlay() {
            format!("operations:\n  - setBase: {{name: {name}, base: {{{base}}}}}")
        } else {
            format!("bases:\n  {name}: {{{base}}}")
        }
    }

    /// Says of a component that does not exist which operation removed it, and what can be done `instead`; else what was meant.
    fn no_component(self, name: &str, finding: Diagnostic, instead: &str) -> Diagnostic {
        match self.history.removed(name) {
            Some(removed) => {
                let note = format!("removed here, by `{}`", removed.stream);
                let help = format!("remove that operation, or {instead}");
                finding.related(&removed.source, removed.span, note).help(help)
            }
            None => finding.help(suggestion(name, self.stream.components.keys().map(String::as_str))),
        }
    }
}

/// Refuses a text that Tekton would take for a reference: there is no way to escape it.
fn reference_in(value: &str, what: &str) -> Option<Diagnostic> {
    let at = value.find("$(")?;
    let end = value[at..].find(')').map_or(value.len(), |i| at + i + 1);
    Some(
        Diagnostic::error(
            "tekton-reference",
            format!("{what} contains `{}`, which Tekton would replace", &value[at..end]),
        )
        .help("write the value itself; for a shell variable ${NAME} does"),
    )
}

#[cfg(test)]
mod tests;
