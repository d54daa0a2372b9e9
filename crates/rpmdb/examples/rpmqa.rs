//! Lists a database file as `rpm -qa` would: `cargo run --example rpmqa -- FILE [WAL]`.

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args_os().skip(1);
    let main = std::fs::read(paths.next().ok_or("usage: rpmqa FILE [WAL]")?)?;
    let wal = paths.next().map(std::fs::read).transpose()?;
    let start = Instant::now();
    let database = layergate_rpmdb::read_with_wal(&main, wal.as_deref())?;
    let read = start.elapsed();
    let mut files = 0;
    for package in &database.packages {
        files += package.files().count();
        println!("{}-{}.{}", package.name, package.evr(), package.arch);
    }
    for damage in &database.damages {
        eprintln!("damage: {damage}");
    }
    eprintln!("{:?}: {} packages, {files} files, {read:?}", database.format, database.packages.len());
    Ok(())
}
