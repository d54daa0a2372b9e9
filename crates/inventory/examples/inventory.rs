//! Prints what layers contain: `cargo run --example inventory -- layer.tar.gz …`, one package, fact, secret or gap a line.

use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, Limits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let inventory = inventory_layer(&bytes[..], Digest::of(&bytes), &Catalogue::standard(), &Limits::default())?;
        for (analyzer, section) in &inventory.sections {
            for p in &section.packages {
                println!("{analyzer} {} {} {} {:?}", p.kind, p.name, p.version, p.locations);
            }
            for fact in &section.facts {
                println!("{analyzer} {:?} {}", fact.kind, fact.path);
            }
            for s in &section.secrets {
                println!("{analyzer} {} {}:{} {}", s.rule, s.path, s.line, s.redacted);
            }
        }
        let gaps = inventory.gaps.iter().chain(inventory.sections.values().flat_map(|s| &s.gaps));
        gaps.for_each(|gap| println!("gap {} {}: {}", gap.kind, gap.place, gap.detail));
    }
    Ok(())
}
