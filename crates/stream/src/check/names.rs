//! Names, tags, version, repositories.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics};

use super::Scope;
use crate::contract::RELEASE_REPOSITORY;

/// Longer names would not fit, with their prefixes and suffixes, into the 63 characters of a Kubernetes name.
const LONGEST_STREAM: usize = 40;
/// A tag of a registry (OCI distribution specification, "Pulling manifests").
const LONGEST_TAG: usize = 128;

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    let Scope { stream, places, .. } = scope;
    if !is_label(&stream.name) || stream.name.len() > LONGEST_STREAM {
        let finding =
            Diagnostic::error("bad-name", format!("`{}` cannot be the name of a stream", stream.name));
        findings.push(places.at(&["name"], finding).help(format!(
            "use lower-case letters, digits and `-`, beginning with a letter, at most {LONGEST_STREAM} characters: {}",
            proposal(&stream.name, "my-stream")
        )));
    }
    let problem = match semver::Version::parse(&stream.version) {
        Ok(version) if version.build.is_empty() => None,
        Ok(_) => {
            Some(format!("`{}` has a part behind `+`, which tags of images cannot have", stream.version))
        }
        Err(error) => Some(format!("`{}` is not a semantic version: {error}", stream.version)),
    };
    if let Some(message) = problem {
        let finding = Diagnostic::error("bad-version", message);
        findings.push(
            places.at(&["version"], finding).help("write it as MAJOR.MINOR.PATCH, like 0.1.0 or 4.17.0-rc.1"),
        );
    }
    if let Err(why) = repository(&stream.repository) {
        let finding = Diagnostic::error(
            "bad-repository",
            format!("`{}` is not a repository: {why}", stream.repository),
        );
        findings.push(
            places.at(&["repository"], finding).help("write HOST[:PORT]/PATH, like quay.io/me/my-stream"),
        );
    }
    for cache in &stream.caches {
        if let Err(why) = repository(cache) {
            let message = format!("the cache `{cache}` is not a repository: {why}");
            let finding = places.at(&["caches"], Diagnostic::error("bad-repository", message));
            findings.push(finding.help("write HOST[:PORT]/PATH, like quay.io/team/their-stream"));
        }
    }
    match stream.components.get(&stream.release_base) {
        None => {
            let message =
                format!("releaseBase names the component `{}`, which does not exist", stream.release_base);
            let finding = places.at(&["releaseBase"], Diagnostic::error("unknown-component", message));
            let instead = "`replace` it instead: the release is a layer on its image";
            findings.push(scope.no_component(&stream.release_base, finding, instead));
        }
        Some(component) if !component.payload => {
            let message = format!("the release base `{}` is not in the payload", stream.release_base);
            let finding = Diagnostic::error("release-base-not-in-payload", message);
            let left_out = places.value(&["components", &stream.release_base, "payload"]);
            findings.push(
                places
                    .at(&["releaseBase"], finding)
                    .related(left_out.0, left_out.1, "left out here")
                    .help("clusters run the payload as this image, so it must be one of its tags: remove `payload: false`"),
            );
        }
        Some(_) => {}
    }
    for name in stream.components.keys().filter(|name| !is_image_name(name)) {
        let finding = Diagnostic::error("bad-name", format!("`{name}` cannot be the name of a component"));
        findings.push(places.at_key(&["components", name], finding).help(format!(
            "it is part of an image's name: lower-case letters and digits, with single `-`, `.` or `_` between: {}",
            proposal(name, "my-component")
        )));
    }
    if stream.components.contains_key(RELEASE_REPOSITORY) {
        let message = format!("a component cannot be called `{RELEASE_REPOSITORY}`");
        let finding =
            places.at_key(&["components", RELEASE_REPOSITORY], Diagnostic::error("bad-name", message));
        let help = format!(
            "payloads are pushed to {}/{RELEASE_REPOSITORY}; give it another name, and a `tag` if it needs this one",
            stream.repository
        );
        findings.push(finding.help(help));
    }
    for name in stream.tests.keys().filter(|name| !is_label(name)) {
        let finding = Diagnostic::error("bad-name", format!("`{name}` cannot be the name of a test"));
        findings.push(places.at_key(&["tests", name], finding).help(format!(
            "use lower-case letters, digits and `-`, beginning with a letter: {}",
            proposal(name, "my-test")
        )));
    }
    tags(scope, findings);
}

