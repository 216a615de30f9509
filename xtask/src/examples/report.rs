//! A line for each example, and the sum at the end.

use std::time::Duration;

/// How an example came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it must.
    Passed,
    /// With these differences.
    Failed(Vec<String>),
    /// It needs something that no machine without a cluster has.
    Skipped(String),
}

/// Counts what it tells.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Differences of one example that are shown; one cause often has many.
const SHOWN: usize = 8;

impl Report {
    /// Prints the lines of an example.
    pub fn tell(&mut self, name: &str, verdict: &Verdict, took: Duration) {
        let took = took.as_secs_f64();
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                println!("PASS {took:6.1}s  {name}");
            }
            Verdict::Failed(differences) => {
                self.failed += 1;
                println!("FAIL {took:6.1}s  {name}");
                for difference in differences.iter().take(SHOWN) {
                    println!("               {}", difference.replace('\n', "\n               "));
                }
                if differences.len() > SHOWN {
                    println!("               and {} more", differences.len() - SHOWN);
                }
            }
            Verdict::Skipped(reason) => {
                self.skipped += 1;
                println!("SKIP          {name}: {reason}");
            }
        }
    }

    /// Prints the sum; tells whether nothing failed.
    pub fn conclude(&self, took: Duration) -> bool {
        let Self { passed, failed, skipped } = self;
        println!("{passed} passed, {failed} failed, {skipped} skipped in {:.0}s", took.as_secs_f64());
        *failed == 0
    }
}
