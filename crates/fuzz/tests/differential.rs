//! What is read of an image against what Go's own libraries read, with which container runtimes read it
//! (`fuzz/differential`): archive/tar, encoding/json, and containerd's applier, native and for an overlay that the
//! kernel mounts.
//!
//! What is read must be the same, or be reported as corrupt, refused or a gap; and no package that a container shows
//! may be missing. `LAYERGATE_DIFFERENTIAL` is the Go program (`tests/run` builds it); `LAYERGATE_DIFFERENTIAL_SECONDS`
//! goes on with new seeds for so long, `LAYERGATE_SEED` begins elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use layergate_fuzz::odd::{self, Choices};
use layergate_image::{MergeLayer, MergeOptions, Readers, looks, merge};
use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, EntryKind, LayerPath, Limits, readable};
use layergate_registry::bytes as registry;
use layergate_unpack::Archive;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Seeds of an ordinary run.
const SEEDS: u64 = 400;

#[derive(Deserialize, Debug)]
struct Answer {
    error: String,
    #[serde(default)]
    entries: Vec<GoEntry>,
    #[serde(default)]
    visible: Vec<String>,
    #[serde(default)]
    facts: Vec<String>,
}

#[derive(Deserialize, Debug)]
struct GoEntry {
    kind: String,
    path: String,
    link: String,
    size: i64,
    hash: String,
}

struct Go {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Go {
    /// The program; `None`, with the reason, where it is not there.
    fn start() -> Option<Self> {
        let Some(path) = std::env::var_os("LAYERGATE_DIFFERENTIAL").map(PathBuf::from).filter(|p| p.exists()) else {
            println!("skipped: LAYERGATE_DIFFERENTIAL names no program; tests/run builds it where there is Go");
            return None;
        };
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, to, from })
    }

    fn ask(&mut self, letter: u8, blobs: &[Vec<u8>]) -> Answer {
        let mut question = vec![letter];
        question.extend((blobs.len() as u32).to_le_bytes());
        for blob in blobs {
            question.extend((blob.len() as u32).to_le_bytes());
            question.extend(blob);
        }
        self.to.write_all(&question).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // Its mounts end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `one` for each seed; it counts what came of it by a word, or shows what is wrong.
fn seeds(name: &str, mut one: impl FnMut(&mut Go, u64) -> Result<&'static str, String>) -> BTreeMap<&'static str, u64> {
    let Some(mut go) = Go::start() else { return BTreeMap::new() };
    let number = |variable: &str| std::env::var(variable).ok().and_then(|v| v.parse::<u64>().ok());
    let first = number("LAYERGATE_SEED").unwrap_or(0);
    let time = number("LAYERGATE_DIFFERENTIAL_SECONDS").map(Duration::from_secs);
    let begin = Instant::now();
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for seed in first.. {
        if time.map_or(seed >= first + SEEDS, |time| begin.elapsed() > time) || wrong.len() >= 10 {
            break;
        }
        match one(&mut go, seed) {
            Ok(word) => *counts.entry(word).or_default() += 1,
            Err(why) => wrong.push(format!("seed {seed}: {why}")),
        }
    }
    println!("{name}: {counts:?}");
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    counts
}

type Listed = (EntryKind, String, String, u64, String);

fn ours(bytes: &[u8]) -> (Vec<Listed>, Option<String>) {
    let limits = Limits::default();
    let mut archive = Archive::new(bytes, &limits);
    let mut entries = Vec::new();
    loop {
        let entry = match archive.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return (entries, None),
            Err(error) => return (entries, Some(error.to_string())),
        };
        let mut content = Vec::new();
        if entry.size < 1 << 22
            && let Err(error) = archive.content().take(1 << 22).read_to_end(&mut content)
        {
            return (entries, Some(error.to_string()));
        }
        if entry.kind != EntryKind::File {
            content.clear();
        }
        entries.push((
            entry.kind,
            entry.path.to_string(),
            entry.target,
            entry.size,
            hex::encode(Sha256::digest(&content)),
        ));
    }
}

fn theirs(entry: &GoEntry) -> Option<Listed> {
    let kind = match entry.kind.as_str() {
        // containerd passes over global headers.
        "g" => return None,
        "0" | "7" | "S" => EntryKind::File,
        "5" => EntryKind::Directory,
        "2" => EntryKind::Symlink,
        "1" => EntryKind::HardLink,
        _ => EntryKind::Special,
    };
    let text = |name: &str| readable(&hex::decode(name).unwrap()).into_owned();
    let link = if matches!(kind, EntryKind::Symlink | EntryKind::HardLink) { text(&entry.link) } else { String::new() };
    let (size, hash) = match kind {
        EntryKind::File => (entry.size.unsigned_abs(), entry.hash.clone()),
        _ => (0, hex::encode(Sha256::digest(b""))),
    };
    Some((kind, text(&entry.path), link, size, hash))
}

#[test]
fn archives_are_read_as_go_reads_them() {
    let counts = seeds("tar", |go, seed| {
        let bytes = odd::tar(&mut Choices::new(&odd::seeded(seed)));
        let (ours, error) = ours(&bytes);
        let answer = go.ask(b't', std::slice::from_ref(&bytes));
        let theirs: Vec<_> = answer.entries.iter().filter_map(theirs).collect();
        match (error, answer.error.as_str()) {
            (Some(_), "") => Ok("corrupt here alone"),
            (Some(_), _) => Ok("corrupt"),
            (None, "") if ours == theirs => Ok("equal"),
            (None, error) => Err(format!("here {ours:?}\nthere {theirs:?} {error}")),
        }
    });
    if let Some(equal) = counts.get("equal") {
        assert!(equal * 4 > SEEDS, "{counts:?}: too few archives can be read at all");
        let alone = counts.get("corrupt here alone").copied().unwrap_or_default();
        assert!(alone * 50 < counts.values().sum(), "{counts:?}: too many are refused that Go reads");
    }
}

#[test]
fn documents_are_read_as_go_reads_them() {
    let document = |go: &mut Go, letter: u8, bytes: Vec<u8>, found: Result<Vec<String>, String>| {
        let answer = go.ask(letter, std::slice::from_ref(&bytes));
        let theirs: Vec<_> = answer.facts.into_iter().filter(|f| f.trim() != "config  0").collect();
        match (found, answer.error.as_str()) {
            (Err(_), "") => Ok("refused here alone"),
            (Err(_), _) => Ok("refused"),
            (Ok(ours), "") if ours == theirs => Ok("equal"),
            (Ok(ours), "") => Err(format!("{}\nhere {ours:?}\nthere {theirs:?}", String::from_utf8_lossy(&bytes))),
            // No runtime starts it.
            (Ok(_), _) => Ok("refused there alone"),
        }
    };
    seeds("manifests", |go, seed| {
        let bytes = odd::manifest(&mut Choices::new(&odd::seeded(seed)));
        let found = registry::manifest(&bytes, None);
        document(go, b'm', bytes, found)
    });
    seeds("configurations", |go, seed| {
        let bytes = odd::config(&mut Choices::new(&odd::seeded(seed)));
        let found = registry::config(&bytes);
        document(go, b'c', bytes, found)
    });
}

struct Names<'c>(&'c Catalogue);

