//! Every language item of `../shared/data` against what Trivy 0.76 and Syft 1.18 list for it: whatever one of them
//! finds is found, or stands in the table below with its reason. Skipped where the data are not at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
};

use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, LayerInventory, Limits};
use layergate_unpack::decompress;
use serde_json::Value;

/// Where we differ on purpose: item, name, version, why.
const NOT_OURS: &[(&str, &str, &str, &str)] = &[
    (
        "repo/yarn",
        "jquery",
        "3.4.1",
        "Syft takes the version out of the download's address, against the lock's own version field",
    ),
    (
        "gradle.war",
        "dependency-parser-java-jar--gradle",
        "UNKNOWN",
        "Syft lists the archive itself without knowing a version; nothing can be said of it",
    ),
    (
        "trivy-ci-test",
        "django-postgres-extra",
        "UNKNOWN",
        "from version control: the lock knows a commit and no version",
    ),
    ("goexperiment", "command-line-arguments", "(devel)", "no module and no version: what go build calls loose files"),
    ("golang_binary__test.elf", "github.com/aquasecurity/test", "(devel)", "the main module without a version"),
];

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("LAYERGATE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let beside = [root, PathBuf::from("/work/shared")];
    beside.into_iter().map(|r| r.join("data")).find(|d| d.join("golden/peer-results-dev.jsonl.zst").exists())
}

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut out = Vec::new();
    decompress(&bytes[..], &Limits::default()).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn blob(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The files of an item, by their path in the layer.
fn files(data: &Path, item: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let (file, inside) = item.split_once('!').unwrap_or((item, ""));
    let path = data.join(file);
    let mut out = BTreeMap::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            out.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
        }
    } else if inside.is_empty() {
        // Some recorded items are too large to be handed out.
        out.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).ok()?);
    } else {
        let plain = unpacked(&path);
        for entry in tar::Archive::new(&plain[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().trim_start_matches("./").to_owned();
            if let Some(rest) = name.strip_prefix(inside).and_then(|r| r.strip_prefix('/'))
                && entry.header().entry_type().is_file()
            {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                out.insert(rest.to_owned(), bytes);
            }
        }
    }
    Some(out)
}

type Names = BTreeSet<(String, String)>;

fn key(name: &str, version: &str) -> (String, String) {
    let bare = version.strip_prefix("go").or(version.strip_prefix('v')).unwrap_or(version);
    let version = if bare.starts_with(|c: char| c.is_ascii_digit()) { bare } else { version };
    (name.to_lowercase().replace('_', "-"), version.to_owned())
}

fn peers(record: &Value) -> Names {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |p: &Value, k: &str| p[k].as_str().unwrap_or_default().to_owned();
    let trivy = list(&record["trivy"]["results"]).into_iter().flat_map(|r| list(&r["packages"]));
    let all = trivy.chain(list(&record["syft"]["packages"]));
    let names = all.map(|p| key(&text(&p, "name"), &text(&p, "version")));
    names.filter(|(_, version)| !version.is_empty()).collect()
}

/// Our packages, under each of the names that the peers may use: with and without a group or a host.
fn ours(inventory: &LayerInventory) -> Names {
    let packages = inventory.sections.values().flat_map(|s| &s.packages);
    let names = packages.flat_map(|p| {
        let purl = p.purl(None).as_str().to_owned();
        let bare = purl.split(['?', '@']).next().unwrap_or_default();
        let last = bare.rsplit('/').next().unwrap_or_default().to_owned();
        [key(&p.name, &p.version), key(&last, &p.version)]
    });
    names.collect()
}

#[test]
fn every_package_of_the_peers() {
    let Some(data) = shared() else {
        println!("skipped: ../shared/data is not on this machine");
        return;
    };
    let golden = unpacked(&data.join("golden/peer-results-dev.jsonl.zst"));
    let (mut items, mut seen, mut wrong) = (0, 0, Vec::new());
    for line in std::str::from_utf8(&golden).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let item = record["image"].as_str().unwrap();
        let Some(files) = Some(item).filter(|i| i.starts_with("lang/")).and_then(|i| files(&data, i)) else { continue };
        let blob = blob(&files);
        let inventory =
            inventory_layer(&blob[..], Digest::of(&blob), &Catalogue::standard(), &Limits::default()).unwrap();
        let (want, have) = (peers(&record), ours(&inventory));
        items += 1;
        seen += want.len();
        let explained = |(name, version): &&(String, String)| {
            // Optional packages of other systems, which no image of Linux has installed.
            let other = ["android", "darwin", "freebsd", "netbsd", "openbsd", "sunos", "windows"];
            if name == "fsevents" || other.iter().any(|system| name.starts_with(&format!("esbuild-{system}-"))) {
                return true;
            }
            NOT_OURS.iter().any(|(i, n, v, _)| item.contains(i) && n == name && v == version)
        };
        wrong.extend(want.difference(&have).filter(|p| !explained(p)).map(|p| format!("{item}: missing {p:?}")));
        for (analyzer, section) in &inventory.sections {
            wrong.extend(section.gaps.iter().map(|g| format!("{item}: {analyzer}: {} {}", g.place, g.detail)));
            // None is listed twice by one file.
            let mut once = BTreeSet::new();
            let twice =
                section.packages.iter().filter(|p| !once.insert((p.kind, &p.name, &p.version, &p.uuid, p.evidence())));
            wrong.extend(twice.map(|p| format!("{item}: {analyzer}: twice {} {}", p.name, p.version)));
        }
    }
    println!("{items} items, {seen} packages of the peers compared");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
