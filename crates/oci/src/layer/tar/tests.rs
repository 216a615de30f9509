#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use testkit::image::{Entry as Raw, Layer};

use super::*;

fn entries(tar: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, TarError> {
    let mut reader = TarReader::new(tar);
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut data = Vec::new();
        reader.read_to_end(&mut data)?;
        found.push((entry, data));
    }
    Ok(found)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn entries_come_with_data_and_attributes() {
    let tar = Layer::new()
        .dir("a/", 0o1777)
        .file("a/b", "content")
        .symlink("a/c", "b")
        .pax(&[
            ("path", &[b"x/".as_slice(), &[b'y'; 300]].concat()),
            ("mtime", b"-1.5"),
            ("uid", b"3000000000"),
            ("SCHILY.xattr.security.capability", b"\x01\x0a=\x0a\x00"),
        ])
        .file("short", "")
        .tar();
    let found = entries(&tar).unwrap();
    let kinds: Vec<Kind> = found.iter().map(|(e, _)| e.kind).collect();
    assert_eq!(kinds, [Kind::Dir, Kind::File, Kind::Symlink, Kind::File]);
    assert_eq!((found[0].0.mode, text(&found[0].0.path)), (0o1777, "a/"));
    assert_eq!((text(&found[1].1), found[1].0.mtime), ("content", (1_700_000_000, 0)));
    assert_eq!(text(&found[2].0.link), "b");
    let last = &found[3].0;
    assert_eq!((last.path.len(), last.mtime, last.uid), (302, (-2, 500_000_000), 3_000_000_000));
    assert_eq!(last.xattrs, [(b"security.capability".to_vec(), b"\x01\x0a=\x0a\x00".to_vec())]);
}

#[test]
fn long_names_of_gnu_are_read() {
    let long = "d/".repeat(100) + "file";
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o600);
    header.set_cksum();
    builder.append_data(&mut header, &long, &b"ok"[..]).unwrap();
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", &long).unwrap();
    let found = entries(&builder.into_inner().unwrap()).unwrap();
    assert_eq!((text(&found[0].0.path), text(&found[0].1)), (long.as_str(), "ok"));
    assert_eq!(text(&found[1].0.link), long);
}

#[test]
fn the_prefix_of_ustar_is_joined() {
    let mut tar = Layer::new().file("name", "").tar();
    tar[345..351].copy_from_slice(b"prefix");
    tar[148..156].copy_from_slice(b"        ");
    let sum: u32 = tar[..512].iter().map(|b| u32::from(*b)).sum();
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    assert_eq!(text(&entries(&tar).unwrap()[0].0.path), "prefix/name");
}

#[test]
fn numbers_are_octal_or_binary() {
    assert_eq!(number(b"0000644\0"), Ok(0o644));
    assert_eq!(number(b"    644 "), Ok(0o644));
    assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Ok(0));
    assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\x02"), Ok(258));
    assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), Ok(-2));
    assert!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    assert!(number(b"0000648\0").is_err());
    assert!(number(b"-1\0").is_ok(), "refused by the field, not by the number");
}

#[test]
fn malformed_archives_are_refused() {
    let good = Layer::new().file("a", "0123456789").tar();
    assert!(entries(&good[..600]).unwrap_err().to_string().contains("cut off"));
    assert!(entries(&good[..100]).unwrap_err().to_string().contains("cut off"));
    let mut bad = good.clone();
    bad[0] = b'b';
    assert!(entries(&bad).unwrap_err().to_string().contains("at byte 0: wrong check sum"));
    let huge =
        Layer::new().entry(Raw { kind: b'L', name: b"l", data: &vec![b'x'; 2 << 20], ..Raw::default() });
    assert!(entries(&huge.tar()).unwrap_err().to_string().contains("at most 1 MiB"));
    assert_eq!(entries(&good[..1024]).unwrap().len(), 1, "the end marker may be missing");
    assert_eq!(entries(b"").unwrap().len(), 0);
}

#[test]
fn sparse_maps_before_the_data_are_read() {
    let mut data = b"2\n0\n3\n4096\n2\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"abcde");
    let sparse = |major: &[u8], size: &[u8]| {
        Layer::new()
            .pax(&[
                ("GNU.sparse.major", major),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"real"),
                ("GNU.sparse.realsize", size),
            ])
            .file("GNUSparseFile.0/real", &data)
            .tar()
    };
    let found = entries(&sparse(b"1", b"8192")).unwrap();
    let (entry, stored) = &found[0];
    assert_eq!((text(&entry.path), entry.size, text(stored)), ("real", 8192, "abcde"));
    let map = [Segment { offset: 0, length: 3 }, Segment { offset: 4096, length: 2 }];
    assert_eq!(entry.sparse.as_deref(), Some(&map[..]));
    assert!(entries(&sparse(b"1", b"4097")).unwrap_err().to_string().contains("beyond the end"));
}

proptest! {
    #[test]
    fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = entries(&bytes);
    }

    #[test]
    fn a_flipped_byte_ends_without_a_panic(at in 0usize..4096, to in any::<u8>()) {
        let mut tar = Layer::new()
            .pax(&[("path", b"a/b"), ("GNU.sparse.map", b"0,4"), ("GNU.sparse.size", b"10")])
            .file("x", "0123")
            .dir("d", 0o755)
            .tar();
        let at = at % tar.len();
        tar[at] = to;
        let _ = entries(&tar);
    }
}
