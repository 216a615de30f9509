//! From outcomes to a verdict.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Whether a release may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Every blocking test speaks for it.
    Accepted,
    /// At least one blocking test does not.
    Rejected,
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        })
    }
}

/// Why a release is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// The test.
    pub test: String,
    /// What it said, in one line.
    pub message: String,
}

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted or rejected.
    pub decision: Decision,
    /// One per blocking test that does not speak for the release, in the order of the outcomes. None when it is accepted.
    pub excuses: Vec<Excuse>,
}

/// Judges. A blocking test must have passed: one that was skipped, stopped or never run does not speak for the release.
/// Other tests inform only.
pub fn judge(outcomes: &[Outcome]) -> Verdict {
    let excuses: Vec<Excuse> = outcomes
        .iter()
        .filter(|outcome| outcome.blocking)
        .filter_map(|outcome| Some(Excuse { test: outcome.test.clone(), message: outcome.reason()? }))
        .collect();
    let decision = if excuses.is_empty() { Decision::Accepted } else { Decision::Rejected };
    Verdict { decision, excuses }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Cases, FailedCase, Status};
    use super::*;
    use crate::junit;

    const ALL: [Status; 7] = [
        Status::Passed,
        Status::Failed,
        Status::TimedOut,
        Status::Errored,
        Status::Skipped,
        Status::Cancelled,
        Status::Missing,
    ];

    #[test]
    fn only_a_passed_blocking_test_speaks_for_a_release() {
        for status in ALL {
            let verdict =
                judge(&[Outcome::new("good", true, Status::Passed), Outcome::new("t", true, status)]);
            let accepted = status == Status::Passed;
            assert_eq!(verdict.decision == Decision::Accepted, accepted, "{status:?}");
            let tests: Vec<&str> = verdict.excuses.iter().map(|e| e.test.as_str()).collect();
            assert_eq!(tests, if accepted { vec![] } else { vec!["t"] });
            assert_eq!(
                judge(&[Outcome::new("t", false, status)]).decision,
                Decision::Accepted,
                "{status:?} informs"
            );
        }
        assert_eq!(judge(&[]).decision, Decision::Accepted);
    }

    #[test]
    fn excuses_say_what_happened() {
        let failed = |failed| Cases {
            total: 3,
            passed: 3 - failed,
            failed,
            failures: vec![FailedCase { name: "kv: get".into(), message: "got nothing".into() }],
            ..Cases::default()
        };
        let reason = |status, cases: Option<Cases>, message: Option<&str>| {
            let outcome =
                Outcome { cases, message: message.map(str::to_owned), ..Outcome::new("t", true, status) };
            outcome.reason().unwrap()
        };
        assert_eq!(
            reason(Status::Failed, Some(failed(1)), None),
            "failed: 1 of 3 cases failed: kv: get: got nothing"
        );
        assert_eq!(
            reason(Status::Passed, Some(failed(2)), None),
            "its task succeeded, but 2 of 3 cases failed: kv: get: got nothing"
        );
        assert_eq!(reason(Status::TimedOut, None, Some("after\n1h")), "timed out: after 1h");
        assert_eq!(reason(Status::Missing, None, None), "did not run");
    }

    #[test]
    fn reports_decide_with_their_cases() {
        let report = junit::read(
            b"<testsuite name='s'><testcase name='a'/><testcase name='b'><failure message='x'/></testcase></testsuite>",
        )
        .unwrap();
        let outcome = Outcome::new("t", true, Status::Passed).with_reports([&report]);
        let verdict = judge(&[outcome]);
        assert_eq!(verdict.decision, Decision::Rejected);
        assert_eq!(verdict.excuses[0].message, "its task succeeded, but 1 of 2 cases failed: s: b: x");
    }
}
