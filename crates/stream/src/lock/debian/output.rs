//! What apt prints.

use std::collections::BTreeSet;

use base::Digest;

use crate::lock::Pin;
use crate::lock::pin::{is_package_name, is_package_version};

/// The pins of `apt-get install --print-uris`: lines `'URI' name_version_arch.deb SIZE SHA256:hex`.
///
/// # Errors
/// The first line that is none.
pub fn pins(text: &str) -> Result<Vec<Pin>, String> {
    text.lines()
        .filter(|line| line.starts_with('\''))
        .map(|line| pin(line).ok_or_else(|| line.to_owned()))
        .collect()
}

fn pin(line: &str) -> Option<Pin> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    let mut fields = rest.split(' ');
    let file = fields.next()?.strip_suffix(".deb")?;
    let sha256 = Digest::from_hex(fields.nth(1)?.strip_prefix("SHA256:")?).ok()?;
    let mut parts = file.split('_');
    let (name, version, _arch) = (parts.next()?, parts.next()?, parts.next()?);
    // Only the colon after a version's epoch is escaped in file names.
    let version = version.replace("%3a", ":");
    let sound = is_package_name(name) && is_package_version(&version);
    sound.then(|| Pin { name: name.to_owned(), version, sha256 })
}

/// Stanzas of `apt-cache show` as a status file that says that all of them are installed.
pub fn installed(stanzas: &str) -> String {
    let mut status = String::with_capacity(stanzas.len() + stanzas.len() / 16);
    for line in stanzas.split_inclusive('\n') {
        status.push_str(line);
        if line.starts_with("Package: ") {
            status.push_str("Status: install ok installed\n");
        }
    }
    status
}

/// Name and version of every stanza.
pub fn names_and_versions(stanzas: &str) -> BTreeSet<(&str, &str)> {
    let mut found = BTreeSet::new();
    let mut name = "";
    for line in stanzas.lines() {
        if let Some(package) = line.strip_prefix("Package: ") {
            name = package;
        } else if let Some(version) = line.strip_prefix("Version: ") {
            found.insert((name, version));
        }
    }
    found
}

/// The package of every stanza that says its SHA-256.
pub fn offered(stanzas: &str) -> Vec<Pin> {
    let stanza = |text: &str| {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let sha256 = Digest::from_hex(field("SHA256: ")?).ok()?;
        Some(Pin { name: field("Package: ")?.to_owned(), version: field("Version: ")?.to_owned(), sha256 })
    };
    stanzas.split("\n\n").filter_map(stanza).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "82130bb6a560cd2a7234d8018baf73f188f5dd56413d5aa0accc987b2197a6a1";

    #[test]
    fn uris_become_pins() {
        let text = format!(
            "'http://deb.debian.org/debian/pool/main/b/bash/bash_5.2.15-2%2bb13_amd64.deb' bash_5.2.15-2+b13_amd64.deb 1490652 SHA256:{HEX}\n\
             'http://deb.debian.org/debian/pool/main/a/attr/libattr1_2.5.1-4_amd64.deb' libattr1_1%3a2.5.1-4_amd64.deb 22164 SHA256:{HEX}\n"
        );
        let pins: Vec<String> = pins(&text).unwrap_or_default().iter().map(ToString::to_string).collect();
        assert_eq!(pins, [format!("bash=5.2.15-2+b13={HEX}"), format!("libattr1=1:2.5.1-4={HEX}")]);
    }

    #[test]
    fn a_line_without_sha256_is_refused() {
        for line in [
            "'http://x/y' libpcre2-8-0_10.42-1+deb12u2_amd64.deb 261628 ",
            "'http://x/y' bash_5.2_amd64.deb 1 MD5Sum:f973a067908f9c7579d30deddd8301ed",
            "'http://x/y' bash.deb 1 SHA256:82130bb6a560cd2a7234d8018baf73f188f5dd56413d5aa0accc987b2197a6a1",
            "'http://x/y",
        ] {
            assert_eq!(pins(line), Err(line.to_owned()));
        }
    }

    #[test]
    fn what_is_offered_has_a_digest() {
        let text = format!(
            "Package: bash\nVersion: 1:5.2\nSHA256: {HEX}\nDescription: x\n\nPackage: zsh\nVersion: 1\n"
        );
        let offered: Vec<String> = offered(&text).iter().map(ToString::to_string).collect();
        assert_eq!(offered, [format!("bash=1:5.2={HEX}")]);
    }

    #[test]
    fn stanzas_become_installed() {
        let status = installed("Package: bash\nVersion: 5.2\nDepends: x\n\nPackage: zsh\nVersion: 1\n");
        assert_eq!(status.matches("Status: install ok installed\n").count(), 2);
        assert_eq!(names_and_versions(&status), BTreeSet::from([("bash", "5.2"), ("zsh", "1")]));
    }
}
