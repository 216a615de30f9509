//! The resolver `hub`: a definition of a catalog at Artifact Hub.

use std::cmp::Ordering;

use base::Digest;
use git::Until;
use git::address::redacted;
use semver::Version;
use serde_json::Value;
use tekton::types::status::RefSource;

use crate::params::Params;
use crate::problem::Problem;
use crate::source::{Fetched, Machine, Source};

/// Artifact Hub.
const ARTIFACT_HUB: &str = "https://artifacthub.io";

/// A definition of a catalog.
pub struct Hub {
    server: String,
    /// The API of the Tekton Hub instead of that of Artifact Hub.
    tekton: bool,
    catalog: String,
    kind: String,
    name: String,
    version: String,
}

impl Hub {
    /// `name`, `version` (one, or constraints such as `>= 0.7.0`), `kind`, `catalog`, `type`, `url`.
    pub fn new(params: Params<'_>) -> Result<Self, Problem> {
        let kind = params.text("kind").unwrap_or("task").to_lowercase();
        if !matches!(kind.as_str(), "task" | "pipeline" | "stepaction") {
            return Err(Problem::Param(format!("kind `{kind}` is none of task, pipeline, stepaction")));
        }
        let tekton = match params.text("type").unwrap_or("artifact") {
            "artifact" => false,
            "tekton" if params.text("url").is_some() => true,
            "tekton" => {
                let message =
                    "the Tekton Hub is shut down; write `type: artifact`, or give the `url` of your own";
                return Err(Problem::Param(message.to_owned()));
            }
            other => return Err(Problem::Param(format!("type `{other}` is neither artifact nor tekton"))),
        };
        let usual = if tekton { "Tekton".to_owned() } else { format!("tekton-catalog-{kind}s") };
        let server = params.text("url").unwrap_or(ARTIFACT_HUB).trim_end_matches('/').to_owned();
        if !server.starts_with("http://") && !server.starts_with("https://") {
            let message = format!("the url `{}` must begin with http:// or https://", redacted(&server));
            return Err(Problem::Param(message));
        }
        let plain = |name: &'static str, text: &str| match text
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.".contains(c))
        {
            true if !matches!(text, "." | "..") => Ok(text.to_owned()),
            _ => Err(Problem::Param(format!("the {name} `{text}` has signs that no {name} has"))),
        };
        Ok(Self {
            tekton,
            catalog: plain("catalog", params.text("catalog").unwrap_or(&usual))?,
            name: plain("name", params.required("name")?)?,
            version: params.required("version")?.to_owned(),
            server,
            kind,
        })
    }

    /// The address of the package.
    fn package(&self) -> String {
        let Self { server, catalog, kind, name, .. } = self;
        match self.tekton {
            true => format!("{server}/v1/resource/{catalog}/{kind}/{name}"),
            false => format!("{server}/api/v1/packages/tekton-{kind}/{catalog}/{name}"),
        }
    }

    fn json(&self, machine: &Machine, url: &str) -> Result<Value, Problem> {
        let bytes = machine.page(&format!("{} ({})", self.describe(), redacted(url)), url, None)?;
        serde_json::from_slice(&bytes).map_err(|e| self.wrong(format!("the hub's answer is no JSON: {e}")))
    }

    fn wrong(&self, why: String) -> Problem {
        Problem::Content { what: self.describe(), why }
    }

    /// The version that is meant: the one that is written, or the newest that fits the constraints.
    fn choose(&self, machine: &Machine) -> Result<String, Problem> {
        if !self.version.contains(['<', '>', '=', '~', '!', ',']) {
            // Artifact Hub wants three numbers where the catalog's folders have two.
            let short = self.version.split('.').count() == 2 && !self.tekton;
            let Some(_) = version(&self.version) else {
                return Err(Problem::Param(format!(
                    "the version `{}` is not one such as 0.7.0",
                    self.version
                )));
            };
            return Ok(if short { format!("{}.0", self.version) } else { self.version.clone() });
        }
        let wanted = constraints(&self.version).ok_or_else(|| {
            Problem::Param(format!(
                "the version `{}` is not a list of constraints such as `>= 0.7.0`",
                self.version
            ))
        })?;
        let answer = self.json(machine, &self.package())?;
        let list = if self.tekton { &answer["data"]["versions"] } else { &answer["available_versions"] };
        let all: Vec<&str> =
            list.as_array().into_iter().flatten().filter_map(|v| v["version"].as_str()).collect();
        let fits = |text: &&str| version(text).is_some_and(|v| wanted.iter().all(|w| w.holds(&v)));
        let newest = all.iter().copied().filter(fits).max_by(|a, b| version(a).cmp(&version(b)));
        newest.map(str::to_owned).ok_or_else(|| {
            self.wrong(format!(
                "no version fits; there are {}",
                if all.is_empty() { "none".into() } else { all.join(", ") }
            ))
        })
    }
}

