//! npm's lock files (docs.npmjs.com, "package-lock.json"): `package-lock.json` and `npm-shrinkwrap.json` of lockfile
//! versions 1 (a tree of `dependencies`), 2 and 3 (a flat map of `packages` by path; 2 has both).
//!
//! The hidden lock `node_modules/.package-lock.json` says what the `package.json` files beside it say, and is left alone.
//! Links are left out, for what they point to is listed; the project itself and its workspaces are listed when they have
//! a version, as the project's own and not the registry's. Optional packages of other systems than Linux are left out:
//! they are never installed in an image.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Provenance, Scope, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{Either, Flag, List, Record, Table, Text},
    node_rules,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads npm's lock files.
pub struct NodeLock;

/// Levels of `node_modules` that are climbed to find which version of a dependency a package sees.
const MAX_LEVELS: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: Table<Record<Flat>>,
    dependencies: Table<Record<Nested>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Flat {
    name: Text,
    version: Text,
    integrity: Text,
    resolved: Text,
    dev: Flag,
    link: Flag,
    os: List<Text>,
    license: Either<Table<Text>, Either<Table<Text>>>,
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested {
    version: Text,
    integrity: Text,
    dev: Flag,
    requires: Table<Text>,
    dependencies: Table<Record<Nested>>,
}

impl Analyzer for NodeLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("node-lock")
    }

    fn revision(&self) -> u32 {
        4
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Name("package-lock.json"),
            Interest::Name("npm-shrinkwrap.json"),
            Interest::Name(".package-lock.json"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // npm's hidden lock of what it has installed lies in the uppermost node_modules.
        match entry.path.strip_suffix("node_modules/.package-lock.json") {
            Some(project) => !input::inside_dependency(project),
            None => !input::inside_dependency(entry.path),
        }
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::json(file)?;
        let start = out.packages.len();
        if lock.packages.0.is_empty() {
            nested(&lock.dependencies, &mut Vec::new(), file, out);
        } else {
            flat(&lock.packages, file, out);
        }
        input::join_same(out, start);
        Ok(())
    }
}

fn flat(packages: &Table<Record<Flat>>, file: &File<'_>, out: &mut Section) {
    let links: HashMap<&str, &str> =
        packages.0.iter().filter(|(_, p)| p.link.0).map(|(at, p)| (p.resolved.0.as_str(), name_at(at))).collect();
    let versions: HashMap<&str, &str> =
        packages.0.iter().filter(|(_, p)| !p.link.0).map(|(at, p)| (at.as_str(), p.version.0.as_str())).collect();
    let here = |p: &Flat| !p.link.0 && node_rules::runs_on_linux(p.os.0.iter().map(|s| s.0.as_str()));
    for (at, package) in packages.0.iter().filter(|(_, p)| here(p)) {
        let name = package.name.get().or_else(|| links.get(at.as_str()).copied()).unwrap_or_else(|| name_at(at));
        let Some(new) = input::push(out, PackageKind::Npm, name, &package.version.0, file) else { continue };
        set(new, package.dev, &package.integrity);
        // The root and its workspaces have no node_modules in their paths.
        new.provenance = match at.split('/').any(|part| part == "node_modules") {
            true => node_rules::provenance(&package.resolved.0),
            false => Provenance::Project,
        };
        new.licenses = licenses(&package.license);
        let needs = package.dependencies.0.iter().chain(&package.optional.0);
        let see = |name: &str| {
            let mut here = at.as_str();
            for _ in 0..MAX_LEVELS {
                let path = if here.is_empty() {
                    format!("node_modules/{name}")
                } else {
                    format!("{here}/node_modules/{name}")
                };
                if let Some(version) = versions.get(path.as_str()) {
                    return Some((*version).to_owned());
                }
                if here.is_empty() {
                    break;
                }
                here = here.rfind("/node_modules/").map_or("", |i| &here[..i]);
            }
            None
        };
        new.dependencies = needs
            .filter_map(|(name, _)| see(name).map(|version| Dependency { name: name.clone(), version: Some(version) }))
            .collect();
    }
}

/// `a/node_modules/@s/b` is `@s/b`.
fn name_at(path: &str) -> &str {
    path.rfind("node_modules/").map_or_else(|| path.rsplit('/').next().unwrap_or(path), |i| &path[i + 13..])
}

