//! One room each: what is done in one place is done nowhere else.
//!
//! A second HTTP client, a second way to write a URL into a message, to wait between tries or to replace a file would have
//! faults of its own: a password in a log, a fleet that comes back in step, half a file after a crash. Manifests and sources are read as text; tests may do as
//! they like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Libraries, the crates that depend on them (apart by spaces), and for what.
const LIBRARIES: [(&str, &str, &str); 6] = [
    ("reqwest", "http", "the HTTP client"),
    ("rustls-native-certs", "http", "which certificates are believed"),
    ("tar", "registry", "writing an archive; layergate_unpack::Archive reads all of them"),
    ("liblzma", "unpack", "layergate_unpack::decompress"),
    ("bzip2", "unpack", "layergate_unpack::decompress"),
    ("backon", "", "pauses between tries: layergate_http::Retry, layergate_model::Backoff"),
];

/// Words in sources, the files that may have them, and what to use elsewhere.
const WORDS: [(&str, &[&str], &str); 9] = [
    ("\\x1f\\x8b", &["inventory/src/analyzers/lang/package_archive.rs"], "layergate_unpack::Compression"),
    ("MultiGzDecoder", &["unpack/src/decompress.rs"], "layergate_unpack::decompress"),
    // Its tests read what it wrote.
    ("tar::Archive", &[], "layergate_unpack::Archive"),
    (".persist(", &["disk/src/lib.rs"], "layergate_disk::replace or NewFile"),
    (".persist_noclobber(", &["disk/src/lib.rs"], "layergate_disk::NewFile"),
    ("NamedTempFile", &["disk/src/lib.rs", "fuzz/src/documents.rs"], "layergate_disk::NewFile"),
    // A directory that is set aside is no file that appears.
    ("fs::rename(", &["disk/src/lib.rs", "local/src/sled_cache.rs"], "layergate_disk::rename"),
    ("set_password(", &["http/src/address.rs"], "layergate_http::shown"),
    ("RETRY_AFTER", &["http/src/answer.rs"], "layergate_http::retry_after"),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates")
}

#[test]
fn libraries_have_one_room() {
    let mut wrong = Vec::new();
    for krate in fs::read_dir(crates()).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(manifest) = fs::read_to_string(krate.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = manifest.parse().unwrap();
        let name = krate.file_name().unwrap().to_str().unwrap();
        let Some(declared) = manifest.get("dependencies").and_then(|d| d.as_table()) else { continue };
        for (library, homes, what) in LIBRARIES {
            if declared.contains_key(library) && !homes.split(' ').any(|home| home == name) {
                wrong.push(format!("{name} depends on {library} ({what}), which is for: {homes}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Every source of a crate, without its tests.
fn sources() -> Vec<(String, String)> {
    let (mut found, mut open) = (Vec::new(), vec![crates()]);
    while let Some(directory) = open.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(crates()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".rs") && name.contains("/src/") && !name.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((name, text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()));
            }
        }
    }
    found
}

#[test]
fn what_has_a_room_is_done_nowhere_else() {
    let (mut wrong, sources) = (Vec::new(), sources());
    assert!(sources.len() > 100);
    for (word, homes, instead) in WORDS {
        for (name, text) in &sources {
            let is_home = homes.contains(&name.as_str());
            match (is_home, text.contains(word)) {
                (true, false) => wrong.push(format!("{name} has no {word} any more: correct the table")),
                (false, true) => wrong.push(format!("{name}: {word}: use {instead}")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
