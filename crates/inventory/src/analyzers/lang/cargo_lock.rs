//! `Cargo.lock` (doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock"), all versions: the root package of version 1,
//! checksums in `[metadata]` (1) or at the package (2 to 4). Workspace members are listed as well. The lock does not
//! show development dependencies from the others; the `Cargo.toml` files beside and below it do, where the layer has
//! them. What builds (`[build-dependencies]`) counts as runtime: what it writes is in the program.

use std::collections::{BTreeMap, HashMap, HashSet};

use layergate_model::{AnalyzerId, Dependency, LayerPath, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
    reach,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Cargo.lock`.
pub struct CargoLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    package: List<Record<Locked>>,
    root: Record<Locked>,
    metadata: Table<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    source: Text,
    checksum: Text,
    dependencies: List<Text>,
}

/// A `Cargo.toml`, as far as it shows who needs what to run.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    package: Record<Named>,
    #[serde(flatten)]
    needs: Needs,
    target: Table<Record<Needs>>,
    workspace: Record<Needs>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Needs {
    dependencies: Table<Either<Record<Renamed>>>,
    #[serde(rename = "build-dependencies")]
    build: Table<Either<Record<Renamed>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Renamed {
    package: Text,
}

impl Needs {
    /// The names in the registry. `name = { workspace = true }` may be another one there.
    fn names<'a>(&'a self, workspace: &'a HashMap<&str, &str>) -> impl Iterator<Item = String> + 'a {
        self.dependencies.0.iter().chain(&self.build.0).map(|(key, value)| {
            let renamed = value.map().and_then(|m| m.0.package.get());
            fold(renamed.or_else(|| workspace.get(key.as_str()).copied()).unwrap_or(key))
        })
    }
}

fn fold(name: &str) -> String {
    name.replace('_', "-")
}

/// Largest `Cargo.toml` that is remembered until the lock has come.
const MAX_MANIFEST: usize = 256 << 10;
/// Manifests that the locks of one layer may ask to be looked at; the scopes of the rest are not known.
const MAX_WORK: usize = 1_000_000;

impl Analyzer for CargoLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("cargo-lock")
    }

    fn revision(&self) -> u32 {
        5
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Cargo.lock"), Interest::Name("Cargo.toml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "Cargo.toml" {
            // Without it only the scopes are not known.
            let _ = file.bytes.len() <= MAX_MANIFEST && out.notes.keep(file.path, file.text());
            return Ok(());
        }
        let lock: Lock = input::toml(file)?;
        let _ = out.notes.keep(file.path, "");
        let start = out.packages.len();
        let all = || lock.package.0.iter().chain([&lock.root]);
        // `dependencies` name a version only where there are several of a name.
        let versions: std::collections::HashMap<&str, &str> =
            all().map(|p| (p.name.0.as_str(), p.version.0.as_str())).collect();
        let old_sums: std::collections::HashMap<&str, &str> =
            lock.metadata.0.iter().map(|(k, v)| (k.as_str(), v.0.as_str())).collect();
        for package in all() {
            let Some(new) = input::push(out, PackageKind::Cargo, &package.name.0, &package.version.0, file) else {
                continue;
            };
            // A member of the workspace or a checkout is judged as the crate of its name too: most are that crate (ripgrep's
            // own `grep-cli`, a fork of `chrono`), and RustSec's advisories are about its code wherever it was taken from.
            let key = format!("checksum {} {} ({})", package.name.0, package.version.0, package.source.0);
            let sum = package.checksum.get().or_else(|| old_sums.get(key.as_str()).copied());
            new.hashes = sum.filter(|s| s.len() == 64).map(|s| format!("sha256:{s}")).into_iter().collect();
            new.dependencies = package
                .dependencies
                .0
                .iter()
                .filter_map(|text| {
                    let mut words = text.0.split(' ');
                    let name = words.next().filter(|n| !n.is_empty())?;
                    let version = words.next().or_else(|| versions.get(name).copied()).map(str::to_owned);
                    Some(Dependency { name: name.to_owned(), version })
                })
                .collect();
        }
        input::join_same(out, start);
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        let (locks, manifests): (Vec<_>, Vec<_>) =
            out.notes.take().into_iter().partition(|(path, _)| path.file_name() == "Cargo.lock");
        if locks.is_empty() {
            return;
        }
        let manifests: BTreeMap<LayerPath, Manifest> =
            manifests.into_iter().filter_map(|(path, text)| Some((path, toml::from_str(&text).ok()?))).collect();
        let mut work = 0;
        for (path, _) in locks {
            let Some(root) = path.parent() else { continue };
            work += manifests.len();
            if work > MAX_WORK {
                return;
            }
            let below = || manifests.iter().filter(|(at, _)| root.is_empty() || at.is_within(&root)).map(|(_, m)| m);
            let renames = below().flat_map(|m| &m.workspace.0.dependencies.0);
            let workspace: HashMap<&str, &str> =
                renames.filter_map(|(key, value)| Some((key.as_str(), value.map()?.0.package.get()?))).collect();
            let members: HashMap<&str, HashSet<String>> = below()
                .filter_map(|m| {
                    let needs = std::iter::once(&m.needs).chain(m.target.0.iter().map(|(_, t)| &t.0));
                    Some((m.package.0.name.get()?, needs.flat_map(|n| n.names(&workspace)).collect()))
                })
                .collect();
            if members.is_empty() {
                continue;
            }
            // What has no checksum comes from no registry: a member whose manifest is not here, perhaps.
            let is_root = |p: &layergate_model::Package| p.hashes.is_empty();
            reach::settle(out, &path, fold, is_root, |package, need| {
                members.get(package.name.as_str()).is_none_or(|needs| needs.contains(&fold(&need.name)))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn old_and_new() {
        let v1 = b"[root]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0 (registry+x)\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\
            [metadata]\n\"checksum a 1.0.0 (registry+x)\" = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";
        assert_eq!(packages(&CargoLock, "Cargo.lock", v1), ["a 1.0.0", "app 0.1.0"]);
        assert_eq!(analyze(&CargoLock, "Cargo.lock", v1).0.packages[0].hashes.len(), 1);
        let v4 = b"version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\
            [[package]]\nname = \"b\"\nversion = \"0.1.0\"\ndependencies = [\"a 2.0.0\", \"c\"]\n[[package]]\nname = \"c\"\nversion = \"3.0.0\"\n";
        assert_eq!(packages(&CargoLock, "Cargo.lock", v4), ["a 1.0.0", "a 2.0.0", "b 0.1.0", "c 3.0.0"]);
        let (section, _) = analyze(&CargoLock, "Cargo.lock", v4);
        let needs: Vec<_> = section.packages[2].dependencies.iter().map(|d| d.version.as_deref()).collect();
        assert_eq!(needs, [Some("2.0.0"), Some("3.0.0")]);
        assert!(analyze(&CargoLock, "Cargo.lock", b"[[package").1.is_err());
    }
    #[test]
    fn the_manifests_tell_what_is_for_development() {
        let sum = "checksum = \"0000000000000000000000000000000000000000000000000000000000000000\"";
        let locked = |name: &str, needs: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n{sum}\ndependencies = [{needs}]\n"
            )
        };
        let own = |name: &str, needs: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [{needs}]\n")
        };
        let lock = [
            own("app", "\"run\", \"real\", \"unix\", \"cc\", \"check\", \"member\""),
            own("member", "\"far\""),
            locked("run", "\"deep\""),
            locked("deep", ""),
            locked("real", ""),
            locked("unix", ""),
            locked("cc", ""),
            locked("check", "\"only-checked\", \"deep\""),
            locked("only-checked", ""),
            locked("far", ""),
        ]
        .concat();
        let manifest = "[package]\nname = \"app\"\n[dependencies]\nrun = \"1\"\nalias = {workspace = true}\nmember = {path = \"m\"}\n\
            [target.'cfg(unix)'.dependencies]\nunix = \"1\"\n[build-dependencies]\ncc = \"1\"\n[dev-dependencies]\ncheck = \"1\"\n\
            [workspace]\nmembers = [\"m\"]\n[workspace.dependencies]\nalias = {version = \"1\", package = \"real\"}\n";
        let dev = |files: &[(&str, &str)]| {
            let mut section = Section::default();
            let limits = layergate_model::Limits::default();
            for (path, text) in files {
                let path = LayerPath::normalise(path).unwrap();
                CargoLock.analyze(&File::new(&path, 0, text.as_bytes(), &limits), &mut section).unwrap();
            }
            CargoLock.finish(&mut section);
            let dev = section.packages.iter().filter(|p| p.scope == layergate_model::Scope::Dev);
            dev.map(|p| p.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(dev(&[("w/Cargo.lock", &lock), ("w/Cargo.toml", manifest)]), ["check", "only-checked"]);
        assert_eq!(dev(&[("w/Cargo.toml", manifest), ("w/Cargo.lock", &lock)]), ["check", "only-checked"]);
        let member = "[package]\nname = \"member\"\n[dev-dependencies]\nfar = \"1\"\n";
        assert_eq!(
            dev(&[("w/Cargo.lock", &lock), ("w/Cargo.toml", manifest), ("w/m/Cargo.toml", member)]),
            ["check", "far", "only-checked"]
        );
        for other in [("elsewhere/Cargo.toml", manifest), ("w/Cargo.toml", "[["), ("w/Cargo.toml", "[workspace]")] {
            assert_eq!(dev(&[("w/Cargo.lock", &lock), other]), [""; 0], "{other:?}");
        }
    }
}
