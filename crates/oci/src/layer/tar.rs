//! Entries of a tar archive: ustar, GNU and pax.
//!
//! The crate `tar` splits extended headers at newlines, which breaks binary attributes such as file capabilities, and
//! reads long names without a limit; layers come from anywhere, so this reader does neither. Where formats leave room, it
//! reads what Go's `archive/tar` reads, since that is what wrote and what checks most layers.

use std::io::{self, Read};

use super::pax::Records;
use super::sparse::{self, MAX_SEGMENTS, Segment};

const BLOCK: usize = 512;
/// Largest extended header or long name (Go's limit).
const SPECIAL_LIMIT: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Regular file.
    File,
    /// Another name of an earlier file.
    Hardlink,
    /// Symbolic link.
    Symlink,
    /// Character device.
    Char,
    /// Block device.
    Block,
    /// Directory.
    Dir,
    /// Named pipe.
    Fifo,
    /// Anything else, by its type flag.
    Other(u8),
}

/// One entry. Names are bytes as they were written, not checked in any way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it goes.
    pub path: Vec<u8>,
    /// Target of a link.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Modification time, seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Major and minor of a device.
    pub device: (u32, u32),
    /// Extended attributes, in order.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Size of the file, with holes.
    pub size: u64,
    /// Where the stored data goes, when the file has holes.
    pub sparse: Option<Vec<Segment>>,
}

