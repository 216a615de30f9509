//! Several transfers at a time; the first failure stops the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use base::Digest;

use super::error::ClientError;
use super::progress::{Outcome, Progress};

/// A listener that also says "stop" when another transfer of the group failed.
struct Group<'a> {
    outer: &'a dyn Progress,
    failed: AtomicBool,
}

impl Progress for Group<'_> {
    fn transferred(&self, digest: Digest, done: u64, total: u64) {
        self.outer.transferred(digest, done, total);
    }

    fn finished(&self, digest: Digest, size: u64, outcome: Outcome) {
        self.outer.finished(digest, size, outcome);
    }

    fn retrying(&self, reason: &str) {
        self.outer.retrying(reason);
    }

    fn cancelled(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.outer.cancelled()
    }
}

/// Works on all items, at most `jobs` at a time, in their order. Gives the first failure.
pub(super) fn for_each<T: Sync>(
    jobs: usize,
    items: &[T],
    progress: &dyn Progress,
    work: impl Fn(&T, &dyn Progress) -> Result<(), ClientError> + Sync,
) -> Result<(), ClientError> {
    let group = Group { outer: progress, failed: AtomicBool::new(false) };
    let next = AtomicUsize::new(0);
    let first_failure = Mutex::new(None);
    let worker = || {
        while !group.cancelled()
            && let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(e) = work(item, &group) {
                first_failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
                group.failed.store(true, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(worker);
        }
    });
    match first_failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None if progress.cancelled() => Err(ClientError::Cancelled),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_rest() {
        let started = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100).collect();
        let result = for_each(2, &items, &(), |item, progress| {
            started.fetch_add(1, Ordering::Relaxed);
            if *item == 0 {
                return Err(ClientError::Setup("the first".into()));
            }
            while !progress.cancelled() {
                thread::sleep(std::time::Duration::from_millis(1));
            }
            Ok(())
        });
        assert!(matches!(result, Err(ClientError::Setup(_))), "{result:?}");
        assert!(started.load(Ordering::Relaxed) < 100);
        assert!(for_each(4, &items, &(), |_, _| Ok(())).is_ok());
        assert!(for_each(4, &[(); 0], &(), |(), _| Ok(())).is_ok());
    }
}