/// Every tag of the payload is sound and belongs to one component.
fn tags(scope: Scope<'_>, findings: &mut Diagnostics) {
    let Scope { stream, places, .. } = scope;
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, component) in &stream.components {
        let path = ["components", name, "tag"];
        if let (false, Some(tag)) = (component.payload, &component.tag) {
            let message = format!("`{name}` has the tag `{tag}`, but is not in the payload");
            let help = "remove `tag`, or `payload: false`";
            findings.push(places.at(&path, Diagnostic::error("tag-without-payload", message)).help(help));
        }
        let Some(tag) = component.payload_tag(name) else { continue };
        if component.tag.is_some() && !is_image_name(tag) {
            let finding = Diagnostic::error("bad-tag", format!("`{tag}` cannot be a tag of the payload"));
            let help = "use lower-case letters and digits, with single `-`, `.` or `_` between";
            findings.push(places.at(&path, finding).help(help));
        }
        let Some(other) = owners.insert(tag, name) else { continue };
        // The tag stands where it is written; the name of a component without one is its tag.
        let place = |name: &str| match stream.components.get(name).and_then(|c| c.tag.as_ref()) {
            Some(_) => places.value(&["components", name, "tag"]),
            None => places.key(&["components", name]),
        };
        let (here, first) = (place(name), place(other));
        let finding = Diagnostic::error(
            "duplicate-tag",
            format!("the payload tag `{tag}` belongs to both `{other}` and `{name}`"),
        );
        findings.push(
            finding
                .at(here.0, here.1)
                .related(first.0, first.1, "first here")
                .help(if scope.is_overlay() {
                    format!(
                        "give one of them another tag, or leave it out:\noperations:\n  - change: {{component: {other}, payload: false}}"
                    )
                } else {
                    "give one of them another `tag`, or leave it out with `payload: false`".to_owned()
                }),
        );
    }
}

/// A DNS label as Kubernetes has it (RFC 1123), but beginning with a letter, as names of runs do.
pub(super) fn is_label(name: &str) -> bool {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= 63
        && name.bytes().all(sound)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
}

/// A component of a repository's name (OCI distribution specification, "Pulling manifests"), with single separators.
fn is_image_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_TAG
        && name.split(['-', '.', '_']).all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// A sound name near to `name`, as an example.
fn proposal(name: &str, otherwise: &str) -> String {
    let mut parts = Vec::new();
    for part in name.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()) {
        if !part.is_empty() {
            parts.push(part.to_owned());
        }
    }
    let proposed: String = parts.join("-").chars().take(LONGEST_STREAM).collect();
    if is_label(&proposed) { proposed } else { otherwise.to_owned() }
}

/// `HOST[:PORT]/PATH` without tag, digest and scheme.
fn repository(text: &str) -> Result<(), &'static str> {
    if text.contains("://") {
        return Err("it has a scheme");
    }
    if text.contains('@') {
        return Err("it has a digest");
    }
    let Some((host, path)) = text.split_once('/') else { return Err("it has no path") };
    if path.contains(':') {
        return Err("it has a tag");
    }
    let (host, port) = host.split_once(':').unwrap_or((host, "0"));
    let host_sound =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if !host_sound || port.parse::<u16>().is_err() {
        return Err("the part before the first `/` is no host");
    }
    if !path.split('/').all(is_image_name) {
        return Err(
            "its path must consist of lower-case letters and digits, with single `-`, `.` or `_` between",
        );
    }
    Ok(())
}
