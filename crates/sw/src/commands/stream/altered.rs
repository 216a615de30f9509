//! Copies of sources with patches, edits and other bases, kept by what they are made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base::{Diagnostic, Hasher, Source};
use stream::containerfile::rewrite;
use stream::containerfile::rewrite::Field;
use stream::definition::Component;
use stream::source::folder::Folder;
use stream::source::{Sources as _, Tree};

use crate::commands::build::copy_tree;
use crate::settings::Home;

/// The field of the component that does not fit its source, and what is wrong with it.
pub type Refused = Box<(Vec<String>, Diagnostic)>;

/// The folder with the source of the component `name`, altered as it says; made when it is new, whole or not at all. With what
/// it was made of.
///
/// `before` knows the source as it is without that, and the patches.
///
/// # Errors
/// The patch that cannot be read or does not apply, with what git said of it; the edit or `from` that does not fit.
pub fn copy(
    home: &Home,
    before: &Folder,
    name: &str,
    component: &Component,
) -> Result<(PathBuf, Tree), Refused> {
    let failed = |message: String| refused(&["source"], Diagnostic::error("cannot-alter", message));
    let source = before.source(name, component).map_err(|e| failed(e.to_string()))?;
    let tree = before.tree(name, component, Some(component.containerfile_path()));
    let tree = tree.map_err(|e| failed(e.to_string()))?;
    let mut hasher = Hasher::new();
    hasher.field(tree.digest.to_string());
    hasher.field(tree.apart.map(|digest| digest.to_string()).unwrap_or_default());
    let mut patches: Vec<Source> = Vec::new();
    for (index, patch) in component.patches.iter().enumerate() {
        let at = ["patches", &index.to_string()];
        let patch = before.patch(patch).map_err(|e| {
            let finding = Diagnostic::error("no-patch-file", e.to_string());
            refused(&at, finding.help("patches lie below the stream's folder: patches/etcd-quota.patch"))
        })?;
        hasher.field(patch.text());
        patches.push(patch);
    }
    hasher.field(component.containerfile_path());
    for edit in &component.edits {
        hasher.field(&edit.text);
        hasher.field(&edit.with);
    }
    hasher.field(component.from.as_ref().map_or_else(String::new, |from| format!("{from:?}")));
    let done = made(&source, &home.patched().join(hasher.finish().short()), |work| {
        apply_all(work, name, &patches)?;
        rewrite_file(work, component)
    })?;
    Ok((done, tree))
}

fn refused(field: &[&str], finding: Diagnostic) -> Refused {
    Box::new((field.iter().map(|part| (*part).to_owned()).collect(), finding))
}

/// A copy of `source` at `done` after `alter`; nothing when it is there already.
fn made(
    source: &Path,
    done: &Path,
    alter: impl FnOnce(&Path) -> Result<(), Refused>,
) -> Result<PathBuf, Refused> {
    if done.is_dir() {
        return Ok(done.to_owned());
    }
    let failed = |message: String| refused(&["source"], Diagnostic::error("cannot-alter", message));
    let work = done.with_file_name(format!(".{}", base::name::suffix()));
    let altered = copy_tree(source, &work)
        .map_err(|e| failed(e.to_string()))
        .and_then(|()| alter(&work))
        .and_then(|()| match fs::rename(&work, done) {
            // Somebody else was faster.
            Err(_) if done.is_dir() => Ok(()),
            other => other.map_err(|e| failed(e.to_string())),
        });
    if work.exists() {
        // The first error is the one to report.
        drop(fs::remove_dir_all(&work));
    }
    altered.map(|()| done.to_owned())
}

fn apply_all(work: &Path, name: &str, patches: &[Source]) -> Result<(), Refused> {
    patches.iter().enumerate().try_for_each(|(index, patch)| {
        let at = ["patches", &index.to_string()];
        apply(work, patch).map_err(|said| refused(&at, conflict(name, patch, &said)))
    })
}

