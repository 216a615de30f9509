//! Paths, packages, arguments, labels.

use base::{Diagnostic, Diagnostics};

use super::{Scope, reference_in};
use crate::bases::Table;
use crate::definition::{Base, Component, Origin};
use crate::lock::pin::is_package_name;

pub(super) fn check(scope: Scope<'_>, findings: &mut Diagnostics) {
    for (name, component) in &scope.stream.components {
        if component.is_prebuilt() {
            prebuilt(scope, name, component, findings);
            continue;
        }
        if component.built_from.is_some() {
            let message = format!("`{name}` is built from `source`, so `builtFrom` says nothing");
            let finding = Diagnostic::error("unused-built-from", message);
            let help = "remove it; it tells where the source of `source: {image: …}` is";
            findings.push(scope.places.at_key(&["components", name, "builtFrom"], finding).help(help));
        }
        paths(scope, name, component, findings);
        packages(scope, name, component, findings);
        for (argument, value) in &component.args {
            let path = ["components", name, "args", argument];
            if !is_argument(argument) {
                let finding = Diagnostic::error(
                    "bad-argument",
                    format!("`{argument}` cannot be the name of a build argument"),
                );
                let help = "use letters, digits and `_`, not beginning with a digit";
                findings.push(scope.places.at_key(&path, finding).help(help));
            }
            findings
                .extend(reference_in(value, "the argument").map(|finding| scope.places.at(&path, finding)));
        }
        for (label, value) in &component.labels {
            let path = ["components", name, "labels", label];
            if label.is_empty() || label.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
                let finding =
                    Diagnostic::error("bad-label", format!("`{label}` cannot be the name of a label"));
                let help = "use a name like io.openshift.release.operator, without `=` and white space";
                findings.push(scope.places.at_key(&path, finding).help(help));
            }
            let what = "the label";
            findings.extend(reference_in(label, what).map(|finding| scope.places.at_key(&path, finding)));
            findings.extend(reference_in(value, what).map(|finding| scope.places.at(&path, finding)));
        }
    }
    table(scope, findings);
}

/// Images that are there already: by digest, and nothing said about building them.
fn prebuilt(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) {
    let images: Vec<(Vec<&str>, &String)> = match &component.source {
        Origin::Image(image) => vec![(vec!["components", name, "source", "image"], image)],
        Origin::Images(images) => images
            .iter()
            .map(|(platform, image)| (vec!["components", name, "source", "images", platform.as_str()], image))
            .collect(),
        Origin::Path(_) | Origin::Git(_) => Vec::new(),
    };
    if let Some(git) = &component.built_from
        && let Some(why) = why_unsafe(&git.path)
    {
        let finding = Diagnostic::error("unsafe-path", format!("the source `{}` {why}", git.path));
        findings.push(scope.places.at(&["components", name, "builtFrom", "path"], finding));
    }
    for (path, image) in images {
        if let Some(finding) = image_problem(image) {
            findings.push(scope.places.at(&path, finding));
        } else if !image.split_once('@').is_some_and(|(name, _)| name.contains('/')) {
            let message = format!("`{image}` may mean another image tomorrow");
            let finding = Diagnostic::error("image-without-digest", message);
            let help = "write its digest, HOST/PATH@sha256:…; `skopeo inspect` tells it";
            findings.push(scope.places.at(&path, finding).help(help));
        }
    }
    let said = [
        ("containerfile", component.containerfile.is_some()),
        ("from", component.from.is_some()),
        ("edits", !component.edits.is_empty()),
        ("packages", !component.packages.is_empty()),
        ("args", !component.args.is_empty()),
        ("labels", !component.labels.is_empty()),
        ("operands", !component.operands.is_empty()),
        ("patches", !component.patches.is_empty()),
    ];
    for (field, _) in said.into_iter().filter(|(_, said)| *said) {
        let message = format!("`{name}` is an image that is there already, so `{field}` changes nothing");
        let finding = Diagnostic::error("not-built", message);
        let help = format!("remove `{field}`, or give the source that the image is built from");
        findings.push(scope.places.at_key(&["components", name, field], finding).help(help));
    }
}

fn paths(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) {
    let mut check = |path: &[&str], value: &str, what: &str, help: &str| {
        if let Some(why) = why_unsafe(value) {
            let finding = Diagnostic::error("unsafe-path", format!("the {what} `{value}` {why}"));
            findings.push(scope.places.at(path, finding).help(help));
        }
    };
    match &component.source {
        Origin::Path(path) => {
            let help = "sources lie below the stream's folder: write a path like components/etcd";
            check(&["components", name, "source", "path"], path, "source", help);
        }
        Origin::Git(git) => {
            let help = "write a path below the repository's root, like images/etcd";
            check(&["components", name, "source", "git", "path"], &git.path, "source", help);
        }
        Origin::Image(_) | Origin::Images(_) => {}
    }
    for (index, patch) in component.patches.iter().enumerate() {
        let help = "patches lie below the stream's folder: write a path like patches/etcd-quota.patch";
        check(&["components", name, "patches", &index.to_string()], &patch.file, "patch", help);
    }
    if let Some(file) = &component.containerfile {
        let help = "it lies below the source: write a path like Containerfile or images/Containerfile";
        check(&["components", name, "containerfile"], file, "Containerfile", help);
    }
    rewritten(scope, name, component, findings);
}

