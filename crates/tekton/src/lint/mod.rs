//! What a cluster takes and is still probably not meant: warnings about Tekton objects, each with a stable code.
//!
//! Errors belong to [`crate::validate`]; nothing here stops a run. A warning is only given when the text itself shows
//! it: what cannot be known (images from params, tasks from resolvers) is passed over. A comment `# sw: allow CODE`
//! turns a code off where it stands.
//!
//! - [`code`](mod@code): all codes, what they mean, what to do
//! - [`comment`](mod@comment): comments that turn codes off
//! - `place`: where something is written
//! - `scope`: tasks and pipelines, under their own name or inline
//! - `trust`: which params can only have values that the author wrote
//! - `found`: collected warnings
//! - `shell`: what is known of scripts
//! - `params`, `mounts`, `results`: declared and unused
//! - `fit`: what is passed to objects of the same files
//! - `order`: tasks that never run, order that is implied
//! - `variable`: references that stay as they are
//! - `injection`: references inside program text
//! - `script`: failures that go unseen, secrets that are printed
//! - `image`: images that can change under the same name
//! - `setting`: limits, privileges, versions

pub mod code;
pub mod comment;
mod fit;
mod found;
mod image;
mod injection;
mod mounts;
mod order;
mod params;
mod place;
mod results;
mod scope;
mod script;
mod setting;
mod shell;
mod trust;
mod variable;

use std::collections::HashSet;

use base::Diagnostics;

use crate::load::Document;
use fit::Known;
use found::Found;
use scope::Scopes;

/// Warnings about objects that are used together, in the order of the objects and their texts.
///
/// What one object says about another (params that a pipeline passes to a task) is compared when both are among
/// `documents`. Comments that turn codes off are not looked at; see [`comment::Comments`].
pub fn lint(documents: &[Document]) -> Diagnostics {
    let known = Known::new(documents);
    let mut all = Diagnostics::default();
    let (mut images, mut old) = (image::Images::default(), HashSet::new());
    for document in documents {
        let mut found = Found::new(document);
        let scopes = Scopes::of(document);
        for task in &scopes.tasks {
            params::task(&mut found, task);
            mounts::task(&mut found, task);
            results::task(&mut found, task);
            variable::task(&mut found, task);
            injection::task(&mut found, task);
            script::task(&mut found, task);
            setting::task(&mut found, task);
            images.task(&mut found, task);
        }
        for pipeline in &scopes.pipelines {
            params::pipeline(&mut found, pipeline);
            mounts::pipeline(&mut found, pipeline);
            results::pipeline(&mut found, pipeline);
            order::pipeline(&mut found, pipeline);
            setting::pipeline(&mut found, pipeline);
            fit::pipeline(&mut found, pipeline, &known);
        }
        params::object(&mut found, document);
        results::step_action(&mut found, document);
        setting::object(&mut found, document, &mut old);
        fit::object(&mut found, document, &known);
        images.step_action(&mut found, document);
        all.extend(found.into_diagnostics());
    }
    all
}
