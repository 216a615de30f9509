//! Bytes and durations as people read them.

use std::time::Duration;

/// `1.5 MiB`: three significant digits, binary units.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match (unit, value) {
        (0, _) => format!("{n} B"),
        (_, v) if v < 10.0 => format!("{v:.2} {}", UNITS[unit]),
        (_, v) if v < 100.0 => format!("{v:.1} {}", UNITS[unit]),
        (_, v) => format!("{v:.0} {}", UNITS[unit]),
    }
}

/// `340ms`, `12.3s`, `4m05s`, `1h02m`.
pub fn duration(d: Duration) -> String {
    let seconds = d.as_secs();
    match seconds {
        0 => format!("{}ms", d.as_millis()),
        1..60 => format!("{:.1}s", d.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable() {
        assert_eq!(
            [0, 1023, 1024, 15_000_000, 1 << 40].map(bytes),
            ["0 B", "1023 B", "1.00 KiB", "14.3 MiB", "1.00 TiB"]
        );
        let d = |ms| duration(Duration::from_millis(ms));
        assert_eq!([d(7), d(12_340), d(245_000), d(3_720_000)], ["7ms", "12.3s", "4m05s", "1h02m"]);
    }
}
