//! Extended header records of a tar entry (POSIX.1-2001 pax): `LENGTH KEY=VALUE\n`, where values may hold any byte.

use super::sparse::Segment;

/// What extended headers said about the next entry; `None` where they said nothing.
#[derive(Debug, Default)]
pub struct Records {
    /// `path`.
    pub path: Option<Vec<u8>>,
    /// `linkpath`.
    pub link: Option<Vec<u8>>,
    /// `size`, bytes of stored data.
    pub size: Option<u64>,
    /// `uid`.
    pub uid: Option<u64>,
    /// `gid`.
    pub gid: Option<u64>,
    /// `mtime`, seconds and nanoseconds.
    pub mtime: Option<(i64, u32)>,
    /// `SCHILY.xattr.NAME`.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// `GNU.sparse.*`.
    pub sparse: Sparse,
}

/// The `GNU.sparse.*` records (GNU tar manual, "Storing Sparse Files").
#[derive(Debug, Default)]
pub struct Sparse {
    /// `major`, only 1 is defined; with it the map is before the data.
    pub major: Option<u64>,
    /// `name`, the real path.
    pub name: Option<Vec<u8>>,
    /// `realsize` or `size`.
    pub real_size: Option<u64>,
    /// `map`, or pairs of `offset` and `numbytes`.
    pub map: Option<Vec<Segment>>,
    /// An `offset` whose `numbytes` has not come yet.
    offset: Option<u64>,
}

impl Records {
    /// Adds the records of one extended header; later ones win, an empty value takes an earlier one back.
    ///
    /// # Errors
    /// A sentence fragment that says what is malformed.
    pub fn add(&mut self, mut data: &[u8]) -> Result<(), String> {
        // Padding after the last record is tolerated, as GNU tar does.
        while data.first().is_some_and(|b| *b != 0) {
            let (record, rest) = split_record(data).ok_or("malformed extended header record")?;
            data = rest;
            let equals =
                record.iter().position(|b| *b == b'=').ok_or("extended header record without `=`")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            self.set(key, value)
                .map_err(|reason| format!("extended header `{}`: {reason}", String::from_utf8_lossy(key)))?;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        match key {
            b"path" => self.path = name(value)?,
            b"linkpath" => self.link = name(value)?,
            b"size" => self.size = number(value)?,
            b"uid" => self.uid = number(value)?,
            b"gid" => self.gid = number(value)?,
            b"mtime" => {
                self.mtime =
                    if value.is_empty() { None } else { Some(timestamp(value).ok_or("not a time")?) };
            }
            b"GNU.sparse.major" => self.sparse.major = number(value)?,
            b"GNU.sparse.name" => self.sparse.name = name(value)?,
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse.real_size = number(value)?,
            b"GNU.sparse.offset" => self.sparse.offset = number(value)?,
            b"GNU.sparse.numbytes" => {
                let offset = self.sparse.offset.take().ok_or("without GNU.sparse.offset")?;
                let length = number(value)?.ok_or("is empty")?;
                self.sparse.map.get_or_insert_default().push(Segment { offset, length });
            }
            b"GNU.sparse.map" => {
                let numbers: Vec<u64> = value
                    .split(|b| *b == b',')
                    .filter(|n| !n.is_empty())
                    .map(|n| number(n)?.ok_or("is empty"))
                    .collect::<Result<_, _>>()?;
                let (pairs, rest) = numbers.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err("odd number of numbers");
                }
                let segment = |&[offset, length]: &[u64; 2]| Segment { offset, length };
                self.sparse.map = Some(pairs.iter().map(segment).collect());
            }
            _ => {
                if let Some(attribute) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.retain(|(earlier, _)| earlier != attribute);
                    self.xattrs.push((attribute.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// The first record without length and newline, and what follows it.
fn split_record(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = data.iter().take(20).position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
    if length < space + 2 || length > data.len() || data[length - 1] != b'\n' {
        return None;
    }
    Some((&data[space + 1..length - 1], &data[length..]))
}

fn name(value: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    if value.contains(&0) {
        return Err("a name with a NUL byte");
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

fn number(value: &[u8]) -> Result<Option<u64>, &'static str> {
    if value.is_empty() {
        return Ok(None);
    }
    std::str::from_utf8(value).ok().and_then(|t| t.parse().ok()).map(Some).ok_or("not a number")
}

/// `1700000000.123456789`, perhaps negative; more digits than nanoseconds are cut.
fn timestamp(value: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = seconds.starts_with('-');
    let seconds: i64 = seconds.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{:0<9.9}", fraction).parse::<u32>().ok()?;
    // Before 1970 the fraction points back: -1.25 is 750 ms after -2.
    Some(match (negative, nanoseconds) {
        (true, 1..) => (seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds),
        _ => (seconds, nanoseconds),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_may_hold_newlines_and_equal_signs() {
        let mut records = Records::default();
        records.add(b"29 SCHILY.xattr.user.a=x\n=\ny\n12 path=a=b\n").unwrap();
        assert_eq!(records.xattrs, [(b"user.a".to_vec(), b"x\n=\ny".to_vec())]);
        assert_eq!(records.path.as_deref(), Some(&b"a=b"[..]));
    }

    #[test]
    fn times_have_nanoseconds_and_signs() {
        assert_eq!(timestamp(b"12"), Some((12, 0)));
        assert_eq!(timestamp(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(timestamp(b"12.1234567899"), Some((12, 123_456_789)));
        assert_eq!(timestamp(b"-1.25"), Some((-2, 750_000_000)));
        assert_eq!(timestamp(b"-0.5"), Some((-1, 500_000_000)));
        assert_eq!(timestamp(b"1.x"), None);
        assert_eq!(timestamp(b""), None);
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [
            &b"5 a=b\n"[..],
            b"7 a=b\n",
            b"99999999999999999999999 a=b\n",
            b"-1 a=b\n",
            b"4 ab\n",
            b"5 ab\n",
            b"11 path=\0b\n",
            b"9 size=x\n",
            b"25 GNU.sparse.numbytes=1\n",
            b"23 GNU.sparse.map=1,2,3\n",
        ] {
            assert!(Records::default().add(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
