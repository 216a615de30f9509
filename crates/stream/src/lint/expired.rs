//! What was meant until a day that is over.

use base::Diagnostic;
use jiff::civil::Date;

use super::code::EXPIRED;
use super::{Finding, Subject};
use crate::definition::overlay::Operation;
use crate::definition::waiver::day;

/// Operations and waivers past their last day.
pub(super) fn findings(subject: Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for applied in &subject.definition.history.applied {
        let Some(until) = applied.operation.expires().filter(|until| is_over(until, subject.today)) else {
            continue;
        };
        let (verb, target) = (applied.operation.verb(), applied.operation.target());
        let message = match &applied.operation {
            // The list of waivers has it.
            Operation::Waive(_) => continue,
            _ => format!("`{verb}` of `{target}` was meant until {until}"),
        };
        let finding = Diagnostic::warning(EXPIRED.code, message).at(&applied.source, applied.span);
        findings.push(Finding::about(target, finding.help("remove the operation, or give it another day")));
    }
    for (index, waiver) in subject.graphs.stream.waivers.iter().enumerate() {
        let Some(until) = waiver.expires.as_deref().filter(|until| is_over(until, subject.today)) else {
            continue;
        };
        let message = format!("the waiver of `{}` was meant until {until}", waiver.code);
        let finding = Diagnostic::warning(EXPIRED.code, message).help("remove it, or give it another day");
        let path = ["waivers", &index.to_string(), "expires"];
        let diagnostic = subject.definition.places.at(&path, finding);
        findings.push(Finding { component: waiver.component.clone(), diagnostic });
    }
    findings
}

/// Whether the day `until` was before `today`. What is no day is refused by checks.
pub(super) fn is_over(until: &str, today: Date) -> bool {
    day(until).is_ok_and(|day| day < today)
}
