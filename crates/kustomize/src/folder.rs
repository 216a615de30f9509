//! A folder read: its kustomization, and the files that it names.

use std::path::{Component, Path, PathBuf};

use base::{Diagnostic, Diagnostics, Source, Span};
use serde::de::DeserializeOwned;
use tekton::decode::{Keys, decode};
use tekton::yaml::{self, Node};

use crate::budget::{self, Budget};
use crate::files::Files;
use crate::kustomization::Kustomization;

/// What a kustomization is called, the first that is there.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization with its place.
#[derive(Debug)]
pub struct Folder {
    /// Without links.
    pub real: PathBuf,
    /// As people know it.
    pub shown: PathBuf,
    /// Its text.
    pub source: Source,
    /// Its tree.
    pub node: Node,
    /// Its fields.
    pub fields: Kustomization,
}

/// What a build reads from.
pub struct Reader<'a> {
    /// The files.
    pub files: &'a dyn Files,
    /// How much more.
    pub budget: Budget,
}

impl Folder {
    /// A problem with the field at `path` (`patches[1].target`).
    pub fn problem(&self, path: &str, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.source, self.node.span_of(path))
    }

    /// How a file in it is called.
    pub fn shown(&self, entry: &str) -> PathBuf {
        tidy(&self.shown.join(entry))
    }
}

impl Reader<'_> {
    /// Reads the kustomization of a folder.
    ///
    /// # Errors
    /// When it has none, or one that cannot be read.
    pub fn folder(&mut self, real: PathBuf, shown: PathBuf) -> Result<Folder, Diagnostics> {
        let there = |name: &str| self.files.resolve(&real.join(name)).is_ok_and(|(_, folder)| !folder);
        let names: Vec<&str> = NAMES.into_iter().filter(|name| there(name)).collect();
        let [name] = names.as_slice() else {
            let message = match names.as_slice() {
                [] => format!("{} has no kustomization.yaml", shown.display()),
                _ => {
                    format!("{} has several kustomizations: {}; keep one", shown.display(), names.join(", "))
                }
            };
            return Err(Diagnostic::error("no-kustomization", message).into());
        };
        let path = tidy(&shown.join(name));
        let source = self.text(&real.join(name), &path).map_err(|message| {
            Diagnostics::from(Diagnostic::error(
                "unreadable",
                format!("cannot read {}: {message}", path.display()),
            ))
        })?;
        let mut nodes: Vec<Node> = yaml::parse(&source)?.into_iter().filter(|node| !node.is_null()).collect();
        let (Some(node), None) = (nodes.pop(), nodes.pop()) else {
            let problem = Diagnostic::error("not-a-kustomization", "a kustomization is one mapping");
            return Err(problem
                .at(&source, Span::default())
                .help("list resources under `resources:`")
                .into());
        };
        let fields: Kustomization = decode(&node, &source, Keys::Exact)?;
        let folder = Folder { real, shown, source, node, fields };
        refused(&folder).into_result(folder)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn text(&mut self, real: &Path, shown: &Path) -> Result<Source, String> {
        let text = String::from_utf8(self.bytes(real)?).map_err(|_| "it is no text in UTF-8")?;
        Ok(Source::new(shown.display().to_string(), text))
    }

    fn bytes(&mut self, real: &Path) -> Result<Vec<u8>, String> {
        let bytes = self.files.read(real, budget::FILE).map_err(|e| e.to_string())?;
        self.budget.file(bytes.len())?;
        Ok(bytes)
    }

    /// Where a file is that `folder` names; it must be in the folder.
    ///
    /// # Errors
    /// When it is not, or is not there.
    fn within(&self, folder: &Folder, entry: &str) -> Result<PathBuf, String> {
        if Path::new(entry).is_absolute() {
            return Err(format!("`{entry}` is an absolute path; write it from here"));
        }
        let (real, is_folder) = self
            .files
            .resolve(&folder.real.join(entry))
            .map_err(|e| format!("cannot read `{entry}`: {e}"))?;
        if is_folder {
            return Err(format!("`{entry}` is a folder; a file is needed here"));
        }
        if !real.starts_with(&folder.real) {
            return Err(format!(
                "`{entry}` is outside of {}; only other kustomizations may be, as whole folders",
                folder.shown.display()
            ));
        }
        Ok(real)
    }

    /// The text of a file that `folder` names at `path`.
    ///
    /// # Errors
    /// When it is not in the folder, or cannot be read.
    pub fn named_text(&mut self, folder: &Folder, entry: &str, path: &str) -> Result<Source, Diagnostics> {
        let read = self.within(folder, entry).and_then(|real| self.text(&real, &folder.shown(entry)));
        read.map_err(|message| folder.problem(path, "unreadable", message).into())
    }

    /// The content of a file that `folder` names.
    ///
    /// # Errors
    /// When it is not in the folder, or cannot be read.
    pub fn named_bytes(&mut self, folder: &Folder, entry: &str) -> Result<Vec<u8>, String> {
        let real = self.within(folder, entry)?;
        self.bytes(&real).map_err(|message| format!("cannot read `{entry}`: {message}"))
    }

    /// What is written in a file that `folder` names: a value, or a list of them.
    ///
    /// # Errors
    /// When it cannot be read, or is something else.
    pub fn named_values<T: DeserializeOwned>(
        &mut self,
        folder: &Folder,
        entry: &str,
        path: &str,
    ) -> Result<Vec<T>, Diagnostics> {
        let source = self.named_text(folder, entry, path)?;
        let mut values = Vec::new();
        for node in yaml::parse(&source)?.iter().filter(|node| !node.is_null()) {
            match node.items() {
                [] => values.push(decode(node, &source, Keys::Exact)?),
                items => {
                    for item in items {
                        values.push(decode(item, &source, Keys::Exact)?);
                    }
                }
            }
        }
        Ok(values)
    }
}

