//! A folder with everything below it into objects: resources, generators, components, then what the kustomization does to all of
//! them; at the very end hashes, references and the order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use base::{Diagnostic, Diagnostics, Severity, Source};
use serde_json::Value;
use tekton::yaml::{self, Kind, Node};

use crate::budget::{self, Budget};
use crate::default_fields;
use crate::field_spec::FieldSpec;
use crate::files::Files;
use crate::folder::{Folder, Reader, tidy};
use crate::generate::{self, Data};
use crate::kustomization::{Configuration, Generator, NameReference, Patch};
use crate::object::{Object, Origin, value_of};
use crate::transform::{images, labels, names, namespace, replicas};
use crate::{Built, hash, order, patch, references, replace};

/// See [`crate::build`].
///
/// # Errors
/// Those of [`crate::build`].
pub fn build(files: &dyn Files, path: &Path) -> Result<Built, Diagnostics> {
    let unreadable = |message: String| {
        Diagnostic::error("unreadable", format!("cannot read {}: {message}", path.display()))
            .help("name a folder with a kustomization.yaml")
    };
    let (real, is_folder) = files.resolve(path).map_err(|e| unreadable(e.to_string()))?;
    if !is_folder {
        return Err(unreadable("it is a file".into()).into());
    }
    let mut build = Build {
        reader: Reader { files, budget: Budget::default() },
        open: Vec::new(),
        references: Vec::new(),
        warnings: Diagnostics::default(),
    };
    let folder = build.reader.folder(real, tidy(path))?;
    if folder.fields.kind == "Component" {
        let message = "a component builds nothing by itself";
        let problem = folder.problem("kind", "component", message);
        return Err(problem
            .help("name the folder of a kustomization that has it under `components:`")
            .into());
    }
    let mut objects = Vec::new();
    build.accumulate(&folder, &mut objects)?;
    for object in objects.iter_mut().filter(|object| object.hashed) {
        object.remember();
        let name = format!("{}-{}", object.id().name, hash::of(&object.value));
        object.set_metadata("name", &name);
    }
    let mut all = default_fields::configuration().name_reference;
    let told: usize = build.references.iter().map(|reference| 1 + reference.field_specs.len()).sum();
    let looks = told.saturating_mul(objects.len());
    let too_much = |message| folder.problem("configurations", "too-large", message);
    build.reader.budget.look(looks).map_err(too_much)?;
    all.append(&mut build.references);
    references::follow(&mut objects, &all)?;
    unique(&objects)?;
    build.warnings.extend(references::left_behind(&objects));
    order::sort(&mut objects, folder.fields.sort_options.as_ref())
        .map_err(|message| folder.problem("sortOptions", "wrong-value", message))?;
    Ok(Built { objects, warnings: build.warnings })
}

struct Build<'a> {
    reader: Reader<'a>,
    /// The folders that are being built, outermost first.
    open: Vec<PathBuf>,
    /// Of all `configurations`.
    references: Vec<NameReference>,
    warnings: Diagnostics,
}

