//! Which params can only have values that the author wrote.
//!
//! A param whose values are all in the text (an enum of plain words, a value or default in the run itself) cannot bring
//! foreign text into a script; any other can.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::place::param_name;
use crate::substitute::scan::references;
use crate::types::{Param, ParamSpec, ParamValue, PipelineTask};

/// What is known of the params in a scope, and in those around it.
#[derive(Debug, Default)]
pub(super) struct Trust {
    own: BTreeMap<String, bool>,
    outer: Option<Rc<Self>>,
}

impl Trust {
    /// Whether every value that the param can have is the author's.
    pub(super) fn of(&self, name: &str) -> bool {
        match (self.own.get(name), &self.outer) {
            (Some(trusted), _) => *trusted,
            (None, Some(outer)) => outer.of(name),
            (None, None) => false,
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.own.contains_key(name) || self.outer.as_ref().is_some_and(|o| o.knows(name))
    }

    /// Declared params whose values come from outside the text.
    pub(super) fn declares(&self, params: &[ParamSpec]) -> Self {
        Self { own: params.iter().map(|p| (p.name.clone(), is_plain_enum(p))).collect(), outer: None }
    }

    /// Declared params whose values are given in the same text, or are their defaults.
    pub(super) fn declares_with_defaults(&self, params: &[ParamSpec]) -> Self {
        let default = |p: &ParamSpec| p.default.as_ref().is_some_and(|d| self.value(d));
        Self {
            own: params.iter().map(|p| (p.name.clone(), is_plain_enum(p) || default(p))).collect(),
            outer: None,
        }
    }

    /// With the values that a run gives.
    pub(super) fn given(mut self, params: &[Param]) -> Self {
        for param in params {
            let trusted = self.value(&param.value);
            self.own.insert(param.name.clone(), trusted);
        }
        self
    }

    /// Inside an inline task (§2.17): what it is passed, else what is around it, else its own defaults.
    pub(super) fn inside(self: &Rc<Self>, task: &PipelineTask, declared: &[ParamSpec]) -> Self {
        let matrix = task.matrix.iter();
        let matrix = matrix.flat_map(|m| m.params.iter().chain(m.include.iter().flat_map(|i| &i.params)));
        let mut own = BTreeMap::new();
        for param in task.params.iter().chain(matrix) {
            *own.entry(param.name.clone()).or_insert(true) &= self.value(&param.value);
        }
        for param in declared {
            if is_plain_enum(param) {
                own.insert(param.name.clone(), true);
            } else if !own.contains_key(&param.name) && !self.knows(&param.name) {
                own.insert(param.name.clone(), param.default.as_ref().is_some_and(|d| self.value(d)));
            }
        }
        Self { own, outer: Some(Rc::clone(self)) }
    }

    fn value(&self, value: &ParamValue) -> bool {
        value.texts().iter().all(|text| self.text(text))
    }

    /// Whether nothing foreign is in a text. A template that another program fills in is foreign.
    fn text(&self, text: &str) -> bool {
        !text.contains("{{") && references(text).all(|r| self.key(r.key))
    }

    /// Whether what a reference stands for cannot be foreign. A param that nobody declares is admission's matter.
    pub(super) fn key(&self, key: &str) -> bool {
        if let Some(name) = param_name(key) {
            return self.of(name) || !self.knows(name);
        }
        // Results, and artifacts, which name files and addresses.
        let foreign = |prefix: &str| {
            let part = |rest: &str| {
                ["results.", "results[", "outputs", "inputs"].iter().any(|p| rest.starts_with(p))
            };
            key.strip_prefix(prefix).and_then(|rest| rest.split_once('.')).is_some_and(|(_, rest)| part(rest))
        };
        !["tasks.", "finally.", "steps."].into_iter().any(foreign)
    }
}

fn is_plain_enum(param: &ParamSpec) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=, ".contains(c);
    !param.r#enum.is_empty() && param.r#enum.iter().all(|value| value.chars().all(plain))
}
