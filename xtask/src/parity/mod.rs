//! What of Tekton works here, and which test proves it.
//!
//! - [`field`](mod@field): every field of the API, and whether the decoder takes just those
//! - [`table`](mod@table): features with their level, what they do here and their tests
//! - [`proof`](mod@proof): the tests that there are
//! - [`page`](mod@page): the table in Markdown
//! - `probe`: which fields a type reads

pub mod field;
pub mod page;
mod probe;
pub mod proof;
pub mod table;

use std::path::Path;

use anyhow::Result;

use table::{Row, SECTIONS};

/// What is wrong with the table, a line each: fields that drifted, fields without a row, rows without a test, tests that
/// are gone.
///
/// # Errors
/// When the repository cannot be read.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let tests = proof::all(root)?;
    let rows: Vec<&Row> = SECTIONS.iter().flat_map(|section| section.rows).collect();
    let types = field::types();
    Ok([field::drift(&types), field::without_row(&types, &rows), without_test(&rows, &tests)].concat())
}

/// Rows whose tests are missing.
pub fn without_test(rows: &[&Row], tests: &proof::Tests) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows {
        if row.tests.is_empty() {
            found.push(format!("parity table: `{}` has no test", row.feature));
        }
        for test in row.tests {
            if let Some(problem) = tests.problem(test) {
                found.push(format!("parity table: `{}` names the test {test}, {problem}", row.feature));
            }
        }
    }
    found
}
