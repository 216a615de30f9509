//! Durations in Go's syntax and instants.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// A duration as people wrote it (`1h30m`, `90s`, `0`), which keeps its text.
///
/// Two durations are equal when they are equally long. Go's syntax: an optional sign, then decimal numbers each with a
/// unit of `ns`, `us`, `µs`, `ms`, `s`, `m`, `h`; a bare `0` needs none.
#[derive(Clone, Default)]
pub struct Duration {
    text: String,
    nanos: i64,
}

/// A text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration; write it like 90s, 30m or 1h30m")]
pub struct InvalidDuration(String);

impl Duration {
    /// `seconds` long.
    pub fn from_secs(seconds: i64) -> Self {
        let nanos = seconds.saturating_mul(SECOND);
        Self { text: go_text(nanos), nanos }
    }

    /// Signed length in nanoseconds.
    pub fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The length; zero when negative.
    pub fn as_std(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.nanos).unwrap_or(0))
    }

    /// Whether it is zero, which in timeouts means "none".
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

const SECOND: i64 = 1_000_000_000;

fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    })
}

/// Nanoseconds of a text, `None` when it is malformed or too long for Go (about 292 years).
fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (name, next) = after.split_at(unit_end);
        let scale = i128::from(unit(name)?);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() > 19 || fraction.contains('.') {
            return None;
        }
        if !whole.is_empty() {
            total += whole.parse::<i128>().ok()? * scale;
        }
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let power = 10i128.pow(u32::try_from(fraction.len()).ok()?);
            total += fraction.parse::<i128>().ok()? * scale / power;
        }
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// How Go prints a duration: `1h30m0s`, `1.5s`, `20ms`, `0s`.
fn go_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let fraction = |value: u64, of: u64| {
        let digits = format!("{:0width$}", value % of, width = of.ilog10() as usize);
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { format!("{}", value / of) } else { format!("{}.{digits}", value / of) }
    };
    match n {
        0 => "0s".into(),
        1..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(n, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(n, 1_000_000)),
        _ => {
            let (hours, minutes) = (n / (3600 * second), n / (60 * second) % 60);
            let seconds = fraction(n % (60 * second), second);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, _) => format!("{sign}{minutes}m{seconds}s"),
                _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let nanos = parse(text).ok_or_else(|| InvalidDuration(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), nanos })
    }
}

impl From<std::time::Duration> for Duration {
    /// Lengths beyond Go's range become the longest one.
    fn from(d: std::time::Duration) -> Self {
        let nanos = i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        Self { text: go_text(nanos), nanos }
    }
}

impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Duration {}

impl fmt::Display for Duration {
    /// As Go prints it: `1h30m0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&go_text(self.nanos))
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.text.is_empty() { serializer.collect_str(self) } else { serializer.serialize_str(&self.text) }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A text inside a type that reads itself.
#[derive(serde::Deserialize)]
struct Text(String);

/// An instant, written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub jiff::Timestamp);

impl From<jiff::Timestamp> for Time {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            de::Error::custom(format!("`{text}` is not a time; write it like 2026-01-31T12:00:00Z"))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn go_syntax_is_read_and_written() {
        for (text, canonical) in [
            ("0", "0s"),
            ("1h30m", "1h30m0s"),
            ("90s", "1m30s"),
            ("1ms", "1ms"),
            ("1.5h", "1h30m0s"),
            ("-1s", "-1s"),
            ("1h0m0.25s", "1h0m0.25s"),
            ("1500us", "1.5ms"),
            (".5s", "500ms"),
        ] {
            let d: Duration = text.parse().unwrap();
            assert_eq!(d.to_string(), canonical, "{text}");
            assert_eq!(d.text(), text);
            assert_eq!(canonical.parse::<Duration>().unwrap(), d);
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for bad in ["", "5", "1x", "h", "1h5", ".s", "1..5s", "s1", "1 h", "--1s", "9999999h"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }
}
