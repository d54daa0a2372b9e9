//! Damaged and crafted databases: nothing panics, nothing runs away, and no loss is silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::bdb::BdbWriter;
use common::sqlite::{SqliteWriter, wal};
use common::{Dice, HeaderWriter, bash, ndb, package, sample, small_sample};
use layergate_rpmdb::{DamageKind, Database, read, read_with_wal};

fn databases(blobs: &[Vec<u8>]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("bdb little", BdbWriter { page_size: 512, ..BdbWriter::LITTLE }.build(blobs)),
        ("bdb big", BdbWriter { page_size: 1024, ..BdbWriter::BIG }.build(blobs)),
        ("ndb", ndb::build(blobs)),
        ("sqlite", SqliteWriter { page_size: 1024, ..SqliteWriter::default() }.build(blobs)),
    ]
}

/// Reads to the last file name, as a caller would.
fn drain(database: &Database) -> usize {
    let files = database.packages.iter().flat_map(|package| package.files()).map(|file| file.to_string().len());
    files.sum::<usize>() + database.packages.iter().map(|package| package.requires().count()).sum::<usize>()
}

fn kinds(database: &Database) -> Vec<DamageKind> {
    database.damages.iter().map(|damage| damage.kind).collect()
}

#[test]
fn a_cut_anywhere_is_reported() {
    for (name, bytes) in databases(&sample()) {
        let whole = read(&bytes).unwrap().packages.len();
        for end in (0..bytes.len()).step_by(97) {
            match read(&bytes[..end]) {
                Ok(database) => {
                    drain(&database);
                    assert!(!database.damages.is_empty(), "{name} cut at {end}: {} packages", database.packages.len());
                    assert!(database.packages.len() <= whole);
                }
                Err(error) => assert!(end < 5000, "{name} cut at {end}: {error}"),
            }
        }
    }
}

#[test]
fn half_a_database_gives_its_half() {
    for (name, bytes) in databases(&sample()) {
        let database = read(&bytes[..bytes.len() / 2]).unwrap();
        assert!(kinds(&database).contains(&DamageKind::Truncated), "{name}: {:?}", database.damages);
        if name != "sqlite" {
            assert!(database.packages.iter().any(|package| package.name == "bash"), "{name}");
        }
    }
}

