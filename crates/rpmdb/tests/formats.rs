//! Each container gives back the packages that were written into it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::bdb::BdbWriter;
use common::sqlite::{SqliteWriter, wal};
use common::{HeaderWriter, bash, ndb, package, sample};
use layergate_rpmdb::{Format, RpmDbError, RpmPackage, read, read_with_wal};

fn containers(blobs: &[Vec<u8>]) -> Vec<(&'static str, Format, Vec<u8>)> {
    let sqlite = |page_size| SqliteWriter { page_size, ..SqliteWriter::default() }.build(blobs);
    vec![
        ("bdb little", Format::BerkeleyDb, BdbWriter::LITTLE.build(blobs)),
        ("bdb big", Format::BerkeleyDb, BdbWriter::BIG.build(blobs)),
        ("bdb 512", Format::BerkeleyDb, BdbWriter { page_size: 512, ..BdbWriter::LITTLE }.build(blobs)),
        ("bdb 32768", Format::BerkeleyDb, BdbWriter { page_size: 32768, inline: 700, big_endian: true }.build(blobs)),
        ("ndb", Format::Ndb, ndb::build(blobs)),
        ("sqlite 4096", Format::Sqlite, sqlite(4096)),
        ("sqlite 1024", Format::Sqlite, sqlite(1024)),
        ("sqlite 65536", Format::Sqlite, sqlite(65536)),
    ]
}

fn one(blob: Vec<u8>) -> RpmPackage {
    let database = read(&ndb::build(&[blob])).unwrap();
    assert_eq!(database.damages, []);
    database.packages.into_iter().next().unwrap()
}

#[test]
fn every_container_gives_back_its_packages() {
    let blobs = sample();
    for (name, format, bytes) in containers(&blobs) {
        let database = read(&bytes).unwrap();
        assert_eq!(database.format, format, "{name}");
        assert_eq!(database.damages, [], "{name}");
        let mut packages = database.packages;
        packages.sort_by_key(|package| package.number);
        let found: Vec<_> = packages.iter().map(|p| (p.number, p.name.as_str(), p.files().count())).collect();
        let mut expected = vec![(1, "bash".to_owned(), 4), (2, "gpg-pubkey".to_owned(), 0)];
        expected.extend((0..12).map(|n| (n as u32 + 3, format!("pkg{n}"), n * n * 9)));
        let expected: Vec<_> = expected.iter().map(|(number, name, files)| (*number, name.as_str(), *files)).collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(packages[13].files().last().unwrap().to_string(), "/usr/share/pkg11/file-01088.txt", "{name}");
    }
}

#[test]
fn many_packages_need_several_pages_of_records() {
    let blobs: Vec<_> = (0..200).map(|number| package(&format!("p{number}"), 40).build()).collect();
    for (name, _, bytes) in containers(&blobs) {
        let database = read(&bytes).unwrap();
        assert_eq!((database.packages.len(), database.damages.len()), (200, 0), "{name}");
    }
}

#[test]
fn an_empty_database_is_no_damage() {
    for (name, _, bytes) in containers(&[]) {
        let database = read(&bytes).unwrap();
        assert_eq!((database.packages.len(), database.damages.len()), (0, 0), "{name}");
    }
}

#[test]
fn every_field_of_a_header_is_read() {
    let package = one(bash().build());
    assert_eq!(package.name, "bash");
    assert_eq!(package.evr(), "2:4.4.19-14.el8");
    assert_eq!(package.epoch, Some(2));
    assert_eq!(package.arch, "x86_64");
    assert_eq!(package.source_rpm.as_deref(), Some("bash-4.4.19-14.el8.src.rpm"));
    assert_eq!(
        package.source().map(|source| (source.name, source.version, source.release)),
        Some(("bash", "4.4.19", "14.el8"))
    );
    assert_eq!(package.vendor.as_deref(), Some("CentOS"));
    assert_eq!(package.license.as_deref(), Some("GPLv3+"));
    assert_eq!(package.modularity_label.as_deref(), Some("shells:stream:8:abcdef"));
    assert_eq!(package.size, 6_930_068);
    assert_eq!(package.sig_md5, Some([7; 16]));
    assert_eq!(package.header_sha256, Some("ab".repeat(32)));
    let files: Vec<_> = package
        .files()
        .map(|file| (file.to_string(), file.flags.is_config(), file.flags.is_ghost(), file.flags.is_doc()))
        .collect();
    let file = |path: &str, config, ghost, doc| (path.to_owned(), config, ghost, doc);
    assert_eq!(
        files,
        [
            file("/usr/bin/bash", false, false, false),
            file("/etc/bashrc", true, false, false),
            file("/etc/skel", false, true, false),
            file("/usr/bin/sh", false, false, true),
        ]
    );
    assert_eq!(package.provides().collect::<Vec<_>>(), ["/bin/bash", "bash", "config(bash)"]);
    assert_eq!(package.requires().collect::<Vec<_>>(), ["rpmlib(BuiltinLuaScripts)", "libc.so.6()(64bit)"]);
    assert!(!package.is_pubkey());
}

