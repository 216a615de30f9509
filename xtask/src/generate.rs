//! Reference pages made of the code.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base::Exit;
use stream::schema::{self, pages, reference};

use crate::parity;

/// A generated file: its path in the repository and its text.
pub struct Page {
    /// From the repository's root.
    pub path: &'static str,
    /// The whole file.
    pub text: String,
}

/// All generated files.
///
/// # Errors
/// Never in practice: a schema is always JSON.
pub fn pages() -> Result<Vec<Page>> {
    let (stream, overlay) = (schema::stream(), schema::overlay());
    Ok(vec![
        Page {
            path: "docs/reference/stream.schema.json",
            text: serde_json::to_string_pretty(&schema::file()).context("writing the schema")? + "\n",
        },
        Page { path: "docs/reference/stream.md", text: one_line_break(&reference::stream(&stream)) },
        Page {
            path: "docs/reference/overlay.md",
            text: one_line_break(&reference::overlay(&overlay, &stream)),
        },
        Page { path: "docs/reference/tasks.md", text: pages::tasks() },
        Page { path: "docs/reference/reason-codes.md", text: pages::reason_codes() },
        Page { path: "docs/reference/exit-codes.md", text: exit_codes() },
        Page { path: "docs/reference/stream-lints.md", text: pages::stream_lints() },
        Page { path: "docs/reference/lints.md", text: lints() },
        Page { path: "docs/reference/tekton-parity.md", text: parity::page::page() },
    ])
}

/// Writes those that differ, and gives their paths.
///
/// # Errors
/// When the repository cannot be written.
pub fn write(root: &Path) -> Result<Vec<&'static str>> {
    let mut written = Vec::new();
    for page in pages()? {
        let file = root.join(page.path);
        if fs::read_to_string(&file).is_ok_and(|text| text == page.text) {
            continue;
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::write(&file, page.text).with_context(|| format!("writing {}", file.display()))?;
        written.push(page.path);
    }
    Ok(written)
}

/// What is missing or differs, a line each.
///
/// # Errors
/// See [`pages`].
pub fn drift(root: &Path) -> Result<Vec<String>> {
    let differs =
        |page: &Page| fs::read_to_string(root.join(page.path)).map_or(true, |text| text != page.text);
    Ok(pages()?
        .iter()
        .filter(|page| differs(page))
        .map(|page| {
            format!("{} is not what the code says; run `cargo xtask generate` and commit it", page.path)
        })
        .collect())
}

fn lints() -> String {
    let mut page = format!(
        "{}# Warnings\n\n`sw validate` gives these besides the errors of Tekton's admission. They do not change the exit code, unless \
         `--deny-warnings` is given. The codes are stable. `--allow CODE` turns one off; a comment turns it off in one place:\n\n\
         ```yaml\n\
         # sw: allow unused-param every task of this kind takes it\n\
         - name: context\n\
         ```\n\n\
         At the end of a line the comment is for that line; on a line of its own for the line below and what is indented deeper \
         than it; above the first line of an object for the whole object. It works inside scripts, too. Several codes stand with \
         commas between them; what follows is the reason.\n",
        pages::GENERATED
    );
    for lint in tekton::lint::code::LINTS {
        page +=
            &format!("\n## {}\n\nIt is about {}. {}\n\n{}\n", lint.code, lint.what, lint.why, lint.instead);
    }
    page
}

fn exit_codes() -> String {
    let mut page = format!(
        "{}# Exit codes\n\nEvery command of `sw` ends with one of these; they are stable.\n\n| code | meaning |\n|---|---|\n",
        pages::GENERATED
    );
    let mut exit = Some(Exit::Success);
    while let Some(this) = exit {
        // The order; a new code does not compile until it is here.
        let (meaning, next) = match this {
            Exit::Success => ("What was asked for is done.", Some(Exit::Failed)),
            Exit::Failed => {
                ("It was tried and failed: a build step, a transfer, a check.", Some(Exit::Invalid))
            }
            Exit::Invalid => (
                "The input is wrong: command line, stream file, pipeline. Nothing was started.",
                Some(Exit::Rejected),
            ),
            Exit::Rejected => {
                ("The release was assembled, and a blocking test rejected it.", Some(Exit::Host))
            }
            Exit::Host => ("This machine lacks something; `sw doctor` says what.", Some(Exit::Interrupted)),
            Exit::Interrupted => {
                ("Stopped by Ctrl-C or SIGTERM; everything that was started is ended.", None)
            }
        };
        page += &format!("| {} | {meaning} |\n", this.code());
        exit = next;
    }
    page
}

fn one_line_break(text: &str) -> String {
    text.trim_end().to_owned() + "\n"
}
