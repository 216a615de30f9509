#![allow(clippy::unwrap_used)]

use super::*;

fn edit(text: &str, places: &[(&str, &str)]) -> String {
    let spans = places.iter().map(|(old, new)| {
        let start = text.find(old).unwrap();
        (Span::new(start, start + old.len()), (*new).to_owned())
    });
    edited(text, spans.collect())
}

#[test]
fn only_what_is_replaced_changes() {
    assert_eq!(edit("a: {x}  # why\nb: y\n", &[("b: y", "b: z"), ("{x}", "n")]), "a: n  # why\nb: z\n");
    assert_eq!(edit("a:\n  b: c\n# after\n", &[("b: c\n", "name: d")]), "a:\n  name: d\n# after\n");
    assert_eq!(edit("abc", &[("abc", "x"), ("b", "y")]), "x", "what is within is gone with it");
}

#[test]
fn passwords_do_not_get_into_the_record() {
    let param = Param { name: "url".into(), value: ParamValue::String("https://u:hunter2@h/x".into()) };
    assert_eq!(shown(&param).1, "https://h/x");
}