impl Build<'_> {
    /// Adds a folder's objects to those that are there, and does to all of them what it says.
    fn accumulate(&mut self, folder: &Folder, objects: &mut Vec<Object>) -> Result<(), Diagnostics> {
        let too_much = |message| folder.problem("", "too-large", message);
        self.reader.budget.folder(self.open.len()).map_err(too_much)?;
        self.open.push(folder.real.clone());
        let fields = &folder.fields;
        // What a folder does to all objects, whatever that is; patches and replacements count one by one.
        let changes = 10 + fields.images.len() + fields.labels.len() + fields.replicas.len();
        for (list, name) in [(&fields.resources, "resources"), (&fields.bases, "bases")] {
            for (index, entry) in list.iter().enumerate() {
                self.resource(folder, entry, &format!("{name}[{index}]"), objects)?;
            }
        }
        unique(objects)?;
        let configuration = self.configuration(folder)?;
        for (list, secret, name) in [
            (&fields.config_map_generator, false, "configMapGenerator"),
            (&fields.secret_generator, true, "secretGenerator"),
        ] {
            for (index, generator) in list.iter().enumerate() {
                self.generate(folder, generator, secret, &format!("{name}[{index}]"), objects)?;
            }
        }
        for (index, entry) in fields.components.iter().enumerate() {
            let path = format!("components[{index}]");
            let below = self.below(folder, entry, &path)?;
            if below.fields.kind != "Component" {
                let message = format!("`{entry}` is no component");
                let help = "list it under `resources:`, or write kind: Component in it";
                return Err(folder.problem(&path, "component", message).help(help).into());
            }
            self.accumulate(&below, objects)?;
        }
        self.reader.budget.look(changes.saturating_mul(objects.len())).map_err(too_much)?;
        self.transform(folder, &configuration, objects)?;
        if !fields.build_metadata.is_empty() {
            let problem = folder.problem("buildMetadata", "no-effect", "`buildMetadata` adds nothing here");
            self.warnings.push(Diagnostic { severity: Severity::Warning, ..problem });
        }
        self.open.pop();
        Ok(())
    }

    fn resource(
        &mut self,
        folder: &Folder,
        entry: &str,
        path: &str,
        objects: &mut Vec<Object>,
    ) -> Result<(), Diagnostics> {
        if is_remote(entry) {
            let message = format!("`{entry}` is not on this machine");
            let problem = folder.problem(path, "remote-resource", message);
            return Err(problem
                .help("fetch it, and name the file or folder here; nothing is fetched while building")
                .into());
        }
        let found = self.reader.files.resolve(&folder.real.join(entry));
        let is_folder = found.is_ok_and(|(_, is_folder)| is_folder);
        let mut new = Vec::new();
        if is_folder {
            let below = self.below(folder, entry, path)?;
            if below.fields.kind == "Component" {
                let message = format!("`{entry}` is a component");
                return Err(folder
                    .problem(path, "component", message)
                    .help("list it under `components:`")
                    .into());
            }
            self.accumulate(&below, &mut new)?;
        } else {
            let source = self.reader.named_text(folder, entry, path)?;
            for node in yaml::parse(&source)? {
                read_objects(node, &source, &mut new)?;
            }
        }
        let too_large = |message| folder.problem(path, "too-large", message);
        if !is_folder {
            new.iter().try_for_each(|object| self.reader.budget.copy(&object.value)).map_err(too_large)?;
        }
        objects.append(&mut new);
        if objects.len() > budget::OBJECTS {
            let message = format!("there are more than {} objects", budget::OBJECTS);
            return Err(too_large(message).into());
        }
        Ok(())
    }

    /// Another kustomization.
    fn below(&mut self, folder: &Folder, entry: &str, path: &str) -> Result<Folder, Diagnostics> {
        let refuse = |message: String| folder.problem(path, "unreadable", message);
        if is_remote(entry) || Path::new(entry).is_absolute() {
            return Err(refuse(format!("`{entry}` is not a path from here")).into());
        }
        let resolved = self.reader.files.resolve(&folder.real.join(entry));
        let (real, is_folder) = resolved.map_err(|e| refuse(format!("cannot read `{entry}`: {e}")))?;
        if !is_folder {
            return Err(refuse(format!(
                "`{entry}` is a file; a folder with a kustomization.yaml is needed here"
            ))
            .into());
        }
        if self.open.iter().any(|open| open.starts_with(&real)) {
            let message = format!("`{entry}` is or contains a kustomization that includes this one");
            return Err(folder.problem(path, "cycle", message).into());
        }
        self.reader.folder(real, folder.shown(entry))
    }

    /// The fields that transformers know: their own, and those of the `configurations`.
    fn configuration(&mut self, folder: &Folder) -> Result<Configuration, Diagnostics> {
        let mut all = default_fields::configuration();
        all.name_reference.clear();
        for (index, entry) in folder.fields.configurations.iter().enumerate() {
            let path = format!("configurations[{index}]");
            for more in self.reader.named_values::<Configuration>(folder, entry, &path)? {
                self.references.extend(more.name_reference);
                all.namespace.extend(more.namespace);
                all.name_prefix.extend(more.name_prefix);
                all.name_suffix.extend(more.name_suffix);
                all.template_labels.extend(more.template_labels);
                all.labels.extend(more.labels);
                all.common_labels.extend(more.common_labels);
                all.common_annotations.extend(more.common_annotations);
                all.images.extend(more.images);
                all.replicas.extend(more.replicas);
            }
        }
        Ok(all)
    }

    fn generate(
        &mut self,
        folder: &Folder,
        generator: &Generator,
        secret: bool,
        path: &str,
        objects: &mut Vec<Object>,
    ) -> Result<(), Diagnostics> {
        let at = |below: String, message: String| {
            Diagnostics::from(folder.problem(&format!("{path}{below}"), "generator", message))
        };
        if generator.name.is_empty() {
            return Err(at(String::new(), "a generator has a `name:`".into()));
        }
        self.reader.budget.look(objects.len()).map_err(|message| at(String::new(), message))?;
        let mut data = Data::default();
        let env = if generator.env.is_empty() { &[][..] } else { std::slice::from_ref(&generator.env) };
        for (list, name) in [(generator.envs.as_slice(), "envs"), (env, "env")] {
            for (index, entry) in list.iter().enumerate() {
                let place = if name == "env" { ".env".to_owned() } else { format!(".envs[{index}]") };
                let source = self.reader.named_text(folder, entry, &format!("{path}{place}"))?;
                data.variables(source.text()).map_err(|message| at(place, format!("{entry}: {message}")))?;
            }
        }
        for (index, entry) in generator.literals.iter().enumerate() {
            data.literal(entry).map_err(|message| at(format!(".literals[{index}]"), message))?;
        }
        for (index, entry) in generator.files.iter().enumerate() {
            let wrong = |message| at(format!(".files[{index}]"), message);
            let name = Path::new(entry).file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let (key, file) = entry.split_once('=').unwrap_or((name, entry));
            let content = self.reader.named_bytes(folder, file).map_err(wrong)?;
            data.add(key, content).map_err(wrong)?;
        }
        let origin = Origin { source: folder.source.clone(), span: folder.node.span_of(path), node: None };
        let defaults = &folder.fields.generator_options;
        generate::generate(objects, generator, secret, data, defaults, origin, &mut self.reader.budget)
            .map_err(|message| at(String::new(), message))
    }

    /// What a kustomization does to the objects, in kustomize's order.
    fn transform(
        &mut self,
        folder: &Folder,
        known: &Configuration,
        objects: &mut Vec<Object>,
    ) -> Result<(), Diagnostics> {
        let fields = &folder.fields;
        for (index, entry) in fields.patches_strategic_merge.iter().enumerate() {
            let path = format!("patchesStrategicMerge[{index}]");
            // A patch that is no file is the patch itself.
            let patch = match entry.contains('\n') {
                true => Patch { patch: entry.clone(), ..Patch::default() },
                false => Patch { path: entry.clone(), ..Patch::default() },
            };
            self.patch(folder, &patch, &path, objects)?;
        }
        for (index, patch) in fields.patches.iter().enumerate() {
            self.patch(folder, patch, &format!("patches[{index}]"), objects)?;
        }
        if !fields.namespace.is_empty() {
            namespace::apply(objects, &fields.namespace, &known.namespace);
            unique(objects)?;
        }
        let wrong =
            |path: &str, message: String| Diagnostics::from(folder.problem(path, "wrong-value", message));
        let (prefix, suffix) = (fields.name_prefix.as_str(), fields.name_suffix.as_str());
        names::apply(objects, (prefix, &known.name_prefix), (suffix, &known.name_suffix))
            .map_err(|message| wrong(if prefix.is_empty() { "nameSuffix" } else { "namePrefix" }, message))?;
        self.labels(folder, known, objects)?;
        for (index, patch) in fields.patches_json6902.iter().enumerate() {
            self.patch(folder, patch, &format!("patchesJson6902[{index}]"), objects)?;
        }
        for (index, wanted) in fields.replicas.iter().enumerate() {
            replicas::apply(objects, wanted, &known.replicas)
                .map_err(|message| wrong(&format!("replicas[{index}].name"), message))?;
        }
        images::apply(objects, &fields.images, &known.images);
        self.replacements(folder, objects)
    }

    fn labels(
        &mut self,
        folder: &Folder,
        known: &Configuration,
        objects: &mut [Object],
    ) -> Result<(), Diagnostics> {
        let fields = &folder.fields;
        let budget = &mut self.reader.budget;
        let too_much =
            |path: &str, message: String| Diagnostics::from(folder.problem(path, "too-large", message));
        let metadata = FieldSpec { path: "metadata/labels".into(), create: true, ..FieldSpec::default() };
        for (index, wanted) in fields.labels.iter().enumerate() {
            let mut specs = wanted.fields.clone();
            if wanted.include_selectors {
                specs.extend(known.common_labels.clone());
            } else {
                if wanted.include_templates {
                    specs.extend(known.template_labels.clone());
                }
                specs.extend(known.labels.clone());
                specs.push(metadata.clone());
            }
            labels::apply(objects, &wanted.pairs, &specs, budget)
                .map_err(|message| too_much(&format!("labels[{index}]"), message))?;
        }
        labels::apply(objects, &fields.common_labels, &known.common_labels, budget)
            .map_err(|message| too_much("commonLabels", message))?;
        labels::apply(objects, &fields.common_annotations, &known.common_annotations, budget)
            .map_err(|message| too_much("commonAnnotations", message))
    }

    fn patch(
        &mut self,
        folder: &Folder,
        patch: &Patch,
        path: &str,
        objects: &mut Vec<Object>,
    ) -> Result<(), Diagnostics> {
        let wrong = |message: String| Diagnostics::from(folder.problem(path, "patch", message));
        self.reader.budget.look(objects.len()).map_err(wrong)?;
        let source = match (patch.path.as_str(), patch.patch.as_str()) {
            ("", "") => return Err(wrong("a patch has `path:` or `patch:`".into())),
            ("", text) => Source::new(format!("{}, {path}", folder.source.name()), text),
            (file, "") => self.reader.named_text(folder, file, &format!("{path}.path"))?,
            _ => return Err(wrong("a patch has `path:` or `patch:`, not both".into())),
        };
        let read = patch::parse(&source)?;
        let matcher = patch.target.as_ref().map(|target| target.matcher()).transpose().map_err(wrong)?;
        if read.is_json() && matcher.is_none() {
            return Err(wrong("a JSON patch needs a `target:`".into()));
        }
        let count = read.apply(objects, matcher.as_ref(), patch.options, &mut self.reader.budget)?;
        if count == 0 {
            let problem = folder.problem(&format!("{path}.target"), "patch", "this patch is for no object");
            self.warnings.push(Diagnostic { severity: Severity::Warning, ..problem });
        }
        Ok(())
    }

    fn replacements(&mut self, folder: &Folder, objects: &mut [Object]) -> Result<(), Diagnostics> {
        for (index, entry) in folder.fields.replacements.iter().enumerate() {
            let path = format!("replacements[{index}]");
            let all = match entry.path.as_str() {
                "" => vec![entry.clone()],
                file => self.reader.named_values(folder, file, &format!("{path}.path"))?,
            };
            for replacement in &all {
                let looks = (1 + replacement.targets.len()).saturating_mul(objects.len());
                self.reader
                    .budget
                    .look(looks)
                    .map_err(|message| folder.problem(&path, "too-large", message))?;
                let odd = replace::apply(objects, replacement, &mut self.reader.budget)
                    .map_err(|message| folder.problem(&path, "replacement", message))?;
                for message in odd {
                    let problem = folder.problem(&format!("{path}.targets"), "replacement", message);
                    self.warnings.push(Diagnostic { severity: Severity::Warning, ..problem });
                }
            }
        }
        Ok(())
    }
}