/// Why a tar archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// Reading failed.
    #[error("reading the layer: {0}")]
    Io(#[from] io::Error),
    /// The bytes are not a tar archive.
    #[error("the layer is not a well-formed tar archive: at byte {offset}: {reason}")]
    Malformed {
        /// Where the header starts.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Reads entries one after another. As [`Read`] it gives the stored data of the entry that came last.
pub struct TarReader<R> {
    from: R,
    /// Bytes read so far.
    offset: u64,
    /// Data of the current entry that was not read yet.
    remaining: u64,
    /// Bytes after the data that fill its last block.
    padding: u64,
}

impl<R: Read> TarReader<R> {
    /// Reads an uncompressed archive.
    pub fn new(from: R) -> Self {
        Self { from, offset: 0, remaining: 0, padding: 0 }
    }

    /// What is behind: the archive's end may be followed by padding.
    pub fn into_inner(self) -> R {
        self.from
    }

    /// The next entry; skips what was not read of the one before. `None` at the end.
    ///
    /// # Errors
    /// When reading fails or the archive is malformed.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut records = Records::default();
        let (mut long_name, mut long_link) = (None, None);
        loop {
            self.skip_data()?;
            let at = self.offset;
            let malformed = |reason: &dyn std::fmt::Display| TarError::Malformed {
                offset: at,
                reason: reason.to_string(),
            };
            let Some(block) = self.block()? else { return Ok(None) };
            let header = Header(&block);
            if block.iter().all(|b| *b == 0) {
                return Ok(None);
            }
            header.check_sum().map_err(|e| malformed(&e))?;
            let size = header.number(124, 12).map_err(|e| malformed(&e))?;
            let size = u64::try_from(size).map_err(|_| malformed(&"negative size"))?;
            match header.flag() {
                flag @ (b'x' | b'X' | b'g' | b'L' | b'K') => {
                    self.begin_data(size).map_err(|e| malformed(&e))?;
                    if size > SPECIAL_LIMIT {
                        return Err(malformed(&format!(
                            "an extended header of {size} bytes (at most 1 MiB)"
                        )));
                    }
                    let mut data = Vec::new();
                    self.read_to_end(&mut data)?;
                    match flag {
                        b'x' | b'X' => records.add(&data).map_err(|e| malformed(&e))?,
                        b'L' => long_name = Some(until_nul(&data).to_vec()),
                        b'K' => long_link = Some(until_nul(&data).to_vec()),
                        // Global headers carry comments (git archive); Go ignores them too.
                        _ => {}
                    }
                }
                _ => {
                    let mut entry = header.entry(&records).map_err(|e| malformed(&e))?;
                    entry.path = long_name.or(records.path.take()).unwrap_or(entry.path);
                    // Before ustar a slash at the end was the only sign of a directory.
                    if header.flag() == 0 && entry.path.ends_with(b"/") {
                        entry.kind = Kind::Dir;
                    }
                    entry.link = long_link.or(records.link.take()).unwrap_or(entry.link);
                    entry.xattrs = std::mem::take(&mut records.xattrs);
                    // Types without data have none, whatever the size field says.
                    let has_data = matches!(entry.kind, Kind::File | Kind::Other(_));
                    let stored = if has_data { records.size.unwrap_or(size) } else { 0 };
                    self.begin_data(stored).map_err(|e| malformed(&e))?;
                    entry.size = stored;
                    self.read_sparse_map(&header, &mut records, &mut entry)?;
                    return Ok(Some(entry));
                }
            }
        }
    }

    fn read_sparse_map(
        &mut self,
        header: &Header<'_>,
        records: &mut Records,
        entry: &mut Entry,
    ) -> Result<(), TarError> {
        let at = self.offset;
        let malformed = |reason: &str| TarError::Malformed { offset: at, reason: reason.to_owned() };
        if let Some(name) = records.sparse.name.take() {
            entry.path = name;
        }
        let (map, real_size) = if header.flag() == b'S' {
            let real_size = header.number(483, 12).ok().and_then(|n| u64::try_from(n).ok());
            (self.old_sparse_map(header)?, real_size)
        } else if records.sparse.major == Some(1) && entry.kind == Kind::File {
            (self.leading_sparse_map()?, records.sparse.real_size)
        } else if let Some(map) = records.sparse.map.take() {
            (map, records.sparse.real_size)
        } else {
            return Ok(());
        };
        let real_size = real_size.ok_or_else(|| malformed("a sparse file without its size"))?;
        sparse::check(&map, self.remaining, real_size).map_err(malformed)?;
        entry.size = real_size;
        entry.sparse = Some(map);
        Ok(())
    }

    /// The map of the old GNU format: 4 segments in the header, more in blocks behind it, which the size does not count.
    fn old_sparse_map(&mut self, header: &Header<'_>) -> Result<Vec<Segment>, TarError> {
        let mut map = Vec::new();
        let mut more = header.0[482] != 0;
        self.old_segments(&header.0[386..482], &mut map)?;
        while more {
            let Some(block) = self.block()? else {
                return Err(self.malformed("the archive ends in a sparse map"));
            };
            self.old_segments(&block[..504], &mut map)?;
            more = block[504] != 0;
        }
        Ok(map)
    }

    fn old_segments(&self, fields: &[u8], map: &mut Vec<Segment>) -> Result<(), TarError> {
        for pair in fields.chunks_exact(24).take_while(|pair| pair[0] != 0) {
            let field = |bytes| number(bytes).ok().and_then(|n| u64::try_from(n).ok());
            let (Some(offset), Some(length)) = (field(&pair[..12]), field(&pair[12..])) else {
                return Err(self.malformed("a sparse map with something else than numbers"));
            };
            if map.len() == MAX_SEGMENTS {
                return Err(self.malformed("a sparse map of too many pieces"));
            }
            map.push(Segment { offset, length });
        }
        Ok(())
    }

    /// The map of pax 1.0: decimal lines before the data, filled up to a block.
    fn leading_sparse_map(&mut self) -> Result<Vec<Segment>, TarError> {
        let before = self.remaining;
        let count = self.line()?;
        if count > MAX_SEGMENTS as u64 {
            return Err(self.malformed("a sparse map of too many pieces"));
        }
        let mut map = Vec::new();
        for _ in 0..count {
            map.push(Segment { offset: self.line()?, length: self.line()? });
        }
        let used = before - self.remaining;
        let fill = used.next_multiple_of(BLOCK as u64) - used;
        io::copy(&mut self.take(fill), &mut io::sink())?;
        Ok(map)
    }

    fn line(&mut self) -> Result<u64, TarError> {
        let mut value: u64 = 0;
        for digits in 0..21 {
            let mut byte = [0];
            if self.read(&mut byte)? == 0 {
                break;
            }
            match byte[0] {
                b'\n' if digits > 0 => return Ok(value),
                b @ b'0'..=b'9' => {
                    let next = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(b - b'0')));
                    value = next.ok_or_else(|| self.malformed("a sparse map out of range"))?;
                }
                _ => break,
            }
        }
        Err(self.malformed("a sparse map with something else than numbers"))
    }

    fn begin_data(&mut self, size: u64) -> Result<(), &'static str> {
        let whole = size.checked_next_multiple_of(BLOCK as u64).ok_or("size out of range")?;
        self.remaining = size;
        self.padding = whole - size;
        Ok(())
    }

    fn skip_data(&mut self) -> Result<(), TarError> {
        io::copy(self, &mut io::sink())?;
        let skipped = io::copy(&mut (&mut self.from).take(self.padding), &mut io::sink())?;
        self.offset += skipped;
        if skipped < self.padding {
            return Err(self.malformed("the archive is cut off"));
        }
        self.padding = 0;
        Ok(())
    }

    /// One block, `None` when the archive ends before it.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            match self.from.read(&mut block[have..]) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(self.malformed("the archive is cut off")),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.offset += BLOCK as u64;
        Ok(Some(block))
    }

    fn malformed(&self, reason: &str) -> TarError {
        TarError::Malformed { offset: self.offset, reason: reason.to_owned() }
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.from.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut off"));
        }
        self.remaining -= n as u64;
        self.offset += n as u64;
        Ok(n)
    }
}

