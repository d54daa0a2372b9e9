//! uv's `uv.lock` (docs.astral.sh/uv, "Lockfile"): `[[package]]` with a `source`; the project's own packages are those from a
//! directory. A package that only the roots' `dev-dependencies` lead to is for development.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, Dependency, PackageKind, Provenance, Scope, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Table, Text},
    reach::reachable,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `uv.lock`.
pub struct UvLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    package: List<Record<Locked>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    source: Table<Text>,
    dependencies: List<Record<Need>>,
    #[serde(rename = "optional-dependencies")]
    optional: Table<List<Record<Need>>>,
    sdist: Record<Artefact>,
    wheels: List<Record<Artefact>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Need {
    name: Text,
    version: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artefact {
    hash: Text,
}

impl Analyzer for UvLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("uv-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("uv.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::toml(file)?;
        let all = &lock.package.0;
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, package) in all.iter().enumerate() {
            by_name.entry(&package.name.0).or_default().push(i);
        }
        // Where several versions of a name are locked, a need says which one it means.
        let find = |need: &Need| {
            let same = by_name.get(need.name.0.as_str()).map_or(&[][..], Vec::as_slice);
            let exact = same.iter().filter(|i| all[**i].version == need.version).take(1);
            if need.version.get().is_some() { exact.copied().next() } else { same.first().copied() }
        };
        let edges: Vec<Vec<usize>> = all
            .iter()
            .map(|p| {
                p.dependencies
                    .0
                    .iter()
                    .chain(p.optional.0.iter().flat_map(|(_, l)| &l.0))
                    .filter_map(|n| find(n))
                    .collect()
            })
            .collect();
        let is_root = |p: &Locked| ["editable", "virtual", "directory"].iter().any(|k| p.source.get(k).is_some());
        let roots: Vec<usize> = all.iter().enumerate().filter(|(_, p)| is_root(p)).map(|(i, _)| i).collect();
        let rooted = !roots.is_empty();
        let used = reachable(roots, &edges);
        let start = out.packages.len();
        for (i, package) in all.iter().enumerate() {
            let Some(new) = input::push(out, PackageKind::Pypi, &package.name.0, &package.version.0, file) else {
                continue;
            };
            if rooted && !used[i] {
                new.scope = Scope::Dev;
            }
            new.provenance = provenance(&package.source);
            let artefacts = package.wheels.0.iter().chain([&package.sdist]);
            new.hashes = artefacts.filter_map(|a| a.hash.get()).map(str::to_owned).collect();
            let needs = edges[i].iter().map(|to| &all[*to]);
            new.dependencies = needs
                .map(|p| Dependency { name: p.name.0.clone(), version: p.version.get().map(str::to_owned) })
                .collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// A directory below the project is a part of it, whatever a registry calls so; another one or a repository may hold a
/// copy of the registry's.
fn provenance(source: &Table<Text>) -> Provenance {
    let from = |keys: &[&str]| keys.iter().find_map(|key| source.get(key)?.get());
    match from(&["editable", "virtual", "directory"]) {
        Some(".") => Provenance::Project,
        Some(_) => Provenance::Elsewhere,
        None if from(&["git", "url", "path"]).is_some() => Provenance::Elsewhere,
        None => Provenance::Registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn roots_and_what_they_lead_to() {
        let text = b"version = 1\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\", version = \"2\" }]\n\
            [package.dev-dependencies]\ndev = [{ name = \"t\" }]\n[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nname = \"a\"\nversion = \"2\"\nsource = { registry = \"x\" }\nwheels = [{ url = \"u\", hash = \"sha256:1\" }]\n\
            [[package]]\nname = \"t\"\nversion = \"3\"\n[[package]]\nname = \"dynamic\"\nsource = { editable = \"x\" }\n";
        let (section, result) = analyze(&UvLock, "uv.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.scope)).collect();
        let want = [
            ("a", "1", Scope::Dev),
            ("a", "2", Scope::Runtime),
            ("app", "0.1.0", Scope::Runtime),
            ("t", "3", Scope::Dev),
        ];
        assert_eq!(found, want);
        assert_eq!(section.packages[1].hashes, ["sha256:1"]);
        assert_eq!(section.packages[2].provenance, Provenance::Project);
    }

    #[test]
    fn other_sources() {
        let text = b"[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { editable = \".\" }\n\
            dependencies = [{ name = \"click\" }, { name = \"lib\" }, { name = \"both\", marker = \"sys_platform == 'win32'\" }]\n\
            [[package]]\nname = \"click\"\nversion = \"8\"\nsource = { registry = \"x\" }\n\
            dependencies = [{ name = \"colorama\", marker = \"sys_platform == 'win32'\" }, { name = \"both\" }]\n\
            [[package]]\nname = \"colorama\"\nversion = \"0.4.6\"\nsource = { registry = \"x\" }\n\
            [[package]]\nname = \"both\"\nversion = \"2\"\nsource = { git = \"https://x/y?rev=1#1\" }\n\
            [[package]]\nname = \"lib\"\nversion = \"3\"\nsource = { directory = \"../lib\" }\n";
        let (section, result) = analyze(&UvLock, "uv.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        let (registry, elsewhere) = (Provenance::Registry, Provenance::Elsewhere);
        let want = [
            ("app", Provenance::Project),
            ("both", elsewhere),
            ("click", registry),
            ("colorama", registry),
            ("lib", elsewhere),
        ];
        assert_eq!(found, want);
    }
}
