#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn results(xml: &str) -> Vec<String> {
    let describe = |(suite, case): (&str, &Case)| {
        let end = match &case.result {
            CaseResult::Passed => "passed".to_owned(),
            CaseResult::Failed(p) => format!("failed: {}", p.headline()),
            CaseResult::Errored(p) => format!("errored: {}", p.headline()),
            CaseResult::Skipped(reason) => format!("skipped: {reason}"),
            CaseResult::Flaky(p) => format!("flaky: {}", p.headline()),
        };
        format!("{suite}|{}|{end}", case.name)
    };
    read(xml.as_bytes()).unwrap().cases().map(describe).collect()
}

#[test]
fn a_plain_report() {
    let xml = r#"<?xml version="1.0"?><testsuites><testsuite name="s" tests="9" timestamp="2026-01-01T00:00:00">
        <properties><property name="go.version" value="1.25"/></properties>
        <testcase classname="c" name="a" time="0.5"/>
        <testcase name="b" time="1,200.25"><failure message="1 &lt; 2" type="x">at line 3</failure><system-out>out</system-out><system-err>err</system-err></testcase>
        <testcase name="c"><skipped message="no network"/></testcase>
        <testcase name="d"><error type="panic"/></testcase></testsuite></testsuites>"#;
    assert_eq!(
        results(xml),
        ["s|a|passed", "s|b|failed: 1 < 2", "s|c|skipped: no network", "s|d|errored: panic"]
    );
    let report = read(xml.as_bytes()).unwrap();
    let b = &report.suites[0].cases[1];
    assert_eq!(b.duration, Some(Duration::from_millis(1_200_250)));
    assert_eq!(b.output, "outerr");
    assert_eq!(b.result, CaseResult::Failed(Problem { message: "1 < 2".into(), text: "at line 3".into() }));
    assert_eq!(report.suites[0].timestamp.as_deref(), Some("2026-01-01T00:00:00"));
}

#[test]
fn shapes_that_tools_write() {
    let nested = r#"<testsuite name="outer"><testsuite name="inner"><testcase name="a"/></testsuite><testsuite><testcase name="b"/></testsuite><testcase name="c"/></testsuite>"#;
    assert_eq!(results(nested), ["outer|c|passed", "outer/inner|a|passed", "outer|b|passed"]);
    assert_eq!(results("<testsuites><testcase name='a'/></testsuites>"), ["|a|passed"]);
    assert_eq!(results("\u{feff}\n<testsuite><testcase name='a'/></testsuite>"), ["|a|passed"]);
    assert_eq!(results("<testsuite/><testsuite><testcase name='a'/></testsuite>"), ["|a|passed"]);
    assert!(results("<testsuites/>").is_empty());
}

#[test]
fn ginkgo_and_surefire_habits() {
    let xml = r#"<testsuite name="e2e"><testcase name="a" status="skipped"/><testcase name="b" status="pending"></testcase>
        <testcase name="c" status="passed"/><testcase name="d"><flakyFailure message="first"/></testcase>
        <testcase name="e"><failure>text only
second line</failure><failure message="again"/></testcase></testsuite>"#;
    assert_eq!(
        results(xml),
        ["e2e|a|skipped: ", "e2e|b|skipped: ", "e2e|c|passed", "e2e|d|flaky: first", "e2e|e|failed: again"]
    );
}

#[test]
fn broken_text_is_read_as_far_as_it_goes() {
    let control = "<testsuite><testcase name='a'><failure message='\u{1b}[31mred & blue'>x & y &nbsp; &#65; \u{0}</failure></testcase></testsuite>";
    assert_eq!(results(control), ["|a|failed: \u{1b}[31mred & blue"]);
    let bytes = b"<testsuite name='\xff'><testcase name=a/><testcase name='b' time='x' time='2'></testcase></testsuite>";
    let report = read(bytes).unwrap();
    assert_eq!(report.suites[0].name, "\u{fffd}");
    assert_eq!(report.suites[0].cases.len(), 2);
    let cut = "<testsuite><testcase name='a'/><testcase name='b'><failure message='m'>long te";
    let cut = results(cut);
    assert_eq!(cut[0], "|a|passed");
    assert!(cut[1].starts_with("|b|failed: m"), "{cut:?}");
    assert!(results("<testsuite><testcase name='a'>")[0].contains("breaks off"));
    assert_eq!(results("<testsuite><testcase name='a'><failure/></testsuite>"), ["|a|failed: "]);
}

