//! Layers that are the same bytes whenever they are made.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base::{Digest, Hasher};
use tar::{Builder, EntryType, Header};

use crate::manifest::Descriptor;
use crate::media::Compression;

/// Writes a layer entry by entry. Owner is root, times are one given time, gzip headers say nothing; so the same entries
/// give the same bytes (with the same version of the compressor).
pub struct LayerWriter<W: Write> {
    tar: Builder<Tee<W>>,
    compression: Compression,
    mtime: u64,
}

/// A finished layer.
#[derive(Debug)]
pub struct FinishedLayer<W> {
    /// Where it was written to.
    pub out: W,
    /// Type, digest and size of what was written.
    pub descriptor: Descriptor,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
}

impl<W: Write> LayerWriter<W> {
    /// Starts a layer with all times `mtime` (seconds since 1970, `SOURCE_DATE_EPOCH`).
    ///
    /// # Errors
    /// When the compressor cannot be made.
    pub fn new(out: W, compression: Compression, mtime: u64) -> io::Result<Self> {
        let out = Counted { out, hasher: Hasher::new(), size: 0 };
        let encoder = match compression {
            Compression::None => Encoder::Plain(out),
            // Operating system 255 is "unknown"; without a time in the header the same input gives the same bytes.
            Compression::Gzip => Encoder::Gzip(
                flate2::GzBuilder::new()
                    .mtime(0)
                    .operating_system(255)
                    .write(out, flate2::Compression::new(6)),
            ),
            Compression::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(out, 3)?),
        };
        Ok(Self { tar: Builder::new(Tee { encoder, hasher: Hasher::new() }), compression, mtime })
    }

    /// A directory; `path` is relative to the root.
    ///
    /// # Errors
    /// When writing fails or the path has `..`.
    pub fn dir(&mut self, path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, mode, 0);
        // The slash at the end is what tar archives have.
        let path = path.as_ref().join("");
        self.tar.append_data(&mut header, path, io::empty())
    }

    /// A file with this content.
    ///
    /// # Errors
    /// When writing fails or the path has `..`.
    pub fn file(&mut self, path: impl AsRef<Path>, mode: u32, content: &[u8]) -> io::Result<()> {
        self.file_from(path, mode, content.len() as u64, content)
    }

    /// A file with `size` bytes from `content`.
    ///
    /// # Errors
    /// When reading or writing fails, `content` ends early, or the path has `..`.
    pub fn file_from(
        &mut self,
        path: impl AsRef<Path>,
        mode: u32,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode, size);
        let mut content = Exactly { from: content, left: size };
        self.tar.append_data(&mut header, path, &mut content)
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// When writing fails or the path has `..`.
    pub fn symlink(&mut self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> io::Result<()> {
        let mut header = self.header(EntryType::Symlink, 0o777, 0);
        self.tar.append_link(&mut header, path, target)
    }

    /// Hides `path` of the layers below.
    ///
    /// # Errors
    /// When writing fails or the path has no name.
    pub fn whiteout(&mut self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut marker = std::ffi::OsString::from(".wh.");
        marker.push(name);
        self.file(path.with_file_name(marker), 0o644, b"")
    }

    /// All directories, files and symlinks below `from`, sorted, at `at`; modes become 0755 or, for files that nobody may
    /// execute, 0644. `from` itself becomes `at`, unless that is empty (the root).
    ///
    /// # Errors
    /// When reading or writing fails, or there is something else than these three kinds.
    pub fn tree(&mut self, from: &Path, at: &Path) -> io::Result<()> {
        if !at.as_os_str().is_empty() {
            self.dir(at, 0o755)?;
        }
        let mut entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.file_name().as_bytes().cmp(b.file_name().as_bytes()));
        for entry in entries {
            let (path, at) = (entry.path(), at.join(entry.file_name()));
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() {
                self.tree(&path, &at)?;
            } else if metadata.is_symlink() {
                self.symlink(at, fs::read_link(&path)?)?;
            } else if metadata.is_file() {
                let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
                self.file_from(at, mode, metadata.len(), File::open(&path)?)?;
            } else {
                let message = format!("{} is neither file, directory nor symlink", path.display());
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        }
        Ok(())
    }

    /// Writes the end of the archive.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> io::Result<FinishedLayer<W>> {
        let Tee { encoder, hasher } = self.tar.into_inner()?;
        let mut counted = match encoder {
            Encoder::Plain(out) => out,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
        };
        counted.flush()?;
        let descriptor =
            Descriptor::new(self.compression.layer_type(), counted.hasher.finish(), counted.size);
        Ok(FinishedLayer { out: counted.out, descriptor, diff_id: hasher.finish() })
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header
    }
}

