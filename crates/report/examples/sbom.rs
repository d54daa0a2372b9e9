//! What layergate makes of an SBOM: `cargo run -p layergate-report --example sbom -- FILE [FORMAT]` lists its packages,
//! or writes them again in another format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use layergate_report::{Format, RenderOptions, render, sbom};

fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().expect("usage: sbom FILE [FORMAT]");
    let bytes = std::fs::read(&file).expect("the file can be read");
    let inventory = match sbom::read(&bytes, &file) {
        Ok(inventory) => inventory,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
    };
    if let Some(format) = args.next() {
        let format: Format = format.parse().expect("a format");
        let report = common::report_of(&inventory, &file);
        print!("{}", render(format, &[report], &RenderOptions::default()).expect("one image"));
        return;
    }
    for gap in &inventory.gaps {
        eprintln!("gap {}: {}", gap.kind, gap.detail);
    }
    let distro = inventory.distro.as_ref().map(|d| format!("{} {}", d.id, d.version.as_deref().unwrap_or_default()));
    eprintln!("distribution {}", distro.as_deref().unwrap_or("none"));
    for p in &inventory.packages {
        let source = p.package.source.as_ref().map(|s| format!("{} {}", s.name, s.version)).unwrap_or_default();
        println!("{}\t{}\t{}\t{source}\t{}", p.package.kind, p.package.name, p.package.version, p.package.locations[0]);
    }
}
