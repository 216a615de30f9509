//! How many TaskRuns run at the same time, counted over a run and all pipelines in it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The jobs that are free.
///
/// Only TaskRuns take one: a pipeline waits for its tasks, and would keep them from running if it held a job meanwhile.
#[derive(Debug)]
pub struct Jobs(AtomicUsize);

/// A job that is taken, until this is dropped.
#[derive(Debug)]
pub struct Job<'a>(&'a Jobs);

impl Jobs {
    /// So many jobs, but at least one.
    pub fn new(jobs: usize) -> Self {
        Self(AtomicUsize::new(jobs.max(1)))
    }

    /// Takes one, if one is free.
    pub fn take(&self) -> Option<Job<'_>> {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.ok().map(|_| Job(self))
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_job_is_free_again_when_it_is_dropped() {
        let jobs = super::Jobs::new(2);
        let (one, two) = (jobs.take(), jobs.take());
        assert!(one.is_some() && two.is_some());
        assert!(jobs.take().is_none() && jobs.take().is_none(), "asking in vain frees nothing");
        drop(one);
        assert!(jobs.take().is_some());
        assert!(super::Jobs::new(0).take().is_some());
    }
}
