//! The type of a plain scalar, as go-yaml v2 (which the Kubernetes tools use) sees it.
//!
//! YAML 1.1 without its base-60 numbers; dates stay strings. Go's integer syntax: `0x1f`, `0o17`, `017`, `0b11`,
//! with underscores anywhere.

use super::node::{Kind, Number};

/// A scalar that has no JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotJson;

/// Types the text of a plain scalar without a tag.
pub(super) fn plain(text: &str) -> Result<Kind, NotJson> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Kind::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Kind::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Kind::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => return Err(NotJson),
        _ => {}
    }
    let number = match text.as_bytes()[0] {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' => {
            let text = text.replace('_', "");
            integer(&text).or_else(|| float(&text))
        }
        _ => None,
    };
    match number {
        Some(Number::Float(f)) if !f.is_finite() => Ok(Kind::String(text.to_owned())),
        Some(number) => Ok(Kind::Number(number)),
        None => Ok(Kind::String(text.to_owned())),
    }
}

fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(n)) => Some(Number::Int(n)),
        // Go parses what has a plus sign only as a signed number.
        (false, Err(_)) if !text.starts_with('+') => Some(Number::Unsigned(magnitude)),
        (true, _) => 0i64.checked_sub_unsigned(magnitude).map(Number::Int),
        _ => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    if !has_digits || !digits(whole) || !digits(fraction) || !exponent_fits {
        return None;
    }
    text.parse().ok().map(Number::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(n: i64) -> Result<Kind, NotJson> {
        Ok(Kind::Number(Number::Int(n)))
    }

    fn real(n: f64) -> Result<Kind, NotJson> {
        Ok(Kind::Number(Number::Float(n)))
    }

    #[test]
    fn scalars_are_typed_as_kubernetes_tools_do() {
        for (text, kind) in [
            ("yes", Ok(Kind::Bool(true))),
            ("Off", Ok(Kind::Bool(false))),
            ("y", Ok(Kind::Bool(true))),
            ("~", Ok(Kind::Null)),
            ("0755", int(493)),
            ("0o17", int(15)),
            ("0x1F", int(31)),
            ("-0b11", int(-3)),
            ("1_000", int(1000)),
            ("08", real(8.0)),
            ("1e3", real(1000.0)),
            ("1.", real(1.0)),
            (".5", real(0.5)),
            ("-1.5E-2", real(-0.015)),
            ("9223372036854775808", Ok(Kind::Number(Number::Unsigned(1 << 63)))),
            ("-9223372036854775808", int(i64::MIN)),
            ("99999999999999999999", real(1e20)),
            (".inf", Err(NotJson)),
        ] {
            assert_eq!(plain(text), kind, "{text}");
        }
    }

    #[test]
    fn what_looks_like_more_stays_a_string() {
        for text in [
            "=",
            "<",
            "2020-01-01",
            "1:30",
            "yEs",
            "NUll",
            "1e",
            "0x",
            "+",
            "-",
            ".",
            "1.2.3",
            "v1",
            "4h0m0s",
            "0b2",
            "1e999",
            "é",
        ] {
            assert_eq!(plain(text), Ok(Kind::String(text.into())), "{text}");
        }
    }
}
