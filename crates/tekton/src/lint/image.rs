//! Images that can change under the same name.

use std::collections::HashSet;

use super::code::{FLOATING_IMAGE, UNPINNED_IMAGE};
use super::found::Found;
use super::place::At;
use super::scope::TaskScope;
use crate::load::{Document, Object};

/// Images that were seen; each is told once for a file.
#[derive(Default)]
pub(super) struct Images<'a>(HashSet<(&'a str, &'a str)>);

impl<'a> Images<'a> {
    pub(super) fn task(&mut self, found: &mut Found<'_>, task: &TaskScope<'a>) {
        let template =
            task.spec.step_template.iter().map(|t| (t.image.as_str(), task.at.field("stepTemplate")));
        let steps = task.spec.steps.iter().enumerate();
        let steps = steps.map(|(i, s)| (s.image.as_str(), task.at.index("steps", i)));
        let sidecars = task.spec.sidecars.iter().enumerate();
        let sidecars = sidecars.map(|(i, s)| (s.image.as_str(), task.at.index("sidecars", i)));
        for (image, at) in template.chain(steps).chain(sidecars) {
            self.one(found, image, &at);
        }
    }

    pub(super) fn step_action(&mut self, found: &mut Found<'_>, document: &'a Document) {
        if let Object::StepAction(action) = &document.object {
            self.one(found, &action.spec.image, &At::spec(document));
        }
    }

    fn one(&mut self, found: &mut Found<'_>, image: &'a str, at: &At<'a>) {
        // What a param names is for whoever gives the param.
        if image.is_empty()
            || image.contains("$(")
            || image.contains("@sha256:")
            || image.contains("@sha512:")
        {
            return;
        }
        if !self.0.insert((at.document.source.name(), image)) {
            return;
        }
        let at = at.field("image");
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split_once(':') {
            Some((_, tag)) if tag != "latest" => {
                let help = format!("add its digest: {image}@sha256:…");
                found.at(
                    &UNPINNED_IMAGE,
                    &at,
                    format!("image `{image}` has no digest: its tag can be moved"),
                    help,
                );
            }
            _ => {
                let message = format!("image `{image}` is whatever was pushed last");
                let repository = image.strip_suffix(":latest").unwrap_or(image);
                found.at(
                    &FLOATING_IMAGE,
                    &at,
                    message,
                    format!("name a version and its digest: {repository}:TAG@sha256:…"),
                );
            }
        }
    }
}
