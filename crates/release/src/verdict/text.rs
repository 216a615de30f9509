//! A verdict for people.

use crate::go::columns::{align, cell};

use super::document::Document;
use super::outcome::Outcome;

impl Document {
    /// Several lines: the decision, the tests, the excuses.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "Verdict: {}\nRelease: {} {}\nJudged:  {}\n",
            self.verdict,
            cell(&self.release.name),
            self.release.digest,
            cell(&self.judged)
        );
        if self.outcomes.is_empty() {
            out.push_str("\nNo test was run: nothing speaks against the release, and nothing for it.\n");
            return out;
        }
        let mut table = String::from("\nTests:\n  NAME\tBLOCKING\tRESULT\tTIME\tCASES\n");
        for outcome in &self.outcomes {
            table.push_str(&row(outcome));
        }
        for line in align(&table).lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        if !self.outcomes.iter().any(|outcome| outcome.blocking) {
            out.push_str("\nNo test is blocking: all of them inform only.\n");
        }
        if !self.excuses.is_empty() {
            out.push_str("\nRejected because:\n");
            for excuse in &self.excuses {
                out.push_str(&format!("  {}: {}\n", cell(&excuse.test), cell(&excuse.message)));
            }
        }
        let informing: Vec<String> = self
            .outcomes
            .iter()
            .filter(|outcome| !outcome.blocking)
            .filter_map(|outcome| Some(format!("  {}: {}\n", cell(&outcome.test), cell(&outcome.reason()?))))
            .collect();
        if !informing.is_empty() {
            out.push_str("\nNot blocking:\n");
            out.push_str(&informing.concat());
        }
        out
    }
}

fn row(outcome: &Outcome) -> String {
    let blocking = if outcome.blocking { "yes" } else { "no" };
    let time = outcome.duration.map(base::size::duration).unwrap_or_default();
    let cases = outcome.cases.as_ref().map_or_else(String::new, |cases| {
        let mut text = format!("{} of {} passed", cases.passed + cases.flaky, cases.total);
        for (count, what) in [(cases.flaky, "flaky"), (cases.skipped, "skipped")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    });
    format!("  {}\t{blocking}\t{}\t{time}\t{cases}\n", cell(&outcome.test), outcome.status.label())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Cases, Release, Status};
    use super::*;
    use base::Digest;
    use std::time::Duration;

    fn document(outcomes: Vec<Outcome>) -> Document {
        let release = Release { name: "1.0.0".to_owned(), digest: Digest::of("") };
        Document::new(release, "2026-01-02T03:04:05Z".parse().unwrap(), outcomes)
    }

    #[test]
    fn a_rejected_release_shows_tests_and_reasons() {
        let outcomes = vec![
            Outcome {
                duration: Some(Duration::from_millis(2500)),
                cases: Some(Cases { total: 4, passed: 2, flaky: 1, skipped: 1, ..Cases::default() }),
                ..Outcome::new("etcd", true, Status::Passed)
            },
            Outcome {
                message: Some("no answer".to_owned()),
                ..Outcome::new("haproxy", true, Status::Failed)
            },
            Outcome::new("prometheus", false, Status::Missing),
        ];
        insta::assert_snapshot!(document(outcomes).to_text(), @r"
        Verdict: rejected
        Release: 1.0.0 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        Judged:  2026-01-02T03:04:05Z

        Tests:
          NAME       BLOCKING RESULT      TIME CASES
          etcd       yes      passed      2.5s 3 of 4 passed, 1 flaky, 1 skipped
          haproxy    yes      failed
          prometheus no       did not run

        Rejected because:
          haproxy: failed: no answer

        Not blocking:
          prometheus: did not run
        ");
    }

    #[test]
    fn an_accepted_release_says_how_little_was_tested() {
        assert!(document(vec![]).to_text().contains("No test was run"));
        let text = document(vec![Outcome::new("t", false, Status::Passed)]).to_text();
        assert!(text.starts_with("Verdict: accepted\n") && text.contains("No test is blocking"), "{text}");
    }
}
