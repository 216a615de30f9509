//! The tests that there are, found in the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Tests by file and name.
#[derive(Debug, Default)]
pub struct Tests(BTreeMap<String, State>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    Ignored,
}

impl Tests {
    /// Why a test proves nothing; `FILE::NAME` with the file below `crates/`.
    pub fn problem(&self, test: &str) -> Option<&'static str> {
        match self.0.get(test) {
            Some(State::Runs) => None,
            Some(State::Ignored) => Some("which is ignored"),
            None => Some("which does not exist"),
        }
    }

    /// Reads the tests of a file.
    pub fn read(&mut self, file: &str, text: &str) {
        let mut marked: Option<State> = None;
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[test]") {
                marked = marked.or(Some(State::Runs));
            } else if line.starts_with("#[ignore") {
                marked = Some(State::Ignored);
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked.is_some()) {
                let name = rest.split(['(', '<']).next().unwrap_or(rest);
                self.0.extend(marked.take().map(|state| (format!("{file}::{name}"), state)));
            } else if !line.starts_with("#[") && !line.starts_with("//") {
                marked = None;
            }
        }
    }
}

/// All tests below `crates/`.
///
/// # Errors
/// When the repository cannot be read.
pub fn all(root: &Path) -> Result<Tests> {
    let crates = root.join("crates");
    let mut tests = Tests::default();
    let mut folders = vec![crates.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                let file = path.strip_prefix(&crates).unwrap_or(&path).with_extension("");
                tests.read(&file.display().to_string(), &text);
            }
        }
    }
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::Tests;

    #[test]
    fn tests_are_found_and_ignored_ones_told() {
        let mut tests = Tests::default();
        tests.read(
            "a/tests/b",
            "#[test]\nfn one() {}\nfn helper() {}\n    #[test]\n    #[ignore = \"slow\"]\n    fn two() {}\n#[ignore]\n#[test]\nfn three() {}\n",
        );
        assert_eq!(tests.problem("a/tests/b::one"), None);
        assert_eq!(tests.problem("a/tests/b::two"), Some("which is ignored"));
        assert_eq!(tests.problem("a/tests/b::three"), Some("which is ignored"));
        for gone in ["a/tests/b::helper", "a/tests/c::one"] {
            assert_eq!(tests.problem(gone), Some("which does not exist"), "{gone}");
        }
    }
}
