//! Which findings are known and no mistake.

use base::{Diagnostic, Diagnostics, Severity};
use serde::Serialize;

use super::code::USELESS_WAIVER;
use super::expired::is_over;
use super::{Finding, Subject, foreign, lint};

/// Findings after the stream's waivers were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// What nobody waived.
    pub open: Vec<Finding>,
    /// What somebody did.
    pub waived: Vec<Waived>,
}

/// A finding that a waiver covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why it is no mistake, as the waiver says.
    pub why: String,
    /// The last day on which that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Reviewed {
    /// The open findings as errors, for those who let none pass.
    pub fn refused(&self) -> Diagnostics {
        let refused =
            |finding: &Finding| Diagnostic { severity: Severity::Error, ..finding.diagnostic.clone() };
        Diagnostics(self.open.iter().map(refused).collect())
    }
}

/// Everything that is [found](lint) in a stream, told apart by its waivers; and the stream's own waivers that excuse nothing.
pub fn review(subject: Subject<'_>) -> Reviewed {
    let waivers = &subject.graphs.stream.waivers;
    let mut used = vec![false; waivers.len()];
    let mut reviewed = Reviewed::default();
    for finding in lint(subject) {
        let covers = waivers.iter().position(|waiver| {
            waiver.code == finding.diagnostic.code
                && (waiver.component.is_none() || waiver.component == finding.component)
                && !waiver.expires.as_deref().is_some_and(|until| is_over(until, subject.today))
        });
        match covers {
            Some(index) => {
                used[index] = true;
                let (why, expires) = (waivers[index].why.clone(), waivers[index].expires.clone());
                reviewed.waived.push(Waived { finding, why, expires });
            }
            None => reviewed.open.push(finding),
        }
    }
    for (index, waiver) in waivers.iter().enumerate().filter(|(index, _)| !used[*index]) {
        // One of a stream below cannot be removed here, and one that is over is a finding already.
        let over = waiver.expires.as_deref().is_some_and(|until| is_over(until, subject.today));
        let unknown = || foreign::CODES.contains(&waiver.code.as_str()) && foreign::is_undecided(subject);
        if waiver.inherited.is_some() || over || unknown() {
            continue;
        }
        let about = waiver.component.as_ref().map(|name| format!(" about `{name}`")).unwrap_or_default();
        let message =
            format!("nothing is found with the code `{}`{about}, so the waiver excuses nothing", waiver.code);
        let finding = Diagnostic::warning(USELESS_WAIVER.code, message).help("remove the waiver");
        let diagnostic = subject.definition.places.at(&["waivers", &index.to_string(), "code"], finding);
        reviewed.open.push(Finding { component: waiver.component.clone(), diagnostic });
    }
    reviewed
}