fn nested<'l>(
    level: &'l Table<Record<Nested>>,
    above: &mut Vec<HashMap<&'l str, &'l str>>,
    file: &File<'_>,
    out: &mut Section,
) {
    above.push(level.0.iter().map(|(name, p)| (name.as_str(), p.version.0.as_str())).collect());
    for (name, package) in &level.0 {
        // An alias: npm:real@1.0.0.
        let alias = package.version.0.strip_prefix("npm:").and_then(|spec| spec.rsplit_once('@'));
        let (name, version) = alias.unwrap_or((name, &package.version.0));
        let own: HashMap<&str, &str> =
            package.dependencies.0.iter().map(|(n, p)| (n.as_str(), p.version.0.as_str())).collect();
        if let Some(new) = input::push(out, PackageKind::Npm, name, version, file) {
            set(new, package.dev, &package.integrity);
            new.provenance = node_rules::provenance(version);
            let see = |name: &str| {
                own.get(name)
                    .or_else(|| above.iter().rev().take(MAX_LEVELS).find_map(|l| l.get(name)))
                    .map(|v| (*v).to_owned())
            };
            new.dependencies = package
                .requires
                .0
                .iter()
                .filter_map(|(name, _)| {
                    see(name).map(|version| Dependency { name: name.clone(), version: Some(version) })
                })
                .collect();
        }
        // The depth is bounded by that of JSON.
        nested(&package.dependencies, above, file, out);
    }
    above.pop();
}

fn set(package: &mut Package, dev: Flag, integrity: &Text) {
    if dev.0 {
        package.scope = Scope::Dev;
    }
    package.hashes = integrity.0.split_whitespace().map(str::to_owned).collect();
}

fn licenses(value: &Either<Table<Text>, Either<Table<Text>>>) -> Vec<String> {
    let of_map = |map: &Table<Text>| map.get("type").and_then(|t| license::normal(&t.0));
    match value {
        Either::Text(text) => license::one(text),
        Either::Map(map) => of_map(map).into_iter().collect(),
        Either::List(list) => list
            .iter()
            .take(16)
            .filter_map(|item| item.text().and_then(license::normal).or_else(|| item.map().and_then(of_map)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const AT: &str = "app/package-lock.json";

    #[test]
    fn the_three_versions() {
        let v1 = br#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","integrity":"sha512-x","requires":{"b":"^1"},
            "dependencies":{"b":{"version":"1.5.0","dev":true}}},"b":{"version":"2.0.0"},"c":{"version":"npm:@s/real@3.0.0"},"bad":7}}"#;
        assert_eq!(packages(&NodeLock, AT, v1), ["@s/real 3.0.0", "a 1.0.0", "b 1.5.0", "b 2.0.0"]);
        let (section, _) = analyze(&NodeLock, AT, v1);
        let a = section.packages.iter().find(|p| p.name == "a").unwrap();
        assert_eq!(a.dependencies, [Dependency { name: "b".into(), version: Some("1.5.0".into()) }]);
        assert_eq!(a.hashes, ["sha512-x"]);
        assert_eq!(section.packages.iter().find(|p| p.version == "1.5.0").unwrap().scope, Scope::Dev);

        let v3 = br#"{"lockfileVersion":3,"packages":{"":{"name":"app","version":"0.1.0","workspaces":["w"]},
            "w":{"version":"0.2.0"},"node_modules/w-name":{"resolved":"w","link":true},
            "node_modules/a":{"version":"1.0.0","license":"MIT","dependencies":{"b":"*","gone":"*"}},
            "node_modules/b":{"version":"2.0.0","dev":true},"node_modules/a/node_modules/b":{"version":"1.5.0"},
            "node_modules/@s/x":{"name":"@s/real","version":"3.0.0"}},"dependencies":{"a":{"version":"1.0.0"}}}"#;
        let want = ["@s/real 3.0.0", "a 1.0.0", "app 0.1.0", "b 1.5.0", "b 2.0.0", "w-name 0.2.0"];
        assert_eq!(packages(&NodeLock, AT, v3), want);
        let (section, _) = analyze(&NodeLock, AT, v3);
        let a = section.packages.iter().find(|p| p.name == "a").unwrap();
        assert_eq!((a.dependencies.len(), a.dependencies[0].version.as_deref()), (1, Some("1.5.0")));
        assert!(a.licenses == ["MIT"] && packages(&NodeLock, AT, b"{}").is_empty());
    }

    #[test]
    fn the_same_package_twice_is_one_and_runtime() {
        let text = br#"{"packages":{"node_modules/a":{"version":"1","dev":true},"node_modules/b/node_modules/a":{"version":"1"}}}"#;
        let (section, _) = analyze(&NodeLock, AT, text);
        assert_eq!((section.packages.len(), section.packages[0].scope), (1, Scope::Runtime));
    }

    #[test]
    fn what_is_not_the_registrys_or_not_for_this_system() {
        let text = br#"{"packages":{"":{"name":"app","version":"1.0.0"},"w":{"name":"w","version":"1"},
            "node_modules/a":{"version":"1","resolved":"git+ssh://git@github.com/x/a.git#0"},
            "node_modules/b":{"version":"1","resolved":"https://registry.npmjs.org/b/-/b-1.tgz"},
            "node_modules/c":{"version":"1","optional":true,"os":["darwin"],"cpu":["arm64"]},
            "node_modules/d":{"version":"1","optional":true,"os":["!win32"]}}}"#;
        let (section, _) = analyze(&NodeLock, AT, text);
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        let (registry, own) = (Provenance::Registry, Provenance::Project);
        let want = [("a", Provenance::Elsewhere), ("app", own), ("b", registry), ("d", registry), ("w", own)];
        assert_eq!(found, want);
    }
}
