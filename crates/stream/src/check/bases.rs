//! What components start from: what their Containerfiles say, or `from` as long as the source is not there.

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::did_you_mean;
use base::{Diagnostic, Diagnostics, Digest, Source, Span};

use super::Scope;
use super::fields::why_unsafe;
use crate::bases::Table;
use crate::containerfile::{self, Containerfile, ExternalBase, Usage};
use crate::definition::component::{Component, Origin};
use crate::definition::platform::listed;
use crate::definition::{self, Definition, Platform};
use crate::graph::{Base, BaseImage, Edge, Node};
use crate::source::{SourceError, Sources};
use crate::task::Tasks;

/// What a Containerfile calls the folder of pinned packages, which the task provides.
const PACKAGES: &str = "packages";

/// What the file is called that the user works on; the streams below are not hers.
const STREAM_FILE: &str = "stream.yaml";

/// An image that a component starts from, which nothing says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The component.
    pub component: String,
    /// The name, after `ARG` substitution.
    pub name: String,
    /// The file that has it: the Containerfile, or the stream file in `from`.
    pub source: Source,
    /// Where it has it.
    pub span: Span,
    help: String,
    what: &'static str,
}

impl Unresolved {
    fn finding(&self) -> Diagnostic {
        Diagnostic::error("unresolved-base", format!("nothing says what {} {} is", self.what, self.name))
            .at(&self.source, self.span)
            .help(self.help.as_str())
    }
}

/// What every component starts from on one platform, as far as that can be said.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    /// By component; what nothing says is left out.
    pub nodes: BTreeMap<String, Node>,
    /// What nothing says.
    pub unresolved: Vec<Unresolved>,
}

/// Looks up what every component starts from on each platform, whatever else is wrong with the stream.
pub fn bases(
    definition: &Definition,
    sources: &dyn Sources,
    tasks: &Tasks,
) -> (BTreeMap<Platform, Bases>, Diagnostics) {
    let scope = Scope::new(definition, sources, tasks);
    on_all(scope, |_| Vec::new())
}

/// Looks everything up; what nothing says is a finding.
pub(super) fn resolve(
    scope: Scope<'_>,
    findings: &mut Diagnostics,
) -> BTreeMap<Platform, BTreeMap<String, Node>> {
    let (all, found) = on_all(scope, |bases| bases.unresolved.iter().map(Unresolved::finding).collect());
    findings.extend(found);
    all.into_iter().map(|(platform, bases)| (platform, bases.nodes)).collect()
}

/// What every component starts from on each platform. A finding that is the same on all platforms is told once; one that is not
/// says where it is.
fn on_all(
    scope: Scope<'_>,
    more: impl Fn(&Bases) -> Vec<Diagnostic>,
) -> (BTreeMap<Platform, Bases>, Diagnostics) {
    let mut all = BTreeMap::new();
    let mut met: Vec<(Diagnostic, BTreeSet<Platform>)> = Vec::new();
    for platform in &scope.stream.platforms {
        let mut findings = Diagnostics::default();
        let bases = on_one(scope, *platform, &mut findings);
        for finding in findings.0.into_iter().chain(more(&bases)) {
            match met.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, platforms)) => {
                    platforms.insert(*platform);
                }
                None => met.push((finding, BTreeSet::from([*platform]))),
            }
        }
        all.insert(*platform, bases);
    }
    let told = met.into_iter().map(|(mut finding, platforms)| {
        let on = format!(" on {}", listed(&platforms));
        if platforms != scope.stream.platforms && !finding.message.contains(&on) {
            finding.message.push_str(&format!(",{on}"));
        }
        finding
    });
    (all, Diagnostics(told.collect()))
}

