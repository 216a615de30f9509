//! Trees into typed values, with errors that point into the text.
//!
//! Any type with a derived `Deserialize` works; fields and type names of messages are the type's. Not supported are
//! types that hide their fields from the reader (`#[serde(flatten)]`).
//!
//! - `read`: the reader of a tree
//! - `fault`: why a value cannot be read

mod fault;
mod read;

use std::cell::RefCell;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use base::{Diagnostic, Diagnostics, Source, Span};
use serde::de::DeserializeOwned;

use crate::yaml::Node;
use fault::Fault;
use read::Reader;

/// How keys find their fields and how strict types are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// As Go's `encoding/json` reads: the case of keys does not matter (of two spellings the later wins), null is the
    /// zero value wherever it stands, and messages name what Tekton would answer.
    GoCaseInsensitive,
    /// Keys are spelled exactly; null leaves a field out but is no text, number or boolean.
    Exact,
}

/// Problems that are looked for before giving up.
const PROBLEMS: usize = 50;

/// Reads a value out of a tree.
///
/// # Errors
/// Unknown fields (with the nearest field or all allowed ones), wrong types, missing fields, values the type refuses.
/// Independent problems are found in one go, in the order of the text.
pub fn decode<T: DeserializeOwned>(node: &Node, source: &Source, keys: Keys) -> Result<T, Diagnostics> {
    decode_with(node, Context::new(source, keys, true))
}

/// Like [`decode`], with no value of the text in any message.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_secretly<T: DeserializeOwned>(
    node: &Node,
    source: &Source,
    keys: Keys,
) -> Result<T, Diagnostics> {
    decode_with(node, Context::new(source, keys, false))
}

/// A value whose reading failed is noted and left out, and everything is read again, until nothing new is found.
fn decode_with<T: DeserializeOwned>(node: &Node, context: Context<'_>) -> Result<T, Diagnostics> {
    let mut value = None;
    for _ in 0..PROBLEMS {
        match T::deserialize(Reader::root(node, &context)) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(fault) => {
                let failed = fault.node;
                context.note(fault, node.span);
                if !failed.is_some_and(|failed| context.state.borrow_mut().left_out.insert(failed)) {
                    break;
                }
            }
        }
    }
    let mut problems = context.state.into_inner().problems;
    problems.sort_by_key(|d| d.place.as_ref().map(|(_, span)| span.start));
    match (value, problems.is_empty()) {
        (Some(value), true) => Ok(value),
        _ => Err(Diagnostics(problems)),
    }
}

/// Tells a node from all others of the tree.
fn identity(node: &Node) -> NonZeroUsize {
    NonNull::from(node).addr()
}

/// What all readers of one tree share.
struct Context<'a> {
    source: &'a Source,
    keys: Keys,
    show_values: bool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    problems: Vec<Diagnostic>,
    /// Nodes that failed before.
    left_out: HashSet<NonZeroUsize>,
}

impl<'a> Context<'a> {
    fn new(source: &'a Source, keys: Keys, show_values: bool) -> Self {
        Self { source, keys, show_values, state: RefCell::default() }
    }

    fn is_left_out(&self, node: &Node) -> bool {
        self.state.borrow().left_out.contains(&identity(node))
    }

    fn note(&self, fault: Fault, otherwise: Span) {
        if !fault.consequence {
            let span = fault.place.unwrap_or(otherwise);
            let mut diagnostic = Diagnostic::error(fault.code, fault.message).at(self.source, span);
            diagnostic.help = fault.help;
            self.report(diagnostic);
        }
    }

    fn report(&self, diagnostic: Diagnostic) {
        let mut state = self.state.borrow_mut();
        if state.problems.len() < PROBLEMS && !state.problems.contains(&diagnostic) {
            state.problems.push(diagnostic);
        }
    }
}
