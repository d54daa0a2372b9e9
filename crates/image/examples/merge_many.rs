//! How long a merge takes: 100 layers of 60,000 entries, a package database rewritten in every tenth, links, whiteouts
//! and a node_modules. `cargo run --release -p layergate-image --example merge_many [LAYERS [ENTRIES]]`
#![allow(clippy::print_stdout)]

use std::time::Instant;

use layergate_image::{MergeLayer, MergeOptions, merge};
use layergate_model::{
    AnalyzerId, Digest, EntryKind, LayerInventory, LayerPath, OwnedFiles, Package, PackageKind, PathTableBuilder,
    Section,
};

fn path(text: &str) -> LayerPath {
    LayerPath::normalise(text).unwrap_or_else(|_| LayerPath::root())
}

fn layer(number: usize, entries: usize) -> LayerInventory {
    let mut table = PathTableBuilder::default();
    let mut section = Section { revision: 1, ..Section::default() };
    table.push(&path("lib"), EntryKind::Symlink, 0o777, "usr/lib");
    for i in 0..entries {
        let directory = format!("usr/share/l{}/d{}/e{}", number % 7, i / 500, i / 25);
        match i % 25 {
            0 => table.push(&path(&directory), EntryKind::Directory, 0o755, ""),
            1 | 2 => table.push(&path(&format!("{directory}/lib{i}.so")), EntryKind::Symlink, 0o777, "libx.so.1"),
            3 if i % 100 == 3 => table.push(&path(&format!("{directory}/.wh.f{i}")), EntryKind::File, 0, ""),
            4 if i % 200 == 4 => {
                let evidence = path(&format!("app/node_modules/m{i}/package.json"));
                table.push(&evidence, EntryKind::File, 0o644, "");
                section.packages.push(Package::new(PackageKind::Npm, format!("m{i}"), "1.0.0", &evidence));
            }
            _ => table.push(&path(&format!("{directory}/file-{i}.data")), EntryKind::File, 0o644, ""),
        }
    }
    if number.is_multiple_of(10) {
        let status = path("var/lib/dpkg/status");
        table.push(&status, EntryKind::File, 0o644, "");
        for i in 0..400 + number {
            section.packages.push(Package::new(PackageKind::Deb, format!("p{i}"), "1.0-1", &status));
            let list = path(&format!("var/lib/dpkg/info/p{i}.list"));
            table.push(&list, EntryKind::File, 0o644, "");
            let paths = (0..100).map(|f| path(&format!("usr/lib/python3/p{i}/f{f}"))).collect();
            section.owned.push(OwnedFiles { evidence: list, package: format!("p{i}"), paths });
        }
    }
    LayerInventory {
        blob: Digest::of(&number.to_le_bytes()),
        size: 0,
        unpacked: 0,
        sections: [(AnalyzerId::new("bench"), section)].into(),
        gaps: Vec::new(),
        paths: table.finish(),
    }
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .unwrap_or("")
        .split_whitespace()
        .skip(1)
        .collect::<Vec<_>>()
        .join(" ")
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let (count, entries) = (arguments.next().unwrap_or(100), arguments.next().unwrap_or(60_000));
    let layers: Vec<_> = (0..count).map(|number| layer(number, entries)).collect();
    let bytes: usize = layers.iter().map(|l| l.paths.size()).sum();
    let before = peak();
    let layers: Vec<_> = layers.iter().map(|l| MergeLayer { digest: l.blob, inventory: l }).collect();
    let start = Instant::now();
    let image = merge(&layers, None, &MergeOptions::default());
    println!(
        "{count} layers of {entries} entries ({} MiB of tables): {:.3} s, {} packages; peak before {before}, after {}",
        bytes >> 20,
        start.elapsed().as_secs_f64(),
        image.packages.len(),
        peak()
    );
}
