//! What Containerfiles start from.

use std::collections::BTreeMap;

use base::{Diagnostic, Diagnostics, Digest, Source};

use super::Scope;
use super::fields::why_unsafe;
use crate::bases::Table;
use crate::containerfile::{self, Containerfile, ExternalBase, Usage};
use crate::definition::component::{Component, DEFAULT_TASK, Origin};
use crate::graph::{Base, BaseImage, Node};

/// What a Containerfile calls the folder of pinned packages, which the task provides.
const PACKAGES: &str = "packages";

/// Arguments that builders know without an `ARG` (Dockerfile reference, "Predefined ARGs").
const PREDEFINED: [&str; 11] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SOURCE_DATE_EPOCH",
];

/// Reads all Containerfiles and looks their bases up. A component whose file is missing or wrong has no bases here.
pub(super) fn resolve(scope: Scope<'_>, findings: &mut Diagnostics) -> BTreeMap<String, Node> {
    // A table with a bad pattern is reported where its entries are checked.
    let table = Table::new(&scope.stream.bases).ok();
    let mut nodes = BTreeMap::new();
    for (name, component) in &scope.stream.components {
        let mut node = Node::default();
        if component.prebuilt().is_none()
            && let Some(file) = read(scope, name, component, findings)
        {
            match containerfile::parse(&file, &component.args, scope.stream.platform.as_str()) {
                Ok(parsed) => {
                    unused_arguments(scope, name, component, &parsed, findings);
                    if let Some(table) = &table {
                        node.bases = look_up(scope, table, &parsed, findings);
                    }
                }
                Err(errors) => findings.extend(errors),
            }
            node.containerfile = Some(file);
        }
        nodes.insert(name.clone(), node);
    }
    nodes
}

/// The Containerfile of a component, if its task takes one.
fn read(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) -> Option<Source> {
    let takes = scope.tasks.get(&component.task).map(|task| task.takes_containerfile());
    if takes == Some(false) {
        if component.containerfile.is_some() {
            let message = format!("the task `{}` takes no Containerfile", component.task);
            let finding = Diagnostic::error("unused-containerfile", message);
            let help = "remove `containerfile`, or choose another task";
            findings.push(scope.places.at(&["components", name, "containerfile"], finding).help(help));
        }
        return None;
    }
    let path = component.containerfile_path();
    let folder = match &component.source {
        Origin::Path(path) => path,
        Origin::Git(git) => &git.path,
        Origin::Image(_) => return None,
    };
    // Such a path is reported where it is written, and nothing is read from it.
    if why_unsafe(path).or(why_unsafe(folder)).is_some() {
        return None;
    }
    let read = scope.sources.file(name, component, path);
    let finding = match read {
        Ok(Some(file)) => return Some(file),
        // The task is not known, which is reported; maybe it needs no file.
        Ok(None) if takes.is_none() && component.task != DEFAULT_TASK => return None,
        Ok(None) => Diagnostic::error("no-containerfile", format!("`{name}` has no {path} in its source"))
            .help("write one, or name the file: `containerfile: PATH`, below the source"),
        Err(error) => {
            Diagnostic::error("unreadable-source", format!("cannot read the {path} of `{name}`: {error}"))
        }
    };
    let field = if component.containerfile.is_some() { "containerfile" } else { "source" };
    findings.push(scope.places.at(&["components", name, field], finding));
    None
}

fn look_up(
    scope: Scope<'_>,
    table: &Table<'_>,
    file: &Containerfile,
    findings: &mut Diagnostics,
) -> BTreeMap<String, Base> {
    let mut bases = BTreeMap::new();
    for external in file.bases.iter().filter(|base| base.usage == Usage::From || base.name != PACKAGES) {
        let ExternalBase { written, name, span, .. } = external;
        let (image, entry) = match table.find(name) {
            Some((key, definition)) => {
                let image = match definition {
                    // An unknown component is reported at the table.
                    crate::definition::Base::Component(c) if !scope.stream.components.contains_key(c) => {
                        continue;
                    }
                    crate::definition::Base::Component(component) => BaseImage::Component(component.clone()),
                    crate::definition::Base::Image(image) => BaseImage::Image(image.clone()),
                };
                (image, Some(key.to_owned()))
            }
            None if has_digest(name) => (BaseImage::Image(name.clone()), None),
            None => {
                findings.push(unresolved(scope, table, file, external));
                continue;
            }
        };
        bases.insert(written.clone(), Base { image, span: *span, entry });
    }
    bases
}

fn has_digest(name: &str) -> bool {
    name.split_once('@').is_some_and(|(_, digest)| digest.parse::<Digest>().is_ok())
}

fn unresolved(
    scope: Scope<'_>,
    table: &Table<'_>,
    file: &Containerfile,
    external: &ExternalBase,
) -> Diagnostic {
    let name = &external.name;
    let what = match external.usage {
        Usage::From => "FROM",
        Usage::Copy => "--from",
        Usage::Mount => "from",
    };
    let is_later_stage = file.stages.iter().any(|stage| stage.eq_ignore_ascii_case(name));
    let component = name.rsplit('/').next().and_then(|last| last.split(':').next());
    let component = component.filter(|last| scope.stream.components.contains_key(*last));
    let help = if is_later_stage {
        "a stage can only be used after it: move it up".to_owned()
    } else if let Some(component) = component {
        format!("write in {}:\nbases:\n  {name}: {{component: {component}}}", scope.places.source().name())
    } else {
        let entry = format!(
            "write in {} what it is, `{{component: NAME}}` or an image:\nbases:\n  {name}: {{image: {}}}",
            scope.places.source().name(),
            if name.contains([':', '@']) { name.clone() } else { format!("{name}:TAG") }
        );
        match base::diagnostic::nearest(name, table.keys()) {
            Some(near) => format!("did you mean `{near}`? Else {entry}"),
            None => entry,
        }
    };
    Diagnostic::error("unresolved-base", format!("nothing says what {what} {name} is"))
        .at(&file.source, external.span)
        .help(help)
}

fn unused_arguments(
    scope: Scope<'_>,
    name: &str,
    component: &Component,
    file: &Containerfile,
    findings: &mut Diagnostics,
) {
    for argument in component.args.keys() {
        if file.args.contains(argument) || PREDEFINED.contains(&argument.as_str()) {
            continue;
        }
        let message = format!("the Containerfile of `{name}` has no ARG {argument}");
        let finding = Diagnostic::warning("unused-argument", message);
        let finding = scope.places.at_key(&["components", name, "args", argument], finding);
        let near = base::diagnostic::nearest(argument, file.args.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write `ARG {argument}` in the Containerfile, or remove the argument"),
        };
        findings.push(finding.help(help));
    }
}
