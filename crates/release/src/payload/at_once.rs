//! Several pieces of work at the same time, until one fails.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many at the same time, unless told otherwise.
const DEFAULT_JOBS: usize = 4;

/// Works on all items, at most `jobs` at a time (0 is 4). The results are in the order of the items.
///
/// # Errors
/// The error of the first item (in their order) that failed among those that were begun.
pub fn at_once<T: Sync, A: Send, E: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> Result<A, E> + Sync,
) -> Result<Vec<A>, E> {
    let jobs = if jobs == 0 { DEFAULT_JOBS } else { jobs };
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            let result = work(item);
            if result.is_err() {
                // Others finish what they have begun and start nothing more.
                next.store(items.len(), Ordering::Relaxed);
            }
            done.push((index, result));
        }
        done
    };
    let mut done: Vec<(usize, Result<A, E>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.min(items.len())).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
