//! Which examples there are, and how each must end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A file with one or more runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// How it is called in the report.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// Settings of the cluster that it needs: files given beside it.
    pub settings: Vec<PathBuf>,
    /// `PATTERN=TARGET` of images that are not what they usually are.
    pub images: Vec<&'static str>,
    /// How it must end.
    pub expected: Expected,
    /// What it needs that no machine without a cluster has; then it is not run.
    pub needs: Option<String>,
}

/// How an example must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// As a Tekton left it, or as it was read and found right: this file.
    Recorded(PathBuf),
    /// Every run of it succeeds.
    Success,
    /// It is refused with this message before anything runs.
    Refusal(&'static str),
    /// This file will tell.
    Unrecorded(PathBuf),
}

/// Examples that upstream never ran and that Tekton refuses, with its words.
const REFUSED_UPSTREAM: [(&str, &str); 1] = [
    // The name of a result is put together by the shell, inside of what Tekton takes for its own variable.
    ("pipelineruns/no-ci/compressed-results-pipeline", "non-existent variable in"),
];

/// Settings that the table asks for (`config-defaults:KEY`) and the example has not.
const SETTINGS: [(&str, &str); 1] =
    [("config-defaults:default-task-run-workspace-binding", "xtask/src/examples/default-workspace.yaml")];

/// Examples that were recorded with another stand-in for one of their images.
const RECORDED_WITH: [(&str, &str); 1] = [
    // It calls [[ in sh, which fails there and works in Alpine; what it says then is another outcome.
    ("pipelineruns/beta/ignore-task-error", "*/alpine=localhost/stand-in:ubuntu"),
];

/// The examples of this repository: `examples/*.yaml`, each with its outcome in a `.json` of the same name.
///
/// # Errors
/// When the folder cannot be read.
pub fn own(root: &Path) -> Result<Vec<Example>> {
    pairs(&root.join("examples"), "examples")
}

/// The shared fixtures: `STREAMWRIGHT_FIXTURES`, else `shared/fixtures` beside the checkout. A clone does not have them.
pub fn fixtures(root: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("STREAMWRIGHT_FIXTURES").map(PathBuf::from);
    Some(given.unwrap_or_else(|| root.join("../shared/fixtures"))).filter(|dir| dir.is_dir())
}

/// Tekton's own examples with what a real Tekton made of them, and the recorded failures.
///
/// # Errors
/// When files are missing or the table is not one.
pub fn upstream(fixtures: &Path) -> Result<Vec<Example>> {
    let table = fixtures.join("../reference/tekton-examples.tsv");
    let text = fs::read_to_string(&table).with_context(|| format!("reading {}", table.display()))?;
    let mut examples = Vec::new();
    for row in rows(&text)? {
        let file = fixtures.join("tekton-examples").join(format!("{}.yaml", row.name));
        if !file.is_file() {
            continue;
        }
        let record = fixtures.join("tekton-outcomes").join(format!("{}.json", row.name.replace('/', "__")));
        let refused = REFUSED_UPSTREAM.iter().find(|(name, _)| *name == row.name);
        let expected = match refused {
            Some((_, message)) => Expected::Refusal(message),
            None if record.is_file() => Expected::Recorded(record),
            None => Expected::Success,
        };
        let wanted = SETTINGS.iter().filter(|(need, _)| row.needs.split(' ').any(|n| n == *need));
        let settings = wanted.map(|(_, file)| crate::root().join(file)).collect();
        let needs = (!row.offline).then(|| row.why());
        let images = RECORDED_WITH.iter().filter(|(name, _)| *name == row.name).map(|(_, image)| *image);
        examples.push(Example {
            name: row.name.to_owned(),
            file,
            settings,
            images: images.collect(),
            expected,
            needs,
        });
    }
    examples.extend(pairs(&fixtures.join("tekton-failures"), "failures")?);
    Ok(examples)
}

/// Each `.yaml` of a folder with the `.json` beside it, by name.
fn pairs(dir: &Path, prefix: &str) -> Result<Vec<Example>> {
    let entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let example = |file: PathBuf| {
        let record = file.with_extension("json");
        let expected =
            if record.is_file() { Expected::Recorded(record) } else { Expected::Unrecorded(record) };
        let name = format!("{prefix}/{}", file.file_stem().unwrap_or_default().to_string_lossy());
        Example { name, file, settings: Vec::new(), images: Vec::new(), expected, needs: None }
    };
    Ok(files.into_iter().map(example).collect())
}

/// What the table says of an example.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    /// Path without `examples/v1/` and `.yaml`.
    name: &'a str,
    /// Words, `-` for none.
    needs: &'a str,
    /// Whether one machine without internet can run it.
    offline: bool,
    notes: &'a str,
}

impl Row<'_> {
    /// Why it cannot be run.
    fn why(&self) -> String {
        match self.notes {
            "-" | "" => format!("needs {}", self.needs.replace(' ', ", ")),
            notes => notes.to_owned(),
        }
    }
}

fn rows(table: &str) -> Result<Vec<Row<'_>>> {
    let mut lines = table.lines();
    let heads: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        let found = heads.iter().position(|head| *head == name);
        found.with_context(|| format!("the table of examples has no column `{name}`"))
    };
    let (path, needs) = (column("path")?, column("needs")?);
    let (offline, notes) = (column("offline_single_machine")?, column("notes")?);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let cell = |i: usize| cells.get(i).copied().unwrap_or_default();
            let name = cell(path).strip_prefix("examples/v1/").and_then(|n| n.strip_suffix(".yaml"));
            let Some(name) = name else { bail!("the table of examples has an odd row: {line}") };
            Ok(Row { name, needs: cell(needs), offline: cell(offline) == "yes", notes: cell(notes) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_says_what_runs_and_why_the_rest_does_not() {
        let table = "path\tneeds\tnotes\toffline_single_machine\n\
                     examples/v1/taskruns/a.yaml\t-\t-\tyes\n\
                     examples/v1/taskruns/b.yaml\tnetwork git\tclones a repository\tno\n\
                     examples/v1/taskruns/c.yaml\twindows-node\t-\tno\n";
        let rows = rows(table).unwrap();
        let told: Vec<_> = rows.iter().map(|r| (r.name, r.offline, r.why())).collect();
        assert!(told[0].1);
        assert_eq!(told[1], ("taskruns/b", false, "clones a repository".to_owned()));
        assert_eq!(told[2], ("taskruns/c", false, "needs windows-node".to_owned()));
        assert!(super::rows("path\nx").is_err());
    }
}