/// The objects of a document; lists are flattened.
fn read_objects(node: Node, source: &Source, objects: &mut Vec<Object>) -> Result<(), Diagnostics> {
    let refuse = |path: &str, message: &str, help: &str| {
        let problem = Diagnostic::error("not-an-object", message).at(source, node.span_of(path));
        Err(problem.help(help).into())
    };
    if node.is_null() {
        return Ok(());
    }
    if !matches!(node.kind, Kind::Mapping(_)) {
        return refuse("", "a resource is an object", "every object begins with `apiVersion:` and `kind:`");
    }
    let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
    if kind.ends_with("List")
        && node.get("items").is_some_and(|items| matches!(items.kind, Kind::Sequence(_)))
    {
        let items = node.get("items").map(|items| items.items().to_vec()).unwrap_or_default();
        return items.into_iter().try_for_each(|item| read_objects(item, source, objects));
    }
    if kind.is_empty() {
        return refuse(
            "kind",
            "this object has no `kind`",
            "every object begins with `apiVersion:` and `kind:`",
        );
    }
    if kind == "Kustomization"
        && node.get("apiVersion").and_then(Node::as_str).is_some_and(|v| v.starts_with("kustomize."))
    {
        return refuse("kind", "a kustomization is no resource", "name its folder, not the file");
    }
    if node.at("metadata.name").and_then(Node::as_str).is_none_or(str::is_empty) {
        let help = "objects are known by their names here; a generateName alone is not enough for kustomize";
        return refuse("metadata", "this object has no `metadata.name`", help);
    }
    let value: Value = value_of(&node, source);
    objects.push(Object::new(value, Origin { source: source.clone(), span: node.span, node: Some(node) }));
    Ok(())
}

/// No two objects are the same to a cluster.
fn unique(objects: &[Object]) -> Result<(), Diagnostics> {
    let mut seen = HashSet::new();
    for object in objects {
        let mut id = object.id();
        if id.namespace == "default" {
            id.namespace.clear();
        }
        if let Some(id) = seen.replace(id) {
            let first = objects.iter().find(|other| other.id().same(&id));
            let mut problem = Diagnostic::error("duplicate-object", format!("{id} is there twice"))
                .at(&object.origin.source, object.origin.span);
            if let Some(first) = first {
                problem = problem.related(&first.origin.source, first.origin.span, "first here");
            }
            return Err(problem.into());
        }
    }
    Ok(())
}

/// Whether an entry means another machine, as kustomize would read it.
fn is_remote(entry: &str) -> bool {
    let host = entry.split('/').next().unwrap_or_default();
    entry.contains("://")
        || entry.contains("?ref=")
        || host.contains(':')
        || ["github.com", "gitlab.com", "bitbucket.org"].contains(&host)
}
