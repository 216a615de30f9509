//! Files with holes in a tar archive (GNU tar manual, "Storing Sparse Files": the old format and pax 0.0, 0.1, 1.0).

/// A piece of a sparse file that has data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where in the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// Most segments of one file; what a map may cost in memory.
pub const MAX_SEGMENTS: usize = 1 << 20;

/// Largest file that a map may describe. Holes cost nothing, but file systems have an end.
const MAX_REAL_SIZE: u64 = 1 << 44;

/// Checks a map: ascending, within the file, and as much data as is stored.
///
/// # Errors
/// A sentence fragment that says what is wrong.
pub fn check(map: &[Segment], stored: u64, real_size: u64) -> Result<(), &'static str> {
    if real_size > MAX_REAL_SIZE {
        return Err("a sparse file of more than 16 TiB");
    }
    let mut end = 0;
    let mut data: u64 = 0;
    for segment in map {
        if segment.offset < end {
            return Err("a sparse map that is not in order");
        }
        end = segment.offset.checked_add(segment.length).ok_or("a sparse map out of range")?;
        data += segment.length;
        if end > real_size {
            return Err("a sparse map beyond the end of the file");
        }
    }
    if data != stored {
        return Err("a sparse map that does not fit the data");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_checked() {
        let map = |pairs: &[(u64, u64)]| -> Vec<Segment> {
            pairs.iter().map(|&(offset, length)| Segment { offset, length }).collect()
        };
        assert_eq!(check(&map(&[(0, 5), (10, 5), (20, 0)]), 10, 20), Ok(()));
        assert!(check(&map(&[(10, 5), (0, 5)]), 10, 20).is_err());
        assert!(check(&map(&[(0, 5), (4, 5)]), 10, 20).is_err());
        assert!(check(&map(&[(0, 5)]), 6, 20).is_err());
        assert!(check(&map(&[(18, 5)]), 5, 20).is_err());
        assert!(check(&map(&[(u64::MAX, 5)]), 5, 20).is_err());
        assert!(check(&[], 0, u64::MAX).is_err());
    }
}
