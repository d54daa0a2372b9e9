//! NuGet's own files (learn.microsoft.com/nuget): `packages.lock.json`, `packages.config`, `project.assets.json`, and central
//! package management's `Directory.Packages.props` and other `*.Packages.props`; and Paket's `paket.lock` (fsprojects.github.io).

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
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Name("packages.lock.json"),
            Interest::Name("packages.config"),
            Interest::Name("project.assets.json"),
            Interest::Name("paket.lock"),
            Interest::Extension(".props"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        !name.ends_with(".props") || name.to_ascii_lowercase().ends_with("packages.props")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        let result = match file.path.file_name() {
            "packages.lock.json" => lock(file, out),
            "project.assets.json" => assets(file, out),
            "paket.lock" => paket(file, out),
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

/// What NuGet has resolved for a build: `NAME/VERSION` with what it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Assets {
    libraries: Table<Record<Library>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Library {
    #[serde(rename = "type")]
    kind: Text,
    sha512: Text,
}

fn assets(file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
    let assets: Assets = input::json(file)?;
    for (library, reported) in assets.libraries.0.iter().filter(|(_, l)| l.kind.0.eq_ignore_ascii_case("package")) {
        let Some((name, version)) = library.split_once('/') else { continue };
        if let Some(new) = input::push(out, PackageKind::Nuget, name, version, file) {
            new.hashes = reported.sha512.get().map(|h| format!("sha512-{h}")).into_iter().collect();
        }
    }
    Ok(())
}

/// Paket's lock: in a section `NUGET` each package is indented by four blanks, and what it needs by six.
fn paket(file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
    input::bounded(file, input::MAX_LOCK)?;
    let text = file.text();
    let mut is_nuget = false;
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_uppercase()) {
            is_nuget = line.trim_end() == "NUGET";
        } else if let Some(package) = line.strip_prefix("    ").filter(|p| is_nuget && !p.starts_with(' '))
            && let Some((name, rest)) = package.split_once(" (")
            && let Some((version, _)) = rest.split_once(')')
        {
            input::push(out, PackageKind::Nuget, name, version, file);
        }
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
        let assets = br#"{"version":3,"libraries":{"A/1.0":{"type":"package","sha512":"x=="},"P/1.0":{"type":"project"},"B":{"type":"package"}}}"#;
        assert_eq!(packages(&Nuget, "obj/project.assets.json", assets), ["A 1.0"]);
        let paket = b"STORAGE: NONE\nNUGET\n  remote: https://api.nuget.org/v3/index.json\n    A (1.0)\n      B (>= 2.0)\n    B (2.1) - restriction: x\n\nGITHUB\n  remote: a/b\n    c.fs (abc)\nGROUP Test\nNUGET\n    T (3.0)\n";
        assert_eq!(packages(&Nuget, "paket.lock", paket), ["A 1.0", "B 2.1", "T 3.0"]);
    }
}
