//! `cargo run -p layergate-judge --example golden_findings -- SNAPSHOT RESULTS.jsonl ADVISORY_CVES.tsv [FILTER]`
//!
//! Takes the package lists that Trivy recorded as image inventories, matches them here, and compares the findings with
//! Trivy's recorded ones as sets, after alias expansion. Shows the matcher's differences without the scanner's.

#[path = "../tests/recorded/mod.rs"]
mod recorded;

use std::{path::Path, time::Duration};

use layergate_advisory::Snapshot;
use recorded::{Failure, compare, expansion};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, results, cves, rest @ ..] = arguments.as_slice() else {
        return Err("usage: golden_findings SNAPSHOT RESULTS.jsonl ADVISORY_CVES.tsv [FILTER]".into());
    };
    let snapshot = Snapshot::open(Path::new(snapshot))?;
    let expand = expansion(&std::fs::read_to_string(cves)?);
    let (mut total, mut found, mut beyond, mut spent, mut packages) = (0, 0, 0, Duration::ZERO, 0);
    for line in std::fs::read_to_string(results)?.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let name = record["image"].as_str().unwrap_or_default();
        if rest.first().is_some_and(|f| !name.contains(f.as_str())) {
            continue;
        }
        let item = compare(&record, &snapshot, &expand)?;
        let hit = item.theirs - item.missing.len();
        if item.theirs + item.beyond.len() > 0 {
            println!("{}: {hit} of {} found, {} beyond", item.name, item.theirs, item.beyond.len());
        }
        item.missing.iter().for_each(|m| println!("    missing {m}"));
        item.beyond.iter().for_each(|m| println!("    beyond  {m}"));
        item.matches.gaps.iter().for_each(|g| println!("    gap     {} {}: {}", g.kind, g.place, g.detail));
        total += item.theirs;
        found += hit;
        beyond += item.beyond.len();
        spent += item.took;
        packages += item.packages;
    }
    println!("findings {found}/{total}, beyond {beyond}; {packages} packages in {spent:.2?}");
    Ok(())
}