#[test]
fn what_is_no_report_is_refused() {
    let refusal = |text: &[u8]| read(text).unwrap_err().to_string();
    assert!(refusal(b"").contains("no <testsuites>"));
    assert!(refusal(b"<html><body>404</body></html>").contains("no <testsuites>"));
    assert!(refusal(b"{\"a\": 1}").contains("not a JUnit report"));
    assert!(refusal("<testsuite>".repeat(65).as_bytes()).contains("deeper than 64"));
    assert!(refusal(&vec![b' '; read::SIZE_LIMIT + 1]).contains("64.0 MiB"));
}

#[test]
fn entities_of_a_document_type_are_not_expanded() {
    let xml = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
        <testsuite><testcase name='t'><failure>&a;&f;</failure></testcase></testsuite>";
    assert_eq!(results(xml), ["|t|failed: &a;&f;"]);
}

#[test]
fn long_texts_are_cut() {
    let xml = format!(
        "<testsuite><testcase name='a'><system-out>{}</system-out></testcase></testsuite>",
        "é".repeat(100_000)
    );
    let report = read(xml.as_bytes()).unwrap();
    assert_eq!(report.suites[0].cases[0].output.len(), 64 << 10);
}

#[test]
fn a_test_that_failed_and_passed_is_flaky() {
    let xml = r#"<testsuite name="s"><testcase name="a"><failure message="x"/></testcase><testcase name="a"/>
        <testcase name="b"><failure message="first"/></testcase><testcase name="b"><error message="second"/></testcase>
        <testcase name="c"/><testcase name="d"><skipped/></testcase><testcase name="e"><flakyFailure/></testcase></testsuite>"#;
    let report = read(xml.as_bytes()).unwrap();
    let (counts, failed) = tally([&report]);
    assert_eq!(counts, Tally { passed: 1, failed: 1, skipped: 1, flaky: 2 });
    assert_eq!(failed, [tally::FailedTest { name: "s: b".into(), message: "first".into() }]);
}

fn result() -> impl Strategy<Value = CaseResult> {
    let problem = || (".{0,20}", ".{0,20}").prop_map(|(message, text)| Problem { message, text });
    prop_oneof![
        Just(CaseResult::Passed),
        problem().prop_map(CaseResult::Failed),
        problem().prop_map(CaseResult::Errored),
        problem().prop_map(CaseResult::Flaky),
        "[a-z<&\"]{0,9}".prop_map(CaseResult::Skipped),
    ]
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if (c < ' ' && !matches!(c, '\n' | '\r' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

proptest! {
    #[test]
    fn nothing_panics(text in "(<[/a-z!\\[\\]'\"=& ]{0,12}>|testcase|testsuite|.){0,40}") {
        let _ = read(text.as_bytes());
        let _ = read(format!("<testsuite><testcase name='a'>{text}").as_bytes());
    }

    #[test]
    fn what_is_written_is_read_back(cases in proptest::collection::vec((".{0,20}", ".{0,9}", result(), 0..100_000u64), 0..6)) {
        let cases: Vec<Case> = cases
            .into_iter()
            .map(|(name, class, result, ms)| {
                let duration = Some(Duration::from_millis(ms));
                Case { name, class, duration, result, output: String::new() }
            })
            .collect();
        let report = Report { suites: vec![Suite { name: "s".into(), timestamp: None, cases }] };
        let read = read(write(&report).as_bytes()).unwrap();
        let comparable = |report: &Report| -> Vec<String> {
            report.cases().map(|(suite, case)| printable(&format!("{suite}{case:?}{}", case.name))).collect()
        };
        let mut expected = report.clone();
        for case in &mut expected.suites[0].cases {
            case.name = printable(&case.name);
            case.class = printable(&case.class);
            if let CaseResult::Failed(p) | CaseResult::Errored(p) | CaseResult::Flaky(p) = &mut case.result {
                *p = Problem { message: printable(&p.message), text: printable(&p.text) };
            }
        }
        prop_assert_eq!(comparable(&read), comparable(&expected));
    }
}
