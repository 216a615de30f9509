//! Which components and tests are for which platforms.

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::definition::platform::listed;
use crate::definition::{Origin, Platform};

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    let all = &scope.stream.platforms;
    empty(scope, &["platforms"], all, findings);
    for (name, component) in &scope.stream.components {
        let path = ["components", name, "platforms"];
        if let Some(only) = &component.platforms {
            empty(scope, &path, only, findings);
        }
        if let Origin::Images(images) = &component.source {
            for platform in all.iter().filter(|p| component.is_on(**p) && !images.contains_key(p)) {
                let message = format!("`{name}` has no image for {platform}");
                let finding = Diagnostic::error("no-image-for-platform", message);
                let help = format!(
                    "write in `images` too: {platform}: IMAGE; or leave it out there: `platforms: [{}]`",
                    listed(images.keys())
                );
                findings
                    .push(scope.places.at_key(&["components", name, "source", "images"], finding).help(help));
            }
        }
    }
    for (name, test) in &scope.stream.tests {
        let path = ["tests", name, "platforms"];
        let Some(only) = &test.platforms else { continue };
        empty(scope, &path, only, findings);
        for component in test.images.values() {
            let Some(tested) = scope.stream.components.get(component) else { continue };
            let without: Vec<&Platform> = only.intersection(all).filter(|p| !tested.is_on(**p)).collect();
            if !without.is_empty() {
                let without = listed(without);
                let message =
                    format!("the test `{name}` uses the image of `{component}`, which is not on {without}");
                let finding = Diagnostic::error("component-not-on-platform", message);
                findings.push(scope.places.at(&path, finding).help(format!("leave {without} out")));
            }
        }
    }
    release_base(scope, findings);
}

/// Clusters of every platform run the payload as this image.
fn release_base(scope: Scope<'_>, findings: &mut Diagnostics) {
    let name = &scope.stream.release_base;
    let Some(component) = scope.stream.components.get(name) else { return };
    let without: Vec<&Platform> = scope.stream.platforms.iter().filter(|p| !component.is_on(**p)).collect();
    if without.is_empty() {
        return;
    }
    let message = format!("the release base `{name}` is not on {}", listed(without));
    let finding = Diagnostic::error("component-not-on-platform", message);
    let related = scope.places.value(&["components", name, "platforms"]);
    let help = "a release needs it on every platform of the stream";
    let finding = scope.places.at(&["releaseBase"], finding);
    findings.push(finding.related(related.0, related.1, "its platforms").help(help));
}

fn empty(scope: Scope<'_>, path: &[&str], platforms: &BTreeSet<Platform>, findings: &mut Diagnostics) {
    if platforms.is_empty() {
        let finding = Diagnostic::error("no-platforms", "there is no platform in `platforms`");
        let help = format!("write some of {}, or remove the field", listed(&Platform::ALL));
        findings.push(scope.places.at(path, finding).help(help));
    }
}
