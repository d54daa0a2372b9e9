//! Taste, as far as a program can check it: arrows between crates, sizes of files, first lines, banned marks, licenses.
//!
//! Fast: it reads the sources as text and asks cargo for the dependencies, and compiles nothing. What the lints can say
//! (panics, unsafe code, missing documentation) is in the root `Cargo.toml` and in `clippy.toml`, not here. The table
//! of crates that this test holds the manifests against is the one in ARCHITECTURE.md: there is no second one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lines of a file above which it must be split, and above which it is named.
const SPLIT: usize = 700;
const THINK: usize = 450;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every file below the repository's root whose name ends so, without what is built or downloaded.
fn files(end: &str) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != "corpus" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if name.ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as people write it.
fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// One row of ARCHITECTURE.md's table of crates.
struct Row {
    /// Its floor; `None` for crates that exist for development only.
    floor: Option<u32>,
    /// The crates it knows; `None` for all of them.
    knows: Option<BTreeSet<String>>,
    /// What it reaches: nothing, or a list of words.
    reaches: String,
}

/// The table: `| floor | crate | what lives there | knows | reaches |`.
fn table() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for line in read(root().join("ARCHITECTURE.md")).lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", floor, name, _, knows, reaches, ""] = cells.as_slice() else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|n| n.split('`').next()) else { continue };
        let knows = match *knows {
            "all" => None,
            "nobody" => Some(BTreeSet::new()),
            list => Some(list.split(", ").map(str::to_owned).collect()),
        };
        rows.insert(name.to_owned(), Row { floor: floor.parse().ok(), knows, reaches: (*reaches).to_owned() });
    }
    assert!(rows.len() > 10, "the table of crates in ARCHITECTURE.md was not found");
    rows
}

/// Every crate of `crates/` with its manifest.
fn manifests() -> BTreeMap<String, toml::Table> {
    let entries = fs::read_dir(root().join("crates")).unwrap().map(|e| e.unwrap().path());
    let manifest = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, read(path.join("Cargo.toml")).parse().unwrap())
    };
    entries.filter(|p| p.join("Cargo.toml").exists()).map(manifest).collect()
}

fn house_crates(manifest: &toml::Table) -> BTreeSet<String> {
    let dependencies = manifest.get("dependencies").and_then(|d| d.as_table());
    let names = dependencies.into_iter().flat_map(|d| d.keys());
    names.filter_map(|n| n.strip_prefix("layergate-")).map(str::to_owned).collect()
}

