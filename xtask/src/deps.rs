//! Which crate may use which.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The arrows of the house: each crate, and the crates of this repository that it may use. `testkit` is for the tests of all.
pub const ALLOWED: [(&str, &[&str]); 15] = [
    ("base", &[]),
    ("git", &[]),
    ("tekton", &["base"]),
    ("kustomize", &["base", "tekton"]),
    ("oci", &["base"]),
    ("expression", &[]),
    ("engine", &["base", "expression", "oci", "tekton"]),
    ("resolve", &["base", "git", "oci", "tekton"]),
    ("trigger", &["base", "expression", "tekton"]),
    ("stream", &["base", "git", "oci", "tekton"]),
    ("release", &["base", "oci"]),
    ("service", &["base", "engine", "oci", "release", "stream", "tekton"]),
    (
        "sw",
        &[
            "base",
            "engine",
            "kustomize",
            "oci",
            "release",
            "resolve",
            "service",
            "stream",
            "tekton",
            "trigger",
        ],
    ),
    ("testkit", &["base", "oci"]),
    ("xtask", &["base", "engine", "oci", "release", "stream", "sw", "tekton"]),
];

/// Foreign crates that only one crate of this repository may name, so that everything else stays free of them.
pub const SINGLE_HOME: [&str; 4] = ["cel", "kube", "libcontainer", "rusqlite"];

/// Breaches of both rules, a line each.
///
/// # Errors
/// When cargo cannot be asked.
pub fn check(root: &Path) -> Result<Vec<String>> {
    Ok(breaches(&members(&metadata(root)?)))
}

/// A crate of this repository with what it names: dependency and whether it is only for tests.
pub type Members = BTreeMap<String, Vec<(String, bool)>>;

fn metadata(root: &Path) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("starting `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("reading what `cargo metadata` printed")
}

fn members(metadata: &Value) -> Members {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let dependencies = list(&package["dependencies"]);
            let named = dependencies.iter().map(|d| (text(&d["name"]), d["kind"] == "dev")).collect();
            (text(&package["name"]), named)
        })
        .collect()
}

/// Breaches of both rules.
pub fn breaches(members: &Members) -> Vec<String> {
    let mut found = Vec::new();
    for (member, dependencies) in members {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == member) else {
            found.push(format!("the crate `{member}` has no place in the house; give it one in xtask/src/deps.rs and in the design"));
            continue;
        };
        for (dependency, for_tests) in dependencies {
            let ours = members.contains_key(dependency);
            if dependency == "testkit" && !for_tests {
                found.push(format!(
                    "`{member}` uses `testkit` outside of tests; run `cargo remove -p {member} testkit && cargo add --dev -p {member} testkit`"
                ));
            } else if ours && dependency != "testkit" && !allowed.contains(&dependency.as_str()) {
                let arrows = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
                found.push(format!(
                    "`{member}` may not use `{dependency}` (it may use {arrows}); move what is shared down, or hand it in from above, then run `cargo remove -p {member} {dependency}`"
                ));
            }
        }
    }
    for foreign in SINGLE_HOME {
        let homes: Vec<&str> = members
            .iter()
            .filter(|(_, dependencies)| dependencies.iter().any(|(name, _)| name == foreign))
            .map(|(member, _)| member.as_str())
            .collect();
        if let [home, others @ ..] = &homes[..]
            && !others.is_empty()
        {
            found.push(format!(
                "`{foreign}` is named by {}, but only one crate may: hide it behind `{home}` and run `cargo remove -p {} {foreign}`",
                homes.join(", "),
                others[0]
            ));
        }
    }
    found
}
