//! Archives as builders and adversaries write them: forms, long names, sparse files, lies and cuts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::Read;

use layergate_model::{EntryKind, Limits};
use layergate_unpack::{Archive, UnpackError};
use proptest::prelude::*;

fn header(name: &str, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o4755);
    header.set_cksum();
    header
}

fn push(out: &mut Vec<u8>, header: &tar::Header, data: &[u8]) {
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
}

fn walk(bytes: &[u8], limits: &Limits) -> Result<Vec<(String, EntryKind, String, Vec<u8>)>, UnpackError> {
    let mut archive = Archive::new(bytes, limits);
    let mut out = Vec::new();
    while let Some(entry) = archive.next_entry()? {
        let mut data = Vec::new();
        archive.content().read_to_end(&mut data)?;
        out.push((entry.path.to_string(), entry.kind, entry.target, data));
    }
    Ok(out)
}

#[test]
fn forms_that_the_tar_crate_writes() {
    let mut builder = tar::Builder::new(Vec::new());
    let long = format!("{}/deep", "long-part".repeat(30));
    for (name, data) in [("./a", &b"one"[..]), (&long, b"two"), ("/abs/c", b"")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        // append_data refuses absolute names, as an adversary would not.
        if name.starts_with('/') {
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, data).unwrap();
        } else {
            builder.append_data(&mut header, name, data).unwrap();
        }
    }
    let mut link = tar::Header::new_gnu();
    link.set_size(0);
    link.set_entry_type(tar::EntryType::Symlink);
    builder.append_link(&mut link, "l", format!("../{}", "t".repeat(200))).unwrap();
    link.set_entry_type(tar::EntryType::Link);
    builder.append_link(&mut link, "h", "./a").unwrap();
    let bytes = builder.into_inner().unwrap();
    let read = walk(&bytes, &Limits::default()).unwrap();
    let want = [
        ("a".to_owned(), EntryKind::File, String::new(), b"one".to_vec()),
        (long, EntryKind::File, String::new(), b"two".to_vec()),
        ("abs/c".to_owned(), EntryKind::File, String::new(), vec![]),
        ("l".to_owned(), EntryKind::Symlink, format!("../{}", "t".repeat(200)), vec![]),
        ("h".to_owned(), EntryKind::HardLink, "a".to_owned(), vec![]),
    ];
    assert_eq!(read, want);
}

#[test]
fn pax_names_sizes_and_sparse_maps() {
    let mut bytes = Vec::new();
    let pax = b"21 path=pax/name.txt\n";
    push(&mut bytes, &header("x", tar::EntryType::XHeader, pax.len() as u64), pax);
    push(&mut bytes, &header("short", tar::EntryType::Regular, 2), b"hi");
    // Each record's length counts itself.
    let fixed: String = ["major=1", "minor=0", "name=sparse/one", "realsize=9999"]
        .iter()
        .map(|record| format!("{} GNU.sparse.{record}\n", record.len() + "00 GNU.sparse.\n".len()))
        .collect();
    push(&mut bytes, &header("x", tar::EntryType::XHeader, fixed.len() as u64), fixed.as_bytes());
    let mut data = b"2\n1\n2\n100\n1\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"abc");
    push(&mut bytes, &header("GNUSparse/one", tar::EntryType::Regular, data.len() as u64), &data);
    push(&mut bytes, &header("after", tar::EntryType::Regular, 1), b"z");
    let read = walk(&bytes, &Limits::default()).unwrap();
    assert_eq!((read[0].0.as_str(), read[0].3.as_slice()), ("pax/name.txt", &b"hi"[..]));
    assert_eq!((read[1].0.as_str(), read[1].3.len()), ("sparse/one", 9999));
    assert_eq!(&read[1].3[..4], b"\0ab\0");
    assert_eq!(read[1].3[100], b'c');
    assert_eq!(read[2].0, "after");
}

#[test]
fn a_sparse_file_without_pieces_is_a_hole() {
    let mut bytes = Vec::new();
    let pax = b"22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n26 GNU.sparse.numblocks=0\n24 GNU.sparse.size=1000\n";
    push(&mut bytes, &header("x", tar::EntryType::XHeader, pax.len() as u64), pax);
    push(&mut bytes, &header("hole", tar::EntryType::Regular, 0), b"");
    push(&mut bytes, &header("after", tar::EntryType::Regular, 1), b"z");
    let read = walk(&bytes, &Limits::default()).unwrap();
    assert_eq!((&read[0].3, read[1].3.as_slice()), (&vec![0; 1000], &b"z"[..]));
}

