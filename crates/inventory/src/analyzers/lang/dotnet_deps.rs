//! What a .NET application was published with: `*.deps.json` (github.com/dotnet/sdk, "runtime-configuration-file").
//! `libraries` names everything; the chosen target shows what is there at run time. Runtime packs of self-contained
//! applications carry the prefix `runtimepack.`, which is not part of the package's name. The list of a shared
//! framework shows how that was built: what is there is the framework itself ([`dotnet_root`]), and before ASP.NET Core
//! 3 the packages that it was put together from.

use std::collections::HashSet;

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Provenance, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    dotnet_root::{self, Part},
    input,
    loose::{Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `*.deps.json`.
pub struct DotnetDeps;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deps {
    #[serde(rename = "runtimeTarget")]
    target: Record<Target>,
    targets: Table<Table<Record<Member>>>,
    libraries: Table<Record<Library>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Member {
    dependencies: Table<Text>,
    runtime: Table<IgnoredAny>,
    #[serde(rename = "runtimeTargets")]
    runtime_targets: Table<IgnoredAny>,
    native: Table<IgnoredAny>,
    resources: Table<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Library {
    #[serde(rename = "type")]
    kind: Text,
    sha512: Text,
}

impl Analyzer for DotnetDeps {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("dotnet-deps")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".deps.json") && !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        match dotnet_root::part(file.path) {
            Some(part @ Part::Framework(name, version, _)) => {
                if let Some((name, version)) = part.proved() {
                    out.packages.push(Package::new(PackageKind::Nuget, name, version, file.path));
                }
                if put_together(name, version) { self.read(file, out) } else { Ok(()) }
            }
            _ => self.read(file, out),
        }
    }
}

/// Whether a framework is made of packages that advisories know one by one.
fn put_together(framework: &str, version: &str) -> bool {
    framework.starts_with("Microsoft.AspNetCore.") && version.starts_with("2.")
}

/// The names of the program files that a `deps.json` describes: they belong to its packages.
pub(crate) fn files(file: &File<'_>) -> Result<HashSet<String>, AnalyzeError> {
    let deps: Deps = input::json(file)?;
    let members = deps.targets.0.iter().flat_map(|(_, target)| &target.0);
    let tables = members.flat_map(|(_, m)| [&m.runtime, &m.runtime_targets, &m.native, &m.resources]);
    let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    Ok(tables.flat_map(|table| &table.0).map(|(path, _)| name(path)).collect())
}

impl DotnetDeps {
    /// Reads a `deps.json`, also one from inside a bundle.
    pub(crate) fn read(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let deps: Deps = input::json(file)?;
        let start = out.packages.len();
        let target = deps.targets.get(&deps.target.name.0);
        let members: std::collections::HashMap<&str, &Record<Member>> =
            target.into_iter().flat_map(|t| &t.0).map(|(key, m)| (key.as_str(), m)).collect();
        // A member without files is there only for what it depends on.
        let empty: HashSet<&str> = members
            .iter()
            .filter(|(_, m)| m.runtime.0.is_empty() && m.runtime_targets.0.is_empty() && m.native.0.is_empty())
            .map(|(key, _)| *key)
            .collect();
        for (key, library) in &deps.libraries.0 {
            let Some((name, version)) = key.split_once('/') else { continue };
            if empty.contains(key.as_str()) && members.get(key.as_str()).is_none_or(|m| m.dependencies.0.is_empty()) {
                continue;
            }
            let name = name.strip_prefix("runtimepack.").unwrap_or(name);
            let Some(new) = input::push(out, PackageKind::Nuget, name, version, file) else { continue };
            if library.kind.0 == "project" {
                new.provenance = Provenance::Project;
            }
            new.hashes = library.sha512.get().map(str::to_owned).into_iter().collect();
            let needs = members.get(key.as_str()).into_iter().flat_map(|m| &m.dependencies.0);
            new.dependencies = needs
                .map(|(name, version)| Dependency { name: name.clone(), version: version.get().map(str::to_owned) })
                .collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn libraries_of_the_target() {
        let text = br#"{"runtimeTarget":{"name":"net8"},"targets":{"net8":{"App/1.0.0":{"dependencies":{"A":"1"},"runtime":{"App.dll":{}}},
            "A/1":{"runtime":{"a.dll":{}}},"CompileOnly/2":{},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.0":{"runtime":{"x":{}}}}},
            "libraries":{"App/1.0.0":{"type":"project"},"A/1":{"type":"package","sha512":"sha512-x"},"CompileOnly/2":{},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.0":{},"odd":1}}"#;
        let want = ["A 1", "App 1.0.0", "Microsoft.NETCore.App.Runtime.linux-x64 8.0.0"];
        assert_eq!(packages(&DotnetDeps, "app/App.deps.json", text), want);
        let without = br#"{"libraries":{"A/1":{"type":"package"}}}"#;
        assert_eq!(packages(&DotnetDeps, "App.deps.json", without), ["A 1"]);
    }

    #[test]
    fn a_shared_framework_is_one_package() {
        let list = br#"{"runtimeTarget":{"name":"n"},"targets":{"n":{"runtime.linux-x64.X/8.0.1-servicing.1":{"runtime":{"a.dll":{}}},"B/2.1.1":{"runtime":{"b.dll":{}}}}},
            "libraries":{"runtime.linux-x64.X/8.0.1-servicing.1":{"type":"package"},"B/2.1.1":{"type":"package"}}}"#;
        for (path, want) in [
            (
                "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json",
                &["Microsoft.NETCore.App 8.0.1"][..],
            ),
            (
                "d/shared/Microsoft.AspNetCore.App/2.1.30/Microsoft.AspNetCore.App.deps.json",
                &["B 2.1.1", "Microsoft.AspNetCore.App 2.1.30", "runtime.linux-x64.X 8.0.1-servicing.1"],
            ),
            ("d/sdk/8.0.404/dotnet.deps.json", &["B 2.1.1", "runtime.linux-x64.X 8.0.1-servicing.1"]),
        ] {
            assert_eq!(packages(&DotnetDeps, path, list), want, "{path}");
        }
    }
}
