#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn plain_scalars_follow_yaml_1_1() {
    let value =
        first("a: yes\nb: '1'\nc: 0x10\nd: 1.5\ne: =\nf: 4.12.0\ng: ~\nh: 1e3\ni: -x\nj: !!str 7\n").unwrap();
    assert_eq!(
        value,
        json!({"a": true, "b": "1", "c": 16, "d": 1.5, "e": "=", "f": "4.12.0", "g": null, "h": 1000.0, "i": "-x", "j": "7"})
    );
}

#[test]
fn the_last_of_equal_keys_wins_and_merges_fill_gaps() {
    assert_eq!(first("a: 1\na: 2\n").unwrap(), json!({"a": 2}));
    let merged = first("one: &x {a: 1, b: 2}\ntwo:\n  <<: *x\n  b: 3\n").unwrap();
    assert_eq!(merged["two"], json!({"b": 3, "a": 1}));
}

#[test]
fn only_the_first_document_counts_for_unmarshal() {
    assert_eq!(first("# note\n---\nkind: A\n---\n[broken").unwrap(), json!({"kind": "A"}));
    assert_eq!(first("").unwrap(), Value::Null);
    assert_eq!(first("{\"a\": 1}{broken").unwrap(), json!({"a": 1}));
}

#[test]
fn documents_are_split_by_lines() {
    let kinds = |text: &str| -> Vec<(usize, String)> {
        all(text).unwrap().into_iter().map(|(at, v)| (at, v["k"].to_string())).collect()
    };
    let numbered = |pairs: &[(usize, &str)]| -> Vec<(usize, String)> {
        pairs.iter().map(|(at, k)| (*at, (*k).to_owned())).collect()
    };
    assert_eq!(kinds("---\nk: 1\n--- # two\nk: 2\n"), numbered(&[(0, "1"), (19, "2")]));
    assert_eq!(kinds("k: 1\n---\n---\n# nothing\n---\n\nk: 2"), numbered(&[(0, "1"), (28, "2")]));
    assert_eq!(kinds("{\"k\":1}\n{\"k\":2}"), numbered(&[(0, "1"), (7, "2")]));
    assert_eq!(kinds("{k: 1}\n---\n{k: 2}\n"), numbered(&[(0, "1"), (11, "2")]));
    assert_eq!(all("---").unwrap(), []);
}

#[test]
fn errors_point_into_the_whole_text() {
    let text = "a: 1\n---\nb: [1\n";
    let error = all(text).unwrap_err();
    assert!(error.span.start >= 9, "{error:?}");
    assert!(first("a: [1\n").is_err());
}

#[test]
fn aliases_cannot_multiply_without_end() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..9 {
        let list = vec![format!("*a{}", i - 1); 10].join(",");
        bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    assert!(first(&bomb).unwrap_err().reason.contains("nodes"));
}

proptest! {
    #[test]
    fn nothing_panics(text in "[-a: \n\\[\\]{}&*#'\"|>!%\u{e9}0]{0,60}") {
        let _ = first(&text);
        let _ = all(&text);
    }

    #[test]
    fn what_go_prints_is_read_back(map in proptest::collection::btree_map("[a-z]{1,5}", ".*", 0..5)) {
        let value = serde_json::to_value(&map).unwrap();
        let out = String::from_utf8(crate::go::json::indented(&value, "  ")).unwrap();
        prop_assert_eq!(first(&out).unwrap(), value);
    }
}
