//! The layer of a payload: a tar archive, byte for byte as Go's archive writer makes it (payload.md §1.2), and its gzip form.
//!
//! Headers are USTAR; a PAX header comes before an entry whose name does not fit. Owner is 0/0 without names, modes are fixed.

use std::io::Write;

use base::Digest;
use flate2::{Compression, GzBuilder};

use super::RELEASE_MANIFESTS;

const BLOCK: usize = 512;
const NAME_SIZE: usize = 100;
const PREFIX_SIZE: usize = 155;

/// A file of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFile {
    /// Name below `release-manifests/`.
    pub name: String,
    /// Seconds since 1970; earlier times are written as 1970.
    pub modified: i64,
    /// Content.
    pub bytes: Vec<u8>,
}

/// The uncompressed layer: the directory, then the files in the given order.
///
/// `directory_modified` is in seconds since 1970.
pub fn archive(directory_modified: i64, files: &[PayloadFile]) -> Vec<u8> {
    let content: usize = files.iter().map(|f| f.bytes.len() + 2 * BLOCK).sum();
    let mut out = Vec::with_capacity(content + 3 * BLOCK);
    entry(&mut out, RELEASE_MANIFESTS, b'5', 0o777, directory_modified, &[]);
    for file in files {
        let name = format!("{RELEASE_MANIFESTS}/{}", file.name);
        entry(&mut out, &name, b'0', 0o444, file.modified, &file.bytes);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// The layer as it is stored: gzip without name and time, operating system 255, default level.
///
/// The compressed bytes differ from Go's for the same archive; the archive's digest is what can be compared.
pub fn compress(archive: &[u8]) -> Vec<u8> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let mut encoder =
        GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::default());
    encoder.write_all(archive).and_then(|()| encoder.finish()).expect("memory takes every write")
}

/// Digest of the uncompressed layer.
pub fn diff_id(archive: &[u8]) -> Digest {
    Digest::of(archive)
}

fn entry(out: &mut Vec<u8>, name: &str, kind: u8, mode: u64, modified: i64, content: &[u8]) {
    let modified = u64::try_from(modified).unwrap_or(0);
    let size = content.len() as u64;
    let (prefix, short) = match split(name) {
        Some(parts) => parts,
        None => {
            let record = pax_record("path", name);
            let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
            let pax_name = [folder, "PaxHeaders.0", file]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join("/");
            let ascii = ascii(&pax_name);
            let cut = &ascii[..ascii.len().min(NAME_SIZE)];
            out.extend(header("", cut.trim_end_matches('/'), b'x', 0, 0, record.len() as u64));
            padded(out, record.as_bytes());
            (String::new(), ascii_cut(name))
        }
    };
    out.extend(header(&prefix, &short, kind, mode, modified, size));
    padded(out, content);
}

fn padded(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// Prefix and name of a USTAR header; `None` when the name needs a PAX header.
fn split(name: &str) -> Option<(String, String)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME_SIZE {
        return Some((String::new(), name.to_owned()));
    }
    let searched = &name[..name.len().min(PREFIX_SIZE + 1)];
    let slash = searched.rfind('/').filter(|slash| *slash > 0)?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!rest.is_empty() && rest.len() <= NAME_SIZE).then(|| (prefix.to_owned(), rest.to_owned()))
}

fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

