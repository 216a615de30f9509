//! What servers answered, kept on this machine, for when they are not asked.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use base::Digest;
use git::address::{is_local, redacted};

use super::git::LsRemote;
use super::{ResolveCommit, ResolveError, ResolveImage};
use crate::definition::Platform;

/// Answers in a folder, one a file: the question, and what was answered last.
#[derive(Debug, Clone)]
pub struct Noted {
    dir: PathBuf,
}

impl Noted {
    /// Kept in `dir`, which is made when needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Asks `from` and notes its answers.
    pub fn asking<R>(self, from: R) -> Noting<R> {
        Noting { notes: self, from }
    }

    /// The platforms of an image, as whoever had it said; none when nobody was asked. An image never changes.
    pub fn platforms(&self, image: Digest) -> Option<BTreeSet<Platform>> {
        let answer = self.answer(&about_platforms(image))?;
        // Of others that were noted by another version of this program nothing is lost.
        Some(answer.split(' ').filter_map(|name| name.parse().ok()).collect())
    }

    /// Notes the platforms of an image.
    pub fn note_platforms(&self, image: Digest, platforms: &BTreeSet<Platform>) {
        let names: Vec<&str> = platforms.iter().map(|platform| platform.as_str()).collect();
        let answer = if names.is_empty() { "none".to_owned() } else { names.join(" ") };
        self.note(&about_platforms(image), &answer);
    }

    fn file(&self, question: &str) -> PathBuf {
        self.dir.join(Digest::of(question).short())
    }

    fn answer(&self, question: &str) -> Option<String> {
        let text = fs::read_to_string(self.file(question)).ok()?;
        let (asked, answer) = text.trim_end().split_once('\n')?;
        (asked == question).then(|| answer.to_owned())
    }

    /// Notes an answer. One that cannot be kept is no harm now.
    fn note(&self, question: &str, answer: &str) {
        let file = self.file(question);
        let part = file.with_extension(base::name::suffix());
        let kept = fs::create_dir_all(&self.dir)
            .and_then(|()| fs::write(&part, format!("{question}\n{answer}\n")))
            .and_then(|()| fs::rename(&part, &file));
        if kept.is_err() {
            drop(fs::remove_file(&part));
        }
    }
}

/// Not part of the note: it may be a password.
fn about_commit(url: &str, reference: &str) -> String {
    let kept = if redacted(url) == url {
        url.to_owned()
    } else {
        format!("{}#{}", redacted(url), Digest::of(url).short())
    };
    format!("commit {kept} {reference}").replace('\n', " ")
}

fn about_image(reference: &str) -> String {
    format!("image {reference}").replace('\n', " ")
}

fn about_platforms(image: Digest) -> String {
    format!("platforms {image}")
}

impl ResolveCommit for Noted {
    /// What the reference meant when its server was asked last. A repository on this machine is asked now.
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        if is_local(url) || git::address::is_commit(reference) {
            return LsRemote.commit(url, reference);
        }
        let unknown = || ResolveError::NotHere { what: format!("`{reference}` of {}", redacted(url)) };
        self.answer(&about_commit(url, reference)).ok_or_else(unknown)
    }
}

impl ResolveImage for Noted {
    /// What the tag meant when its registry was asked last.
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        let answer = self.answer(&about_image(reference)).and_then(|answer| answer.parse().ok());
        answer.ok_or_else(|| ResolveError::NotHere { what: format!("the image {reference}") })
    }
}

/// Somebody who answers, and the notes of it.
#[derive(Debug, Clone)]
pub struct Noting<R> {
    notes: Noted,
    from: R,
}

impl<R: ResolveCommit> ResolveCommit for Noting<R> {
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        let commit = self.from.commit(url, reference)?;
        self.notes.note(&about_commit(url, reference), &commit);
        Ok(commit)
    }
}

impl<R: ResolveImage> ResolveImage for Noting<R> {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        let digest = self.from.image(reference)?;
        self.notes.note(&about_image(reference), &digest.to_string());
        Ok(digest)
    }
}

/// The first that knows, the second where it does not.
#[derive(Debug, Clone)]
pub struct Else<A, B>(pub A, pub B);

impl<A: ResolveImage, B: ResolveImage> ResolveImage for Else<A, B> {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        self.0.image(reference).or_else(|_| self.1.image(reference))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Server;

    impl ResolveCommit for Server {
        fn commit(&self, _: &str, reference: &str) -> Result<String, ResolveError> {
            Ok(Digest::of(reference).hex()[..40].to_owned())
        }
    }

    impl ResolveImage for Server {
        fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
            Ok(Digest::of(reference))
        }
    }

    #[test]
    fn what_was_asked_is_known_later_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Noted::new(dir.path().join("answers"));
        let url = "https://me:hunter2@h.example/x";
        let unknown = notes.commit(url, "main").unwrap_err().to_string();
        assert_eq!(unknown, "`main` of https://h.example/x is not known on this machine");
        let asking = notes.clone().asking(Server);
        let commit = asking.commit(url, "main").unwrap();
        let digest = asking.image("quay.io/base:9").unwrap();
        assert_eq!(notes.commit(url, "main"), Ok(commit));
        assert_eq!(notes.image("quay.io/base:9"), Ok(digest));
        assert!(notes.commit(url, "other").is_err());
        assert!(notes.commit("https://you:secret@h.example/x", "main").is_err(), "others may see others");
        assert!(notes.image("quay.io/base:8").is_err());
        let both = BTreeSet::from([Platform::Amd64, Platform::Arm64]);
        assert_eq!(notes.platforms(digest), None);
        for platforms in [both, BTreeSet::new()] {
            notes.note_platforms(digest, &platforms);
            assert_eq!(notes.platforms(digest), Some(platforms));
        }
        for file in fs::read_dir(dir.path().join("answers")).unwrap() {
            assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("hunter2"));
        }
    }
}
