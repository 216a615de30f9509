//! Writes reports.

use std::fmt::Write as _;

use super::{Case, CaseResult, Problem, Report};

/// The report as XML. Characters that XML cannot hold are replaced.
pub fn write(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in &report.suites {
        let count = |is: fn(&CaseResult) -> bool| suite.cases.iter().filter(|c| is(&c.result)).count();
        let failures = count(|r| matches!(r, CaseResult::Failed(_)));
        let errors = count(|r| matches!(r, CaseResult::Errored(_)));
        let skipped = count(|r| matches!(r, CaseResult::Skipped(_)));
        let time: f64 = suite.cases.iter().filter_map(|c| c.duration).map(|d| d.as_secs_f64()).sum();
        let timestamp =
            suite.timestamp.as_ref().map(|t| format!(" timestamp=\"{}\"", escaped(t))).unwrap_or_default();
        line(
            &mut out,
            format_args!(
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time:.3}\"{timestamp}>",
                escaped(&suite.name),
                suite.cases.len()
            ),
        );
        for case in &suite.cases {
            write_case(&mut out, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn write_case(out: &mut String, case: &Case) {
    let class = if case.class.is_empty() {
        String::new()
    } else {
        format!(" classname=\"{}\"", escaped(&case.class))
    };
    let time = case.duration.map(|d| format!(" time=\"{:.3}\"", d.as_secs_f64())).unwrap_or_default();
    let start = format!("    <testcase name=\"{}\"{class}{time}", escaped(&case.name));
    if case.result == CaseResult::Passed && case.output.is_empty() {
        line(out, format_args!("{start}/>"));
        return;
    }
    line(out, format_args!("{start}>"));
    match &case.result {
        CaseResult::Passed => {}
        CaseResult::Failed(problem) => write_problem(out, "failure", problem),
        CaseResult::Errored(problem) => write_problem(out, "error", problem),
        CaseResult::Flaky(problem) => write_problem(out, "flakyFailure", problem),
        CaseResult::Skipped(reason) if reason.is_empty() => out.push_str("      <skipped/>\n"),
        CaseResult::Skipped(reason) => {
            line(out, format_args!("      <skipped message=\"{}\"/>", escaped(reason)));
        }
    }
    if !case.output.is_empty() {
        line(out, format_args!("      <system-out>{}</system-out>", escaped(&case.output)));
    }
    out.push_str("    </testcase>\n");
}

fn write_problem(out: &mut String, element: &str, problem: &Problem) {
    let (message, text) = (escaped(&problem.message), escaped(&problem.text));
    line(out, format_args!("      <{element} message=\"{message}\">{text}</{element}>"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes every write");
    out.push('\n');
}

/// For attributes and text. Line ends and tabs are written as references, or readers would turn them into spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            // XML 1.0, "Char".
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
