//! Byte ranges: what part of a blob is wanted, what part of a blob a chunk is.

/// What a `Range` header asks of content of a known size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: no range, or one that is not understood (RFC 9110 §14.2 lets a server ignore it).
    All,
    /// The bytes from `start` on, `length` of them; never empty.
    Part { start: u64, length: u64 },
    /// Nothing of it lies within the content.
    Unsatisfiable,
}

/// Reads a `Range` header (RFC 9110 §14.2). Several ranges at once are answered with the whole content.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|h| h.trim().strip_prefix("bytes=")) else { return Wanted::All };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::All };
    let (first, last) = (first.trim(), last.trim());
    let (start, end) = match (number(first), number(last)) {
        // `-N`: the last N bytes.
        (None, Some(0)) if first.is_empty() => return Wanted::Unsatisfiable,
        (None, Some(n)) if first.is_empty() => (size.saturating_sub(n), size),
        (Some(start), None) if last.is_empty() => (start, size),
        (Some(start), Some(last)) if last >= start => (start, size.min(last.saturating_add(1))),
        _ => return Wanted::All,
    };
    if start >= end { Wanted::Unsatisfiable } else { Wanted::Part { start, length: end - start } }
}

/// Reads the `Content-Range` of a chunk, `START-END` with END included (distribution specification, "Pushing a blob in
/// chunks"); `bytes START-END/TOTAL` is taken too. Gives start and length.
pub(super) fn chunk(header: &str) -> Option<(u64, u64)> {
    let range = header.trim().trim_start_matches("bytes").trim_start_matches([' ', '=']);
    let (start, end) = range.split('/').next()?.split_once('-')?;
    let (start, end) = (number(start.trim())?, number(end.trim())?);
    Some((start, end.checked_sub(start)?.checked_add(1)?))
}

/// Digits only: `parse` alone would take `+5`.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ten_bytes() {
        let part = |start, length| Wanted::Part { start, length };
        for (header, expected) in [
            ("bytes=0-3", part(0, 4)),
            ("bytes=4-", part(4, 6)),
            ("bytes=9-9", part(9, 1)),
            ("bytes=5-99", part(5, 5)),
            ("bytes=-4", part(6, 4)),
            ("bytes=-99", part(0, 10)),
            ("bytes=0-18446744073709551615", part(0, 10)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-20", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-4", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=", Wanted::All),
            ("items=0-1", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::All);
        assert_eq!(wanted(Some("bytes=0-0"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn chunks_include_their_end() {
        assert_eq!(chunk("0-9"), Some((0, 10)));
        assert_eq!(chunk("bytes 10-10/20"), Some((10, 1)));
        for bad in ["", "5", "9-0", "-5", "a-b", "0-18446744073709551615", "1-+2"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
    }
    proptest::proptest! {
        #[test]
        fn parts_lie_within(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 0_u64..1 << 40) {
            if let Wanted::Part { start, length } = wanted(Some(&header), size) {
                proptest::prop_assert!(length > 0 && start + length <= size, "{start} {length}");
            }
        }

        #[test]
        fn anything_is_read(header in "\\PC{0,40}") {
            wanted(Some(&header), 10);
            chunk(&header);
        }
    }
}