/// Edits the Containerfile. A source without one is what checks complain about.
fn rewrite_file(work: &Path, component: &Component) -> Result<(), Refused> {
    if component.edits.is_empty() && component.from.is_none() {
        return Ok(());
    }
    let failed = |message: String| refused(&["source"], Diagnostic::error("cannot-alter", message));
    let path = component.containerfile_path();
    let Some(file) = Folder::new(work).text(path).map_err(|e| failed(e.to_string()))? else {
        return Ok(());
    };
    // In findings it is called what it is called in the source.
    let text =
        rewrite(&Source::new(path, file.text()), component).map_err(|(field, finding)| match field {
            Field::Edit(index) => refused(&["edits", &index.to_string()], *finding),
            Field::From => refused(&["from"], *finding),
        })?;
    Folder::new(work).write_existing(path, &text).map_err(|e| failed(e.to_string()))
}

/// Applies one patch, all of it or nothing. Git refuses paths that leave the folder, also through symbolic links.
fn apply(work: &Path, patch: &Source) -> Result<(), String> {
    let cannot = |e: std::io::Error| format!("git cannot be run: {e}");
    let mut command = Command::new("git");
    // Without a repository around it: the folder is all that git may know of.
    command
        .args(["-c", "core.hooksPath=/dev/null", "-c", "apply.whitespace=nowarn", "apply", "-p1", "--", "-"])
        .env("GIT_CEILING_DIRECTORIES", work.parent().unwrap_or(work))
        .env("LC_ALL", "C")
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(cannot)?;
    let text = patch.text().to_owned();
    let input = child.stdin.take();
    let feed = std::thread::spawn(move || {
        // Git that ends early says why itself.
        input.map(|mut input| std::io::Write::write_all(&mut input, text.as_bytes()))
    });
    let output = child.wait_with_output().map_err(cannot)?;
    drop(feed.join());
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// A patch that does not apply, with the line of the patch that says what was expected.
fn conflict(name: &str, patch: &Source, said: &str) -> Diagnostic {
    let shown: Vec<&str> = said.lines().map(|line| line.trim_start_matches("error: ")).collect();
    // Git's words for a path with `..` or a link in it, or one that begins with `/`.
    if said.contains("invalid path") || said.contains("beyond a symbolic link") {
        let message =
            format!("the patch {} leads out of the source of `{name}`: {}", patch.name(), shown.join("; "));
        return Diagnostic::error("patch-escapes", message)
            .help("a patch changes files of the source only; remove the others from it");
    }
    let message = format!("the patch {} does not apply to `{name}`: {}", patch.name(), shown.join("; "));
    Diagnostic::error("patch-conflict", message).help(
        "the source has moved under it: make the patch anew against the source as it is now, or remove it",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    /// A patch that adds the file.
    fn adding(path: &str) -> Source {
        let text = format!(
            "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+escaped\n"
        );
        Source::new("out.patch", text)
    }

    #[test]
    fn nothing_is_written_outside_of_the_source() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, work) = (dir.path().join("outside"), dir.path().join("patched/work"));
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(work.join("a")).unwrap();
        symlink(&outside, work.join("link")).unwrap();
        let absolute = outside.join("new");
        let link = "diff --git a/way b/way\nnew file mode 120000\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+../../outside\n\\ No newline at end of file\n";
        let through_own_link = Source::new("out.patch", format!("{link}{}", adding("way/new").text()));
        for patch in [
            adding("../../outside/new"),
            adding("a/../../../outside/new"),
            adding(absolute.to_str().unwrap()),
            adding("link/new"),
            through_own_link,
        ] {
            let said = apply(&work, &patch).unwrap_err();
            let finding = conflict("app", &patch, &said);
            assert_eq!(finding.code, "patch-escapes", "{said}\n{}", patch.text());
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{}", patch.text());
        }
        apply(&work, &adding("a/new")).unwrap();
        assert_eq!(fs::read_to_string(work.join("a/new")).unwrap(), "escaped\n");
    }

    #[test]
    fn a_patch_that_does_not_fit_is_another_matter() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "one\n").unwrap();
        let patch = Source::new("p", "--- a/file\n+++ b/file\n@@ -1 +1 @@\n-two\n+three\n");
        let said = apply(dir.path(), &patch).unwrap_err();
        assert_eq!(conflict("app", &patch, &said).code, "patch-conflict");
    }
}
