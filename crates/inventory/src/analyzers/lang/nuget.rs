//! NuGet's own files (learn.microsoft.com/nuget): `packages.lock.json`, `packages.config`, and central package management's
//! `Directory.Packages.props` and other `*.Packages.props`.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Scope, Section};
use quick_xml::{Reader, events::Event};
use serde::Deserialize;

use super::{
    input,
    loose::{Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads NuGet's locks, configurations and properties.
pub struct Nuget;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    dependencies: Table<Table<Record<Locked>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    #[serde(rename = "type")]
    kind: Text,
    resolved: Text,
    #[serde(rename = "contentHash")]
    hash: Text,
    dependencies: Table<Text>,
}

impl Analyzer for Nuget {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("nuget")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("packages.lock.json"), Interest::Name("packages.config"), Interest::Extension(".props")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        !name.ends_with(".props") || name.to_ascii_lowercase().ends_with("packages.props")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        let result = match file.path.file_name() {
            "packages.lock.json" => lock(file, out),
            "packages.config" => elements(file, out, &[("package", "id", "version")]),
            _ => elements(
                file,
                out,
                &[
                    ("PackageVersion", "Include", "Version"),
                    ("PackageVersion", "Update", "Version"),
                    ("PackageReference", "Include", "Version"),
                    ("PackageReference", "Update", "Version"),
                    ("GlobalPackageReference", "Include", "Version"),
                ],
            ),
        };
        input::join_same(out, start);
        result
    }
}

fn lock(file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
    let lock: Lock = input::json(file)?;
    for (name, package) in lock.dependencies.0.iter().flat_map(|(_, framework)| &framework.0) {
        // A project of the same solution.
        if package.kind.0.eq_ignore_ascii_case("project") {
            continue;
        }
        let Some(new) = input::push(out, PackageKind::Nuget, name, &package.resolved.0, file) else { continue };
        new.hashes = package.hash.get().map(|h| format!("sha512-{h}")).into_iter().collect();
        let needs = package.dependencies.0.iter();
        new.dependencies = needs
            .map(|(name, version)| Dependency { name: name.clone(), version: version.get().map(str::to_owned) })
            .collect();
    }
    Ok(())
}

/// Elements that carry a name and a version as attributes; a version may also stand in an element of its own inside.
fn elements(file: &File<'_>, out: &mut Section, wanted: &[(&str, &str, &str)]) -> Result<(), AnalyzeError> {
    input::bounded(file, 16 << 20)?;
    let text = file.text();
    let mut reader = Reader::from_str(&text);
    let mut named: Option<String> = None;
    let mut in_version = false;
    let broken = |e: &dyn std::fmt::Display| AnalyzeError::unreadable(format!("not a {}: {e}", file.path.file_name()));
    loop {
        let event = reader.read_event().map_err(|e| broken(&e))?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let local = tag.local_name().as_ref().to_owned();
                in_version = local == "Version";
                let value = |key: &str| {
                    let found = tag.attributes().flatten().take(32).find(|a| a.key.as_ref() == key);
                    found.map(|a| a.value.trim().to_owned())
                };
                for (_, name, version) in wanted.iter().filter(|(element, ..)| *element == local) {
                    let Some(name) = value(name).filter(|n| !n.contains(['$', '%', '@'])) else { continue };
                    match value(version).as_deref().and_then(exact) {
                        Some(version) => {
                            let dev = value("developmentDependency").is_some_and(|d| d.eq_ignore_ascii_case("true"));
                            if let Some(new) = input::push(out, PackageKind::Nuget, &name, version, file)
                                && dev
                            {
                                new.scope = Scope::Dev;
                            }
                        }
                        None => named = matches!(event, Event::Start(_)).then_some(name),
                    }
                    break;
                }
            }
            Event::Text(text) if in_version => {
                if let Some((name, version)) = named.take().zip(exact(text.trim())) {
                    input::push(out, PackageKind::Nuget, &name, version, file);
                }
                in_version = false;
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// A version that is one: no variable, no wildcard; `[1.0]` is exactly 1.0.
fn exact(version: &str) -> Option<&str> {
    let version = version.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(version).trim();
    let good =
        version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(['$', '*', ',', '(', ')', '[', ']']);
    good.then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn the_three_kinds() {
        let lock = br#"{"version":1,"dependencies":{"net5":{"A":{"type":"Direct","resolved":"1.0","contentHash":"x==","dependencies":{"B":"2.0"}},"P":{"type":"Project"}},"net6":{"A":{"resolved":"1.0"}}}}"#;
        assert_eq!(packages(&Nuget, "packages.lock.json", lock), ["A 1.0"]);
        let config = b"<?xml version='1.0'?><packages><package id='A' version='1.0' developmentDependency='true'/><package id='B' version='2.0' targetFramework='x' /></packages>";
        let (section, _) = analyze(&Nuget, "packages.config", config);
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.scope)).collect();
        assert_eq!(found, [("A", Scope::Dev), ("B", Scope::Runtime)]);
        let props = b"<Project><ItemGroup><PackageVersion Include='A' Version='[1.0]' /><PackageVersion Include='V' Version='$(V)'/><PackageVersion Include='C'><Version>3.0</Version></PackageVersion></ItemGroup></Project>";
        assert_eq!(packages(&Nuget, "Directory.Packages.props", props), ["A 1.0", "C 3.0"]);
        assert!(analyze(&Nuget, "packages.config", b"<packages><package").1.is_err());
    }
}
