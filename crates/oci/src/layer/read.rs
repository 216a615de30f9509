//! Decompresses a layer and computes its diff id on the way.

use std::io::{self, Read};

use base::{Digest, Hasher};

use crate::media::Compression;

/// The uncompressed tar of a layer; hashes what is read.
pub struct LayerReader<'a> {
    tar: Box<dyn Read + 'a>,
    compression: Compression,
    hasher: Hasher,
    bytes: u64,
    limit: u64,
}

/// More than was allowed came out of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the layer unpacks to more than {} ({limit} bytes), which is the limit", base::size::bytes(*limit))]
pub struct TooLarge {
    /// Bytes of uncompressed tar.
    pub limit: u64,
}

impl<'a> LayerReader<'a> {
    /// Reads a layer. `media_type` must be one of a layer; how it is compressed is taken from the first bytes, because
    /// tools exist that get the type wrong, and the diff id verifies the outcome anyway. At most `limit` bytes come out.
    ///
    /// # Errors
    /// When the type is not one of a layer, or reading fails.
    pub fn new(mut from: impl Read + 'a, media_type: &str, limit: u64) -> io::Result<Self> {
        if Compression::of(media_type).is_none() {
            let message = format!("`{media_type}` is not a layer type that can be read (tar, gzip or zstd)");
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let mut start = [0; 4];
        let mut have = 0;
        while have < start.len() {
            match from.read(&mut start[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let compression = Compression::of_magic(&start[..have]);
        let whole = io::Cursor::new(start).take(have as u64).chain(from);
        let tar: Box<dyn Read + 'a> = match compression {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
        };
        Ok(Self { tar, compression, hasher: Hasher::new(), bytes: 0, limit })
    }

    /// How the layer is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Reads what is left; gives the diff id (digest of the uncompressed tar) and its size.
    ///
    /// # Errors
    /// When reading fails or the limit is exceeded.
    pub fn finish(mut self) -> io::Result<(Digest, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((self.hasher.finish(), self.bytes))
    }
}

impl Read for LayerReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.tar.read(buffer)?;
        self.bytes += n as u64;
        if self.bytes > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, TooLarge { limit: self.limit }));
        }
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use super::*;
    use crate::media;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], media_type: &str, limit: u64) -> io::Result<(Digest, u64)> {
        LayerReader::new(bytes, media_type, limit)?.finish()
    }

    #[test]
    fn every_compression_gives_the_same_diff_id() {
        let tar = vec![7; 100_000];
        let expected = (Digest::of(&tar), 100_000);
        let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
        assert_eq!(read(&tar, media::OCI_LAYER, 1 << 20).unwrap(), expected);
        assert_eq!(read(&gzip(&tar), media::OCI_LAYER_GZIP, 1 << 20).unwrap(), expected);
        assert_eq!(read(&zstd, media::OCI_LAYER_ZSTD, 1 << 20).unwrap(), expected);
        assert_eq!(read(&zstd, media::DOCKER_LAYER_GZIP, 1 << 20).unwrap(), expected, "wrongly labelled");
        let two_members = [gzip(&tar[..50_000]), gzip(&tar[50_000..])].concat();
        assert_eq!(read(&two_members, media::OCI_LAYER_GZIP, 1 << 20).unwrap(), expected);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 1 << 19, "{} bytes", bomb.len());
        let error = read(&bomb, media::OCI_LAYER_GZIP, 1 << 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the layer unpacks to more than 1.00 MiB (1048576 bytes), which is the limit"
        );
    }

    #[test]
    fn a_truncated_layer_is_an_error() {
        let whole = gzip(&[1; 5000]);
        assert!(read(&whole[..whole.len() - 5], media::OCI_LAYER_GZIP, 1 << 20).is_err());
        let whole = zstd::encode_all(&[1u8; 5000][..], 1).unwrap();
        assert!(read(&whole[..whole.len() - 5], media::OCI_LAYER_ZSTD, 1 << 20).is_err());
    }

    #[test]
    fn only_layers_are_read() {
        assert!(read(b"{}", media::OCI_CONFIG, 10).unwrap_err().to_string().contains("not a layer type"));
        assert_eq!(read(b"", media::OCI_LAYER, 10).unwrap().1, 0);
    }
}
