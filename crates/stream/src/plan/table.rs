//! A plan as text.

use std::fmt::Write;

use super::Plan;

/// A line for each component, bases first, and a line of counts. Ends with a line break.
pub fn table(plan: &Plan) -> String {
    let width =
        plan.components.iter().map(|c| c.component.chars().count()).max().unwrap_or(0).max("COMPONENT".len());
    let mut text = format!("{:width$}  ACTION  WHY\n", "COMPONENT");
    for planned in &plan.components {
        let why: Vec<String> = planned.reasons.iter().map(ToString::to_string).collect();
        let line = format!("{:width$}  {:6}  {}", planned.component, planned.action.as_str(), why.join("; "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}", summary(plan));
    text
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
    let components = plan.components.len();
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    format!(
        "{}: {}; {} in the payload",
        plural(components, "component"),
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") },
        plural(plan.payload.len(), "tag")
    )
}
