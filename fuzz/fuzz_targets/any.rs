//! All targets of `layergate-fuzz` in one program: `LAYERGATE_FUZZ` names the one that runs, and `list` prints them. One
//! program, because a hundred that differ in one name would be built and linked a hundred times.
#![no_main]

use std::sync::LazyLock;

use layergate_fuzz::{Target, targets};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("LAYERGATE_FUZZ").unwrap_or_default();
    let mut all = targets();
    match all.iter().position(|t| t.name == name) {
        Some(found) => all.swap_remove(found),
        None => {
            all.iter().for_each(|t| println!("{}", t.name));
            std::process::exit(if name == "list" { 0 } else { 2 });
        }
    }
});

libfuzzer_sys::fuzz_target!(
    init: LazyLock::force(&TARGET),
    |bytes: &[u8]| TARGET.run(bytes)
);
