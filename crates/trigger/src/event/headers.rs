//! Headers of an event.

/// Headers with their names as Go writes them (`X-Github-Event`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds one, instead of one of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = canonical(name);
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.into()));
    }

    /// The value of a header; the case of its name does not matter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A capital at the beginning and after each hyphen, everything else small.
fn canonical(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str().to_ascii_lowercase()))
            .unwrap_or_default()
    };
    name.trim().split('-').map(capital).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_the_last_one_wins() {
        let mut headers = Headers::default();
        headers.set("X-GitHub-Event", "push");
        headers.set("x-github-EVENT", "pull_request");
        assert_eq!(headers.get("X-GITHUB-event"), Some("pull_request"));
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("X-Github-Event", "pull_request")]);
    }
}