#[test]
fn what_is_not_known_is_absent() {
    let key = one(common::pubkey().build());
    assert!(key.is_pubkey());
    assert_eq!((key.epoch, key.arch.as_str(), key.source_rpm.as_deref(), key.size), (None, "", None, 0));
    assert_eq!(key.files().count(), 0);
}

#[test]
fn older_and_newer_spellings() {
    let base = || HeaderWriter::default().string(1000, "n").string(1001, "1").string(1002, "2");
    let old = one(base().strings(1027, &["/bin/sh", "/etc"]).build());
    assert_eq!(old.files().map(|file| file.to_string()).collect::<Vec<_>>(), ["/bin/sh", "/etc"]);
    let large = one(base().long(5009, 1 << 40).build());
    assert_eq!(large.size, 1 << 40);
    let added_later_counts = one(base().string(1022, "i386").string(1022, "x86_64").build());
    assert_eq!(added_later_counts.arch, "x86_64");
    let not_utf8 = one(base().raw(1011, 6, 1, vec![b'M', 0xfc, 0]).build());
    assert_eq!(not_utf8.vendor.as_deref(), Some("M\u{fffd}"));
}

#[test]
fn committed_transactions_of_the_log_count_and_others_do_not() {
    let pages = |bytes: &[u8]| bytes.chunks(4096).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (before, after) = (SqliteWriter::default().build(&sample()[..2]), SqliteWriter::default().build(&sample()));
    let after_pages = pages(&after);
    let count = after_pages.len() as u32;
    let mut frames: Vec<_> = (1..).zip(after_pages).map(|(number, page)| (number, 0, page)).collect();
    let names = |main: &[u8], log: &[u8]| {
        let database = read_with_wal(main, Some(log)).unwrap();
        assert_eq!(database.damages, []);
        database.packages.len()
    };

    assert_eq!(names(&before, b""), 2);
    assert_eq!(names(&before, &wal(4096, false, &frames)), 2, "nothing was committed");
    frames.last_mut().unwrap().1 = count;
    for big_endian in [false, true] {
        let log = wal(4096, big_endian, &frames);
        assert_eq!(names(&before, &log), 14);
        assert_eq!(names(b"", &log), 14, "all is in the log yet");
        assert_eq!(names(&before, &log[..log.len() - 1]), 2, "the commit is cut off");
        let mut flipped = log.clone();
        flipped[5000] ^= 1;
        assert_eq!(names(&before, &flipped), 2, "a checksum is wrong");
    }
    let mut rolled_back = frames.clone();
    rolled_back.push((2, 0, vec![0; 4096]));
    assert_eq!(names(&before, &wal(4096, false, &rolled_back)), 14);
}

#[test]
fn a_log_that_is_none_is_reported() {
    let main = SqliteWriter::default().build(&sample());
    for log in [&b"garbage of some length, no log at all"[..], &wal(1024, false, &[(1, 1, vec![0; 1024])])] {
        let database = read_with_wal(&main, Some(log)).unwrap();
        assert_eq!((database.packages.len(), database.damages.len()), (14, 1), "{:?}", database.damages);
    }
}

#[test]
fn other_files_are_refused_by_name() {
    let mut btree = BdbWriter::LITTLE.build(&[]);
    btree[12..16].copy_from_slice(&0x0005_3162u32.to_le_bytes());
    let mut version = BdbWriter::BIG.build(&[]);
    version[16..20].copy_from_slice(&4u32.to_be_bytes());
    let mut encrypted = BdbWriter::BIG.build(&[]);
    encrypted[24] = 1;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "the rpm database is empty (0 bytes)"),
        ("btree", btree, "not the rpm package table but a Berkeley DB B-tree (an rpm index such as Basenames)"),
        ("version", version, "unsupported Berkeley DB database: hash version 4, 7 to 10 are known"),
        ("encrypted", encrypted, "unsupported Berkeley DB database: encrypted"),
        ("ndb index", b"RpmX\0\0\0\0".to_vec(), "not the rpm package table but an NDB index (Index.db)"),
        (
            "other sqlite",
            SqliteWriter { table: "history", ..SqliteWriter::default() }.build(&[]),
            "not the rpm package table but an SQLite database without a readable table Packages",
        ),
        ("short sqlite", b"SQLite format 3\0".to_vec(), "damaged SQLite database header: cut off after 16 bytes"),
        ("short ndb", b"RpmP\0\0\0\0".to_vec(), "damaged NDB database header: cut off after 8 bytes"),
    ];
    for (name, bytes, message) in cases {
        assert_eq!(read(&bytes).unwrap_err().to_string(), message, "{name}");
    }
    assert!(matches!(read(b"hello"), Err(RpmDbError::Unrecognized { .. })));
}
