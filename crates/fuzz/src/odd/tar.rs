//! Tar archives in which something is odd: which header counts, how long an entry is, where the archive ends.

use super::Choices;
use crate::rawtar::{Head, RawTar, records};

const NAMES: [&[u8]; 20] = [
    b"a",
    b"b/c",
    b"./d/e",
    b"/f",
    b"g/",
    b"h/../i",
    b"../j",
    b"k//l/./m",
    b"n\xe4",
    b"n\\xe4",
    b"o!p",
    b".wh.q",
    b"r/.wh..wh..opq",
    b"",
    b".",
    b"/",
    b"s/..",
    b"/../t",
    b"u \n",
    b"..",
];
const NUMBERS: [&str; 6] = ["0", "5", "512", "1024", "+7", "007"];
const NO_NUMBERS: [&str; 8] = ["-1", "", " 3", "0x10", "9223372036854775807", "9223372036854775808", "1.5", "1_0"];

/// An archive.
pub fn tar(c: &mut Choices<'_>) -> Vec<u8> {
    let mut tar = RawTar::new();
    for _ in 0..=c.below(6) {
        for _ in 0..c.of(&[0, 0, 0, 1, 1, 2, 3]) {
            tar = extension(c, tar);
        }
        tar = entry(c, tar);
        if c.one_in(80) {
            tar = tar.raw(&[0; 512]);
        }
    }
    match c.below(8) {
        0 => tar.open(),
        1 => tar.raw(&[0; 512]).open(),
        2 => tar.raw(&[0; 1024]).file("behind", "x").end(),
        3 => {
            let mut whole = tar.end();
            whole.truncate(whole.len().saturating_sub(c.below(200) * 11));
            whole
        }
        _ => tar.end(),
    }
}

/// A header that changes the next entry.
fn extension(c: &mut Choices<'_>, tar: RawTar) -> RawTar {
    match c.below(8) {
        0 => long(c, tar, b'L'),
        1 => long(c, tar, b'K'),
        n => {
            let kind = if n == 2 { b'g' } else { b'x' };
            let mut content = Vec::new();
            for _ in 0..=c.below(4) {
                content.extend(record(c));
            }
            if c.one_in(8) {
                content.extend(sparse(c));
            }
            if c.one_in(60) && !content.is_empty() {
                let at = c.below(256) * 7 % content.len();
                content[at] = c.below(256) as u8;
            }
            let head = Head::ustar("pax", kind, content.len() as u64);
            let head = if c.one_in(10) { shaped(c, head) } else { head };
            tar.entry(head, &content)
        }
    }
}

fn long(c: &mut Choices<'_>, tar: RawTar, kind: u8) -> RawTar {
    let mut text = if c.one_in(3) { b"d".repeat(c.below(256)) } else { Vec::new() };
    text.extend_from_slice(c.of(&NAMES));
    text.extend_from_slice(c.of(&[&b"\0"[..], b"", b"\0tail"]));
    let head = Head::gnu("././@LongLink", kind, text.len() as u64);
    let head = if c.one_in(12) { shaped(c, head) } else { head };
    tar.entry(head, &text)
}

fn record(c: &mut Choices<'_>) -> Vec<u8> {
    let number = if c.one_in(30) { c.of(&NO_NUMBERS) } else { c.of(&NUMBERS) };
    let name = String::from_utf8_lossy(c.of(&NAMES)).into_owned();
    let (key, value) = match c.below(16) {
        0..=3 => ("path", name.as_str()),
        4 | 5 => ("linkpath", name.as_str()),
        6 | 7 => ("size", number),
        8 => ("uid", number),
        9 => ("mtime", number),
        10 => ("GNU.sparse.name", name.as_str()),
        11 => ("GNU.sparse.size", number),
        12 => ("GNU.sparse.realsize", number),
        13 => ("GNU.sparse.major", c.of(&["0", "1", "2", "", "01"])),
        14 => ("GNU.sparse.minor", c.of(&["0", "1", "2", ""])),
        _ => (
            if c.one_in(12) {
                c.of(&["", "x\0y"])
            } else {
                c.of(&["comment", "hdrcharset", "SCHILY.xattr.user.x", "uname", "Path", "a b"])
            },
            "v=\n1",
        ),
    };
    records(&[(key, value)])
}

/// Records that are, more often than not, those of a sparse file.
fn sparse(c: &mut Choices<'_>) -> Vec<u8> {
    let (major, minor) = c.of(&[("0", "0"), ("0", "1"), ("1", "0"), ("1", "0"), ("", "")]);
    let mut out = records(&[("GNU.sparse.major", major), ("GNU.sparse.minor", minor)]);
    if c.below(2) == 0 {
        out.extend(records(&[("GNU.sparse.name", "sparse/name")]));
    }
    out.extend(records(&[(c.of(&["GNU.sparse.size", "GNU.sparse.realsize"]), c.of(&["0", "5", "700", "9"]))]));
    match c.below(4) {
        0 => out.extend(records(&[
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.map", c.of(&["0,5", "0,0", "1,2", "5,", "0,5,7"])),
        ])),
        1 => out.extend(records(&[
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.offset", "0"),
            ("GNU.sparse.numbytes", c.of(&["5", "0", "1,2"])),
        ])),
        2 => out.extend(records(&[("GNU.sparse.numblocks", c.of(&["0", "1", "x"]))])),
        _ => {}
    }
    out
}

