//! Pull specs in manifests.

use std::collections::HashMap;

use regex::bytes::{Captures, Regex};

/// Two components for one literal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the source repository `{source_repository}` was defined more than once (for `{first}` and `{second}`): the manifests cannot say which one they mean"
)]
pub struct DuplicateSource {
    /// The literal.
    pub source_repository: String,
    /// Component that defines it first.
    pub first: String,
    /// Component that defines it again.
    pub second: String,
}

/// Literals in manifests, each with the pull spec that takes its place.
#[derive(Debug, Default)]
pub struct PullSpecs {
    targets: HashMap<Vec<u8>, String>,
    sources: Vec<String>,
    pattern: Option<Regex>,
}

impl PullSpecs {
    /// From `(component, literal, pull spec)`.
    ///
    /// # Errors
    /// When two components have the same literal.
    pub fn new(entries: Vec<(String, String, String)>) -> Result<Self, DuplicateSource> {
        let mut names: HashMap<&str, &str> = HashMap::new();
        for (name, source, _) in &entries {
            if let Some(first) = names.insert(source, name) {
                return Err(DuplicateSource {
                    source_repository: source.clone(),
                    first: first.to_owned(),
                    second: name.clone(),
                });
            }
        }
        let mut sources: Vec<String> = entries.iter().map(|(_, source, _)| source.clone()).collect();
        // When one literal is `X` and another `X:tag`, the longer one is meant where it stands.
        sources.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        let targets = entries.into_iter().map(|(_, source, target)| (source.into_bytes(), target)).collect();
        let pattern = (!sources.is_empty()).then(|| pattern(&sources));
        Ok(Self { targets, sources, pattern })
    }

    /// Replaces every literal, with the tag or digest that follows it, where a non-word character (or the start) stands
    /// before and white space, a quote (or the end) stands after. Both delimiters belong to the match, so of two references
    /// that are parted by one character only the first is replaced.
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let Some(pattern) = &self.pattern else { return bytes.to_vec() };
        let replace = |found: &Captures<'_>| {
            let mut out = found[1].to_vec();
            match self.targets.get(&found[2]) {
                Some(target) => out.extend_from_slice(target.as_bytes()),
                None => out.extend_from_slice(&found[2]),
            }
            out.extend_from_slice(&found[4]);
            out
        };
        pattern.replace_all(bytes, replace).into_owned()
    }

    /// The literals, longest first.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(String::as_str)
    }
}

/// Classes are ASCII (Go's), `\s` has no vertical tab.
fn pattern(sources: &[String]) -> Regex {
    let literals: Vec<String> = sources.iter().map(|source| regex::escape(source)).collect();
    let text = format!(
        r#"(?-u)(\W|^)({})(:\w[\w.-]{{0,127}}|@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[[:xdigit:]]{{2,}})?([\t\n\x0c\r "']|$)"#,
        literals.join("|")
    );
    regex::bytes::RegexBuilder::new(&text)
        .size_limit(256 << 20)
        .build()
        .expect("escaped literals in a valid pattern, some kilobytes each")
}
