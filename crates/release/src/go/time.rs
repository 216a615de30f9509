//! Times as Go's `time.Time` has them in JSON.

use jiff::{Timestamp, Unit};

/// RFC 3339 in UTC, whole seconds (the rest is cut off): `2026-11-22T09:24:44Z`.
pub fn seconds(at: Timestamp) -> String {
    let whole = at.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor));
    whole.unwrap_or(at).to_string()
}

/// A time as Go writes it again after reading it: zeros at the end of the fraction are dropped.
///
/// A missing time is Go's zero time.
pub fn rewritten(text: Option<&str>) -> String {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return "0001-01-01T00:00:00Z".to_owned() };
    let Some((whole, rest)) = text.split_once('.') else { return text.to_owned() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at(digits);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{zone}"),
        fraction => format!("{whole}.{fraction}{zone}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn seconds_are_cut_not_rounded() {
        assert_eq!(seconds("2026-11-22T09:24:44.999999999Z".parse().unwrap()), "2026-11-22T09:24:44Z");
        assert_eq!(seconds("2026-11-22T09:24:44Z".parse().unwrap()), "2026-11-22T09:24:44Z");
    }

    #[test]
    fn fractions_lose_their_zeros() {
        assert_eq!(rewritten(Some("2026-01-02T03:04:05.120Z")), "2026-01-02T03:04:05.12Z");
        assert_eq!(rewritten(Some("2026-01-02T03:04:05.000+02:00")), "2026-01-02T03:04:05+02:00");
        assert_eq!(rewritten(Some("2026-01-02T03:04:05Z")), "2026-01-02T03:04:05Z");
        assert_eq!(rewritten(None), "0001-01-01T00:00:00Z");
    }
}
