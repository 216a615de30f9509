//! The table in Markdown.

use std::fmt::Write;

use stream::schema::pages::GENERATED;

use super::table::{Ours, Row, SECTIONS};

/// `docs/reference/tekton-parity.md`.
pub fn page() -> String {
    let count = |wanted: fn(&Ours) -> bool| {
        SECTIONS.iter().flat_map(|s| s.rows).filter(|row| wanted(&row.ours)).count()
    };
    let (works, differs, not_here) = (
        count(|o| matches!(o, Ours::Works)),
        count(|o| matches!(o, Ours::Differs(_))),
        count(|o| matches!(o, Ours::NotHere(_))),
    );
    let mut page = format!(
        "{GENERATED}# What of Tekton works here\n\nThe Tekton API as of v1.15, feature by feature: {works} work as on a cluster, {differs} \
         differ, {not_here} have no meaning on one machine. Level is Tekton's own. Every row names the tests that prove it; a row \
         without a test, a test that is gone, and a field of the API that no row is about fail `cargo xtask check`. Besides these \
         tests, runs are compared with what a real Tekton left of them (`sw/tests/failures.rs`, `tekton/tests/simulation.rs`), and \
         verdicts with the answers of its admission (`tekton/tests/admission.rs`).\n"
    );
    for section in SECTIONS {
        // Writing to a string cannot fail.
        let _ =
            write!(page, "\n## {}\n\n| feature | level | here | tests |\n|---|---|---|---|\n", section.title);
        for row in section.rows {
            let _ = writeln!(page, "{}", line(row));
        }
    }
    page
}

fn line(row: &Row) -> String {
    let here = match row.ours {
        Ours::Works => "works".to_owned(),
        Ours::Differs(how) => format!("differs: {how}"),
        Ours::NotHere(why) => format!("not meaningful here: {why}"),
    };
    let tests: Vec<String> = row.tests.iter().map(|test| link(test)).collect();
    format!("| {} | {} | {here} | {} |", row.feature, row.level.name(), tests.join("<br>"))
}

/// `[name](../../crates/FILE.rs)`
fn link(test: &str) -> String {
    let (file, name) = test.split_once("::").unwrap_or((test, test));
    format!("[{}](../../crates/{file}.rs)", name.replace('_', " "))
}
