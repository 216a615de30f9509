//! Which files changed, for `sw trigger`.

use std::process::{Command, Stdio};

use trigger::event::Changes;

use crate::cli::TriggerArgs;
use crate::failure::Failure;

/// The changes that the command line names; `None` when it names none.
///
/// # Errors
/// Files and repositories that cannot be read.
pub fn changed_files(args: &TriggerArgs) -> Result<Option<Changes>, Failure> {
    if let Some(file) = &args.changed_files {
        let text = super::inputs::text(file)
            .map_err(|e| Failure::invalid(format!("cannot read {}: {e}", file.display())))?;
        let changes = Changes::from_lines(&text);
        return changes.map(Some).map_err(|e| Failure::invalid(format!("{}: {e}", file.display())));
    }
    match args.git.as_slice() {
        [folder, range] => of_git(folder, range).map(Some).map_err(Failure::invalid),
        _ => Ok(None),
    }
}

fn of_git(folder: &str, range: &str) -> Result<Changes, String> {
    let commits = range.split_once("..").filter(|(base, head)| !base.is_empty() && !head.is_empty());
    let Some((base, head)) = commits.filter(|_| !range.starts_with('-')) else {
        return Err(format!("--git {folder} {range}: write the commits as BASE..HEAD"));
    };
    // Three dots are what a pull request shows: since the branches parted.
    let (dots, head) = head.strip_prefix('.').map_or(("..", head), |head| ("...", head));
    let mut command = Command::new("git");
    command.env("LC_ALL", "C").stdin(Stdio::null()).args(["-C", folder, "diff", "--name-status", "-z", "-M"]);
    command.args(["--no-ext-diff", "--end-of-options", &format!("{base}{dots}{head}"), "--"]);
    let output = command.output().map_err(|e| format!("cannot start git: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "git diff {range} in {folder}: {}",
            said.lines().last().unwrap_or("it said nothing")
        ));
    }
    Changes::from_git(&String::from_utf8_lossy(&output.stdout))
}
