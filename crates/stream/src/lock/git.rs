//! Commits, answered by the git of this machine.

use git::Git;
use git::address::redacted;

use super::{ResolveCommit, ResolveError};

/// `git ls-remote`; patient with servers that are busy, as [`Git::talk`] is.
#[derive(Debug, Clone, Copy, Default)]
pub struct LsRemote;

impl ResolveCommit for LsRemote {
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        if is_commit(reference) {
            return Ok(reference.to_owned());
        }
        let shown = redacted(url);
        let failed = |why: String| ResolveError::Failed {
            what: format!("git ls-remote {shown}"),
            why: why.replace(url, &shown),
        };
        // A tag that is an object of its own has a second line, with the commit that it points at.
        let lines = Git::new().talk(url, &["ls-remote", "--", url, reference, &format!("{reference}^{{}}")]);
        let lines = lines.map_err(|error| failed(error.to_string()))?;
        choose(&String::from_utf8_lossy(&lines), reference).ok_or_else(|| ResolveError::Unknown {
            what: format!("the branch or tag `{reference}` of {shown}"),
            hint: "; `git ls-remote` lists what there is".to_owned(),
        })
    }
}

fn is_commit(reference: &str) -> bool {
    reference.len() == 40 && reference.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The commit of `reference` among lines `<commit>\t<full name>`: as a full name, else a tag, else a branch, as git does.
fn choose(lines: &str, reference: &str) -> Option<String> {
    let of = |name: String| {
        let line = lines.lines().find_map(|line| line.strip_suffix(&name)?.strip_suffix('\t'));
        line.filter(|commit| is_commit(commit)).map(str::to_owned)
    };
    [String::new(), "refs/".to_owned(), "refs/tags/".to_owned(), "refs/heads/".to_owned()]
        .into_iter()
        .find_map(|prefix| {
            of(format!("{prefix}{reference}^{{}}")).or_else(|| of(format!("{prefix}{reference}")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_win_over_branches_and_are_followed_to_their_commit() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|x| x.repeat(40));
        let lines = format!(
            "{a}\trefs/heads/v1\n{b}\trefs/tags/v1\n{c}\trefs/tags/v1^{{}}\n{d}\trefs/heads/other/v1\n"
        );
        assert_eq!(choose(&lines, "v1"), Some(c));
        assert_eq!(choose(&lines, "refs/heads/v1"), Some(a));
        assert_eq!(choose(&lines, "other/v1"), Some(d));
        assert_eq!(choose(&lines, "v2"), None);
    }
}
