//! The content of files, with holes where the layer has them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::layer::tar::Entry;

/// Writes what `data` gives for this entry.
pub(super) fn write(file: &mut File, entry: &Entry, data: &mut impl Read) -> io::Result<()> {
    let Some(map) = &entry.sparse else { return copy(file, data) };
    for segment in map {
        file.seek(SeekFrom::Start(segment.offset))?;
        copy(file, &mut data.by_ref().take(segment.length))?;
    }
    file.set_len(entry.size)
}

/// Copies everything. Read errors keep their inner error, so that they can be told from those of the file system.
fn copy(file: &mut File, data: &mut impl Read) -> io::Result<()> {
    let mut buffer = [0; 64 << 10];
    loop {
        match data.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => file.write_all(&buffer[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.get_ref().is_some() => return Err(e),
            Err(e) => return Err(io::Error::new(e.kind(), e.to_string())),
        }
    }
}
