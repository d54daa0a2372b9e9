//! Headers that two readers of tar read differently. Container runtimes unpack with Go's archive/tar: what it reads counts.

use layergate_tests::rawtar::{Head, RawTar, records};

use crate::way::{EVIL, GOOD, LODASH, Says::*, Way};

const BENIGN: &str = "srv/benign.txt";

/// The header of the package's file.
fn lodash() -> Head {
    Head::ustar(LODASH, b'0', EVIL.len() as u64)
}

fn open(tar: RawTar) -> RawTar {
    tar.entry(lodash(), EVIL.as_bytes())
}

/// An entry that says 1024 bytes of content, and right behind its header the package in its two blocks.
fn sized(kind: u8) -> RawTar {
    open(RawTar::new().entry(Head::ustar("srv/odd", kind, 1024).link("srv"), b""))
}

pub(crate) fn ways() -> Vec<Way> {
    [names(), sparse(), forms(), sizes()].into_iter().flatten().collect()
}

fn names() -> Vec<Way> {
    let benign = || Head::ustar(BENIGN, b'0', EVIL.len() as u64);
    let twice = [records(&[("path", BENIGN)]), records(&[("path", LODASH)])].concat();
    let inner = format!("x\n{}", String::from_utf8(records(&[("path", BENIGN)])).unwrap());
    vec![
        Way::tar(
            "a GNU long name behind a PAX path",
            RawTar::new().pax(&[("path", BENIGN)]).long(b'L', LODASH).entry(benign(), EVIL.as_bytes()),
            Listed,
        ),
        Way::tar(
            "a PAX path behind a GNU long name",
            RawTar::new().long(b'L', LODASH).pax(&[("path", BENIGN)]).entry(benign(), EVIL.as_bytes()),
            Listed,
        ),
        Way::tar(
            "two GNU long names",
            {
                let tar = RawTar::new().long(b'L', BENIGN).long(b'L', LODASH);
                tar.entry(benign(), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar("an empty GNU long name", open(RawTar::new().long(b'L', "")), Listed),
        Way::tar(
            "a GNU long name with bytes behind its NUL",
            {
                let tar = RawTar::new().long(b'L', &format!("{LODASH}\0.txt"));
                tar.entry(benign(), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar(
            "a second PAX header takes the first one's path away",
            open(RawTar::new().pax(&[("path", BENIGN)]).pax(&[("comment", "none")])),
            Listed,
        ),
        Way::tar(
            "a second PAX header with an empty path",
            open(RawTar::new().pax(&[("path", BENIGN)]).pax(&[("path", "")])),
            Listed,
        ),
        Way::tar(
            "a PAX header, then a global one",
            open(RawTar::new().pax(&[("path", BENIGN)]).pax_of(b'g', &[("comment", "none")])),
            Listed,
        ),
        Way::tar("a global PAX path", open(RawTar::new().pax_of(b'g', &[("path", BENIGN)])), Listed),
        Way::tar("a global size", open(RawTar::new().pax_of(b'g', &[("size", "0")])), Listed),
        Way::tar("a global number that is none", open(RawTar::new().pax_of(b'g', &[("size", "x")])), Listed),
        Way::tar("an empty PAX path", open(RawTar::new().pax(&[("path", "")])), Listed),
        Way::tar("an empty PAX size", open(RawTar::new().pax(&[("size", "")])), Listed),
        Way::tar(
            "a PAX path twice in one header",
            {
                RawTar::new().entry(Head::ustar("x", b'x', twice.len() as u64), &twice).entry(benign(), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar("a PAX record inside another one's value", open(RawTar::new().pax(&[("comment", &inner)])), Listed),
        Way::tar("a PAX key in capitals", open(RawTar::new().pax(&[("PATH", BENIGN)])), Listed),
        Way::tar("a PAX path with a NUL", open(RawTar::new().pax(&[("path", "srv/a\0b")])), Gap("corrupt_layer")),
        Way::tar(
            "a PAX record without its line feed",
            {
                let record = b"24 path=srv/benign.txt\x00";
                open(RawTar::new().entry(Head::ustar("x", b'x', record.len() as u64), record))
            },
            Gap("corrupt_layer"),
        ),
        Way::tar(
            "a PAX linkpath on a hard link",
            {
                let tar =
                    RawTar::new().file("opt/lodash/package.json", EVIL).pax(&[("linkpath", "opt/lodash/package.json")]);
                tar.hard_link(LODASH, BENIGN)
            },
            Listed,
        ),
        Way::tar(
            "a GNU long link on a hard link",
            {
                let tar = RawTar::new().file("opt/lodash/package.json", EVIL).long(b'K', "opt/lodash/package.json");
                tar.hard_link(LODASH, BENIGN)
            },
            Listed,
        ),
    ]
}

fn sparse() -> Vec<Way> {
    let length = EVIL.len().to_string();
    let map = format!("0,{length}");
    let in_data = {
        let mut data = format!("1\n0\n{length}\n").into_bytes();
        data.resize(512, 0);
        [data, EVIL.as_bytes().to_vec()].concat()
    };
    let benign = |size: usize| Head::ustar(BENIGN, b'0', size as u64);
    let old = |size: &str| {
        let piece = format!("{:011o}\0{:011o}\0", 0, EVIL.len());
        Head::gnu(LODASH, b'S', EVIL.len() as u64).set(386, piece.as_bytes()).set(483, size.as_bytes())
    };
    vec![
        Way::tar("a sparse name without a version", open(RawTar::new().pax(&[("GNU.sparse.name", BENIGN)])), Listed),
        Way::tar("a sparse size without a version", open(RawTar::new().pax(&[("GNU.sparse.size", "0")])), Listed),
        Way::tar(
            "a sparse real size without a version",
            open(RawTar::new().pax(&[("GNU.sparse.realsize", "0")])),
            Listed,
        ),
        Way::tar(
            "a sparse version that nobody knows",
            {
                let pairs = [("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", BENIGN)];
                open(RawTar::new().pax(&pairs))
            },
            Listed,
        ),
        Way::tar(
            "half of a sparse version",
            open(RawTar::new().pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.name", BENIGN)])),
            Listed,
        ),
        Way::tar(
            "a sparse version with a leading zero",
            {
                let pairs = [("GNU.sparse.major", "01"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", BENIGN)];
                open(RawTar::new().pax(&pairs))
            },
            Listed,
        ),
        Way::tar(
            "a sparse file of format 0.0",
            {
                let pairs = [
                    ("GNU.sparse.major", "0"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", LODASH),
                    ("GNU.sparse.size", &length),
                    ("GNU.sparse.numblocks", "1"),
                    ("GNU.sparse.offset", "0"),
                    ("GNU.sparse.numbytes", &length),
                ];
                RawTar::new().pax(&pairs).entry(benign(EVIL.len()), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar(
            "a sparse file of format 0.1 by its map alone",
            {
                let pairs = [
                    ("GNU.sparse.map", map.as_str()),
                    ("GNU.sparse.numblocks", "1"),
                    ("GNU.sparse.name", LODASH),
                    ("GNU.sparse.size", &length),
                ];
                RawTar::new().pax(&pairs).entry(benign(EVIL.len()), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar(
            "a sparse file of format 1.0",
            {
                let pairs = [
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", LODASH),
                    ("GNU.sparse.realsize", &length),
                ];
                RawTar::new().pax(&pairs).entry(benign(in_data.len()), &in_data)
            },
            Listed,
        ),
        Way::tar(
            "a sparse name over a GNU long name",
            {
                let pairs = [
                    ("GNU.sparse.map", map.as_str()),
                    ("GNU.sparse.numblocks", "1"),
                    ("GNU.sparse.name", LODASH),
                    ("GNU.sparse.size", &length),
                ];
                RawTar::new().pax(&pairs).long(b'L', BENIGN).entry(benign(EVIL.len()), EVIL.as_bytes())
            },
            Listed,
        ),
        Way::tar(
            "an old GNU sparse file",
            RawTar::new().entry(old(&format!("{length:0>11}\0")), EVIL.as_bytes()),
            Gap("corrupt_layer"),
        ),
        Way::tar(
            "a sparse symbolic link",
            {
                let pairs = [("GNU.sparse.map", map.as_str()), ("GNU.sparse.numblocks", "1")];
                open(RawTar::new().pax(&pairs).symlink("srv/l", "x"))
            },
            Gap("corrupt_layer"),
        ),
    ]
}

fn forms() -> Vec<Way> {
    let prefixed = |magic: &[u8]| {
        let head = Head::v7("package.json", b'0', EVIL.len() as u64).set(257, magic);
        head.set(345, b"srv/node_modules/lodash")
    };
    let content = EVIL.as_bytes();
    let signed = lodash().set(500, &[0xe9, 0xff, 0x80]);
    let sum = format!("{:06o}\0 ", signed.sum(|b| i64::from(b as i8)));
    let field: [u8; 8] = sum.as_bytes().try_into().unwrap();
    let spaced: [u8; 8] = format!(" {:05o}\0 ", lodash().sum(i64::from)).as_bytes().try_into().unwrap();
    vec![
        Way::tar("an old GNU magic with a prefix", RawTar::new().entry(prefixed(b"ustar  \0"), content), Listed),
        Way::tar(
            "a ustar prefix under another version",
            RawTar::new().entry(prefixed(b"ustar\x0099"), content),
            Listed,
        ),
        Way::tar("a ustar prefix under no version", RawTar::new().entry(prefixed(b"ustar\0\0\0"), content), Listed),
        Way::tar(
            "a prefix in star's form",
            RawTar::new().entry(prefixed(b"ustar\x0000").set(508, b"tar\0"), content),
            Listed,
        ),
        Way::tar(
            "a prefix where the old form has none",
            {
                let head = Head::v7(LODASH, b'0', EVIL.len() as u64).set(345, b"opt");
                RawTar::new().entry(head, content)
            },
            Listed,
        ),
        Way::tar("a checksum of signed bytes", RawTar::new().entry(signed.checksum(&field), content), Listed),
        Way::tar("a checksum with spaces in front", RawTar::new().entry(lodash().checksum(&spaced), content), Listed),
        Way::tar(
            "a wrong checksum",
            RawTar::new().entry(lodash().checksum(b"000000\0 "), content),
            Gap("corrupt_layer"),
        ),
        Way::tar("the old form's type", RawTar::new().entry(Head::v7(LODASH, 0, EVIL.len() as u64), content), Listed),
        Way::tar(
            "a file whose name ends in a slash",
            RawTar::new().entry(Head::ustar(&format!("{LODASH}/"), b'0', EVIL.len() as u64), content),
            Listed,
        ),
        Way::tar(
            "a mode that takes every right away",
            RawTar::new().entry(lodash().set(100, b"0000000\0"), content),
            Listed,
        ),
    ]
}

fn sizes() -> Vec<Way> {
    let content = EVIL.as_bytes();
    let n = EVIL.len() as u8;
    let size = |field: &[u8]| RawTar::new().entry(lodash().set(124, field), content);
    let long = format!("{EVIL:<1024}");
    vec![
        Way::tar("a pipe with a size", sized(b'6'), Listed),
        Way::tar("a directory with a size", sized(b'5'), Listed),
        Way::tar("a character device with a size", sized(b'3'), Listed),
        Way::tar("a block device with a size", sized(b'4'), Listed),
        Way::tar("a symbolic link with a size", sized(b'2'), Listed),
        Way::tar("a hard link with a size", sized(b'1'), Listed),
        Way::tar(
            "a directory of the old form with a size",
            open(RawTar::new().entry(Head::v7("srv/odd/", 0, 1024), b"")),
            Listed,
        ),
        Way::tar(
            "a PAX size that is smaller than the header's",
            open(RawTar::new().pax(&[("size", "0")]).entry(Head::ustar("srv/odd", b'0', 1024), b"")),
            Listed,
        ),
        Way::tar(
            "a PAX size on a symbolic link",
            open(RawTar::new().pax(&[("size", "1024")]).symlink("srv/odd", "x")),
            Listed,
        ),
        Way::tar(
            "a PAX size in front of a long name",
            {
                let tar = RawTar::new().pax(&[("size", "1024")]).long(b'L', LODASH);
                tar.entry(Head::ustar(BENIGN, b'0', 0), long.as_bytes())
            },
            Listed,
        ),
        Way::tar("a size in base 256", size(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n]), Listed),
        Way::tar(
            "a size with spaces around it",
            size(format!("  {n:o}      \0 ").get(..12).unwrap().as_bytes()),
            Listed,
        ),
        Way::tar("a size without an end", size(format!("{n:012o}").as_bytes()), Listed),
        Way::tar("a negative size", size(&[0xff; 12]), Gap("corrupt_layer")),
        Way::tar("a size that is no octal number", size(b"00000000089\0"), Gap("corrupt_layer")),
        Way::tar("a size of more than 64 bits", size(&[0x80, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), Gap("corrupt_layer")),
        Way::tar(
            "a size behind the end of the archive",
            RawTar::new().entry(Head::ustar(LODASH, b'0', 1 << 30), GOOD.as_bytes()),
            Gap("corrupt_layer"),
        ),
    ]
}
