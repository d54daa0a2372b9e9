//! Node packages by their `package.json` (npm documentation, "package.json"): installed ones under `node_modules`, and
//! every other that names itself with a version, an application's own above all. Its dependency ranges are not
//! packages.
//!
//! Node resolves `node_modules/NAME` and `node_modules/@SCOPE/NAME` and nothing else: what lies deeper inside a package
//! is test data or a template, unless its directory says that it is a copy that the package runs with. A project that
//! is marked private is not published, and an editor's extension not there: what is called like it in the registry is
//! something else. A key that stands twice counts as `JSON.parse` has it, the last time; if it is the name or the
//! version, that is a gap too.

use layergate_model::{AnalyzerId, Package, PackageKind, Provenance, Section};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::input::push_without_version;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, place};

/// Reads `package.json`.
pub struct NodePackage;

/// The largest one that is read. Real ones have some hundred kilobytes at most.
const MAX_BYTES: u64 = 4 << 20;
/// Directories of a package with what it was tested on or begins other projects with.
const DATA: [&str; 18] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "fixture",
    "fixtures",
    "__fixtures__",
    "__mocks__",
    "mocks",
    "testdata",
    "example",
    "examples",
    "demo",
    "demos",
    "template",
    "templates",
    "benchmark",
];
/// Those of them whose whole content is data.
const FIXTURES: [&str; 8] =
    ["fixture", "fixtures", "__fixtures__", "__mocks__", "mocks", "testdata", "template", "templates"];
/// Directories of a package with copies of others that it runs with.
const COPIES: [&str; 9] =
    ["vendor", "vendored", "vendors", "third_party", "third-party", "compiled", "bundled", "bundle", "deps"];

/// The keys that must not stand twice.
#[derive(Deserialize)]
struct Once {
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
}

/// What lies at a path.
#[derive(Debug, PartialEq)]
enum Place {
    /// A package that Node resolves.
    Installed,
    /// A copy inside of one that it runs with.
    Copy,
    /// Something inside of one that nothing resolves.
    Data,
    /// A project.
    Project,
}

impl Analyzer for NodePackage {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("node-package")
    }

    fn revision(&self) -> u32 {
        8
    }

    fn max_bytes(&self) -> u64 {
        MAX_BYTES
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("package.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        match place(entry.path) {
            Place::Installed | Place::Copy => true,
            Place::Data => false,
            Place::Project => !place::is_documentation(entry.path),
        }
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let place = place(file.path);
        let manifest: Value = match serde_json::from_str(&file.text()) {
            Ok(manifest) => manifest,
            // Packages bring broken manifests as test data; only where a package is installed is one missing.
            Err(_) if place != Place::Installed => return Ok(()),
            Err(e) => return Err(AnalyzeError::unreadable(format!("not a package.json: {e}"))),
        };
        let text = |key: &str| manifest.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        // Node asks for neither where it resolves a directory: the package is there under the directory's name.
        let directory = directory_name(file.path).filter(|_| place == Place::Installed);
        let (name, version) = match (text("name").or(directory), text("version")) {
            (Some(name), Some(version)) => (name, version),
            (Some(name), None) if place == Place::Installed => {
                push_without_version(out, PackageKind::Npm, name, file);
                return Ok(());
            }
            // Without name and version it is a marker ({"type": "module"}), not a package.
            _ => return Ok(()),
        };
        let mut package = Package::new(PackageKind::Npm, name, version, file.path);
        let private = manifest.get("private").is_some_and(|p| *p == Value::Bool(true) || p.as_str() == Some("true"));
        // An editor's extension is published elsewhere than in npm's registry.
        let extension = manifest.pointer("/engines/vscode").is_some() && text("publisher").is_some();
        if (private || extension) && place == Place::Project {
            package.provenance = Provenance::Project;
        }
        for key in ["license", "licenses"] {
            collect(manifest.get(key).unwrap_or(&Value::Null), &mut package.licenses);
        }
        out.packages.push(package);
        // Readers that take the first of two and those that take the last see two packages: what was meant is not
        // known.
        match serde_json::from_str::<Once>(&file.text()) {
            Err(e) if place == Place::Installed => {
                Err(AnalyzeError::unreadable(format!("a package.json of two minds: {e}")))
            }
            _ => Ok(()),
        }
    }
}

