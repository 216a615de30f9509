//! When to try again: backoff with jitter, and what `Retry-After` says.

use std::time::Duration;

use jiff::Timestamp;

/// How often and how patiently failed requests are repeated: broken connections, 429 and 5xx answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries altogether, at least 1.
    pub attempts: u32,
    /// Pause after the first failure; it doubles with every further one.
    pub first_pause: Duration,
    /// No pause is longer, whatever the registry asks for.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// Five tries, pauses of about 0.5, 1, 2 and 4 seconds.
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(500), longest_pause: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// The pause after so many failures (from 1): between half and all of the doubled pause, so that many clients that failed
    /// together do not come back together; at least what the registry asked for.
    pub(super) fn pause(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self
            .first_pause
            .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let jittered = doubled.min(self.longest_pause).mul_f64(0.5 + fastrand::f64() / 2.0);
        jittered.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

/// Reads `Retry-After`: seconds or a date (RFC 9110 §10.2.3).
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let policy = RetryPolicy {
            attempts: 9,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(1),
        };
        for (failures, most) in [(1, 100), (2, 200), (4, 800), (5, 1000), (60, 1000)] {
            let pause = policy.pause(failures, None).as_millis();
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause} ms");
        }
        assert_eq!(policy.pause(1, Some(Duration::from_millis(300))), Duration::from_millis(300));
        assert_eq!(policy.pause(1, Some(Duration::from_secs(3600))), policy.longest_pause);
    }

    #[test]
    fn registries_ask_in_two_forms() {
        let now: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:29:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
