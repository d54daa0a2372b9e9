//! No circles between the files of a crate: a file can be read, moved and tested without those that use it.
//!
//! Sources are read as text: `use` trees and paths that begin with `crate`, `super` or `self`. A module and the modules
//! within it count as one place (a directory's `mod.rs` speaks of its files and they of it), and so does what stands in
//! a test module. Re-exports are followed as far as the crate's root, which is nobody's circle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The circles that are left, by crate and modules. A new one fails, and so does one that is open and still stands here.
const KNOWN: [(&str, &str); 3] = [
    ("image", "evidence links overlay twofold view"),
    ("image", "installed packages"),
    ("judge", "matching::signed matching::subject"),
];

type Module = Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The modules below a source directory and their code, without comments and test modules.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![(src.to_path_buf(), Module::new())]);
    while let Some((directory, base)) = open.pop() {
        for path in fs::read_dir(&directory).unwrap().map(|e| e.unwrap().path()) {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let inner: Module = base.iter().cloned().chain([stem.clone()]).collect();
            if path.is_dir() {
                open.push((path, inner));
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = if matches!(stem.as_str(), "mod" | "lib" | "main") { base.clone() } else { inner };
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
                found.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// The paths of a `use` tree: `crate::{a::{b, c}, d}` is `crate::a::b`, `crate::a::c`, `crate::d`.
fn flatten(before: &[&str], tree: &str, out: &mut Vec<Module>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let segments = tree.split(" as ").next().unwrap().split("::").map(str::trim);
        out.push(before.iter().copied().chain(segments).filter(|s| !s.is_empty()).map(str::to_owned).collect());
        return;
    };
    let before: Vec<&str> =
        before.iter().copied().chain(head.split("::").map(str::trim)).filter(|s| !s.is_empty()).collect();
    let (mut depth, mut start, inner) = (0, 0, rest.strip_suffix('}').unwrap_or(rest));
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&before, &inner[start..at], out);
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
}

/// Every path of `code` that begins in its own crate.
fn paths(code: &str) -> Vec<Module> {
    let mut out = Vec::new();
    for statement in code.split("use ").skip(1).filter_map(|rest| rest.split_once(';').map(|(tree, _)| tree)) {
        if ["crate::", "super::", "self::"].iter().any(|start| statement.trim_start().starts_with(start)) {
            flatten(&[], statement, &mut out);
        }
    }
    let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let inline = words.filter(|w| w.starts_with("crate::") || w.starts_with("super::"));
    out.extend(inline.map(|w| w.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect()));
    out
}

/// The module that a path leads to, seen from `here`.
fn target(path: &Module, here: &Module, all: &BTreeMap<Module, String>) -> Option<Module> {
    let (mut full, mut rest) = (here.clone(), path.as_slice());
    match rest.first()?.as_str() {
        "crate" => (full, rest) = (Module::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        _ => {
            while rest.first().is_some_and(|s| s == "super") {
                full.pop();
                rest = &rest[1..];
            }
        }
    }
    full.extend_from_slice(rest);
    while !full.is_empty() && !all.contains_key(&full) {
        full.pop();
    }
    (!full.is_empty()).then_some(full)
}

/// What can be reached from `from`.
fn reach(from: &Module, edges: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten().filter(|n| seen.insert((*n).clone())) {
            open.push(next);
        }
    }
    seen
}

/// The circles of a crate, each as its modules.
fn circles(all: &BTreeMap<Module, String>) -> BTreeSet<String> {
    let within = |a: &Module, b: &Module| a.starts_with(b) || b.starts_with(a);
    let edges: BTreeMap<Module, BTreeSet<Module>> = all
        .iter()
        .map(|(here, code)| {
            let targets = paths(code).into_iter().filter_map(|path| target(&path, here, all));
            (here.clone(), targets.filter(|there| !within(there, here)).collect())
        })
        .collect();
    let reached: BTreeMap<&Module, BTreeSet<Module>> = edges.keys().map(|m| (m, reach(m, &edges))).collect();
    let name = |m: &Module| m.join("::");
    let in_circle = edges.keys().filter(|m| reached[m].contains(*m));
    in_circle
        .map(|m| {
            let all: Vec<String> = reached[m].iter().filter(|o| reached[o].contains(m)).map(name).collect();
            all.join(" ")
        })
        .collect()
}

#[test]
fn no_circle_between_files_but_the_known_ones() {
    let mut found = BTreeSet::new();
    for path in fs::read_dir(root().join("crates")).unwrap().map(|e| e.unwrap().path()) {
        let krate = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.join("src").is_dir() {
            found.extend(circles(&modules(&path.join("src"))).into_iter().map(|circle| (krate.clone(), circle)));
        }
    }
    let known: BTreeSet<_> = KNOWN.iter().map(|(k, c)| ((*k).to_owned(), (*c).to_owned())).collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "new circles: {new:#?}\nopen, take them out of KNOWN: {gone:#?}");
}

#[test]
fn circles_are_seen() {
    let module = |name: &str, code: &str| (name.split("::").map(str::to_owned).collect(), code.to_owned());
    let found = circles(&BTreeMap::from([
        module("a", "use crate::{b::{self, B}, x::One};"),
        module("b", "fn f() { super::c::g() }"),
        module("c", "use super::a::A as Other;"),
        module("x", "use self::inner::Y; use crate::x::inner;"),
        module("x::inner", "use super::X;"),
    ]));
    assert_eq!(found, BTreeSet::from(["a b c".to_owned()]));
}
