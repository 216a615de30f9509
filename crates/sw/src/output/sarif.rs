//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use base::{Diagnostic, Severity};
use serde_json::{Value, json};

/// One SARIF log with all findings.
pub fn log(findings: &[Diagnostic]) -> Value {
    let mut codes: Vec<&str> = findings.iter().map(|d| d.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "sw", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

/// What a code means, if it is one of the documented warnings.
fn rule(code: &str) -> Value {
    match tekton::lint::code::find(code) {
        Some(lint) => json!({
            "id": code,
            "shortDescription": {"text": lint.what},
            "fullDescription": {"text": lint.why},
            "help": {"text": lint.instead},
        }),
        None => json!({"id": code}),
    }
}

fn result(finding: &Diagnostic) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({"ruleId": finding.code, "level": level, "message": {"text": text}});
    if let Some((source, span)) = &finding.place {
        let (start_line, start_column) = source.position(span.start);
        let (end_line, end_column) = source.position(span.end);
        result["locations"] = json!([{
            "physicalLocation": {
                "artifactLocation": {"uri": source.name()},
                "region": {
                    "startLine": start_line,
                    "startColumn": start_column,
                    "endLine": end_line,
                    "endColumn": end_column,
                },
            },
        }]);
    }
    result
}

#[cfg(test)]
mod tests {
    use base::{Source, Span};

    use super::*;

    #[test]
    fn a_finding_has_rule_level_text_and_region() {
        let source = Source::new("a.yaml", "x: 1\nyy: 2\n");
        let finding = Diagnostic::warning("odd", "yy is odd").at(&source, Span::new(5, 7)).help("write y");
        let log = log(&[finding]);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "odd");
        assert_eq!(result["level"], "warning");
        assert_eq!(result["message"]["text"], "yy is odd\nwrite y");
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(*region, json!({"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 3}));
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], json!([{"id": "odd"}]));
    }
}