/// Fields that would run programs, fetch from elsewhere, or that nothing here knows.
fn refused(folder: &Folder) -> Diagnostics {
    let fields = &folder.fields;
    let mut found = Diagnostics::default();
    let mut refuse = |path: &str, there: bool, why: &str, help: &str| {
        if there {
            let message = format!("`{path}` is not supported: {why}");
            found.push(folder.problem(path, "unsupported-field", message).help(help));
        }
    };
    let plugins = "plugins are programs, and building runs none";
    let instead =
        "use patches, replacements and the other fields, or build with kubectl and give `sw` the result";
    refuse("transformers", fields.transformers.is_some(), plugins, instead);
    refuse("generators", fields.generators.is_some(), plugins, instead);
    refuse("validators", fields.validators.is_some(), plugins, instead);
    let helm = "a chart is fetched and rendered by another program";
    let render = "render it with `helm template`, and list the result under resources";
    refuse("helmCharts", fields.helm_charts.is_some(), helm, render);
    refuse("helmGlobals", fields.helm_globals.is_some(), helm, render);
    refuse("helmChartInflationGenerator", fields.helm_chart_inflation_generator.is_some(), helm, render);
    let tell = "write a nameReference in a file under `configurations:`";
    refuse("crds", fields.crds.is_some(), "references of custom resources are not read from schemas", tell);
    refuse(
        "openapi",
        fields.openapi.is_some(),
        "lists of custom resources are replaced by patches, never merged",
        "write a JSON patch",
    );
    refuse(
        "vars",
        fields.vars.is_some(),
        "kustomize itself has given them up",
        "write them as `replacements:`",
    );
    let inventory = "kustomize itself has given it up";
    refuse("inventory", fields.inventory.is_some(), inventory, "remove it");
    let version = fields.api_version.as_str();
    let known = [
        "",
        "kustomize.config.k8s.io/v1beta1",
        "kustomize.config.k8s.io/v1alpha1",
        "kustomize.config.k8s.io/v1",
    ];
    if !known.contains(&version) {
        let message = format!("unknown apiVersion `{version}`");
        let problem = folder.problem("apiVersion", "unknown-version", message);
        found.push(problem.help("write apiVersion: kustomize.config.k8s.io/v1beta1"));
    }
    if !["", "Kustomization", "Component"].contains(&fields.kind.as_str()) {
        let message = format!("a `{}` is no kustomization", fields.kind);
        found.push(folder.problem("kind", "not-a-kustomization", message).help("write kind: Kustomization"));
    }
    found
}

/// Without `.` and, where it is plain, `..`.
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    if tidy.as_os_str().is_empty() { PathBuf::from(".") } else { tidy }
}
