//! What is not to be in an image.

use base::wildcard::matches;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