#[test]
fn arrows_point_downward_and_are_the_ones_in_the_table() {
    let (table, manifests) = (table(), manifests());
    let mut wrong = Vec::new();
    for name in table.keys().filter(|n| !manifests.contains_key(*n)) {
        wrong.push(format!("{name} is in ARCHITECTURE.md's table and not in crates/"));
    }
    for (name, manifest) in &manifests {
        let Some(row) = table.get(name) else {
            wrong.push(format!("{name} is not in ARCHITECTURE.md's table"));
            continue;
        };
        let known = house_crates(manifest);
        if let Some(knows) = row.knows.as_ref().filter(|k| **k != known) {
            wrong.push(format!("{name} knows {known:?}, the table says {knows:?}"));
        }
        for other in &known {
            match (row.floor, table.get(other).map(|r| r.floor)) {
                (Some(here), Some(Some(there))) if there > here => {
                    wrong.push(format!("{name} (floor {here}) knows {other} (floor {there})"));
                }
                (_, Some(None)) => wrong.push(format!("{name} knows {other}, which is for development only")),
                _ => {}
            }
        }
        if manifest.get("lints").and_then(|l| l.get("workspace")).and_then(|w| w.as_bool()) != Some(true) {
            wrong.push(format!("{name} does not take the workspace's lints"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn crates_that_touch_nothing_touch_nothing() {
    const OUTSIDE: [&str; 11] = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process::Command",
        "std::env::var",
        "tokio::",
        "reqwest::",
        "async_nats::",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
    ];
    let table = table();
    let mut wrong = Vec::new();
    for path in files(".rs") {
        let name = short(&path);
        let mut parts = name.split('/');
        let ("crates", Some(krate), Some("src")) = (parts.next().unwrap(), parts.next(), parts.next()) else {
            continue;
        };
        if table.get(krate).is_none_or(|row| row.reaches != "nothing") {
            continue;
        }
        let text = read(&path);
        // Tests stand at the end of a file and may read what they like.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for word in OUTSIDE.iter().filter(|w| code.contains(**w)) {
            wrong.push(format!("{name}: {word}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let (mut wrong, files) = (Vec::new(), files(".rs"));
    assert!(files.len() > 100);
    for path in files {
        let (name, text) = (short(&path), read(&path));
        let lines = text.lines().count();
        if lines > SPLIT {
            wrong.push(format!("{name} has {lines} lines; split it at {SPLIT}"));
        } else if lines > THINK {
            println!("{name} has {lines} lines: think again at {THINK}");
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not begin with //! and what it is for"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later_and_nothing_registers_itself() {
    // Written in halves, so that this file is no hit.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("HA", "CK"),
        concat!("#[ig", "nore"),
        concat!("inventory::", "submit!"),
        concat!("linkme", "::"),
        concat!("#[ct", "or"),
        concat!("fn init", "()"),
        concat!("fn regis", "ter_all"),
    ];
    let mut wrong = Vec::new();
    for path in files(".rs") {
        for (number, line) in read(&path).lines().enumerate() {
            for mark in marks.iter().filter(|m| line.contains(**m)) {
                wrong.push(format!("{}:{}: {mark}", short(&path), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Words of our own that the field has words for: they went, and do not come back, neither alone nor as a part of a name.
/// Where they went from (the beginning of a path), the word in halves, so that this file is no hit, and what to write.
const OLD_WORDS: [(&str, &str, &str); 40] = [
    ("", concat!("fl", "aw"), "vulnerability"),
    ("", concat!("fl", "aws"), "vulnerabilities"),
    ("", concat!("me", "nd"), "fix"),
    ("", concat!("me", "nds"), "fixes"),
    ("", concat!("men", "ded"), "fixed"),
    ("", concat!("touch", "es"), "affects"),
    ("", concat!("to", "ld"), "reported, listed, logged, known: whatever it is"),
    ("", concat!("lic", "ence"), "license"),
    ("", concat!("lic", "ences"), "licenses"),
    ("", concat!("De", "sk"), "LeaseQueue"),
    ("", concat!("Do", "or"), "Consumer"),
    ("", concat!("do", "ors"), "consumers"),
    ("", concat!("Ros", "ter"), "Membership"),
    ("", concat!("ros", "ter"), "membership"),
    ("", concat!("line_", "up"), "enqueue"),
    ("", concat!("Sil", "ent"), "NoopObserver"),
    ("", concat!("good", "-bye"), "deregister"),
    ("", concat!("LAYERGATE_", "BLESS"), "UPDATE_GOLDEN"),
    ("", concat!("Ga", "te"), "Evaluator"),
    ("", concat!("Ben", "ch"), "PinnedEvaluation"),
    ("", concat!("Distro", "Space"), "AdvisoryScope"),
    ("", concat!("No", "Space"), "UnknownScope"),
    ("", concat!("Sha", "re"), "Completeness"),
    ("", concat!("Trou", "ble"), "ErrorDetail"),
    ("", concat!("acc", "used"), "with_findings"),
    ("", concat!("stran", "gers"), "foreign"),
    ("", concat!("keep_", "little"), "limit_arenas"),
    ("", concat!("inno", "cent"), "no quarantine on store errors"),
    ("", concat!("hea", "led"), "repaired, whatever it is"),
    ("", concat!("pro", "of"), "evidence"),
    ("", concat!("pro", "ofs"), "evidence"),
    ("crates/local/", concat!("Tur", "ns"), "FairQueue"),
    ("crates/local/", concat!("Aw", "ay"), "InFlight"),
    ("crates/fleet/", concat!("he", "ar"), "on_events"),
    ("crates/fleet/", concat!("exc", "use"), "unsupported_reason"),
    ("crates/ports/", concat!("be", "at"), "heartbeat"),
    ("crates/ports/", concat!("be", "ats"), "heartbeat"),
    ("crates/advisory/src/encode.rs", concat!("He", "ad"), "RecordHeader"),
    ("crates/advisory/src/builder.rs", concat!("He", "ad"), "RecordHeader"),
    ("crates/advisory/src/builder.rs", concat!("wor", "ds"), "string_ids"),
];

/// Lines that name what has such a name for ever: keys and names that are stored, files of others.
const STORED: [(&str, &str); 11] = [
    ("crates/advisory/src/layout.rs", "aws___"),
    ("crates/inventory/src/analyzers/binary/go.rs", "const LIST"),
    ("crates/advisory/src/manifest.rs", "rename = "),
    ("crates/model/src/inventory.rs", "rename = "),
    ("crates/feeds/src/update/sources.rs", "li"),
    ("crates/inventory/src/analyzers/license.rs", "file li"),
    ("crates/feeds/src/build.rs", "COPYING"),
    ("crates/nats/src/names.rs", "Self::Membership"),
    ("crates/cli/src/proved.rs", "FILE."),
    ("crates/cli/src/proved.rs", "name.push"),
    ("tests/tests/trust.rs", "exists()"),
];

/// A word, and the words that it is made of: `fixed_versions` and `FixedVersions` have `fixed` and `versions`, as written.
fn parts(word: &str) -> Vec<&str> {
    let mut parts = vec![word];
    for piece in word.split(['_', '-']) {
        parts.push(piece);
        let upper: Vec<usize> =
            piece.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| at).collect();
        for (n, start) in upper.iter().enumerate() {
            parts.push(&piece[*start..upper.get(n + 1).copied().unwrap_or(piece.len())]);
        }
    }
    parts
}

#[test]
fn old_words_do_not_come_back() {
    assert!(parts("SomeName_x").contains(&"Name"));
    let mut wrong = Vec::new();
    for path in files(".rs") {
        let name = short(&path);
        for (number, line) in read(&path).lines().enumerate() {
            if STORED.iter().any(|(file, mark)| *file == name && line.contains(mark)) {
                continue;
            }
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
            let parts: BTreeSet<&str> = words.flat_map(parts).collect();
            for (_, old, new) in OLD_WORDS.iter().filter(|(at, old, _)| name.starts_with(at) && parts.contains(old)) {
                wrong.push(format!("{name}:{}: {old}; the word is {new}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What stands between backticks and looks like a path, and what links lead to.
fn named_files(page: &str) -> BTreeSet<String> {
    let quoted = page.split('`').skip(1).step_by(2);
    let endings = [".rs", ".toml", ".md", ".yaml", ".json", ".proto"];
    let paths = quoted.filter(|word| {
        endings.iter().any(|e| word.ends_with(e)) && !word.starts_with('.') && !word.contains([' ', '*', '{', '<'])
    });
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    paths.chain(links.filter(|l| !l.contains("://") && !l.starts_with('#'))).map(str::to_owned).collect()
}

#[test]
fn files_that_the_pages_name_exist() {
    let mut all: Vec<String> = files("").iter().map(|p| format!("/{}", short(p))).collect();
    all.sort();
    let mut wrong = Vec::new();
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "deploy/README.md"] {
        let text = read(root().join(page));
        // Blocks of commands are no prose.
        let prose: String = text.lines().filter(|l| !l.starts_with("    ")).map(|l| format!("{l}\n")).collect();
        for name in named_files(&prose).iter().filter(|n| !n.contains("NAME")) {
            let end = format!("/{name}");
            if !all.iter().any(|path| path.ends_with(&end)) && !root().join(name).exists() {
                wrong.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The words (runs of letters, digits and underscores) of all Rust sources below these directories of a crate, and of
/// those that lie in it.
fn words(krate: &Path, below: &[&str]) -> BTreeSet<String> {
    let counts = |path: &&PathBuf| {
        path.parent() == Some(krate) || below.iter().any(|directory| path.starts_with(krate.join(directory)))
    };
    let sources = files(".rs");
    let texts = sources.iter().filter(counts).map(read);
    texts
        .flat_map(|t| t.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn what_a_crate_declares_it_uses() {
    let mut wrong = Vec::new();
    let all = ["src", "tests", "examples", "benches", "fuzz_targets"];
    for path in files("Cargo.toml") {
        let krate = path.parent().unwrap();
        let manifest: toml::Table = read(&path).parse().unwrap();
        // The end-to-end package and the fuzz targets are tests through and through.
        let main: &[&str] = if krate.starts_with(root().join("crates")) { &["src"] } else { &all };
        for (kind, below) in [("dependencies", main), ("dev-dependencies", &all[..])] {
            let Some(declared) = manifest.get(kind).and_then(|d| d.as_table()) else { continue };
            let used = words(krate, below);
            for name in declared.keys().filter(|name| !used.contains(&name.replace('-', "_"))) {
                wrong.push(format!("{}: {name} in {kind} is never named", short(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_the_workspace_declares_is_used() {
    let root: toml::Table = read(root().join("Cargo.toml")).parse().unwrap();
    let mut used = BTreeSet::new();
    for path in files("Cargo.toml") {
        let manifest: toml::Table = read(&path).parse().unwrap();
        let targets = manifest.get("target").and_then(|t| t.as_table()).into_iter().flat_map(|t| t.values());
        for table in std::iter::once(&toml::Value::Table(manifest.clone())).chain(targets) {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                used.extend(table.get(kind).and_then(|d| d.as_table()).into_iter().flat_map(|d| d.keys().cloned()));
            }
        }
    }
    let declared = root["workspace"]["dependencies"].as_table().unwrap().keys();
    let unused: Vec<_> = declared.filter(|d| !used.contains(*d)).collect();
    assert!(unused.is_empty(), "declared in the root Cargo.toml and used by no crate: {unused:?}");
}

/// The licenses that dependencies may have: `deny.toml` has the list.
fn allowed_licenses() -> Vec<spdx::Licensee> {
    let deny: toml::Table = read(root().join("deny.toml")).parse().unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|l| spdx::Licensee::parse(l.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn licenses_of_all_dependencies_are_allowed() {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    let platform = format!("{}-{system}", std::env::consts::ARCH);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let allowed = allowed_licenses();
    let mut wrong = Vec::new();
    for package in packages {
        let (name, text) = (package["name"].as_str().unwrap(), package["license"].as_str().unwrap_or_default());
        let fits = spdx::Expression::parse_mode(text, spdx::ParseMode::LAX)
            .is_ok_and(|expression| expression.evaluate(|r| allowed.iter().any(|a| a.satisfies(r))));
        if !fits {
            wrong.push(format!("{name}: {text:?}"));
        }
    }
    assert!(wrong.is_empty(), "licenses that deny.toml does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn names_of_metrics_in_deploy_exist() {
    let source = read(root().join("crates/server/src/metrics.rs"));
    let mut registered = BTreeSet::new();
    for call in source.split("registry.register").skip(1) {
        let call = call.split(';').next().unwrap();
        let unit = call.split("Unit::").nth(1).map(|u| u.split(',').next().unwrap().to_lowercase());
        let name = call.split('"').nth(1).unwrap_or_default();
        registered.insert(unit.map_or(name.to_owned(), |unit| format!("{name}_{unit}")));
    }
    assert!(registered.len() > 5);
    let mut wrong = Vec::new();
    for end in [".yaml", ".yml", ".json"] {
        for path in files(end).iter().filter(|p| p.starts_with(root().join("deploy"))) {
            let text = read(path);
            for rest in text.split("layergate_").skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let base = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|e| name.strip_suffix(e));
                if !registered.contains(base.unwrap_or(&name)) {
                    wrong.push(format!("{}: layergate_{name}", short(path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