#[test]
fn a_tar_that_lies_is_bounded_or_corrupt() {
    let limits = Limits { max_entries: 3, max_path_bytes: 20, ..Limits::default() };
    let mut many = Vec::new();
    for _ in 0..4 {
        push(&mut many, &header("a", tar::EntryType::Regular, 0), b"");
    }
    assert!(matches!(walk(&many, &limits), Err(UnpackError::Limit { name: "max-entries", limit: 3, .. })));
    let mut huge_name = Vec::new();
    push(&mut huge_name, &header("x", tar::EntryType::GNULongName, 1 << 40), b"");
    assert!(matches!(walk(&huge_name, &limits), Err(UnpackError::Limit { .. })));
    let mut cut = Vec::new();
    push(&mut cut, &header("a", tar::EntryType::Regular, 1 << 40), b"x");
    assert!(matches!(walk(&cut, &limits), Err(UnpackError::Corrupt(_))));
    // A size whose padding would not fit into the number any more.
    for size in [u64::MAX, u64::MAX - 511, 1 << 63] {
        let record = format!(" size={size}\n");
        let pax = format!("{}{record}", record.len() + 2);
        let mut absurd = Vec::new();
        push(&mut absurd, &header("x", tar::EntryType::XHeader, pax.len() as u64), pax.as_bytes());
        push(&mut absurd, &header("a", tar::EntryType::Regular, 1), b"x");
        assert!(matches!(walk(&absurd, &limits), Err(UnpackError::Corrupt(_))), "{size}");
    }
    let mut flipped = header("a", tar::EntryType::Regular, 0).as_bytes().to_vec();
    flipped[0] ^= 1;
    assert!(matches!(walk(&flipped, &limits), Err(UnpackError::Corrupt(_))));

    let mut escaping = Vec::new();
    push(&mut escaping, &header("../etc/passwd", tar::EntryType::Regular, 3), b"bad");
    push(&mut escaping, &header(&"n".repeat(30), tar::EntryType::Regular, 3), b"bad");
    push(&mut escaping, &header("good", tar::EntryType::Regular, 1), b"g");
    let mut archive = Archive::new(&escaping[..], &limits);
    for want in ["etc/passwd", "good"] {
        assert_eq!(archive.next_entry().unwrap().unwrap().path.as_str(), want);
    }
    let hostile = archive.take_hostile();
    assert!(hostile[0].contains("leaves the layer's root") && hostile[1].contains("max-path-bytes"), "{hostile:?}");
}

#[test]
fn an_archive_may_end_without_zero_blocks_but_not_inside_a_header() {
    let mut bytes = Vec::new();
    push(&mut bytes, &header("a", tar::EntryType::Regular, 1), b"x");
    assert_eq!(walk(&bytes, &Limits::default()).unwrap().len(), 1);
    bytes.extend_from_slice(&[1; 100]);
    assert!(matches!(walk(&bytes, &Limits::default()), Err(UnpackError::Corrupt(_))));
    assert!(walk(b"not a tar at all", &Limits::default()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(flips in prop::collection::vec((0usize..4096, any::<u8>()), 0..20), cut in 0usize..4096) {
        let mut bytes = Vec::new();
        push(&mut bytes, &header("x", tar::EntryType::XHeader, 12), b"12 path=abc\n");
        push(&mut bytes, &header("a", tar::EntryType::GNUSparse, 600), &[7; 600]);
        push(&mut bytes, &header("b", tar::EntryType::GNULongName, 5), b"long\0");
        push(&mut bytes, &header("c", tar::EntryType::Regular, 3), b"abc");
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
        let mut archive = Archive::new(&bytes[..], &limits);
        while let Ok(Some(entry)) = archive.next_entry() {
            let mut taken = Vec::new();
            let _ = archive.content().take(1 << 16).read_to_end(&mut taken);
            prop_assert!(!entry.path.contains(".."), "{}", entry.path);
        }
    }
}
