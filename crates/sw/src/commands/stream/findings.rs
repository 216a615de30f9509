//! What is probably not meant in a stream.

use stream::lint::Reviewed;

use crate::failure::{Failure, colour_wanted};

/// The most findings that are told one by one; who has more looks at them as data.
const TOLD: usize = 20;

/// Tells what is probably not meant, as warnings, and how many of them are waived.
pub fn tell(findings: &Reviewed) {
    let colour = colour_wanted(&std::io::stderr());
    for finding in findings.open.iter().take(TOLD) {
        anstream::eprintln!("{}\n", finding.diagnostic.render(colour));
    }
    if let more @ 1.. = findings.open.len().saturating_sub(TOLD) {
        anstream::eprintln!("{more} more findings; `sw plan -o json` has all");
    }
    match findings.waived.len() {
        0 => {}
        1 => anstream::eprintln!("1 finding is waived"),
        waived => anstream::eprintln!("{waived} findings are waived"),
    }
}

/// Tells them, or with `strict` refuses the stream.
///
/// # Errors
/// Findings that no waiver excuses, when they are refused.
pub fn pass(findings: &Reviewed, strict: bool) -> Result<(), Failure> {
    if strict && !findings.open.is_empty() {
        return Err(findings.refused().into());
    }
    tell(findings);
    Ok(())
}