/// Reads all Containerfiles and looks their bases up. A component whose file is missing or wrong has no bases here.
fn on_one(scope: Scope<'_>, platform: Platform, findings: &mut Diagnostics) -> Bases {
    let mut bases = Bases::default();
    let here = scope.stream.components.iter().filter(|(_, component)| component.is_on(platform));
    // A table with a bad pattern is reported where its entries are checked.
    let Ok(table) = Table::new(&scope.stream.bases) else {
        let nodes = here.map(|(name, _)| (name.clone(), Node::default()));
        return Bases { nodes: nodes.collect(), ..bases };
    };
    for (name, component) in here {
        let mut node = Node::default();
        if !component.is_prebuilt() {
            let declared = declared(scope, name, component);
            let file = read(scope, name, component, findings);
            let used = match &file {
                Some(file) => match containerfile::parse(file, &component.args, platform.as_str()) {
                    Ok(parsed) => {
                        let used = used(&parsed);
                        if component.planned_without_source() {
                            findings.extend(undeclared(scope, name, &declared, &used));
                        }
                        node.args = Some(parsed.args);
                        used
                    }
                    Err(errors) => {
                        findings.extend(errors);
                        Vec::new()
                    }
                },
                None => declared,
            };
            let look_up = LookUp { scope, platform, table: &table, component: name };
            look_up.all(&used, &mut node, &mut bases.unresolved, findings);
            node.containerfile = file;
        }
        bases.nodes.insert(name.clone(), node);
    }
    bases
}

/// One image from outside that a component uses.
struct Use {
    /// As builders know it.
    written: String,
    /// After `ARG` substitution.
    name: String,
    /// What refers to it: `FROM`, …
    what: &'static str,
    role: Edge,
    source: Source,
    span: Span,
    /// A stage of this name comes later in the file.
    is_later_stage: bool,
}

/// What a component says in `from`; the last of it is what its image stands on.
fn declared(scope: Scope<'_>, name: &str, component: &Component) -> Vec<Use> {
    let one = |(index, base): (usize, &String)| {
        let (source, span) = scope.places.value(&["components", name, "from", &index.to_string()]);
        let (source, written) = (source.clone(), base.clone());
        let role = if component.from.as_ref().is_some_and(|all| all.last() == Some(base)) {
            Edge::Base
        } else {
            Edge::Builder
        };
        Use { written, name: base.clone(), what: "from", role, source, span, is_later_stage: false }
    };
    component.from.iter().flatten().enumerate().map(one).collect()
}

/// What a Containerfile uses, without the pinned packages.
fn used(file: &Containerfile) -> Vec<Use> {
    let outside = file.bases.iter().filter(|base| base.usage == Usage::From || base.name != PACKAGES);
    let one = |base: &ExternalBase| Use {
        written: base.written.clone(),
        name: base.name.clone(),
        what: match base.usage {
            Usage::From => "FROM",
            Usage::Copy => "--from",
            Usage::Mount => "from",
        },
        role: if file.last.as_ref() == Some(&base.written) { Edge::Base } else { Edge::Builder },
        source: file.source.clone(),
        span: base.span,
        is_later_stage: file.stages.iter().any(|stage| stage.eq_ignore_ascii_case(&base.name)),
    };
    outside.map(one).collect()
}

/// Images that the Containerfile uses beyond those in `from`, with which the component was planned.
fn undeclared(scope: Scope<'_>, name: &str, declared: &[Use], used: &[Use]) -> Vec<Diagnostic> {
    let beyond = used.iter().filter(|one| declared.iter().all(|known| known.name != one.name));
    let finding = |one: &Use| {
        let message = format!("`{name}` uses {}, which its `from` does not have", one.name);
        let (source, span) = scope.places.value(&["components", name, "from"]);
        let help = "make it a stage by a patch or an edit, `FROM … AS NAME` above and NAME here, and name it in `from`";
        let finding = Diagnostic::error("undeclared-base", message).at(&one.source, one.span);
        finding.related(source, span, "planned with these").help(help)
    };
    beyond.map(finding).collect()
}

