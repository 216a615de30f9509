//! How much of what a step prints a terminal shows: what eyes can follow, so that neither the terminal nor the step has to
//! wait for a flood to scroll by. The log has everything.

use std::time::{Duration, Instant};

/// Bytes of one step that are shown in a [`WINDOW`]: some hundred lines.
const MOST: usize = 64 * 1024;

const WINDOW: Duration = Duration::from_secs(1);

/// One step's share of the terminal.
#[derive(Debug, Default)]
pub struct Throttle {
    window: Option<Instant>,
    shown: usize,
    missed: u64,
}

/// Whether something is shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Admitted {
    /// Not now.
    No,
    /// Yes, after so many lines that were not.
    After(u64),
}

impl Throttle {
    /// Asks for `bytes` in so many `lines` at a time.
    pub fn admit(&mut self, bytes: usize, lines: u64, now: Instant) -> Admitted {
        if self.window.is_none_or(|start| now.duration_since(start) >= WINDOW) {
            self.window = Some(now);
            self.shown = 0;
        }
        // The first piece of a window is shown whatever its size.
        if self.shown > 0 && self.shown + bytes > MOST {
            self.missed += lines;
            return Admitted::No;
        }
        self.shown += bytes;
        Admitted::After(std::mem::take(&mut self.missed))
    }

    /// Lines that were not shown since the last that was.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_shown_in_part_and_counted() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        assert_eq!(throttle.admit(MOST - 1, 9, start), Admitted::After(0));
        assert_eq!(throttle.admit(1, 1, start), Admitted::After(0));
        assert_eq!(throttle.admit(1, 1, start), Admitted::No);
        assert_eq!(throttle.admit(MOST, 7, start), Admitted::No);
        assert_eq!(throttle.missed(), 8);
        assert_eq!(throttle.admit(2 * MOST, 1, start + WINDOW), Admitted::After(8));
        assert_eq!((throttle.missed(), throttle.admit(1, 1, start + WINDOW)), (0, Admitted::No));
    }
}
