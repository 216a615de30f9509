//! A plan as text.

use std::fmt::Write;

use super::Plan;
use super::estimate::Estimate;

/// A line for each component, bases first, and a line of counts. Ends with a line break.
pub fn table(plan: &Plan) -> String {
    let width =
        plan.components.iter().map(|c| c.component.chars().count()).max().unwrap_or(0).max("COMPONENT".len());
    let mut text = format!("{:width$}  ACTION  WHY\n", "COMPONENT");
    for planned in &plan.components {
        let (action, why) = (planned.action.as_str(), planned.why().join("; "));
        let line = format!("{:width$}  {action:6}  {why}", planned.component);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}", summary(plan));
    text
}

/// How long it will take, if that is known and not nothing: `about 3m 20s; longest: base → etcd (2m 5s)`
pub fn time(estimate: &Estimate) -> String {
    if estimate.seconds < 0.5 {
        return String::new();
    }
    let mut text = format!("about {}", span(estimate.seconds));
    // Writing to a string cannot fail.
    if estimate.critical_path.len() > 1 {
        let path = estimate.critical_path.join(" → ");
        let _ = write!(text, "; longest way: {path} ({})", span(estimate.critical_seconds));
    }
    if !estimate.unknown.is_empty() {
        let _ = write!(text, "; {} never built here, counted as average", estimate.unknown.len());
    }
    text.push('\n');
    text
}

/// `1h 2m`, `3m 20s`, `12s`.
fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that a build takes")]
    let seconds = seconds.round().max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}

/// `11 components: 1 to build, 2 maybe, 8 reused; 10 tags in the payload`
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts;
    let mut parts = Vec::new();
    for (count, what) in [(counts.build, "to build"), (counts.maybe, "maybe"), (counts.reuse, "reused")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if counts.held_back > 0
        && let Some(reused) = parts.last_mut()
    {
        *reused = format!("{reused} ({} held back)", counts.held_back);
    }
    let components = plan.components.len();
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    format!(
        "{}: {}; {} in the payload",
        plural(components, "component"),
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") },
        plural(plan.payload.len(), "tag")
    )
}