impl Readers for Names<'_> {
    fn places(&self) -> Vec<LayerPath> {
        self.0.places()
    }

    fn wants_name(&self, name: &str) -> bool {
        self.0.wants_name(name)
    }

    fn tells_more(&self, name: &LayerPath, path: &LayerPath) -> bool {
        self.0.tells_more(name, path)
    }
}

#[test]
fn no_package_that_a_container_shows_is_missing() {
    let catalogue = Catalogue::standard();
    let limits = Limits::default();
    seeds("layers", |go, seed| {
        let blobs = odd::layers(&mut Choices::new(&odd::seeded(seed)));
        let inventories: Vec<_> =
            blobs.iter().map(|b| inventory_layer(b.as_slice(), Digest::of(b), &catalogue, &limits).unwrap()).collect();
        let layers: Vec<_> = inventories.iter().map(|i| MergeLayer { digest: i.blob, inventory: i }).collect();
        let image = merge(&layers, None, &MergeOptions::default());
        // What links show under other names is read in a second look, which is asked of whoever has the bytes.
        let again = looks(&layers, &Names(&catalogue));
        let is_reported = image.gaps.iter().any(|g| g.kind.hides_packages()) || !again.looks.is_empty();
        let listed: BTreeSet<&str> = image.packages.iter().map(|p| p.package.name.as_str()).collect();
        let mut word = "neither can be unpacked";
        for (letter, way) in [(b'n', "native"), (b'o', "overlay")] {
            let answer = go.ask(letter, &blobs);
            if answer.error.starts_with("no mounts") {
                word = "no mounts: only root can make them";
            }
            if !answer.error.is_empty() {
                continue;
            }
            word = if is_reported { "a gap shows" } else { "compared" };
            let shown = answer.visible.iter().filter_map(|text| text.split('"').nth(3));
            let missing: BTreeSet<&str> = shown.filter(|name| !listed.contains(name)).collect();
            if !missing.is_empty() && !is_reported {
                return Err(format!("{way} shows {missing:?}, listed are {listed:?} in\n{}", read_back(&blobs)));
            }
        }
        Ok(word)
    });
}

/// Layers in words.
fn read_back(blobs: &[Vec<u8>]) -> String {
    let mut out = String::new();
    for (number, blob) in blobs.iter().enumerate() {
        let limits = Limits::default();
        let mut archive = Archive::new(blob.as_slice(), &limits);
        while let Ok(Some(entry)) = archive.next_entry() {
            let mut content = String::new();
            let _ = archive.content().read_to_string(&mut content);
            out += &format!("  {number} {:?} {} {} {content}\n", entry.kind, entry.path, entry.target);
        }
    }
    out
}