enum Encoder<W: Write> {
    Plain(Counted<W>),
    Gzip(flate2::write::GzEncoder<Counted<W>>),
    Zstd(zstd::stream::write::Encoder<'static, Counted<W>>),
}

/// Hashes the tar before it is compressed.
struct Tee<W: Write> {
    encoder: Encoder<W>,
    hasher: Hasher,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = match &mut self.encoder {
            Encoder::Plain(out) => out.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Flushing a compressor ends a block, which would make the bytes depend on when it happened.
        Ok(())
    }
}

/// Hashes and counts what comes out.
struct Counted<W> {
    out: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Gives exactly as many bytes as the header says, so that a file that changes meanwhile cannot garble the archive.
struct Exactly<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.from.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        self.left -= n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::layer::LayerReader;
    use crate::layer::tar::{Kind, TarReader};

    fn write(compression: Compression) -> FinishedLayer<Vec<u8>> {
        let mut writer = LayerWriter::new(Vec::new(), compression, 1_700_000_000).unwrap();
        writer.dir("etc", 0o755).unwrap();
        writer.file("etc/motd", 0o644, b"hello\n").unwrap();
        writer.file("x/".repeat(80) + "long", 0o755, b"").unwrap();
        writer.symlink("etc/link", "motd").unwrap();
        writer.whiteout("etc/gone").unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn the_same_entries_give_the_same_bytes_that_read_back() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let layer = write(compression);
            assert_eq!(layer.out, write(compression).out);
            assert_eq!(layer.descriptor, Descriptor::of(compression.layer_type(), &layer.out));
            let reader = LayerReader::new(&layer.out[..], &layer.descriptor.media_type, 1 << 20).unwrap();
            assert_eq!(reader.compression(), compression);
            let mut tar = TarReader::new(reader);
            let mut names = Vec::new();
            while let Some(entry) = tar.next_entry().unwrap() {
                assert_eq!((entry.uid, entry.gid, entry.mtime), (0, 0, (1_700_000_000, 0)));
                names.push((entry.kind, String::from_utf8(entry.path).unwrap()));
            }
            assert_eq!(names[0], (Kind::Dir, "etc/".to_owned()));
            assert_eq!(names[2].1.len(), 164);
            assert_eq!(names[4], (Kind::File, "etc/.wh.gone".to_owned()));
            assert_eq!(tar.into_inner().finish().unwrap().0, layer.diff_id);
        }
    }

    #[test]
    fn a_tree_is_sorted_and_its_modes_are_plain() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("b/run"), "x").unwrap();
        fs::set_permissions(dir.path().join("b/run"), PermissionsExt::from_mode(0o710)).unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        fs::set_permissions(dir.path().join("a"), PermissionsExt::from_mode(0o600)).unwrap();
        let mut writer = LayerWriter::new(Vec::new(), Compression::None, 0).unwrap();
        writer.tree(dir.path(), Path::new("manifests")).unwrap();
        let layer = writer.finish().unwrap();
        let mut tar = TarReader::new(&layer.out[..]);
        let mut found = Vec::new();
        while let Some(entry) = tar.next_entry().unwrap() {
            found.push((String::from_utf8(entry.path).unwrap(), entry.mode));
        }
        let expected = [
            ("manifests/", 0o755),
            ("manifests/a", 0o644),
            ("manifests/b/", 0o755),
            ("manifests/b/run", 0o755),
        ];
        assert_eq!(found, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let mut writer = LayerWriter::new(Vec::new(), Compression::None, 0).unwrap();
        assert!(writer.file_from("a", 0o644, 5, &b"123"[..]).is_err());
        assert!(writer.file("../a", 0o644, b"").is_err());
    }
}