#[test]
fn flipped_bytes_do_no_harm() {
    let start = Instant::now();
    for (_, bytes) in databases(&small_sample()) {
        let mut dice = Dice(0x1234_5678_9abc_def1);
        let mut mutant = bytes.clone();
        // The front is where the structure is; there every byte is tried.
        let places = (0..bytes.len().min(1200)).chain((1200..bytes.len()).step_by(97));
        for at in places {
            for value in [0, 0xff, bytes[at] ^ 1 << dice.roll(8)] {
                mutant[at] = value;
                if let Ok(database) = read(&mutant) {
                    drain(&database);
                }
            }
            mutant[at] = bytes[at];
        }
        for _ in 0..300 {
            let mut mutant = bytes.clone();
            for _ in 0..1 + dice.roll(40) {
                let at = dice.roll(mutant.len());
                mutant[at] = dice.roll(256) as u8;
            }
            if let Ok(database) = read(&mutant) {
                drain(&database);
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn headers_of_noise_do_no_harm() {
    let mut dice = Dice(99);
    let good = bash().build();
    let blobs: Vec<Vec<u8>> = (0..200)
        .map(|round| {
            let mut blob = good.clone();
            for _ in 0..=round % 20 {
                let at = dice.roll(blob.len());
                blob[at] = dice.roll(256) as u8;
            }
            blob.truncate(good.len() - if round % 3 == 0 { dice.roll(good.len()) } else { 0 });
            blob
        })
        .collect();
    drain(&read(&ndb::build(&blobs)).unwrap());
}

#[test]
fn a_cyclic_overflow_chain_ends() {
    let blobs = vec![package("victim", 2000).build(), bash().build()];
    for writer in [BdbWriter::LITTLE, BdbWriter::BIG] {
        let mut bytes = writer.build(&blobs);
        // Page 3 is the first overflow page; page 4, its successor, leads back to it.
        writer.put32(&mut bytes, 4 * 4096 + 16, 3);
        let database = read(&bytes).unwrap();
        assert!(kinds(&database).contains(&DamageKind::Cycle), "{:?}", database.damages);
        assert!(database.packages.iter().any(|package| package.name == "bash"));
    }
    let mut bytes = SqliteWriter::default().build(&blobs);
    // Page 3 is the first overflow page; it leads to itself.
    bytes[2 * 4096..2 * 4096 + 4].copy_from_slice(&3u32.to_be_bytes());
    let database = read(&bytes).unwrap();
    assert!(kinds(&database).contains(&DamageKind::Cycle), "{:?}", database.damages);
    assert!(database.packages.iter().any(|package| package.name == "bash"));
}

#[test]
fn a_tree_that_contains_itself_ends() {
    let blobs: Vec<_> = (0..80).map(|number| package(&format!("p{number}"), 10).build()).collect();
    let mut bytes = SqliteWriter::default().build(&blobs);
    assert_eq!(bytes[4096], 5, "page 2 must be an interior page");
    bytes[4096 + 8..4096 + 12].copy_from_slice(&2u32.to_be_bytes());
    let database = read(&bytes).unwrap();
    assert_eq!(kinds(&database), [DamageKind::Cycle]);
    assert!(database.packages.len() > 40);
}

#[test]
fn records_that_share_bytes_stop_at_the_size_of_the_file() {
    // All cells of the leaf are the same one.
    let mut bytes =
        SqliteWriter { page_size: 65536, ..SqliteWriter::default() }.build(&[package("again", 1500).build()]);
    let leaf = 65536;
    let pointer = [bytes[leaf + 8], bytes[leaf + 9]];
    bytes[leaf + 3..leaf + 5].copy_from_slice(&5000u16.to_be_bytes());
    for cell in 0..5000 {
        bytes[leaf + 8 + 2 * cell..leaf + 10 + 2 * cell].copy_from_slice(&pointer);
    }
    let database = read(&bytes).unwrap();
    assert!(kinds(&database).contains(&DamageKind::Excess));
    assert!(database.packages.len() < 10);
}

#[test]
fn a_header_whose_values_share_bytes_is_bounded() {
    let noise = [b'x', 0].repeat(50_000);
    let mut blob =
        HeaderWriter::default().string(1000, "n").string(1001, "1").string(1002, "1").raw(1047, 8, 50_000, noise);
    for tag in [1049, 1027] {
        blob = blob.raw(tag, 8, 50_000, Vec::new());
    }
    let mut blob = blob.build();
    let offset: [u8; 4] = blob[8 + 4 * 16 + 8..8 + 4 * 16 + 12].try_into().unwrap();
    for entry in [5, 6] {
        blob[8 + entry * 16 + 8..8 + entry * 16 + 12].copy_from_slice(&offset);
    }
    let database = read(&ndb::build(&[blob])).unwrap();
    assert!(kinds(&database).contains(&DamageKind::Excess), "{:?}", database.damages);
    let package = &database.packages[0];
    assert!(package.files().count() + package.requires().count() + package.provides().count() <= 50_000);
}

#[test]
fn short_names_in_a_long_directory_are_bounded() {
    let long = format!("/{}/", "d".repeat(100_000));
    let header = HeaderWriter::default()
        .string(1000, "n")
        .string(1001, "1")
        .string(1002, "1")
        .numbers(1116, &vec![0; 50_000])
        .strings(1117, &vec![""; 50_000])
        .strings(1118, &[&long]);
    let database = read(&ndb::build(&[header.build()])).unwrap();
    assert_eq!(kinds(&database), [DamageKind::Files]);
    assert!(drain(&database) < 64 * 400_000);
}

#[test]
fn contradictions_in_a_file_list_are_reported() {
    let base = || HeaderWriter::default().string(1000, "n").string(1001, "1").string(1002, "1");
    let cases: Vec<(&str, HeaderWriter, usize)> = vec![
        ("stray directory", base().numbers(1116, &[0, 7]).strings(1117, &["a", "b"]).strings(1118, &["/"]), 1),
        ("fewer indexes", base().numbers(1116, &[0]).strings(1117, &["a", "b"]).strings(1118, &["/"]), 1),
        ("no directories", base().numbers(1116, &[0]).strings(1117, &["a"]), 0),
        ("wrong type", base().numbers(1116, &[0]).numbers(1117, &[0]).strings(1118, &["/"]), 0),
    ];
    for (name, header, files) in cases {
        let database = read(&ndb::build(&[header.build()])).unwrap();
        assert_eq!(kinds(&database).last(), Some(&DamageKind::Files), "{name}");
        assert_eq!(database.packages[0].files().count(), files, "{name}");
    }
}

#[test]
fn a_package_without_a_name_is_reported_not_made_up() {
    let header = HeaderWriter::default().string(1001, "1").string(1002, "1");
    let database = read(&ndb::build(&[header.build(), bash().build()])).unwrap();
    assert_eq!(kinds(&database), [DamageKind::Header]);
    assert_eq!(database.packages.len(), 1);
}

#[test]
fn damages_are_counted_not_piled_up() {
    let mut bytes = ndb::build(&[]);
    bytes[12..16].copy_from_slice(&1000u32.to_le_bytes());
    bytes.resize(4096 * 1000, 0);
    let database = read(&bytes).unwrap();
    assert!(database.damages.len() <= 65);
    assert_eq!(kinds(&database).last(), Some(&DamageKind::More));
}

#[test]
fn a_log_cannot_promise_pages_out_of_nothing() {
    let main = SqliteWriter::default().build(&sample());
    let first = main[..4096].to_vec();
    let log = wal(4096, false, &[(u32::MAX, 0, vec![13; 4096]), (1, u32::MAX, first)]);
    let start = Instant::now();
    let database = read_with_wal(&main, Some(&log)).unwrap();
    assert_eq!(database.packages.len(), 14);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_flipped_or_cut_log_does_no_harm() {
    let main = SqliteWriter::default().build(&small_sample());
    let pages = (1..).zip(main.chunks(4096));
    let frames: Vec<_> = pages.map(|(number, page)| (number, main.len() as u32 / 4096, page.to_vec())).collect();
    let log = wal(4096, true, &frames);
    for at in (0..64).chain((64..log.len()).step_by(97)) {
        let mut mutant = log.clone();
        mutant[at] ^= 0x81;
        for (main, log) in [(&main[..], &mutant[..]), (&[], &mutant), (&main, &log[..at]), (&[], &log[..at])] {
            if let Ok(database) = read_with_wal(main, Some(log)) {
                drain(&database);
            }
        }
    }
}

#[test]
fn a_smaller_count_of_records_is_reported() {
    for writer in [BdbWriter::LITTLE, BdbWriter::BIG] {
        let mut bytes = writer.build(&sample());
        bytes[4096 + 20..4096 + 22].copy_from_slice(&writer.u16(2));
        assert_eq!(kinds(&read(&bytes).unwrap()), [DamageKind::Container]);
    }
}

#[test]
fn a_lost_hash_page_is_reported() {
    let blobs = sample();
    for kind in [7, 5, 99] {
        let mut bytes = BdbWriter::LITTLE.build(&blobs);
        bytes[2 * 4096 + 25] = kind;
        let database = read(&bytes).unwrap();
        assert!(kinds(&database).contains(&DamageKind::Container), "type {kind}");
        assert!(database.packages.len() < blobs.len());
    }
}