/// The fields of a header block, by offset.
struct Header<'a>(&'a [u8; BLOCK]);

impl Header<'_> {
    fn flag(&self) -> u8 {
        self.0[156]
    }

    fn number(&self, at: usize, length: usize) -> Result<i64, String> {
        number(&self.0[at..at + length])
    }

    fn check_sum(&self) -> Result<(), String> {
        let expected = self.number(148, 8)?;
        let bytes = self.0.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { b' ' } else { *b });
        let unsigned: i64 = bytes.clone().map(i64::from).sum();
        // Some old writers added signed bytes.
        let signed: i64 = bytes.map(|b| i64::from(b.cast_signed())).sum();
        if expected == unsigned || expected == signed { Ok(()) } else { Err("wrong check sum".to_owned()) }
    }

    /// The entry as far as this block and the records' numbers say.
    fn entry(&self, records: &Records) -> Result<Entry, String> {
        let mut path = until_nul(&self.0[..100]).to_vec();
        if &self.0[257..263] == b"ustar\0" {
            let end = if &self.0[508..512] == b"tar\0" { 345 + 131 } else { 500 };
            let prefix = until_nul(&self.0[345..end]);
            if !prefix.is_empty() {
                path = [prefix, b"/", &path].concat();
            }
        }
        let kind = match self.flag() {
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'1' => Kind::Hardlink,
            b'2' => Kind::Symlink,
            b'3' => Kind::Char,
            b'4' => Kind::Block,
            b'5' => Kind::Dir,
            b'6' => Kind::Fifo,
            other => Kind::Other(other),
        };
        let field = |at, length, what| {
            self.number(at, length).and_then(|n| u64::try_from(n).map_err(|_| format!("negative {what}")))
        };
        let device = |at| field(at, 8, "device").and_then(|n| u32::try_from(n).map_err(|e| e.to_string()));
        let is_device = matches!(kind, Kind::Char | Kind::Block);
        Ok(Entry {
            path,
            link: until_nul(&self.0[157..257]).to_vec(),
            kind,
            mode: u32::try_from(self.number(100, 8)? & 0o7777).expect("twelve bits fit"),
            uid: records.uid.map_or_else(|| field(108, 8, "owner"), Ok)?,
            gid: records.gid.map_or_else(|| field(116, 8, "group"), Ok)?,
            mtime: records.mtime.map_or_else(|| self.number(136, 12).map(|s| (s, 0)), Ok)?,
            device: if is_device { (device(329)?, device(337)?) } else { (0, 0) },
            xattrs: Vec::new(),
            size: 0,
            sparse: None,
        })
    }
}

/// Octal text, or with the high bit set a big-endian two's complement number.
fn number(field: &[u8]) -> Result<i64, String> {
    if field[0] & 0x80 != 0 {
        let negative = field[0] & 0x40 != 0;
        let mut value: i64 = if negative { -1 } else { 0 };
        for (i, byte) in field.iter().enumerate() {
            // The high bit is the marker, not a digit; the bit below it gives the sign.
            let byte = match (i, negative) {
                (0, false) => byte & 0x7f,
                (0, true) => byte | 0x80,
                _ => *byte,
            };
            let next = value.checked_mul(256).ok_or("number out of range")?;
            value = next | i64::from(byte);
        }
        return Ok(value);
    }
    let text: &[u8] = until_nul(field).trim_ascii();
    if text.is_empty() {
        return Ok(0);
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| i64::from_str_radix(text, 8).ok())
        .ok_or_else(|| format!("`{}` is not an octal number", text.escape_ascii()))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|b| *b == 0).map_or(bytes, |end| &bytes[..end])
}

#[cfg(test)]
mod tests;
