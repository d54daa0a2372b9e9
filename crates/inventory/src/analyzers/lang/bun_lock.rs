//! `bun.lock` (bun.sh, "Lockfile"): JSON with comments and trailing commas. `packages` maps a path of names to a list
//! that begins with `name@version`; `workspaces` shows which of them are wanted, and which only for development.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, Dependency, PackageKind, Provenance, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, Record, Table, Text},
    node_rules,
    reach::reachable,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `bun.lock`.
pub struct BunLock;

/// Names of one path that are climbed to find what a package sees.
const MAX_LEVELS: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    workspaces: Table<Record<Workspace>>,
    packages: Table<Either<IgnoredAny, Either<Needs, IgnoredAny>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Workspace {
    name: Text,
    version: Text,
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Needs {
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
    #[serde(rename = "peerDependencies")]
    peer: Table<Text>,
    /// A system, or a list of them.
    os: Either<IgnoredAny, Text>,
}

impl Needs {
    fn runs_on_linux(&self) -> bool {
        match &self.os {
            Either::List(list) => node_rules::runs_on_linux(list.iter().map(|s| s.0.as_str())),
            one => node_rules::runs_on_linux(one.text()),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.dependencies.0.iter().chain(&self.optional.0).chain(&self.peer.0).map(|(name, _)| name.as_str())
    }
}

struct Locked<'l> {
    path: &'l str,
    name: &'l str,
    version: &'l str,
    hash: Option<&'l str>,
    needs: Option<&'l Needs>,
}

impl Analyzer for BunLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("bun-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("bun.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let lock: Lock = serde_json::from_slice(&plain(file.text().as_bytes()))
            .map_err(|e| AnalyzeError::database(format!("not a bun.lock: {e}")))?;
        let all: Vec<Locked<'_>> = lock.packages.0.iter().filter_map(|(path, value)| locked(path, value)).collect();
        let index: HashMap<&str, usize> = all.iter().enumerate().map(|(i, p)| (p.path, i)).collect();
        let see = |from: &str, name: &str| {
            let mut here = from;
            for _ in 0..MAX_LEVELS {
                let path = if here.is_empty() { name.to_owned() } else { format!("{here}/{name}") };
                if let Some(found) = index.get(path.as_str()) {
                    return Some(*found);
                }
                if here.is_empty() {
                    break;
                }
                here = here.rfind('/').map_or("", |at| &here[..at]);
            }
            None
        };
        let edges: Vec<Vec<usize>> = all
            .iter()
            .map(|p| p.needs.into_iter().flat_map(Needs::names).filter_map(|n| see(p.path, n)).collect())
            .collect();
        let roots = lock.workspaces.0.iter().flat_map(|(_, w)| w.dependencies.0.iter().chain(&w.optional.0));
        let roots = roots.filter_map(|(name, _)| see("", name));
        let used = reachable(roots, &edges);
        let start = out.packages.len();
        for (_, workspace) in &lock.workspaces.0 {
            if let Some(new) = input::push(out, PackageKind::Npm, &workspace.name.0, &workspace.version.0, file) {
                new.provenance = Provenance::Project;
            }
        }
        for (i, package) in all.iter().enumerate() {
            if package.needs.is_some_and(|n| !n.runs_on_linux()) {
                continue;
            }
            let Some(new) = input::push(out, PackageKind::Npm, package.name, package.version, file) else { continue };
            new.hashes = package.hash.map(str::to_owned).into_iter().collect();
            new.provenance = node_rules::provenance(package.version);
            if !used[i] {
                new.scope = Scope::Dev;
            }
            let needs = edges[i].iter().map(|to| &all[*to]);
            new.dependencies =
                needs.map(|p| Dependency { name: p.name.to_owned(), version: Some(p.version.to_owned()) }).collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

fn locked<'l>(path: &'l str, value: &'l Either<IgnoredAny, Either<Needs, IgnoredAny>>) -> Option<Locked<'l>> {
    let Either::List(list) = value else { return None };
    let text = list.first()?.text()?;
    let at = text.get(1..)?.find('@')? + 1;
    let (name, version) = (&text[..at], &text[at + 1..]);
    if ["workspace:", "link:", "file:"].iter().any(|p| version.starts_with(p)) {
        return None;
    }
    let version = version.strip_prefix("npm:").unwrap_or(version);
    let hash =
        list.iter().filter_map(Either::text).find(|t| t.starts_with("sha") && t.contains('-') && !t.contains('@'));
    Some(Locked { path, name, version, hash, needs: list.iter().find_map(Either::map) })
}

/// The same without comments and trailing commas.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut at = 0;
    // Where the last comma is that may turn out to be a trailing one.
    let mut comma = None;
    while let Some(byte) = text.get(at).copied() {
        match byte {
            b'"' => {
                let start = at;
                at += 1;
                while let Some(inside) = text.get(at) {
                    match inside {
                        b'\\' => at += 2,
                        b'"' => break,
                        _ => at += 1,
                    }
                }
                at = (at + 1).min(text.len());
                out.extend_from_slice(&text[start..at]);
                comma = None;
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'/') => {
                at = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n);
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'*') => {
                at = memchr::memmem::find(&text[at..], b"*/").map_or(text.len(), |n| at + n + 2);
                continue;
            }
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                }
            }
            b',' => comma = Some(out.len()),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
        out.push(byte);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const LOCK: &[u8] = br#"{
        // a comment
        "lockfileVersion": 1, /* another */
        "workspaces": {"": {"name": "app", "dependencies": {"a": "^1",}, "devDependencies": {"d": "1"},},
            "packages/w": {"name": "w", "version": "0.1.0"},},
        "packages": {
            "a": ["a@1.0.0", "", {"dependencies": {"b": "*"}}, "sha512-x=="],
            "a/b": ["b@2.0.0", "", {}, "sha512-y=="],
            "b": ["b@1.0.0", "", {}, "sha512-z=="],
            "d": ["@s/d@4.0.0", "", {}, "sha512-w=="],
            "w": ["w@workspace:packages/w"],
            "odd": {"//": ["x,]"]},
        },
    }"#;

    #[test]
    fn a_lock() {
        assert_eq!(packages(&BunLock, "bun.lock", LOCK), ["@s/d 4.0.0", "a 1.0.0", "b 1.0.0", "b 2.0.0", "w 0.1.0"]);
        let (section, _) = analyze(&BunLock, "bun.lock", LOCK);
        let dev: Vec<_> =
            section.packages.iter().filter(|p| p.scope == Scope::Dev).map(|p| p.version.as_str()).collect();
        assert_eq!(dev, ["4.0.0", "1.0.0"]);
        let a = section.packages.iter().find(|p| p.name == "a").unwrap();
        assert_eq!((a.hashes.join(""), a.dependencies[0].version.as_deref()), ("sha512-x==".into(), Some("2.0.0")));
    }

    #[test]
    fn comments_and_commas() {
        for (text, want) in [
            ("[1,]", "[1 ]"),
            ("[1, /* , */ ]", "[1   ]"),
            ("[\"a,]\\\"\", // x\n 2]", "[\"a,]\\\"\", \n 2]"),
            ("\"open", "\"open"),
            ("\"esc\\", "\"esc\\"),
            ("/* open", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&plain(text.as_bytes())), want);
        }
        for cut in 0..LOCK.len() {
            let _ = analyze(&BunLock, "bun.lock", &LOCK[..cut]);
        }
    }

    #[test]
    fn what_is_not_the_registrys_or_not_for_this_system() {
        let text = br#"{"lockfileVersion":1,"workspaces":{"":{"name":"app","version":"1"}},"packages":{
            "a":["a@1.0.0","",{"os":"darwin"},"sha512-x"],"b":["b@1.0.0","",{"os":["linux","darwin"]},"sha512-x"],
            "c":["c@github:x/c#0",{},"0"]}}"#;
        let (section, _) = analyze(&BunLock, "bun.lock", text);
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        let want = [("app", Provenance::Project), ("b", Provenance::Registry), ("c", Provenance::Elsewhere)];
        assert_eq!(found, want);
    }
}
