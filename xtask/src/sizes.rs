//! How long files may be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The most lines of a source file, tests apart.
pub const LONGEST: usize = 700;

/// Files that are too long, a line each.
///
/// # Errors
/// When the repository cannot be read.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && name != "tests" && name != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && name != "tests.rs" {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                let lines = lines(&text);
                if lines > LONGEST {
                    let shown = path.strip_prefix(root).unwrap_or(&path).display();
                    found.push(format!(
                        "{shown} has {lines} lines without its tests, more than {LONGEST}: it holds more than one idea; split it, then run `cargo xtask sizes`"
                    ));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect());
    read.with_context(|| format!("reading {}", folder.display()))
}

/// Lines up to the tests of a file; they stand at its end.
pub fn lines(text: &str) -> usize {
    let all: Vec<&str> = text.lines().collect();
    let tests = all.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests"));
    tests.unwrap_or(all.len())
}
