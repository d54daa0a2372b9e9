//! `pnpm-lock.yaml`, lockfile versions 5 to 9 (github.com/pnpm/spec, "lockfile"). The keys of `packages` are `/name/1.0.0_peers` (5),
//! `/name@1.0.0(peers)` (6) and `name@1.0.0` (9, with the graph in `snapshots`); what does not come from a registry carries its
//! name and version itself.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, Dependency, PackageKind, Provenance, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, Flag, List, Record, Table, Text},
    node_rules,
    reach::reachable,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `pnpm-lock.yaml`.
pub struct PnpmLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: Text,
    importers: Table<Record<Importer>>,
    packages: Table<Record<Locked>>,
    snapshots: Table<Record<Needs>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Importer {
    dependencies: Table<Either<Wanted, IgnoredAny>>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Either<Wanted, IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    version: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    dev: Flag,
    resolution: Record<Resolution>,
    os: List<Text>,
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resolution {
    integrity: Text,
    tarball: Text,
    repo: Text,
    directory: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Needs {
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
}

impl Analyzer for PnpmLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pnpm-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("pnpm-lock.yaml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        // From 9 on a second document may lock the package manager's own configuration.
        for lock in input::yaml::<Record<Lock>>(file)? {
            document(&lock, file, out);
        }
        input::join_same(out, start);
        Ok(())
    }
}

fn document(lock: &Lock, file: &File<'_>, out: &mut Section) {
    let major: u32 = lock.version.0.split('.').next().and_then(|v| v.parse().ok()).unwrap_or(5);
    let runtime = (!lock.snapshots.0.is_empty()).then(|| runtime(lock));
    let needs: HashMap<&str, &Record<Needs>> = lock.snapshots.0.iter().rev().map(|(k, v)| (bare(k), v)).collect();
    for (key, package) in &lock.packages.0 {
        if !node_rules::runs_on_linux(package.os.0.iter().map(|s| s.0.as_str())) {
            continue;
        }
        let read = name_and_version(key, major);
        // What a tarball brings has its version beside it.
        let by_key = || Some(key.get(1..)?.find('@')? + 1).map(|at| &key[..at]).filter(|_| major >= 9);
        let name = package.name.get().or(read.map(|(n, _)| n)).or_else(by_key);
        let version = package.version.get().or(read.map(|(_, v)| v));
        let (Some(name), Some(version)) = (name, version) else { continue };
        let Some(new) = input::push(out, PackageKind::Npm, name, version, file) else { continue };
        let from = &package.resolution;
        if from.repo.get().or(from.directory.get()).is_some() {
            new.provenance = Provenance::Elsewhere;
        } else {
            new.provenance = node_rules::provenance(&from.tarball.0);
        }
        new.hashes = package.resolution.integrity.get().map(str::to_owned).into_iter().collect();
        if package.dev.0 || runtime.as_ref().is_some_and(|r| !r.get(bare(key)).copied().unwrap_or(false)) {
            new.scope = Scope::Dev;
        }
        let snapshot = needs.get(bare(key));
        let listed = snapshot.map_or((&package.dependencies, &package.optional), |s| (&s.dependencies, &s.optional));
        new.dependencies = listed
            .0
            .0
            .iter()
            .chain(&listed.1.0)
            .filter_map(|(name, version)| dependency(name, &version.0, major))
            .collect();
    }
}

/// `1.0.0(peers)`, `1.0.0_peers`, or for an alias the whole key of another package.
fn dependency(name: &str, version: &str, major: u32) -> Option<Dependency> {
    if version.starts_with("link:") || version.starts_with("file:") {
        return None;
    }
    let (name, version) = name_and_version(version, major)
        .filter(|(n, _)| !n.is_empty() && !n.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or((name, without_peers(version, major)));
    Some(Dependency { name: name.to_owned(), version: Some(version.to_owned()) })
}

/// The key without the peers in parentheses.
fn bare(key: &str) -> &str {
    key.split_once('(').map_or(key, |(k, _)| k)
}

fn without_peers(version: &str, major: u32) -> &str {
    let version = bare(version);
    if major < 6 { version.split_once('_').map_or(version, |(v, _)| v) } else { version }
}

fn name_and_version(key: &str, major: u32) -> Option<(&str, &str)> {
    if key.starts_with("file:") || key.starts_with("link:") {
        return None;
    }
    let key = bare(key);
    // A host before the path: registry.example.com/name/1.0.0.
    let path = match key.strip_prefix('/') {
        Some(path) => path,
        None if major < 9 => key.split_once('/').map_or(key, |(_, path)| path),
        None => key,
    };
    let (name, version) = if major < 6 {
        // In /@s/name/1.0.0_react@16.0.0 the last slash is before the version, unless the peers have some.
        let parts = if path.starts_with('@') { 2 } else { 1 };
        let end = path.match_indices('/').nth(parts - 1)?.0;
        (&path[..end], without_peers(&path[end + 1..], major))
    } else {
        let at = path.get(1..)?.find('@')? + 1;
        (&path[..at], &path[at + 1..])
    };
    (!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit())).then_some((name, version))
}

/// Which keys of `packages` a runtime dependency of an importer leads to.
fn runtime(lock: &Lock) -> HashMap<&str, bool> {
    let index: HashMap<&str, usize> = lock.snapshots.0.iter().enumerate().map(|(i, (k, _))| (k.as_str(), i)).collect();
    let find = |name: &str, version: &str| {
        index.get(format!("{name}@{version}").as_str()).or_else(|| index.get(version)).copied()
    };
    let edges: Vec<Vec<usize>> = lock
        .snapshots
        .0
        .iter()
        .map(|(_, s)| s.dependencies.0.iter().chain(&s.optional.0).filter_map(|(n, v)| find(n, &v.0)).collect())
        .collect();
    let wanted = lock.importers.0.iter().flat_map(|(_, i)| i.dependencies.0.iter().chain(&i.optional.0));
    let roots =
        wanted.filter_map(|(name, w)| find(name, w.map().map_or(w.text().unwrap_or_default(), |m| &m.version.0)));
    let seen = reachable(roots, &edges);
    let mut out = HashMap::new();
    for ((key, _), seen) in lock.snapshots.0.iter().zip(seen) {
        *out.entry(bare(key)).or_insert(false) |= seen;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const AT: &str = "pnpm-lock.yaml";

    #[test]
    fn keys() {
        for (key, major, want) in [
            ("/a/1.0.0", 5, Some(("a", "1.0.0"))),
            ("/@s/a/1.0.0_react@16.0.0+x@1", 5, Some(("@s/a", "1.0.0"))),
            ("registry.example.com/a/1.0.0", 5, Some(("a", "1.0.0"))),
            ("/a@1.0.0(b@2.0.0)", 6, Some(("a", "1.0.0"))),
            ("/@s/a@1.0.0", 6, Some(("@s/a", "1.0.0"))),
            ("@s/a@1.0.0-rc.1", 9, Some(("@s/a", "1.0.0-rc.1"))),
            ("a@https://codeload.github.com/x", 9, None),
            ("github.com/a/b/0123abc", 5, None),
            ("file:a", 5, None),
            ("", 9, None),
            ("/", 5, None),
        ] {
            assert_eq!(name_and_version(key, major), want, "{key}");
        }
    }

    #[test]
    fn versions_five_six_and_nine() {
        let v5 = b"lockfileVersion: 5.4\npackages:\n  /a/1.0.0:\n    resolution: {integrity: sha512-x}\n    dependencies:\n      b: 2.0.0\n    dev: false\n  /b/2.0.0:\n    dev: true\n  github.com/x/y/00:\n    name: y\n    version: 3.0.0\n";
        assert_eq!(packages(&PnpmLock, AT, v5), ["a 1.0.0", "b 2.0.0", "y 3.0.0"]);
        let v9 = b"lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(c@3.0.0)\n    devDependencies:\n      d:\n        specifier: ^1\n        version: 4.0.0\n\
            packages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n  b@2.0.0: {}\n  d@4.0.0: {}\n  '@s/t@https://x/t.tgz':\n    version: 0.4.0\nsnapshots:\n  a@1.0.0(c@3.0.0):\n    dependencies:\n      alias: b@2.0.0\n  b@2.0.0: {}\n  d@4.0.0: {}\n---\nlockfileVersion: '9.0'\npackages:\n  e@5.0.0: {}\n";
        assert_eq!(packages(&PnpmLock, AT, v9), ["@s/t 0.4.0", "a 1.0.0", "b 2.0.0", "d 4.0.0", "e 5.0.0"]);
        let (section, _) = analyze(&PnpmLock, AT, v9);
        let dev: Vec<_> = section.packages.iter().filter(|p| p.scope == Scope::Dev).map(|p| p.name.as_str()).collect();
        assert_eq!(dev, ["@s/t", "d"]);
        assert_eq!(section.packages[1].dependencies[0].name, "b");
    }

    #[test]
    fn bombs() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 0..40 {
            bomb += &format!("a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}]\n", i + 1, i + 1);
        }
        assert!(analyze(&PnpmLock, AT, bomb.as_bytes()).1.is_err());
        assert!(analyze(&PnpmLock, AT, "[".repeat(100_000).as_bytes()).1.is_err());
    }

    #[test]
    fn what_is_not_the_registrys_or_not_for_this_system() {
        let text = b"lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n    os: [darwin]\n  b@1.0.0:\n    resolution: {integrity: sha512-x}\n    os: [linux]\n  \
            c@https://codeload.github.com/x/c/tar.gz/0:\n    resolution: {tarball: https://codeload.github.com/x/c/tar.gz/0}\n    version: 1.0.0\n";
        let (section, _) = analyze(&PnpmLock, "pnpm-lock.yaml", text);
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        assert_eq!(found, [("b", Provenance::Registry), ("c", Provenance::Elsewhere)]);
    }
}
