//! Many questions to others at the same time.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Questions that wait for their answers at the same time.
const TOGETHER: usize = 16;

/// The answers to all items, in their order.
pub fn ask_all<T: Sync, A: Send>(items: &[T], ask: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut answers = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return answers };
            answers.push((index, ask(item)));
        }
    };
    let mut answers: Vec<(usize, A)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..TOGETHER.min(items.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let questions: Vec<u64> = (0..100).collect();
        let ask = |n: &u64| {
            std::thread::sleep(std::time::Duration::from_micros(100 - n));
            n * 2
        };
        assert_eq!(super::ask_all(&questions, ask), questions.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(super::ask_all(&[0; 0], |n| *n), [0; 0]);
    }
}
