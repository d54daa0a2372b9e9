//! Headers that two readers of tar read differently, as Go's archive/tar reads them: what counts, how long it is, what is
//! refused. `crates/fuzz/tests/differential.rs` asks Go itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code, unreachable_pub)]
#[path = "../../../tests/src/rawtar.rs"]
mod rawtar;

use std::io::Read;

use layergate_model::Limits;
use layergate_unpack::Archive;
use rawtar::{Head, RawTar};

/// `path=content` for each entry, or why the archive is corrupt; and how many global headers there were.
fn read(bytes: &[u8]) -> (String, usize) {
    let limits = Limits::default();
    let mut archive = Archive::new(bytes, &limits);
    let mut out = Vec::new();
    loop {
        match archive.next_entry() {
            Ok(Some(entry)) => {
                let mut content = String::new();
                if let Err(error) = archive.content().read_to_string(&mut content) {
                    return (error.to_string(), 0);
                }
                out.push(format!("{}={content}", entry.path));
            }
            Ok(None) => return (out.join(" "), archive.globals().len()),
            Err(error) => return (error.to_string(), 0),
        }
    }
}

/// A file `f` of five bytes.
fn file() -> Head {
    Head::ustar("f", b'0', 5)
}

fn open(tar: RawTar) -> Vec<u8> {
    tar.entry(file(), b"hello").end()
}

#[test]
fn which_header_counts() {
    let new = RawTar::new;
    let prefixed = |magic: &[u8]| new().entry(Head::v7("f", b'0', 5).set(257, magic).set(345, b"pre"), b"hello").end();
    let broken_times = new().entry(Head::gnu("f", b'0', 5).set(345, b"00000000001\x0000000000002\0"), b"hello").end();
    for (name, bytes, want) in [
        ("a PAX path", open(new().pax(&[("path", "x")])), "x=hello"),
        (
            "two PAX headers: the second replaces the first",
            open(new().pax(&[("path", "x")]).pax(&[("a", "b")])),
            "f=hello",
        ),
        (
            "a global header ends what was pending",
            open(new().pax(&[("path", "x")]).pax_of(b'g', &[("a", "b")])),
            "f=hello",
        ),
        ("a global path is nobody's", open(new().pax_of(b'g', &[("path", "x")])), "f=hello"),
        ("an empty PAX path", open(new().pax(&[("path", "")])), "f=hello"),
        ("a GNU long name wins over PAX", open(new().pax(&[("path", "x")]).long(b'L', "long")), "long=hello"),
        ("and in front of it as well", open(new().long(b'L', "long").pax(&[("path", "x")])), "long=hello"),
        ("an empty long name", open(new().long(b'L', "")), "f=hello"),
        ("a sparse name without a version", open(new().pax(&[("GNU.sparse.name", "x")])), "f=hello"),
        ("a sparse size without a version", open(new().pax(&[("GNU.sparse.size", "1")])), "f=hello"),
        ("a ustar prefix", prefixed(b"ustar\x0000"), "pre/f=hello"),
        ("under any version", prefixed(b"ustar\x0099"), "pre/f=hello"),
        ("behind the old GNU magic where the times are none", prefixed(b"ustar  \0"), "pre/f=hello"),
        ("but not where they are", broken_times, "f=hello"),
        ("and not in the old form", prefixed(b"USTAR\0"), "f=hello"),
        ("a name that ends in a slash", new().entry(Head::ustar("f/", b'0', 5), b"hello").end(), "f=hello"),
        (
            "an exclamation mark divides nothing",
            new().entry(Head::ustar("a!b", b'0', 5), b"hello").end(),
            "a\\x21b=hello",
        ),
    ] {
        assert_eq!(read(&bytes).0, want, "{name}");
    }
    assert_eq!(read(&open(new().pax_of(b'g', &[("path", "x")]).pax_of(b'g', &[("path", "y")]))).1, 2);
}

#[test]
fn how_long_an_entry_is() {
    let new = RawTar::new;
    // 1024 bytes by the size field; the file is the header and the block right behind.
    for kind in b'1'..=b'6' {
        let bytes = open(new().entry(Head::ustar("odd", kind, 1024).link("t"), b""));
        assert!(read(&bytes).0.ends_with(" f=hello"), "type {}: {}", kind as char, read(&bytes).0);
    }
    let sized = |field: &[u8]| new().entry(file().set(124, field), b"hello").end();
    for (name, bytes, want) in [
        ("a directory of the old form", open(new().entry(Head::v7("d/", 0, 1024), b"")), "d= f=hello"),
        ("PAX says less", open(new().pax(&[("size", "0")]).entry(Head::ustar("a", b'0', 1024), b"")), "a= f=hello"),
        ("PAX says nothing", open(new().pax(&[("size", "")])), "f=hello"),
        ("base 256", sized(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]), "f=hello"),
        ("spaces", sized(b"  5       \0 "), "f=hello"),
        ("no end", sized(b"000000000005"), "f=hello"),
        ("negative", sized(&[0xff; 12]), "an entry has a negative size"),
        (
            "negative under a PAX size",
            { new().pax(&[("size", "5")]).entry(file().set(124, &[0xff; 12]), b"hello").end() },
            "an entry has a negative size",
        ),
        ("no number", sized(b"00000000009\0"), "a number in the header of entry 1 cannot be read"),
        (
            "a sparse directory of the old form",
            {
                let map = [("GNU.sparse.map", "0,0"), ("GNU.sparse.numblocks", "1")];
                new().pax(&map).entry(Head::v7("d/", 0, 0), b"").end()
            },
            "a sparse file that is no file",
        ),
        (
            "one block of zeros",
            new().raw(&[0; 512]).file("f", "hello").end(),
            "a block of zeros stands between two entries",
        ),
        ("what comes behind the end", [open(new()), open(new())].concat(), "f=hello"),
    ] {
        assert_eq!(read(&bytes).0, want, "{name}");
    }
}
