//! One blob to a registry; after a broken connection it goes on where it stopped, or starts again.

use std::fs::File;
use std::io;

use bytes::Bytes;
use reqwest::header::RANGE;
use reqwest::{StatusCode, Url};

use super::Client;
use super::download::FAIR_SHARE;
use super::error::ClientError;
use super::progress::{Outcome, Progress};
use super::request::Request;
use super::send::{Answer, Failure, Stream};
use crate::manifest::Descriptor;
use crate::pieces::Buffers;
use crate::reference::Reference;
use crate::store::Store;

/// Smaller blobs are sent in one request from memory.
const SMALL: u64 = 1 << 20;

/// A blob that is to be in a repository of a registry.
pub(super) struct Task<'a> {
    pub(super) store: &'a Store,
    pub(super) to: &'a Reference,
    pub(super) blob: &'a Descriptor,
    /// A repository of the same registry that may have the blob.
    pub(super) mount_from: Option<&'a str>,
}

/// An upload that the registry knows.
pub(super) struct Session {
    at: Url,
    /// Whether something may have been sent.
    used: bool,
}

/// Whether a blob is where it should be without being sent.
pub(super) enum Placed {
    Yes,
    /// The registry may have started an upload instead.
    No(Option<Session>),
}

impl Client {
    /// Brings a blob of the store to the registry, unless it is there.
    pub(super) fn push_blob(&self, task: &Task<'_>, progress: &dyn Progress) -> Result<(), ClientError> {
        match self.place_blob(task, progress)? {
            Placed::Yes => Ok(()),
            Placed::No(session) => self.send_blob(task, session, progress),
        }
    }

    /// Looks for a blob in the repository, then in the one that it may be mounted from.
    pub(super) fn place_blob(&self, task: &Task<'_>, progress: &dyn Progress) -> Result<Placed, ClientError> {
        let (registry, repository) = (task.to.registry(), task.to.repository());
        let Descriptor { digest, size, .. } = *task.blob;
        let looking = Request::has_blob(repository, digest);
        if self.sender.find(registry, &looking, progress)?.is_some() {
            progress.finished(digest, size, Outcome::Present);
            return Ok(Placed::Yes);
        }
        if let Some(from) = task.mount_from.filter(|from| *from != repository) {
            let placed = self.mount(task, from, progress)?;
            if matches!(placed, Placed::Yes) {
                progress.finished(digest, size, Outcome::Mounted);
            }
            return Ok(placed);
        }
        Ok(Placed::No(None))
    }

    /// Sends a blob of the store that the registry lacks.
    pub(super) fn send_blob(
        &self,
        task: &Task<'_>,
        mut session: Option<Session>,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let Descriptor { digest, size, .. } = *task.blob;
        let found = task.store.open_blob(digest)?.metadata().map_err(ClientError::Read)?.len();
        if found != size {
            return Err(task.store.damaged(digest, format!("it has {found} bytes instead of {size}")).into());
        }
        let sent = self.upload(task, &mut session, progress);
        match &sent {
            Ok(()) => progress.finished(digest, size, Outcome::Copied),
            // So that the registry can clean up; whether it does is its own affair.
            Err(_) => self.abandon(task, session),
        }
        sent
    }

    /// Asks the registry to take the blob from another of its repositories.
    fn mount(&self, task: &Task<'_>, from: &str, progress: &dyn Progress) -> Result<Placed, ClientError> {
        let request = Request::mount(task.to.repository(), task.blob.digest, from);
        match self.sender.send(task.to.registry(), &request, progress) {
            Ok(answer) if answer.response.status() == StatusCode::CREATED => Ok(Placed::Yes),
            Ok(answer) => Ok(Placed::No(answer.location().map(|at| Session { at, used: false }))),
            // A registry that cannot mount, or a repository that cannot be read: then the blob is sent.
            Err(
                ClientError::NotFound { .. }
                | ClientError::Refused { .. }
                | ClientError::Forbidden { .. }
                | ClientError::Unauthorized { .. },
            ) => Ok(Placed::No(None)),
            Err(e) => Err(e),
        }
    }

    /// Sends the blob, with as many tries as the policy allows.
    fn upload(
        &self,
        task: &Task<'_>,
        session: &mut Option<Session>,
        progress: &dyn Progress,
    ) -> Result<(), ClientError> {
        let request = Request::start_upload(task.to.repository(), task.blob.digest);
        let (mut failures, mut reached) = (0, 0);
        loop {
            let resumed = session.as_ref().is_some_and(|session| session.used);
            let before = reached;
            let Err(failure) = self.try_upload(task, session, &mut reached, progress) else { return Ok(()) };
            if progress.cancelled() {
                return Err(ClientError::Cancelled);
            }
            let failure = reconsider(failure, resumed, task, session)?;
            if reached >= before + FAIR_SHARE {
                failures = 0;
            }
            failures = self.sender.pause(task.to.registry(), &request, progress, failure, failures)?;
        }
    }