/// The name field of an entry whose real name is in its PAX header.
fn ascii_cut(name: &str) -> String {
    let ascii = ascii(name);
    ascii[..ascii.len().min(NAME_SIZE)].to_owned()
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn header(prefix: &str, name: &str, kind: u8, mode: u64, modified: u64, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    let octal = |digits: usize, value: u64| format!("{value:0digits$o}").into_bytes();
    put(0, name.as_bytes());
    put(100, &octal(7, mode));
    put(108, &octal(7, 0));
    put(116, &octal(7, 0));
    put(124, &octal(11, size));
    put(136, &octal(11, modified));
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    if kind != b'x' {
        put(329, &octal(7, 0));
        put(337, &octal(7, 0));
    }
    put(345, prefix.as_bytes());
    let sum: u64 = block.iter().map(|b| u64::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn file(name: &str, content: &str) -> PayloadFile {
        PayloadFile { name: name.to_owned(), modified: 1_700_000_000, bytes: content.as_bytes().to_vec() }
    }

    fn read_back(bytes: &[u8]) -> Vec<(String, u64, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            (name, entry.header().mtime().unwrap(), content)
        };
        archive.entries().unwrap().map(entry).collect()
    }

    #[test]
    fn an_archive_of_the_reference_program_is_made_again() {
        let Some(fixtures) = testkit::fixtures() else { return };
        let golden = std::fs::read(fixtures.join("payload-golden/release-layer.tar")).unwrap();
        let entries = read_back(&golden);
        let files: Vec<PayloadFile> = entries[1..]
            .iter()
            .map(|(name, modified, bytes)| PayloadFile {
                name: name.strip_prefix("release-manifests/").unwrap().to_owned(),
                modified: *modified as i64,
                bytes: bytes.clone(),
            })
            .collect();
        assert_eq!(files.len(), 7);
        assert!(archive(entries[0].1 as i64, &files) == golden, "the archives differ");
    }

    #[test]
    fn compressed_bytes_say_nothing_about_the_machine() {
        let bytes = compress(&archive(0, &[]));
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        assert_eq!(compress(&archive(0, &[])), bytes);
    }

    #[test]
    fn long_and_foreign_names_survive() {
        let names = [
            "a".repeat(82),
            "b".repeat(83),
            "c".repeat(100),
            "d".repeat(101),
            "e".repeat(300),
            format!("é{}", "f".repeat(10)),
        ];
        let files: Vec<PayloadFile> = names.iter().map(|n| file(n, "x")).collect();
        let out = archive(5, &files);
        let found: Vec<String> = read_back(&out).into_iter().skip(1).map(|(name, ..)| name).collect();
        let expected: Vec<String> = names.iter().map(|n| format!("release-manifests/{n}")).collect();
        assert_eq!(found, expected);
        let pax = |name: &str| archive(0, &[file(name, "")])[BLOCK + 156] == b'x';
        assert_eq!(names.each_ref().map(|n| pax(n)), [false, false, false, true, true, true]);
    }

    /// Digest of what Go's `archive/tar` (1.27) wrote for the same entries.
    #[test]
    fn names_that_do_not_fit_are_written_as_go_writes_them() {
        let names = [
            "a".repeat(82),
            "b".repeat(83),
            "c".repeat(100),
            "d".repeat(101),
            "e".repeat(300),
            format!("é{}", "f".repeat(10)),
            format!("0000_50_x_{}.yaml", "é".repeat(60)),
        ];
        let entry = |(i, name): (usize, &String)| PayloadFile {
            name: name.clone(),
            modified: 1_700_000_000 + i as i64 + i64::from(i >= 5),
            bytes: vec![b'x'; i * 300],
        };
        let files: Vec<PayloadFile> = names.iter().enumerate().map(entry).collect();
        assert_eq!(
            diff_id(&archive(1_700_000_000, &files)).to_string(),
            "sha256:e93318d8ff1e53d1cb9d4e4592ef44774f7d4dc0978336e45bf561557bc8641e"
        );
    }

    #[test]
    fn times_before_1970_are_1970() {
        let early = PayloadFile { modified: -5, ..file("a", "") };
        assert_eq!(
            read_back(&archive(-62_135_596_800, &[early])).iter().map(|e| e.1).collect::<Vec<_>>(),
            [0, 0]
        );
    }

    proptest! {
        #[test]
        fn every_archive_is_read_back(files in proptest::collection::vec(("[a-zé_.-]{1,120}", ".{0,600}", 0..1i64 << 33), 0..5)) {
            let files: Vec<PayloadFile> = files
                .iter()
                .map(|(name, content, modified)| PayloadFile { modified: *modified, ..file(name, content) })
                .collect();
            let out = archive(1, &files);
            prop_assert_eq!(out.len() % BLOCK, 0);
            let read: Vec<_> = read_back(&out).into_iter().skip(1).collect();
            for (file, (name, modified, bytes)) in files.iter().zip(&read) {
                prop_assert_eq!(format!("release-manifests/{}", file.name), name.clone());
                prop_assert_eq!(file.modified as u64, *modified);
                prop_assert_eq!(&file.bytes, bytes);
            }
            prop_assert_eq!(files.len(), read.len());
        }

        #[test]
        fn a_record_counts_its_own_length(value in "a{0,1200}") {
            let record = pax_record("path", &value);
            let start = format!("{} path=", record.len());
            prop_assert!(record.starts_with(&start));
        }
    }
}