impl Source for Hub {
    fn describe(&self) -> String {
        format!("{} {} {} of the catalog {}", self.kind, self.name, self.version, self.catalog)
    }

    /// A version can be published again.
    fn is_fixed(&self) -> bool {
        false
    }

    fn fetch(&self, machine: &Machine, _until: &Until) -> Result<Fetched, Problem> {
        let version = self.choose(machine)?;
        let end = if self.tekton { "/yaml" } else { "" };
        let url = format!("{}/{version}{end}", self.package());
        let answer = self.json(machine, &url)?;
        let text = if self.tekton { &answer["data"]["yaml"] } else { &answer["data"]["manifestRaw"] };
        let text =
            text.as_str().ok_or_else(|| self.wrong("the hub's answer has no definition in it".to_owned()))?;
        let digest = [("sha256".to_owned(), Digest::of(text).hex())].into();
        let source = RefSource { uri: redacted(&url), digest, entry_point: String::new() };
        Ok(Fetched { text: text.to_owned(), source })
    }
}

/// One, two or three numbers, with what may follow them; `v` before them does not count.
fn version(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches('v');
    let cut = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(cut);
    let missing = 3_usize.checked_sub(numbers.split('.').count())?;
    format!("{numbers}{}{rest}", ".0".repeat(missing)).parse().ok()
}

/// One of several conditions, all of which must hold.
struct Constraint {
    operator: &'static str,
    version: Version,
    /// For `~>`: the first version that is too new.
    below: Option<Version>,
}

/// Conditions between commas.
fn constraints(text: &str) -> Option<Vec<Constraint>> {
    text.split(',')
        .map(|part| {
            let part = part.trim();
            let operators = [">=", "<=", "!=", "~>", ">", "<", "="];
            let operator = operators.into_iter().find(|operator| part.starts_with(operator)).unwrap_or("");
            let written = part[operator.len()..].trim();
            let version = version(written)?;
            let below = (operator == "~>").then(|| match written.split('.').count() {
                3 => Version::new(version.major, version.minor + 1, 0),
                _ => Version::new(version.major + 1, 0, 0),
            });
            Some(Constraint { operator, version, below })
        })
        .collect()
}

impl Constraint {
    fn holds(&self, found: &Version) -> bool {
        // Drafts are only for those who ask for one.
        if !found.pre.is_empty() && self.version.pre.is_empty() {
            return false;
        }
        let order = found.cmp(&self.version);
        match self.operator {
            ">=" => order != Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            "!=" => order != Ordering::Equal,
            "~>" => order != Ordering::Less && self.below.as_ref().is_some_and(|below| found < below),
            _ => order == Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn constraints_choose_versions() {
        let fits = |wanted: &str| {
            let wanted = constraints(wanted).unwrap();
            let all = ["0.6.0", "0.7", "0.7.5", "0.10.0", "1.0.0", "1.1.0-rc.1"];
            all.into_iter()
                .filter(|v| wanted.iter().all(|w| w.holds(&version(v).unwrap())))
                .collect::<Vec<_>>()
        };
        assert_eq!(fits(">= 0.7.0"), ["0.7", "0.7.5", "0.10.0", "1.0.0"]);
        assert_eq!(fits("> 0.7, < 1"), ["0.7.5", "0.10.0"]);
        assert_eq!(fits("~> 0.7.0"), ["0.7", "0.7.5"]);
        assert_eq!(fits("!= 0.6.0, <= 0.7.5"), ["0.7", "0.7.5"]);
        assert_eq!(fits("= 1.0"), ["1.0.0"]);
        assert!(constraints(">= x").is_none());
    }
}
