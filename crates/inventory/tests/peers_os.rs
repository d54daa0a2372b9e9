//! What Trivy and Syft list on real root file systems, package databases and programs, held against what we list. The
//! data lies outside the repository; without it there is nothing to compare and the test says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, LayerInventory, Limits};
use layergate_unpack::decompress;
use serde_json::Value;

/// Where we differ on purpose: item, name, why.
const NOT_OURS: &[(&str, &str, &str)] = &[(
    "ubuntu-1804-fanal-status",
    "git",
    "Syft lists it, but dpkg says deinstall ok config-files: it was removed and left only its configuration",
)];

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("LAYERGATE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let beside = [root, PathBuf::from("/work/shared")];
    beside.into_iter().map(|r| r.join("data")).find(|d| d.join("golden/peer-results-dev.jsonl.zst").exists())
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    decompress(bytes, &Limits::default()).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn scan(blob: &[u8]) -> LayerInventory {
    inventory_layer(blob, Digest::of(blob), &Catalogue::standard(), &Limits::default()).unwrap()
}

fn alone(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, path, bytes).unwrap();
    builder.into_inner().unwrap()
}

/// The layers of an item, as blobs.
fn layers(item: &str, how: &str, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if let Some((_, rest)) = how.split_once("placed at /") {
        return vec![alone(rest.split(' ').next().unwrap(), &bytes)];
    }
    if how.contains("alone in a directory") {
        return vec![alone(item.rsplit('/').next().unwrap(), &bytes)];
    }
    if how.contains("extracted") {
        return vec![bytes];
    }
    let plain = unpacked(&bytes);
    let mut archive = tar::Archive::new(&plain[..]);
    let mut blobs = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut blob = Vec::new();
        entry.read_to_end(&mut blob).unwrap();
        let json = blob.iter().find(|b| !b.is_ascii_whitespace()).is_none_or(|b| *b == b'{' || *b == b'[');
        if entry.header().entry_type().is_file() && !json && blob.len() >= 512 {
            blobs.push(blob);
        }
    }
    blobs
}

type Names = BTreeSet<(String, String)>;

fn key(name: &str, version: &str) -> (String, String) {
    let version = version.strip_prefix("0:").unwrap_or(version);
    let bare = version.strip_prefix("go").or(version.strip_prefix('v')).unwrap_or(version);
    let version = if bare.starts_with(|c: char| c.is_ascii_digit()) { bare } else { version };
    (name.to_lowercase().replace('_', "-"), version.to_owned())
}

fn peers(record: &Value, types: &[&str]) -> Names {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |p: &Value, k: &str| match &p[k] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let mut names = Names::new();
    for result in list(&record["trivy"]["results"]) {
        if !types.contains(&result["type"].as_str().unwrap_or_default()) {
            continue;
        }
        for package in list(&result["packages"]) {
            let mut version = text(&package, "version");
            if !text(&package, "release").is_empty() {
                version = format!("{version}-{}", text(&package, "release"));
            }
            if !matches!(text(&package, "epoch").as_str(), "" | "0") {
                version = format!("{}:{version}", text(&package, "epoch"));
            }
            names.insert(key(&text(&package, "name"), &version));
        }
    }
    for package in list(&record["syft"]["packages"]) {
        if types.contains(&package["type"].as_str().unwrap_or_default()) {
            names.insert(key(&text(&package, "name"), &text(&package, "version")));
        }
    }
    names.retain(|(_, version)| !version.is_empty());
    names
}

#[test]
fn every_package_of_the_peers_and_none_of_our_own_invention() {
    let Some(data) = shared() else {
        println!("skipped: ../shared/data is not on this machine");
        return;
    };
    let os = ["alpine", "debian", "ubuntu", "alma", "centos", "cbl-mariner", "sles", "deb", "apk", "rpm"];
    let programs = ["gobinary", "go-module", "rustbinary", "rust-crate", "binary", "python-pkg"];
    let golden = unpacked(&std::fs::read(data.join("golden/peer-results-dev.jsonl.zst")).unwrap());
    let (mut items, mut seen, mut wrong) = (0, 0, Vec::new());
    for line in std::str::from_utf8(&golden).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let item = record["image"].as_str().unwrap();
        if item.contains('!') || item.starts_with("lang/real-locks") {
            continue;
        }
        let (want_os, want_programs) = (peers(&record, &os), peers(&record, &programs));
        if want_os.is_empty() && want_programs.is_empty() {
            continue;
        }
        // Some recorded items are too large to be handed out.
        let Ok(bytes) = std::fs::read(data.join(item)) else { continue };
        let blobs = layers(item, record["how"].as_str().unwrap_or_default(), bytes);
        let inventories: Vec<_> = blobs.iter().map(|blob| scan(blob)).collect();
        let found = inventories.iter().flat_map(|i| i.sections.values()).flat_map(|s| &s.packages);
        let (ours_os, others): (Vec<_>, Vec<_>) = found.partition(|p| p.kind.is_os());
        let ours_os: Names = ours_os.iter().map(|p| key(&p.name, &p.version)).collect();
        let others: Names = others.iter().map(|p| key(&p.name, &p.version)).collect();
        let explained = |name: &str| NOT_OURS.iter().any(|(i, n, _)| item.contains(i) && *n == name);
        items += 1;
        seen += want_os.len() + want_programs.len();
        let missing = want_os.difference(&ours_os).chain(want_programs.difference(&others));
        wrong.extend(missing.filter(|(name, _)| !explained(name)).map(|p| format!("{item}: missing {p:?}")));
        wrong.extend(ours_os.difference(&want_os).map(|p| format!("{item}: only ours {p:?}")));
    }
    println!("{items} items, {seen} packages of the peers compared");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