/// What is written into the Containerfile.
fn rewritten(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) {
    for (index, base) in component.from.iter().flatten().enumerate() {
        if base.is_empty() || base.contains(|c: char| c.is_whitespace() || c.is_control() || "=$".contains(c))
        {
            let finding = Diagnostic::error("bad-base-name", format!("`{base}` cannot stand in a FROM line"));
            let path = ["components", name, "from", &index.to_string()];
            let help = "write a name of the table `bases`: without white space, `=` and `$`";
            findings.push(scope.places.at(&path, finding).help(help));
        }
    }
    for (index, edit) in component.edits.iter().enumerate().filter(|(_, edit)| edit.text.is_empty()) {
        let finding = Diagnostic::error("empty-edit", "`match` is empty, which stands everywhere");
        let path = ["components", name, "edits", &index.to_string(), "match"];
        let help = format!("write a text of the Containerfile that becomes {:?}", edit.with);
        findings.push(scope.places.at(&path, finding).help(help));
    }
}

/// Why a path must not be joined to a folder.
pub(super) fn why_unsafe(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        Some("is empty")
    } else if path.starts_with('/') {
        Some("is absolute")
    } else if path.split('/').any(|part| part == "..") {
        Some("contains `..`")
    } else if path.contains(char::is_control) || path.contains("$(") || path.contains('\\') {
        Some("contains characters that paths of streams may not have")
    } else {
        None
    }
}

fn packages(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) {
    for (index, package) in component.packages.iter().enumerate() {
        let index = index.to_string();
        let path = ["components", name, "packages", &index];
        if !is_package_name(package) {
            let finding =
                Diagnostic::error("bad-package", format!("`{package}` cannot be the name of a package"));
            let help = if package.contains(['=', ':', '/']) {
                "write the name alone; versions are kept in stream.lock"
            } else {
                "use lower-case letters, digits, `+`, `-` and `.`, at least two characters"
            };
            findings.push(scope.places.at(&path, finding).help(help));
        }
    }
}

fn is_argument(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The entries of the table of bases mean something.
fn table(scope: Scope<'_>, findings: &mut Diagnostics) {
    if let Err(error) = Table::new(&scope.stream.bases) {
        let finding = Diagnostic::error("bad-pattern", error.to_string());
        let help = "`*` stands for anything but `/`, `**` for anything";
        findings.push(scope.places.at_key(&["bases", &error.pattern], finding).help(help));
    }
    for (key, base) in &scope.stream.bases {
        let images = match base {
            Base::Component(component) if !scope.stream.components.contains_key(component) => {
                let message = format!("`{key}` stands for the component `{component}`, which does not exist");
                let finding = Diagnostic::error("unknown-component", message);
                let finding = scope.places.at(&["bases", key, "component"], finding);
                let instead = format!("say what it is now:\n{}", scope.write_base(key, "image: IMAGE"));
                findings.push(scope.no_component(component, finding, &instead));
                continue;
            }
            Base::Component(_) => continue,
            Base::Image(image) => vec![(vec!["bases", key, "image"], image)],
            Base::Images(images) => {
                images.iter().map(|(at, image)| (vec!["bases", key, "images", at.as_str()], image)).collect()
            }
        };
        for (path, image) in images {
            findings.extend(image_problem(image).map(|finding| scope.places.at(&path, finding)));
        }
    }
}

fn image_problem(image: &str) -> Option<Diagnostic> {
    let bad = |why: &str| {
        Diagnostic::error("bad-image", format!("`{image}` is not a reference of an image: {why}"))
    };
    let help = "write HOST/PATH:TAG or HOST/PATH@sha256:DIGEST";
    if image.contains(|c: char| c.is_whitespace() || c.is_control())
        || image.contains("$(")
        || image.is_empty()
    {
        return Some(bad("it contains characters that references cannot have").help(help));
    }
    if let Some((_, digest)) = image.split_once('@') {
        return digest.parse::<base::Digest>().err().map(|error| bad(&error.to_string()).help(help));
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    if !last.contains(':') {
        return Some(bad("it has neither tag nor digest").help(format!("write {image}:TAG")));
    }
    None
}