/// `node_modules/NAME/package.json` or `node_modules/@SCOPE/NAME/package.json`, at any depth of the tree; Debian's
/// `usr/share/nodejs/NAME` is such a place too.
fn place(path: &str) -> Place {
    let directories: Vec<&str> = path.rsplit_once('/').map_or("", |(d, _)| d).split('/').collect();
    let mut inside: Option<&[&str]> = None;
    let mut rest = directories.as_slice();
    while let Some(at) = rest.iter().position(|d| *d == "node_modules") {
        // What lies between a package and the next node_modules. From `test/` Node resolves what lies in
        // `test/node_modules/`; what is deeper, or says so, is data.
        let between = &rest[..at];
        if inside.is_some() && between.iter().any(|d| DATA.contains(d)) {
            let resolved = matches!(between, [one] if !FIXTURES.contains(one));
            let package = &rest[at + 1..];
            let is_package = package.len() == 1 || package.len() == 2 && package[0].starts_with('@');
            return if resolved && is_package { Place::Copy } else { Place::Data };
        }
        rest = &rest[at + 1..];
        // No package is called so.
        let name = match rest {
            ["node_modules", ..] => 0,
            [scope, "node_modules", ..] if scope.starts_with('@') => 1,
            [scope, ..] if scope.starts_with('@') => 2,
            _ => 1,
        };
        if rest.len() < name {
            return Place::Data;
        }
        rest = &rest[name..];
        inside = Some(rest);
    }
    match inside {
        Some([]) => Place::Installed,
        Some(inside) if inside.iter().any(|d| DATA.contains(d)) => Place::Data,
        Some(inside) if inside.iter().any(|d| COPIES.contains(d)) => Place::Copy,
        Some(_) => Place::Data,
        None => match directories.as_slice() {
            ["usr", "share" | "lib", "nodejs", _] => Place::Installed,
            ["usr", "share" | "lib", "nodejs", scope, _] if scope.starts_with('@') => Place::Installed,
            // What a gem brings along is a part of it: an editor's extension, the source of its scripts.
            directories if in_gem(directories) => Place::Data,
            _ => Place::Project,
        },
    }
}

/// The name under which Node finds the package that is installed at a path: `NAME` or `@SCOPE/NAME`.
fn directory_name(path: &str) -> Option<&str> {
    let directory = path.strip_suffix("/package.json")?;
    let mut slashes = directory.rmatch_indices('/').map(|(at, _)| at);
    let (last, before) = (slashes.next().map_or(0, |at| at + 1), slashes.next().map_or(0, |at| at + 1));
    let scoped = directory.get(before..).filter(|name| name.starts_with('@'));
    scoped.or_else(|| directory.get(last..))
}

/// Whether it lies in `gems/NAME-VERSION`.
fn in_gem(directories: &[&str]) -> bool {
    let versioned = |gem: &str| gem.rsplit_once('-').is_some_and(|(_, v)| v.starts_with(|c: char| c.is_ascii_digit()));
    directories.windows(2).any(|pair| pair[0] == "gems" && versioned(pair[1]))
}