/// The Containerfile of a component, if its task takes one and the source is there.
fn read(scope: Scope<'_>, name: &str, component: &Component, findings: &mut Diagnostics) -> Option<Source> {
    let task = scope.stream.task_of(component);
    let takes = scope.tasks.get(task).map(|task| task.takes_containerfile());
    if takes == Some(false) {
        for (field, said) in [
            ("containerfile", component.containerfile.is_some()),
            ("from", component.from.is_some()),
            ("edits", !component.edits.is_empty()),
        ] {
            if said {
                let message = format!("the task `{task}` takes no Containerfile");
                let finding = Diagnostic::error("unused-containerfile", message);
                let help = format!("remove `{field}`, or choose another task");
                findings.push(scope.places.at(&["components", name, field], finding).help(help));
            }
        }
        return None;
    }
    let path = component.containerfile_path();
    let folder = match &component.source {
        Origin::Path(path) => path,
        Origin::Git(git) => &git.path,
        Origin::Image(_) | Origin::Images(_) => return None,
    };
    // Such a path is reported where it is written, and nothing is read from it.
    if why_unsafe(path).or(why_unsafe(folder)).is_some() {
        return None;
    }
    let read = scope.sources.file(name, component, path);
    let finding = match read {
        Ok(Some(file)) => return Some(file),
        Err(SourceError::NotFetched { .. }) if component.planned_without_source() => return None,
        // The task is not known, which is reported; maybe it needs no file.
        Ok(None) if takes.is_none() && component.task.is_some() => return None,
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

/// Where the bases of one component are looked up.
struct LookUp<'a> {
    scope: Scope<'a>,
    platform: Platform,
    table: &'a Table<'a>,
    component: &'a str,
}

impl LookUp<'_> {
    fn all(
        &self,
        used: &[Use],
        node: &mut Node,
        unresolved: &mut Vec<Unresolved>,
        findings: &mut Diagnostics,
    ) {
        for one in used {
            let name = &one.name;
            let (image, entry) = match self.table.find(name) {
                Some((key, definition::Base::Component(base))) => {
                    match self.scope.stream.components.get(base) {
                        // It is reported at the table.
                        None => continue,
                        Some(there) if !there.is_on(self.platform) => {
                            findings.push(self.base_elsewhere(base, one));
                            continue;
                        }
                        Some(_) => (BaseImage::Component(base.clone()), Some(key.to_owned())),
                    }
                }
                Some((key, base)) => match base.image(self.platform) {
                    Some(image) => (BaseImage::Image(image.to_owned()), Some(key.to_owned())),
                    None => {
                        findings.push(self.no_image(key, one));
                        continue;
                    }
                },
                None if has_digest(name) => (BaseImage::Image(name.clone()), None),
                None => {
                    unresolved.push(Unresolved {
                        component: self.component.to_owned(),
                        name: name.clone(),
                        source: one.source.clone(),
                        span: one.span,
                        help: what_to_write(self.scope, self.table, one),
                        what: one.what,
                    });
                    continue;
                }
            };
            let base = Base { image, role: one.role, source: one.source.clone(), span: one.span, entry };
            node.bases.insert(one.written.clone(), base);
        }
    }

    fn no_image(&self, key: &str, one: &Use) -> Diagnostic {
        let platform = self.platform;
        let message = format!("`{}` has no image for {platform}", one.name);
        let (source, span) = self.scope.places.key(&["bases", key, "images"]);
        let help = if self.scope.is_overlay() {
            format!("say what it is: {}", self.scope.write_base(key, "image: IMAGE"))
        } else {
            format!("write in `images` too: {platform}: IMAGE")
        };
        let finding = Diagnostic::error("no-image-for-platform", message).at(source, span);
        finding.related(&one.source, one.span, "used here").help(help)
    }

    fn base_elsewhere(&self, base: &str, one: &Use) -> Diagnostic {
        let (component, platform) = (self.component, self.platform);
        let message = format!("`{component}` starts from `{base}`, which is not on {platform}");
        let (source, span) = self.scope.places.value(&["components", base, "platforms"]);
        let finding = Diagnostic::error("component-not-on-platform", message).at(&one.source, one.span);
        let help =
            format!("leave `{component}` out on {platform} too, with `platforms`; or let `{base}` be there");
        finding.related(source, span, format!("the platforms of `{base}`")).help(help)
    }
}

fn has_digest(name: &str) -> bool {
    name.split_once('@').is_some_and(|(_, digest)| digest.parse::<Digest>().is_ok())
}

/// How to say what a name means.
fn what_to_write(scope: Scope<'_>, table: &Table<'_>, one: &Use) -> String {
    let name = &one.name;
    let component = name.rsplit('/').next().and_then(|last| last.split(':').next());
    let component = component.filter(|last| scope.stream.components.contains_key(*last));
    if one.is_later_stage {
        return "a stage can only be used after it: move it up".to_owned();
    }
    if let Some(component) = component {
        return format!(
            "write in {STREAM_FILE}:\n{}",
            scope.write_base(name, &format!("component: {component}"))
        );
    }
    let image = if name.contains([':', '@']) { name.clone() } else { format!("{name}:TAG") };
    let entry = format!(
        "write in {STREAM_FILE} what it is, `{{component: NAME}}` or an image:\n{}",
        scope.write_base(name, &format!("image: {image}"))
    );
    match did_you_mean(name, table.keys()) {
        Some(near) => format!("{near} Else {entry}"),
        None => entry,
    }
}
