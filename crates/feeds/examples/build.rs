//! `cargo run -p layergate-feeds --example build -- DIR OUTPUT`: builds a snapshot and says what became of every file.
use std::{collections::BTreeMap, path::Path, time::Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, output] = arguments.as_slice() else {
        eprintln!("usage: build DIR OUTPUT");
        std::process::exit(2);
    };
    let start = Instant::now();
    let report = match layergate_feeds::build_from_dir(Path::new(dir), Path::new(output)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
    };
    let bytes: u64 = report.used.values().map(|u| u.1).sum();
    println!(
        "{} records, {} bytes of feeds, {} bytes of snapshot, {:.2?}",
        report.records,
        bytes,
        report.size,
        start.elapsed()
    );
    for feed in &report.feeds {
        println!(
            "{:24} {:7} records {:5} withdrawn {:4} errors  newest {:?}",
            feed.info.id, feed.records, feed.withdrawn, feed.errors, feed.newest
        );
    }
    println!("used {:?}", report.used);
    let mut reasons: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for unused in &report.unused {
        let reason = reasons.entry(unused.reason.clone()).or_insert((0, unused.path.clone()));
        reason.0 += 1;
    }
    for (reason, (count, example)) in reasons {
        println!("unused {count:5}  {reason}  ({example})");
    }
    for problem in &report.problems {
        println!("problem {} {}: {}", problem.feed, problem.path, problem.detail);
    }
}