/// A license is a string, an object with a type, or a list of either.
fn collect(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if !text.is_empty() => out.push(text.clone()),
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::String(text)) = object.get("type") {
                out.push(text.clone());
            }
        }
        serde_json::Value::Array(list) => {
            for item in list.iter().take(16).filter(|i| !i.is_array()) {
                collect(item, out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn packages_that_name_themselves() {
        for (path, want) in [
            ("app/node_modules/a/package.json", Place::Installed),
            ("node_modules/@s/a/package.json", Place::Installed),
            ("node_modules/a/node_modules/test/package.json", Place::Installed),
            ("app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json", Place::Installed),
            ("test/node_modules/a/package.json", Place::Installed),
            ("node_modules/node_modules/a/package.json", Place::Installed),
            ("node_modules/@s/node_modules/a/package.json", Place::Installed),
            ("node_modules/node_modules/@s/a/package.json", Place::Installed),
            ("usr/share/nodejs/a/package.json", Place::Installed),
            ("node_modules/a/test/fixtures/b/package.json", Place::Data),
            ("node_modules/a/test/fixtures/node_modules/b/package.json", Place::Data),
            ("node_modules/a/test/node_modules/b/package.json", Place::Copy),
            ("node_modules/a/example/node_modules/@s/b/package.json", Place::Copy),
            ("node_modules/a/test/node_modules/b/c/package.json", Place::Data),
            ("node_modules/a/test/x/node_modules/b/package.json", Place::Data),
            ("node_modules/a/fixtures/node_modules/b/package.json", Place::Data),
            ("node_modules/a/lib/package.json", Place::Data),
            ("node_modules/@s/package.json", Place::Data),
            ("node_modules/next/dist/compiled/b/package.json", Place::Copy),
            ("app/package.json", Place::Project),
            ("usr/lib/ruby/gems/3.1.0/gems/typeprof-0.21.2/vscode/package.json", Place::Data),
            ("srv/gems/package.json", Place::Project),
        ] {
            assert_eq!(place(path), want, "{path}");
        }
        assert_eq!(packages(&NodePackage, "app/package.json", br#"{"name":"app","version":"2"}"#), ["app 2"]);
        assert_eq!(packages(&NodePackage, "node_modules/a/vendor/b/package.json", b"{"), [""; 0]);
        let at = "node_modules/a/package.json";
        assert_eq!(packages(&NodePackage, at, br#"{"name":"a","version":"1.0.0"}"#), ["a 1.0.0"]);
        for (path, text, want) in [
            (at, &br#"{"type":"module"}"#[..], "a "),
            (at, br#"{"name":"a","version":""}"#, "a "),
            (at, br#"{"name":"b"}"#, "b "),
            ("app/node_modules/@s/a/package.json", br#"{"version":"1.0.0"}"#, "@s/a 1.0.0"),
        ] {
            assert_eq!(packages(&NodePackage, path, text), [want], "{path}");
        }
        assert_eq!(packages(&NodePackage, "app/package.json", br#"{"type":"module"}"#), [""; 0]);
        let (section, _) = analyze(
            &NodePackage,
            at,
            br#"{"name":"a","version":"1","licenses":[{"type":"MIT"},"ISC"],"license":null}"#,
        );
        assert_eq!(section.packages[0].licenses, ["MIT", "ISC"]);
        assert!(analyze(&NodePackage, at, b"{").1.is_err());
        // As Node reads it.
        let twice = br#"{"name":"a","version":"9.9.9","version":"1.0.0"}"#;
        let (section, result) = analyze(&NodePackage, at, twice);
        assert!(result.is_err() && section.packages[0].version == "1.0.0");
    }

    #[test]
    fn a_private_project_is_no_package_of_the_registry() {
        let text = br#"{"name":"a","version":"1","private":true}"#;
        for (path, want) in
            [("app/package.json", Provenance::Project), ("app/node_modules/a/package.json", Provenance::Registry)]
        {
            assert_eq!(analyze(&NodePackage, path, text).0.packages[0].provenance, want, "{path}");
        }
        let extension = br#"{"name":"git","version":"1.0.0","publisher":"vscode","engines":{"vscode":"^1.5.0"}}"#;
        let engines = br#"{"name":"git","version":"1.0.0","engines":{"vscode":"^1.5.0"}}"#;
        for (text, want) in [(&extension[..], Provenance::Project), (engines, Provenance::Registry)] {
            let package = &analyze(&NodePackage, "opt/code/extensions/git/package.json", text).0.packages[0];
            assert_eq!(package.provenance, want);
        }
    }
}
