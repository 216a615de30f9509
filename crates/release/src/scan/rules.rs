//! What is not to be in an image.

use serde::Serialize;

use super::Inventory;

/// What is not to be there. In names and paths `*` stands for anything.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Packages that are not to be installed.
    pub deny: Vec<String>,
    /// Files that may have the setuid or setgid bit.
    pub allow_privileged: Vec<String>,
}

/// Something that is not to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `denied-package` or `privileged-file`.
    pub code: &'static str,
    /// What it is, for people.
    pub message: String,
}

impl Rules {
    /// What of an image is not to be there, in a stable order.
    pub fn findings(&self, inventory: &Inventory) -> Vec<Finding> {
        let mut found = Vec::new();
        for (name, version) in &inventory.packages {
            if self.deny.iter().any(|pattern| matches(pattern, name)) {
                let message = format!("the package {name} {version} is not to be installed");
                found.push(Finding { code: "denied-package", message });
            }
        }
        for (path, mode) in &inventory.privileged {
            if !self.allow_privileged.iter().any(|pattern| matches(pattern, path)) {
                let message = format!("{path} runs with the rights of its owner or group (mode {mode})");
                found.push(Finding { code: "privileged-file", message });
            }
        }
        found
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("su", "su", true),
            ("su", "sudo", false),
            ("*", "", true),
            ("python*", "python3.13", true),
            ("/usr/*/su", "/usr/bin/su", true),
            ("/usr/*/su", "/opt/usr/bin/su", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn only_what_no_rule_allows_is_found() {
        let map = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let inventory = Inventory {
            packages: map(&[("bash", "5"), ("telnetd", "0.17")]),
            privileged: map(&[("/opt/x", "4755"), ("/usr/bin/su", "4755")]),
            rpm: false,
        };
        let rules =
            Rules { deny: vec!["telnet*".to_owned()], allow_privileged: vec!["/usr/bin/*".to_owned()] };
        let found: Vec<String> =
            rules.findings(&inventory).into_iter().map(|f| format!("{}: {}", f.code, f.message)).collect();
        assert_eq!(
            found,
            [
                "denied-package: the package telnetd 0.17 is not to be installed",
                "privileged-file: /opt/x runs with the rights of its owner or group (mode 4755)",
            ]
        );
    }
}
