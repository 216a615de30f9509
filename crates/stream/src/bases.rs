//! What the names in `FROM` mean: the `bases` table of a stream.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};

use crate::definition::Base;

/// The table, ready for look-ups.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    exact: &'a BTreeMap<String, Base>,
    /// The most particular first.
    patterns: Vec<(&'a str, GlobMatcher, &'a Base)>,
}

/// A key of the table that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {why}")]
pub struct BadPattern {
    /// The key.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl<'a> Table<'a> {
    /// Prepares the table.
    ///
    /// # Errors
    /// The first key that is no pattern.
    pub fn new(bases: &'a BTreeMap<String, Base>) -> Result<Self, BadPattern> {
        let mut patterns = Vec::new();
        for (key, base) in bases.iter().filter(|(key, _)| is_pattern(key)) {
            patterns.push((key.as_str(), matcher(key)?, base));
        }
        patterns.sort_by_key(|(key, ..)| (std::cmp::Reverse(literal_characters(key)), *key));
        Ok(Self { exact: bases, patterns })
    }

    /// What `name` means, with the key that says so. An exact key wins, then the pattern with the most literal characters.
    pub fn find(&self, name: &str) -> Option<(&'a str, &'a Base)> {
        if let Some((key, base)) = self.exact.get_key_value(name) {
            return Some((key, base));
        }
        self.patterns.iter().find(|(_, glob, _)| glob.is_match(name)).map(|(key, _, base)| (*key, *base))
    }

    /// All keys, for suggestions.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.exact.keys().map(String::as_str)
    }
}

/// What tells whether a name fits a pattern, or is that very name.
///
/// # Errors
/// When it is no pattern.
pub fn matcher(pattern: &str) -> Result<GlobMatcher, BadPattern> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    let glob = glob.map_err(|e| BadPattern { pattern: pattern.to_owned(), why: e.kind().to_string() })?;
    Ok(glob.compile_matcher())
}

fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?', '[', '{'])
}

fn literal_characters(key: &str) -> usize {
    key.chars().filter(|c| !"*?[]{}".contains(*c)).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn bases(keys: &[&str]) -> BTreeMap<String, Base> {
        keys.iter().map(|key| ((*key).to_owned(), Base::Component((*key).to_owned()))).collect()
    }

    #[test]
    fn the_most_particular_key_wins() {
        let bases = bases(&["r.example/*:1.22", "r.example/*:*", "r.example/go:1.22", "r.example/**"]);
        let table = Table::new(&bases).unwrap();
        let find = |name| table.find(name).map(|(key, _)| key);
        assert_eq!(find("r.example/go:1.22"), Some("r.example/go:1.22"));
        assert_eq!(find("r.example/rust:1.22"), Some("r.example/*:1.22"));
        assert_eq!(find("r.example/rust:2"), Some("r.example/*:*"));
        assert_eq!(find("r.example/a/b:2"), Some("r.example/**"));
        assert_eq!(find("other.example/a"), None);
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let bases = bases(&["r.example/[a"]);
        insta::assert_snapshot!(Table::new(&bases).unwrap_err(), @"`r.example/[a` is not a pattern: unclosed character class; missing ']'");
    }
}
