//! JSON as Go's `encoding/json` writes it.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// One line, as `json.Marshal`: `<`, `>`, `&`, U+2028 and U+2029 are escaped.
///
/// Fields of structs come in their order; sort maps with [`sorted`] first, as Go does.
pub fn compact(value: &impl Serialize) -> Vec<u8> {
    write(value, CompactFormatter)
}

/// Several lines, as `json.MarshalIndent` with this indent; no line feed at the end.
pub fn indented(value: &impl Serialize, indent: &str) -> Vec<u8> {
    write(value, PrettyFormatter::with_indent(indent.as_bytes()))
}

fn write(value: &impl Serialize, formatter: impl Formatter) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, HtmlSafe(formatter));
    value.serialize(&mut serializer).expect("memory takes every write, and maps here have text keys");
    out
}

/// The value with the keys of all its objects in byte order and its numbers as a Go program prints them that read
/// them into `interface{}`, which makes every number a `float64`.
#[must_use]
pub fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Number(number) => Value::Number(as_float64(number)),
        other => other,
    }
}

/// `float64` prints without fraction when it has none; beyond 2^53 the nearest representable number. (Whole numbers between
/// 2^63 and 10^21 would print with all their digits in Go; here they keep their exponent.)
fn as_float64(number: serde_json::Number) -> serde_json::Number {
    /// Every whole `float64` below this prints as an integer and fits `i64`.
    const INTEGER_LIMIT: f64 = 9.2e18;
    match number.as_f64() {
        Some(f) if f.fract() == 0.0 && f.abs() < INTEGER_LIMIT => (f as i64).into(),
        _ => number,
    }
}

/// Escapes what could end a `<script>` element, as Go does by default (`json.HTMLEscape`).
struct HtmlSafe<F>(F);

impl<F: Formatter> Formatter for HtmlSafe<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, from) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let Some(special) = from.chars().next() else { break };
            write!(out, "\\u{:04x}", u32::from(special))?;
            rest = &from[special.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn text_is_safe_inside_html() {
        let text = |v: &Value| String::from_utf8(compact(v)).unwrap();
        assert_eq!(text(&json!("https://x/?a=1&b=<c>")), r#""https://x/?a=1\u0026b=\u003cc\u003e""#);
        assert_eq!(
            text(&json!({"a<": "\u{2028}\u{2029}é\u{7f}"})),
            "{\"a\\u003c\":\"\\u2028\\u2029é\u{7f}\"}"
        );
        assert_eq!(text(&json!("\u{8}\u{c}\n\r\t\u{1}\"\\")), r#""\b\f\n\r\t\u0001\"\\""#);
    }

    #[test]
    fn empty_collections_stay_on_one_line() {
        let out = indented(&json!({"a": [], "b": {}, "c": [1]}), "  ");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1\n  ]\n}"
        );
    }

    #[test]
    fn maps_are_sorted_and_numbers_are_floats() {
        let value: Value = serde_json::from_str(r#"{"b":{"z":1.0,"A":2.5},"a":[{"y":3,"x":1e3}]}"#).unwrap();
        let out = String::from_utf8(compact(&sorted(value))).unwrap();
        assert_eq!(out, r#"{"a":[{"x":1000,"y":3}],"b":{"A":2.5,"z":1}}"#);
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_markup_stays(text in any::<String>()) {
            let out = compact(&text);
            prop_assert!(!out.iter().any(|b| matches!(b, b'<' | b'>' | b'&')));
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
