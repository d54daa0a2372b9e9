//! Names the edition of the program: a hash of every source of the house and of the lock file. Kept reports are filed under
//! it, so that what another state of the code judged is never given for what this one would.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    io,
    path::Path,
};

fn main() -> io::Result<()> {
    // Cargo runs this in the crate's folder. A path that was compiled in would name the folder of another clone when the
    // target folder was restored from a cache, or the clone moved.
    let house = Path::new("../..");
    // Always the same keys: equal sources have equal editions.
    let mut hasher = DefaultHasher::new();
    let mut crates: Vec<_> = fs::read_dir(house.join("crates"))?.collect::<io::Result<Vec<_>>>()?;
    crates.sort_by_key(fs::DirEntry::file_name);
    let of_crates = crates.iter().flat_map(|c| [c.path().join("src"), c.path().join("Cargo.toml")]);
    for part in of_crates.chain([house.join("proto"), house.join("Cargo.lock")]) {
        println!("cargo::rerun-if-changed={}", part.display());
        add(&part, &mut hasher)?;
    }
    println!("cargo::rustc-env=LAYERGATE_EDITION={:016x}", hasher.finish());
    Ok(())
}

/// The names and contents of a file, or of everything below a directory, in the order of their names.
fn add(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            entry.file_name().hash(hasher);
            add(&entry.path(), hasher)?;
        }
        return Ok(());
    }
    fs::read(path)?.hash(hasher);
    Ok(())
}
