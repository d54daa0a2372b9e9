//! Databases of real images against the package lists that other scanners gave for them. Skipped without the shared
//! data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

use layergate_rpmdb::{Format, read, read_with_wal};

const PEERS: &str = "golden/peer-results-dev.jsonl.zst";

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("LAYERGATE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    // Helpers' checkouts lie one directory deeper.
    let root = if root.is_dir() { root } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared") };
    let data = root.join("data");
    if !data.join(PEERS).is_file() {
        println!("skipped: no shared data in {}", data.display());
        return None;
    }
    Some(data)
}

fn output(command: &str, path: &Path) -> Vec<u8> {
    let result = Command::new("sh").args(["-c", command, "sh"]).arg(path).output().unwrap();
    assert!(result.status.success(), "{command}: {}", String::from_utf8_lossy(&result.stderr));
    result.stdout
}

/// Name and full version of each package, as both peers list them.
fn expected(data: &Path, image: &str) -> (Vec<String>, Vec<String>) {
    let lines = String::from_utf8(output("zstd -dcq \"$1\"", &data.join(PEERS))).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let record = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|record| record["image"] == image)
        .unwrap_or_else(|| panic!("{image} is not in the golden lists"));
    let mut trivy: Vec<String> = record["trivy"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|result| result["packages"].as_array().cloned().unwrap_or_default())
        .map(|package| {
            let source = format!("{}-{}-{}", text(&package["src"]), text(&package["srcver"]), text(&package["srcrel"]));
            format!("{} {}-{} {source}", text(&package["name"]), text(&package["version"]), text(&package["release"]))
        })
        .collect();
    let mut syft: Vec<String> = record["syft"]["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["type"] == "rpm")
        .map(|package| format!("{} {}", text(&package["name"]), text(&package["version"])))
        .collect();
    trivy.sort();
    syft.sort();
    (trivy, syft)
}

#[test]
fn real_databases_hold_what_the_peers_found() {
    let Some(data) = shared() else { return };
    let cases = [
        ("pkgdb/rpm/bdb/libuuid.Packages", "cat \"$1\"", Format::BerkeleyDb),
        ("pkgdb/rpm/ndb/sle15-bci.Packages.db", "cat \"$1\"", Format::Ndb),
        ("pkgdb/rpm/sqlite/cbl-mariner-2.0.rpmdb.sqlite", "cat \"$1\"", Format::Sqlite),
        (
            "images/rootfs/almalinux-8-micro-s390x-20230523.tar.xz",
            "tar -xJOf \"$1\" var/lib/rpm/Packages",
            Format::BerkeleyDb,
        ),
        (
            "images/rootfs/almalinux-9-micro-aarch64-20221001.tar.xz",
            "tar -xJOf \"$1\" var/lib/rpm/rpmdb.sqlite",
            Format::Sqlite,
        ),
        (
            "images/docker-archive/centos7-bdb-scancode.tar.gz",
            "tar -xzOf \"$1\" 773711fd02f009e3bc5f9e2b1e859bf2103ba7318b3eb73390490afb3a3a8848.tar | tar -xOf - --wildcards '*var/lib/rpm/Packages'",
            Format::BerkeleyDb,
        ),
    ];
    for (image, command, format) in cases {
        let bytes = output(command, &data.join(image));
        let database = read_with_wal(&bytes, Some(b"")).unwrap();
        assert_eq!(database.format, format, "{image}");
        assert_eq!(database.damages, [], "{image}");
        // The peers list the public keys as packages, which they are not; they are compared all the same.
        let packages = &database.packages;
        let mut like_trivy: Vec<String> = packages
            .iter()
            .map(|package| {
                let source = package.source().map_or_else(
                    || "--".to_owned(),
                    |source| format!("{}-{}-{}", source.name, source.version, source.release),
                );
                format!("{} {}-{} {source}", package.name, package.version, package.release)
            })
            .collect();
        let mut like_syft: Vec<String> =
            packages.iter().map(|package| format!("{} {}", package.name, package.evr())).collect();
        like_trivy.sort();
        like_syft.sort();
        let (trivy, syft) = expected(&data, image);
        assert!(!trivy.is_empty(), "{image}");
        assert_eq!(like_trivy, trivy, "{image}");
        assert_eq!(like_syft, syft, "{image}");
    }
}

#[test]
fn a_cut_through_a_real_database_is_reported() {
    let Some(data) = shared() else { return };
    for file in [
        "pkgdb/rpm/bdb/libuuid.Packages",
        "pkgdb/rpm/ndb/sle15-bci.Packages.db",
        "pkgdb/rpm/sqlite/cbl-mariner-2.0.rpmdb.sqlite",
    ] {
        let bytes = std::fs::read(data.join(file)).unwrap();
        for part in 1..32 {
            let end = bytes.len() * part / 32 + part;
            if let Ok(database) = read(&bytes[..end]) {
                assert!(!database.damages.is_empty(), "{file} cut at {end}");
            }
        }
    }
}