    /// One try. What is left in `session` when it fails can be gone on with. `reached` becomes the byte that it started from.
    fn try_upload(
        &self,
        task: &Task<'_>,
        session: &mut Option<Session>,
        reached: &mut u64,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let (registry, repository) = (task.to.registry(), task.to.repository());
        let Descriptor { digest, size, .. } = *task.blob;
        let (at, offset) = self.session(task, session)?;
        *reached = offset;
        if size <= SMALL {
            *session = None;
            let bytes = task.store.read(digest, SMALL).map_err(|e| Failure::Final(e.into()))?;
            let finish = Request::finish_upload(at, repository, digest, Bytes::from(bytes));
            self.sender.once(registry, &finish, None)?;
            progress.transferred(digest, size, size);
            return Ok(());
        }
        *session = Some(Session { at: at.clone(), used: true });
        let mut at = at;
        if offset < size {
            let piece = Request::upload_piece(at.clone(), repository, digest, offset, size);
            let file = task.store.open_blob(digest).map_err(|e| Failure::Final(e.into()))?;
            let answer = self.send_rest(task, &piece, &file, offset, progress);
            at = location(&answer?, &piece)?;
            *session = Some(Session { at: at.clone(), used: true });
        }
        let finish = Request::finish_upload(at, repository, digest, Bytes::new());
        self.sender.once(registry, &finish, None)?;
        Ok(())
    }

    /// Sends a blob from `offset` to its end.
    fn send_rest(
        &self,
        task: &Task<'_>,
        piece: &Request,
        file: &File,
        offset: u64,
        progress: &dyn Progress,
    ) -> Result<Answer, Failure> {
        let Descriptor { digest, size, .. } = *task.blob;
        let (buffers, mut done) = (Buffers::default(), offset);
        let mut next = || {
            if progress.cancelled() {
                return Err(io::Error::other("interrupted"));
            }
            if done == size {
                return Ok(None);
            }
            // What was handed over before is with the network now.
            if done > offset {
                progress.transferred(digest, done, size);
            }
            let bytes = buffers.read(file, done, size - done)?;
            done += bytes.len() as u64;
            Ok(Some(bytes))
        };
        let body = Stream { length: size - offset, next: &mut next };
        let sent = self.sender.once(task.to.registry(), piece, Some(body));
        match sent {
            Ok(answer) => {
                progress.transferred(digest, size, size);
                Ok(answer)
            }
            Err(Failure::Final(ClientError::Read(_))) if progress.cancelled() => {
                Err(Failure::Final(ClientError::Cancelled))
            }
            Err(Failure::Final(ClientError::Read(e))) => {
                Err(Failure::Final(task.store.damaged(digest, e.to_string()).into()))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Where to send, and from which byte on.
    fn session(&self, task: &Task<'_>, session: &mut Option<Session>) -> Result<(Url, u64), Failure> {
        let (registry, repository) = (task.to.registry(), task.to.repository());
        let digest = task.blob.digest;
        if let Some(Session { at, used }) = session.take() {
            if !used {
                return Ok((at, 0));
            }
            let status = Request::upload_status(at.clone(), repository, digest);
            if let Ok(answer) = self.sender.once(registry, &status, None)
                && let Some(offset) = answer.header(RANGE).and_then(arrived).filter(|n| *n <= task.blob.size)
            {
                return Ok((answer.location().unwrap_or(at), offset));
            }
            self.abandon(task, Some(Session { at, used }));
        }
        let start = Request::start_upload(repository, digest);
        let answer = self.sender.once(registry, &start, None)?;
        Ok((location(&answer, &start)?, 0))
    }

    /// Tells the registry that nobody will go on.
    pub(super) fn abandon(&self, task: &Task<'_>, session: Option<Session>) {
        if let Some(Session { at, .. }) = session {
            let cancel = Request::cancel_upload(at, task.to.repository());
            let _ = self.sender.once(task.to.registry(), &cancel, None);
        }
    }
}

/// Some definite answers only mean that the upload must start again.
fn reconsider(
    failure: Failure,
    resumed: bool,
    task: &Task<'_>,
    session: &mut Option<Session>,
) -> Result<Failure, ClientError> {
    let again = |reason: String| Failure::Passing { reason, after: None };
    match failure {
        // The session is gone: the registry was restarted, or the last try did succeed and only its answer was lost.
        Failure::Final(ClientError::NotFound { message, .. }) if session.is_some() || resumed => {
            *session = None;
            Ok(again(format!("it no longer knows the upload ({message})")))
        }
        Failure::Final(ClientError::Refused { status, message, .. })
            if resumed && matches!(status, 400 | 409 | 416) =>
        {
            *session = None;
            Ok(again(format!("it did not take the rest of the upload ({message})")))
        }
        // The registry says that the content is wrong: then look whether it is wrong here.
        Failure::Final(error @ ClientError::Refused { status: 400, .. }) => {
            let mut reader = task.store.reader(task.blob.digest)?;
            match io::copy(&mut reader, &mut io::sink()) {
                Ok(_) => Err(error),
                Err(e) => match e.downcast::<crate::store::StoreError>() {
                    Ok(damaged) => Err(damaged.into()),
                    Err(_) => Err(error),
                },
            }
        }
        Failure::Final(error) => Err(error),
        passing => Ok(passing),
    }
}

fn location(answer: &Answer, request: &Request) -> Result<Url, Failure> {
    answer.location().ok_or_else(|| {
        Failure::Final(ClientError::Protocol {
            registry: answer.registry.name.clone(),
            repository: request.repository.clone(),
            doing: request.doing.clone(),
            reason: format!("its answer {} has no usable Location", answer.response.status()),
        })
    })
}

/// Bytes that have arrived by a `Range: 0-LAST`. `0-0` may mean none or one, so it is no answer.
fn arrived(range: &str) -> Option<u64> {
    let last: u64 = range.trim_start_matches("bytes=").strip_prefix("0-")?.parse().ok()?;
    if last == 0 { None } else { last.checked_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_arrived() {
        for (range, expected) in [
            ("0-9", Some(10)),
            ("bytes=0-9", Some(10)),
            ("0-0", None),
            ("", None),
            ("5-9", None),
            ("0-18446744073709551615", None),
        ] {
            assert_eq!(arrived(range), expected, "{range}");
        }
    }
}