fn entry(c: &mut Choices<'_>, tar: RawTar) -> RawTar {
    let kind = c.of(b"00000000\x00\x00\x0055555222211113466777ZS");
    let content = content(c);
    let name = c.of(&NAMES);
    let size = if c.one_in(4) { c.of(&[0, 512, 1024]) } else { content.len() as u64 };
    let head = match c.below(6) {
        0 => Head::gnu("", kind, size),
        1 => Head::v7("", kind, size),
        2 => Head::v7("", kind, size).set(
            257,
            c.of(&[&b"ustar\x0099"[..], b"ustar\0  ", b"ustar\0\0\0", b"ustar 00", b"ustar  \0", b"USTAR\0"]),
        ),
        _ => Head::ustar("", kind, size),
    };
    let mut head = head.set(0, name);
    if matches!(kind, b'1' | b'2') {
        head = head.set(157, c.of(&NAMES));
    }
    if kind == b'S' || c.one_in(40) {
        head = old_sparse(c, head);
    }
    let head = if c.one_in(6) { shaped(c, head) } else { head };
    // Without its padding what follows lies where nobody looks for it.
    if c.one_in(60) { tar.raw(&head.bytes()).raw(&content) } else { tar.entry(head, &content) }
}

fn content(c: &mut Choices<'_>) -> Vec<u8> {
    match c.below(8) {
        0 | 1 => Vec::new(),
        2 => b"hello".to_vec(),
        3 => {
            let maps = ["1\n0\n5\n", "0\n", "2\n0\n1\n4\n1\n", "1\n0\n", "x\n", "1\n9\n99\n"];
            let mut map = c.of(&maps).as_bytes().to_vec();
            map.resize(512, 0);
            map.extend_from_slice(b"12345");
            map
        }
        // Headers, so that whoever takes an entry for shorter than it is goes on reading.
        _ => RawTar::new().file("inner/one", "").file("inner/two", "").open(),
    }
}

/// Pieces of GNU's old sparse form.
fn old_sparse(c: &mut Choices<'_>, head: Head) -> Head {
    let number = |n: usize| format!("{n:011o}\0");
    let mut at = 386;
    let mut head = head.set(257, b"ustar  \0");
    for _ in 0..c.below(4) {
        let piece = number(c.of(&[0, 2, 5, 512])) + &number(c.of(&[0, 1, 3, 5]));
        head = head.set(at, piece.as_bytes());
        at += 24;
    }
    head.set(482, &[c.of(&[0, 0, 0, 1])]).set(483, number(c.of(&[0, 5, 7, 600])).as_bytes())
}

/// A field or two written as nobody writes it.
fn shaped(c: &mut Choices<'_>, head: Head) -> Head {
    let size = |c: &mut Choices<'_>| match c.below(10) {
        0 => b"        5\0  ".to_vec(),
        1 => b"000000000005".to_vec(),
        2 => b"\x80\0\0\0\0\0\0\0\0\0\0\x05".to_vec(),
        3 => vec![0xff; 12],
        4 => b"00000000009\0".to_vec(),
        5 => b"5\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        6 => b"\0\0\0\0\x000005\0\0 ".to_vec(),
        7 => b"           \0".to_vec(),
        8 => b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        _ => b"00000001000\0".to_vec(),
    };
    let head = match c.below(12) {
        0..=2 => {
            let field = size(c);
            head.set(124, &field)
        }
        3 => head.set(100, c.of(&[&b"0000777 "[..], b"\x80\0\0\0\0\0\x01\xff", b"9999999\0", b"-000001\0"])),
        4 => head.set(108, c.of(&[&b"\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"x\0\0\0\0\0\0\0", b"       \0"])),
        5 => head.set(136, c.of(&[&b"77777777777\0"[..], b"\x80\0\0\0\0\0\0\0\x01\0\0\0", b"now\0\0\0\0\0\0\0\0\0"])),
        6 => head
            .set(329, c.of(&[&b"0000000\x000000001\0"[..], b"x\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"])),
        7 => head.set(345, c.of(&[&b"pre/fix"[..], b"00000000001\x0000000000002\0", b"..", b"a\0b", b"\x80\x01\x02"])),
        8 => head.set(508, b"tar\0"),
        9 => head.set(500, &[0xff, 0xe9, 0x80]),
        10 => head.set(265, b"\xff\xffname"),
        _ => head,
    };
    let sum = |text: String| <[u8; 8]>::try_from(text.as_bytes()).ok();
    let field = match c.below(24) {
        0 => sum(format!("{:06o}\0 ", head.sum(|b| i64::from(b as i8)).max(0))),
        1 => sum(format!("  {:05o}\0", head.sum(i64::from))),
        2 => sum(format!("{:07o} ", head.sum(i64::from))),
        3 => sum(format!("{:06o}\0 ", head.sum(i64::from) + 1)),
        4 => sum(format!("{:08o}", head.sum(i64::from))),
        _ => None,
    };
    match field {
        Some(field) => head.checksum(&field),
        None => head,
    }
}
