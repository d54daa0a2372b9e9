//! What a .NET application was published with: `*.deps.json` (github.com/dotnet/sdk, "runtime-configuration-file"). `libraries` names
//! everything; the chosen target tells what is there at run time. Runtime packs of self-contained applications carry the
//! prefix `runtimepack.`, which is not part of the package's name.

use std::collections::HashSet;

use layergate_model::{AnalyzerId, Dependency, PackageKind, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
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
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Library {
    sha512: Text,
}

impl Analyzer for DotnetDeps {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("dotnet-deps")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".deps.json") && !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        self.read(file, out)
    }
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
}
