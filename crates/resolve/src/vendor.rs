//! Documents with all that they refer to, as files: remote references become names, and what they meant lies beside.
//!
//! Only what must change changes: each reference is replaced where it stands in the text, and definitions are kept as they
//! were fetched.

use std::collections::{BTreeSet, HashMap};

use base::{Diagnostic, Diagnostics, Digest, Source, Span};
use git::address::redacted;
use tekton::load::{Document, Object, load};
use tekton::prepare::params::task_table;
use tekton::prepare::pipeline_params;
use tekton::prepare::task::own_values;
use tekton::substitute::Replacements;
use tekton::types::status::RefSource;
use tekton::types::{Param, ParamValue, TaskSpec};

use crate::definitions::Resolving;
use crate::lock::Definition;
use crate::object::Wanted;
use crate::source::Fetched;
use crate::walk::{Reference, references};

/// A folder that is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vendored {
    /// Names and texts of its files; those that were given come first.
    pub files: Vec<(String, String)>,
    /// What remote references meant.
    pub definitions: Vec<Definition>,
    /// The images of steps and sidecars as they are written.
    pub images: BTreeSet<String>,
    /// What its owner should know.
    pub notes: Vec<String>,
}

/// Follows the remote references of documents, and those of what they find. Secrets are left out.
///
/// # Errors
/// References that depend on what a run does, that lead nowhere, or that stand where they cannot be replaced.
pub fn vendor(documents: &[Document], resolving: &Resolving<'_>) -> Result<Vendored, Diagnostics> {
    let mut folder =
        Folder { resolving, out: Vendored::default(), taken: HashMap::new(), pending: Vec::new() };
    for document in documents {
        if let Some(metadata) = document.object.metadata() {
            folder.taken.insert((document.object.kind().to_owned(), metadata.name.clone()), None);
        }
    }
    let mut found = Diagnostics::default();
    for text in texts(documents) {
        let name = folder.file_name(&own_file(text[0]));
        let given = |document: &Document| given(document, documents);
        match folder.rewrite(&text, &given, Vec::new()) {
            Ok(text) => folder.out.files.push((name, text)),
            Err(problems) => found.extend(problems),
        }
    }
    while let Some(next) = folder.pending.pop() {
        let Pending { document, given, header, file, rename } = next;
        let edits = rename.into_iter().collect();
        match folder.rewrite(&[&document], &|_| given.clone(), edits) {
            Ok(text) => {
                let text = format!("{header}{text}");
                let of_file = folder.out.definitions.iter_mut().filter(|d| d.file == file);
                of_file.for_each(|definition| definition.content = Digest::of(&text));
                folder.out.files.push((file, text));
            }
            Err(problems) => found.extend(problems),
        }
    }
    found.into_result(folder.out)
}

/// The documents of each text.
fn texts(documents: &[Document]) -> Vec<Vec<&Document>> {
    let mut texts: Vec<Vec<&Document>> = Vec::new();
    for document in documents {
        match texts.iter_mut().find(|text| text[0].source == document.source) {
            Some(text) => text.push(document),
            None => texts.push(vec![document]),
        }
    }
    texts
}

/// The file that a document came from; what was built from several gets the name of its object.
fn own_file(document: &Document) -> String {
    let last = document.source.name().rsplit('/').next().unwrap_or_default();
    let plain = last.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if plain && [".yaml", ".yml", ".json"].iter().any(|end| last.ends_with(end)) {
        return last.to_owned();
    }
    let name = document.object.metadata().map(|m| m.name.as_str()).filter(|name| !name.contains('/'));
    format!("{}-{}.yaml", document.object.kind().to_lowercase(), name.unwrap_or("unnamed"))
}

/// The params that a pipeline gets from the only run that names it.
fn given(document: &Document, all: &[Document]) -> Vec<Param> {
    let Object::Pipeline(pipeline) = &document.object else { return Vec::new() };
    let name = &pipeline.metadata.name;
    let mut runs = all.iter().filter_map(|d| match &d.object {
        Object::PipelineRun(run) if run.spec.pipeline_ref.as_ref().is_some_and(|r| r.name == *name) => {
            Some(run)
        }
        _ => None,
    });
    match (runs.next(), runs.next()) {
        (Some(run), None) => run.spec.params.clone(),
        _ => Vec::new(),
    }
}

struct Folder<'a> {
    resolving: &'a Resolving<'a>,
    out: Vendored,
    /// Kinds and names that are in use; with the digest of the text for what was fetched.
    taken: HashMap<(String, String), Option<Digest>>,
    pending: Vec<Pending>,
}

/// A definition that was fetched and has references of its own to be followed.
struct Pending {
    document: Document,
    given: Vec<Param>,
    header: String,
    file: String,
    rename: Option<(Span, String)>,
}

