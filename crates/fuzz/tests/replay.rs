//! The kept corpus through every target, as it is and damaged from a seed: what a fuzzer once found stays found, without a
//! fuzzer and without nightly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use layergate_advisory::Snapshot;
use layergate_fuzz::{Target, targets};
use layergate_inventory::Catalogue;

/// The most that one file may take, unoptimised and beside other tests.
const PATIENCE: Duration = Duration::from_secs(20);
/// Damaged copies of each file.
const DAMAGED: u64 = 6;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

fn files(target: &Target) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(corpus().join(&target.name)) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

/// A few bytes changed, a piece taken out or said twice; the same in every run (xorshift).
fn damage(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound.max(1) as u64) as usize
    };
    let mut out = bytes.to_vec();
    for _ in 0..=below(3) {
        if out.is_empty() {
            break;
        }
        let at = below(out.len());
        let end = at + below((out.len() - at).min(64));
        match below(4) {
            0 => out[at] = below(256) as u8,
            1 => drop(out.drain(at..end)),
            2 => {
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
            _ => out[at] ^= 1 << below(8),
        }
    }
    out
}

#[test]
fn every_target_on_its_corpus() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for target in targets() {
        for file in files(&target) {
            let bytes = fs::read(&file).unwrap();
            for seed in 0..=DAMAGED {
                let bytes = if seed == 0 { bytes.clone() } else { damage(&bytes, seed ^ bytes.len() as u64) };
                let begin = Instant::now();
                count += 1;
                if catch_unwind(AssertUnwindSafe(|| target.run(&bytes))).is_err() {
                    let kept = std::env::temp_dir().join(format!("layergate-{}-{seed}", target.name));
                    let _ = fs::write(&kept, &bytes);
                    wrong.push(format!("{}, seed {seed}: it broke down; {}", file.display(), kept.display()));
                }
                if begin.elapsed() > PATIENCE {
                    wrong.push(format!("{}, seed {seed}: {:?}", file.display(), begin.elapsed()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 500, "{count}: is the corpus where it should be?");
}

#[test]
fn a_snapshot_of_the_corpus_gets_behind_its_header() {
    let files = fs::read_dir(corpus().join("snapshot")).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap());
    let opened = files.filter_map(|bytes| Snapshot::from_bytes(bytes).ok());
    let packages: usize = opened.map(|snapshot| snapshot.packages().count()).sum();
    assert!(packages > 0, "only snapshots of old formats: copy the newest golden of crates/advisory there");
}

#[test]
fn no_parser_is_without_a_target_and_no_corpus_without_a_parser() {
    let names: Vec<String> = targets().into_iter().map(|t| t.name).collect();
    let set: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(set.len(), names.len(), "a name stands for two targets");
    for analyzer in Catalogue::standard().analyzers() {
        assert!(set.contains(format!("analyzer-{}", analyzer.id()).as_str()), "{}", analyzer.id());
    }
    for feed in layergate_feeds::catalogue_ids() {
        assert!(set.contains(format!("feed-{feed}").as_str()), "{feed}");
    }
    for entry in fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(set.contains(name.as_str()), "fuzz/corpus/{name} belongs to no target");
    }
    // A target that is in no catalogue was written by hand, and so was its corpus.
    for target in targets().iter().filter(|t| !t.name.starts_with("analyzer-") && !t.name.starts_with("feed-")) {
        assert!(!files(target).is_empty(), "{} has no corpus", target.name);
    }
}
