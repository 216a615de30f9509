//! Findings about a stream that makes sense: what is consistent by the letter and probably not meant.
//!
//! - [`code`]: all codes, what they mean, what to do
//! - [`waive`]: which findings are known and no mistake
//! - `written`: what the stream file says to no effect
//! - `expired`: what was meant until a day that is over
//! - `rebase`: bases that may be exchanged, and are not
//! - `siblings`: components from one repository
//! - `packages`: packages that the lock has at several versions
//! - `platforms`: what is not on every platform of the stream, and what is on others
//! - [`foreign`]: images from elsewhere that are for other platforms
//! - `majority`: who differs from most others

pub mod code;
mod expired;
pub mod foreign;
mod majority;
mod packages;
mod platforms;
mod rebase;
mod siblings;
pub mod waive;
pub(crate) mod written;

use base::Diagnostic;
use jiff::civil::Date;
use serde::Serialize;

use crate::definition::Definition;
use crate::graph::Graphs;
use crate::lock::Lock;

pub use self::foreign::ImagePlatforms;
pub use self::waive::{Reviewed, review};

/// Something about a stream that is probably not meant. Its [code](mod@code) is stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The component that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What it is, where, and what to do: a warning.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

impl Finding {
    /// A finding about the component `component`.
    pub fn about(component: &str, diagnostic: Diagnostic) -> Self {
        Self { component: Some(component.to_owned()), diagnostic }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What the files say, and where.
    pub definition: &'a Definition,
    /// The stream with all its references resolved, on each platform.
    pub graphs: &'a Graphs,
    /// What they resolved to.
    pub lock: &'a Lock,
    /// What is known of the platforms of images from elsewhere.
    pub images: &'a ImagePlatforms,
    /// The day that it is (UTC).
    pub today: Date,
}

/// Everything that is found in a stream, waived or not, in the order of the codes.
///
/// It decides nothing: [`review`] tells what nobody has waived.
pub fn lint(subject: Subject<'_>) -> Vec<Finding> {
    let mut findings = written::findings(subject.definition, subject.graphs);
    findings.extend(expired::findings(subject));
    findings.extend(siblings::findings(subject));
    findings.extend(packages::other_version(subject));
    findings.extend(packages::kernels(subject));
    findings.extend(platforms::missing(subject));
    findings.extend(platforms::unused(subject));
    findings.extend(foreign::images(subject));
    findings.extend(foreign::base_images(subject));
    findings.sort_by(|a, b| (a.diagnostic.code, &a.component).cmp(&(b.diagnostic.code, &b.component)));
    findings
}

/// `did so; or say why it is so: - waive: {…}`, in the words of the file that the user works on.
fn or_waive(definition: &Definition, instead: &str, code: &str, component: Option<&str>) -> String {
    let about = component.map(|name| format!(", component: {name}")).unwrap_or_default();
    let waiver = format!("{{code: {code}{about}, why: …}}");
    let waiver = if definition.history.parents.is_empty() {
        format!("waivers:\n  - {waiver}")
    } else {
        format!("operations:\n  - waive: {waiver}")
    };
    format!("{instead}; or say why it is so:\n{waiver}")
}

#[cfg(test)]
mod tests;
