//! Which components and tests are for which platforms.

use std::collections::BTreeSet;

use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::definition::platform::listed;
use crate::definition::{Component, Origin, Platform};

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    let all = &scope.stream.platforms;
    empty(scope, &["platforms"], all, findings);
    for (name, component) in &scope.stream.components {
        let path = ["components", name, "platforms"];
        if let Some(only) = &component.platforms {
            empty(scope, &path, only, findings);
        }
        stand_in(scope, name, component, findings);
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

/// What stands in for a component must be wherever that is not.
fn stand_in(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) {
    let Some(other) = &component.stand_in else { return };
    let path = ["components", name, "standIn"];
    if !component.payload {
        let message = format!("`{name}` is not in the payload, so that nothing stands in for it there");
        let finding = Diagnostic::error("unused-stand-in", message);
        findings.push(scope.places.at(&path, finding).help("remove `standIn`"));
    }
    let Some(there) = scope.stream.components.get(other) else {
        let finding = Diagnostic::error(
            "unknown-stand-in",
            format!("there is no component `{other}` to stand in for `{name}`"),
        );
        let instead = "name another component in `standIn`";
        findings.push(scope.no_component(other, scope.places.at(&path, finding), instead));
        return;
    };
    let nobody = |platform: &&Platform| !component.is_on(**platform) && !there.is_on(**platform);
    let without: Vec<&Platform> = scope.stream.platforms.iter().filter(nobody).collect();
    if !without.is_empty() {
        let message = format!("`{other}` stands in for `{name}`, and is not on {} either", listed(without));
        let finding = Diagnostic::error("component-not-on-platform", message);
        findings.push(
            scope.places.at(&path, finding).help("name a component that is on every platform of the stream"),
        );
    }
    // What has one name on all platforms may be a list; only images of one platform become one list with those of others.
    let lists = |(_, one): &(&str, &Component)| matches!(one.source, Origin::Image(_));
    let all = &scope.stream.platforms;
    let several = all.len() > 1 && all.iter().any(|platform| !component.is_on(*platform));
    let whole = [(name, component), (other.as_str(), there)].into_iter().find(lists);
    if let Some((whole, _)) = whole.filter(|_| several) {
        let message = format!(
            "`{other}` cannot stand in for `{name}`: `{whole}` is an image that may be a list already"
        );
        let finding = Diagnostic::error("stand-in-for-list", message);
        let help = format!(
            "name an image of `{whole}` for each platform: `source: {{images: {{PLATFORM: IMAGE, …}}}}`"
        );
        findings.push(scope.places.at(&path, finding).help(help));
    }
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