impl Folder<'_> {
    /// The text of documents that belong together, with names for remote references and without secrets.
    fn rewrite(
        &mut self,
        documents: &[&Document],
        given: &dyn Fn(&Document) -> Vec<Param>,
        mut edits: Vec<(Span, String)>,
    ) -> Result<String, Diagnostics> {
        let mut found = Diagnostics::default();
        let source = &documents[0].source;
        let mut left = 0;
        for document in documents {
            if let Object::Secret(secret) = &document.object {
                if source.position(document.span().start).1 > 1 {
                    let problem = Diagnostic::error(
                        "secret-in-list",
                        "secrets are not vendored, and this one is in a list",
                    );
                    found.push(problem.at(source, document.span()).help("put it into a file of its own"));
                }
                let name = &secret.metadata.name;
                edits.push((
                    document.span(),
                    format!("# Secret {name} is not here: give its file to `sw run` too."),
                ));
                self.out.notes.push(format!("Secret {name} is left out; give its file to `sw run` too"));
                continue;
            }
            left += 1;
            self.collect_images(&document.object);
            let given = given(document);
            let values = values(document, &given);
            for reference in references(document) {
                let place = document.node.at(&reference.path);
                let span = place.map_or_else(|| document.span(), |node| node.span);
                match self.follow(document, &reference, &values, &given) {
                    Ok(name) => edits.push((span, named(source, span, &name))),
                    Err(why) => found.push(Diagnostic::error("cannot-vendor", why).at(source, span)),
                }
            }
        }
        if found.has_errors() {
            return Err(found);
        }
        let text = edited(source.text(), edits);
        let read = load(&Source::new(source.name(), text.as_str()));
        let whole = read.as_ref().is_ok_and(|new| {
            new.documents.len() == left && new.documents.iter().all(|d| references(d).is_empty())
        });
        if !whole {
            let why =
                "a remote reference in this text cannot be replaced; write it without anchors and aliases";
            return Err(Diagnostics(vec![
                Diagnostic::error("cannot-vendor", why).at(source, documents[0].span()),
            ]));
        }
        Ok(text)
    }

    /// Fetches what a reference means, and gives the name that it has here.
    fn follow(
        &mut self,
        document: &Document,
        reference: &Reference<'_>,
        values: &Replacements,
        given: &[Param],
    ) -> Result<String, String> {
        let mut params = reference.params.to_vec();
        values.edit_params(&mut params);
        let open = |p: &&Param| p.value.texts().iter().any(|text| text.contains("$("));
        if let Some(open) = params.iter().find(open) {
            return Err(format!(
                "the resolver's param `{}` depends on what a run is given or does, so it cannot be fetched before",
                open.name
            ));
        }
        let found = self.resolving.document(reference.wanted, reference.resolver, &params);
        let (fetched, found) = found.map_err(|e| format!("resolver {:?}: {e}", reference.resolver))?;
        let name = self.admit(reference, &params, &fetched, found, document, given)?;
        if params != reference.params {
            self.out.notes.push(format!(
                "{} {name} was fetched for the params of this run; other values do not change it any more",
                reference.wanted.kind()
            ));
        }
        Ok(name)
    }

    /// Gives a definition its name here, and makes a file of it unless it has one.
    fn admit(
        &mut self,
        reference: &Reference<'_>,
        params: &[Param],
        fetched: &Fetched,
        document: Document,
        from: &Document,
        given: &[Param],
    ) -> Result<String, String> {
        let kind = reference.wanted.kind();
        let own = document.object.metadata().map(|m| m.name.clone()).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        if own.is_empty() || own.starts_with('.') || !own.chars().all(plain) {
            return Err(format!("the {kind} of {} has no name that a file can have", fetched.source.uri));
        }
        // A pipeline gets the params of its run, and what it refers to may depend on them.
        let given = match (&from.object, reference.wanted) {
            (Object::PipelineRun(run), Wanted::Pipeline) => run.spec.params.clone(),
            (_, Wanted::Pipeline) => given.to_vec(),
            _ => Vec::new(),
        };
        let digest = Digest::of(format!("{given:?}\n{}", fetched.text));
        let key = |name: &str| (kind.to_owned(), name.to_owned());
        let other = self.taken.get(&key(&own)).is_some_and(|known| *known != Some(digest));
        let name = if other { format!("{own}-{}", &digest.hex()[..7]) } else { own.clone() };
        let new = self.taken.insert(key(&name), Some(digest)).is_none();
        let known = self.out.definitions.iter().find(|d| d.kind == kind && d.name == name);
        let file = match known {
            Some(known) => known.file.clone(),
            None => self.file_name(&format!("{}-{name}.yaml", kind.to_lowercase())),
        };
        let source = &fetched.source;
        let definition = Definition {
            kind: kind.to_owned(),
            name: name.clone(),
            file: file.clone(),
            // Until the file is written.
            content: digest,
            resolver: reference.resolver.to_owned(),
            params: params.iter().map(shown).collect(),
            uri: source.uri.clone(),
            digest: source.digest.clone(),
            entry_point: source.entry_point.clone(),
        };
        let same = |d: &&Definition| {
            (&d.file, &d.resolver, &d.params) == (&file, &definition.resolver, &definition.params)
        };
        if self.out.definitions.iter().find(same).is_none() {
            self.out.definitions.push(definition);
        }
        if new {
            let header = origin(&fetched.source);
            let rename =
                document.node.at("metadata.name").filter(|_| other).map(|node| (node.span, name.clone()));
            self.pending.push(Pending { document, given, header, file, rename });
        }
        Ok(name)
    }

    /// A name for a file that no other one has.
    fn file_name(&self, wanted: &str) -> String {
        let used = |name: &str| {
            self.out.files.iter().any(|(n, _)| n == name) || self.pending.iter().any(|p| p.file == name)
        };
        let numbered = (2..).map(|n| format!("{n}-{wanted}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| !used(name)).unwrap_or_default()
    }

    fn collect_images(&mut self, object: &Object) {
        let mut add = |image: &str| {
            if !image.is_empty() {
                self.out.images.insert(image.to_owned());
            }
        };
        let mut of_task = |task: &TaskSpec| {
            task.steps.iter().for_each(|step| add(&step.image));
            task.sidecars.iter().for_each(|sidecar| add(&sidecar.image));
            task.step_template.iter().for_each(|template| add(&template.image));
        };
        match object {
            Object::Task(task) => of_task(&task.spec),
            Object::TaskRun(run) => run.spec.task_spec.iter().for_each(&mut of_task),
            Object::Pipeline(found) => found.spec.all_tasks().filter_map(|t| t.inline()).for_each(of_task),
            Object::PipelineRun(run) => {
                let tasks = run.spec.pipeline_spec.iter().flat_map(|p| p.all_tasks());
                tasks.filter_map(|t| t.inline()).for_each(of_task);
            }
            Object::StepAction(action) => add(&action.spec.image),
            _ => {}
        }
    }
}

/// The line above a definition that says where it came from.
fn origin(source: &RefSource) -> String {
    let digests: String = source.digest.iter().map(|(name, hex)| format!(" {name}:{hex}")).collect();
    let line = format!("# From {}{digests} {}", source.uri, source.entry_point);
    format!("{}\n", line.trim_end().replace(char::is_control, ""))
}

/// What references of a document may be replaced with before a run.
fn values(document: &Document, given: &[Param]) -> Replacements {
    match &document.object {
        Object::Pipeline(found) => pipeline_params::table(&found.spec.params, given).unwrap_or_default(),
        Object::Task(task) => task_table(&task.spec.params, given),
        Object::PipelineRun(run) => match &run.spec.pipeline_spec {
            Some(inline) => pipeline_params::table(&inline.params, &run.spec.params).unwrap_or_default(),
            None => own_values(&run.metadata, "pipelineRun", &run.spec.params),
        },
        Object::TaskRun(run) => match &run.spec.task_spec {
            Some(inline) => task_table(&inline.params, &run.spec.params),
            None => own_values(&run.metadata, "taskRun", &run.spec.params),
        },
        _ => Replacements::new(),
    }
}

/// A reference by name in the style of the one that stands there.
fn named(source: &Source, span: Span, name: &str) -> String {
    match source.text()[span.start..].starts_with('{') {
        true => format!("{{\"name\": \"{name}\"}}"),
        false => format!("name: {name}"),
    }
}

/// A parameter without passwords.
fn shown(param: &Param) -> (String, serde_json::Value) {
    let value = match &param.value {
        ParamValue::String(text) => redacted(text).into(),
        other => serde_json::to_value(other).unwrap_or_default(),
    };
    (param.name.clone(), value)
}

/// The text with other text in places that do not overlap; the same place twice is one.
fn edited(text: &str, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    edits.dedup();
    let mut out = String::new();
    let mut at = 0;
    for (span, new) in edits {
        // What is within a place that was replaced is gone with it.
        if span.start >= at {
            out.push_str(&text[at..span.start]);
            out.push_str(&new);
            at = last_byte(text, span);
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The end of a place, without the white space at its end.
fn last_byte(text: &str, span: Span) -> usize {
    span.start + text[span.start..span.end].trim_end().len()
}

#[cfg(test)]
mod tests;
