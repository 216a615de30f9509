//! Which files changed.

use serde_json::{Value as Json, json};

use super::Event;

/// Paths of files that changed, by what happened to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are gone.
    pub deleted: Vec<String>,
    /// Those with another content.
    pub modified: Vec<String>,
    /// Those with another name; the new name.
    pub renamed: Vec<String>,
}

impl Changes {
    /// Reads lines of `git diff --name-status` (`M`, tab, path), or of paths alone, which count as modified.
    ///
    /// # Errors
    /// Lines with a status that is not known.
    pub fn from_lines(text: &str) -> Result<Self, String> {
        let mut changes = Self::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.split('\t').collect();
            let known = match fields.as_slice() {
                [path] => changes.note("M", path),
                [status, .., path] => changes.note(status, path),
                [] => true,
            };
            if !known {
                return Err(format!(
                    "line {}: `{}` is no status; write a path, or a line of `git diff --name-status`",
                    number + 1,
                    fields[0]
                ));
            }
        }
        Ok(changes)
    }

    /// Reads what `git diff --name-status -z` prints.
    ///
    /// # Errors
    /// A status that is not known.
    pub fn from_git(text: &str) -> Result<Self, String> {
        let mut changes = Self::default();
        let mut fields = text.split_terminator('\0');
        while let Some(status) = fields.next() {
            if status.starts_with(['R', 'C']) {
                // The old name.
                fields.next();
            }
            let path = fields.next().unwrap_or_default();
            if !changes.note(status, path) {
                return Err(format!("git reports `{status}` for {path}"));
            }
        }
        Ok(changes)
    }

    /// Those that the commits of a push list; `None` when the event lists none.
    pub fn of_push(event: &Event) -> Option<Self> {
        let mut changes = Self::default();
        let mut listed = false;
        for commit in event.at("commits").and_then(Json::as_array)? {
            for (key, list) in [
                ("added", &mut changes.added),
                ("removed", &mut changes.deleted),
                ("modified", &mut changes.modified),
            ] {
                listed |= commit.get(key).is_some();
                let paths = commit.get(key).and_then(Json::as_array).into_iter().flatten();
                for path in paths.filter_map(Json::as_str) {
                    if !list.iter().any(|known| known == path) {
                        list.push(path.to_owned());
                    }
                }
            }
        }
        listed.then_some(changes)
    }

    /// All of them, each once.
    pub fn all(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for path in [&self.added, &self.modified, &self.renamed, &self.deleted].into_iter().flatten() {
            all.push(path);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// As the variable `files` of expressions.
    pub fn to_json(&self) -> Json {
        json!({"all": self.all(), "added": self.added, "deleted": self.deleted, "modified": self.modified, "renamed": self.renamed})
    }

    fn note(&mut self, status: &str, path: &str) -> bool {
        let list = match status.chars().next() {
            Some('A' | 'C') => &mut self.added,
            Some('D') => &mut self.deleted,
            Some('M' | 'T') => &mut self.modified,
            Some('R') => &mut self.renamed,
            _ => return false,
        };
        list.push(path.to_owned());
        status[1..].bytes().all(|b| b.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_and_what_git_prints() {
        let lines =
            Changes::from_lines("A\ta.go\nD\tb\n\nR100\told name\tnew name\nMakefile\nC75\tx\ty\n").unwrap();
        let git =
            Changes::from_git("A\0a.go\0D\0b\0R100\0old name\0new name\0M\0Makefile\0C75\0x\0y\0").unwrap();
        assert_eq!(lines, git);
        assert_eq!(lines.renamed, ["new name"]);
        assert_eq!(lines.all(), ["Makefile", "a.go", "b", "new name", "y"]);
        assert!(Changes::from_lines("Q\tx").unwrap_err().starts_with("line 1: `Q` is no status"));
        assert!(Changes::from_lines("Mx\ty").is_err());
    }

    #[test]
    fn pushes_list_their_files() {
        let event = |text: &str| Event::read(text, &[]).unwrap();
        let push = event(
            r#"{"commits": [{"added": ["a"], "removed": [], "modified": ["m"]}, {"added": [], "removed": ["a"], "modified": ["m"]}]}"#,
        );
        let changes = Changes::of_push(&push).unwrap();
        assert_eq!((changes.all(), changes.modified.len()), (vec!["a", "m"], 1));
        assert_eq!(Changes::of_push(&event(r#"{"commits": [{"id": "x"}]}"#)), None);
        assert_eq!(Changes::of_push(&event("{}")), None);
    }
}
