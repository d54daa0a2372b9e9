//! How a lock file becomes values: bounded by its size first, then by the reader's own limits on nesting (JSON 128,
//! TOML 80) and, for YAML, by refusing aliases, which no lock file needs and which make a small file a large tree.

use layergate_model::{Package, PackageKind, Scope, Section};
use serde::de::DeserializeOwned;

use crate::{AnalyzeError, File};

/// The largest lock file that is read. The largest real ones have 20 MB.
pub(crate) const MAX_LOCK: usize = 32 << 20;
/// The largest YAML file: its reader keeps every event of it. The largest real pnpm locks have 5 MB.
const MAX_YAML: usize = 16 << 20;
/// Deepest nesting of brackets in YAML: its reader's work for each token grows with it.
const MAX_FLOW: usize = 64;
/// Longest name or version of a package; what is longer was not written by a package manager.
const MAX_WORD: usize = 512;

/// Refuses a file over `max` bytes.
pub(crate) fn bounded(file: &File<'_>, max: usize) -> Result<(), AnalyzeError> {
    if file.bytes.len() <= max {
        return Ok(());
    }
    Err(AnalyzeError::limit(format!(
        "{} has {} bytes, over the limit of {max} for such a file",
        file.path.file_name(),
        file.bytes.len()
    )))
}

/// What a file is called in a message.
fn broken(file: &File<'_>, error: impl std::fmt::Display) -> AnalyzeError {
    AnalyzeError::database(format!("not a {}: {error}", file.path.file_name()))
}

/// The file as JSON.
pub(crate) fn json<T: DeserializeOwned>(file: &File<'_>) -> Result<T, AnalyzeError> {
    bounded(file, MAX_LOCK)?;
    serde_json::from_str(&file.text()).map_err(|e| broken(file, e))
}

/// The file as TOML.
pub(crate) fn toml<T: DeserializeOwned>(file: &File<'_>) -> Result<T, AnalyzeError> {
    bounded(file, MAX_LOCK)?;
    toml::from_str(&file.text()).map_err(|e| broken(file, e.message()))
}

/// Every document of the file as YAML.
pub(crate) fn yaml<T: DeserializeOwned>(file: &File<'_>) -> Result<Vec<T>, AnalyzeError> {
    bounded(file, MAX_YAML)?;
    let text = file.text();
    if has_alias(&text) {
        return Err(broken(file, "it has YAML aliases, which are not followed"));
    }
    if flow_depth(text.as_bytes()) > MAX_FLOW {
        return Err(broken(file, format_args!("brackets are nested more than {MAX_FLOW} deep")));
    }
    let documents = serde_norway::Deserializer::from_str(&text).take(16);
    documents.map(|document| T::deserialize(document).map_err(|e| broken(file, e))).collect()
}

/// How deep brackets are open, those inside quotes counted too.
fn flow_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether a value is an alias (`key: *name`, `- *name`, `[*name`). A `*` inside a word or quotes is none.
fn has_alias(text: &str) -> bool {
    memchr::memchr_iter(b'*', text.as_bytes()).any(|at| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let after = text.as_bytes().get(at + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-');
        after && (before.len() < at || before.ends_with(['[', ','])) && before.ends_with([':', '-', '[', ',', '?'])
    })
}

/// Adds a package unless its name or version is empty or no word at all.
pub(crate) fn push<'s>(
    out: &'s mut Section,
    kind: PackageKind,
    name: &str,
    version: &str,
    file: &File<'_>,
) -> Option<&'s mut Package> {
    let (name, version) = (name.trim(), version.trim());
    let good = |word: &str| !word.is_empty() && word.len() <= MAX_WORD && !word.contains(char::is_control);
    if !good(name) || !good(version) {
        return None;
    }
    out.packages.push(Package::new(kind, name, version, file.path));
    out.packages.last_mut()
}

/// Adds a package of which nothing shows the version: what is known of its name is undecided, and not clean.
pub(crate) fn push_without_version<'s>(
    out: &'s mut Section,
    kind: PackageKind,
    name: &str,
    file: &File<'_>,
) -> Option<&'s mut Package> {
    let package = push(out, kind, name, "0", file)?;
    package.version.clear();
    Some(package)
}

/// Makes one package of those that one file lists several times: the runtime scope wins, what they know is joined.
pub(crate) fn join_same(out: &mut Section, from: usize) {
    let mut all = out.packages.split_off(from.min(out.packages.len()));
    fn key(p: &Package) -> (PackageKind, &str, &str, Option<&str>) {
        (p.kind, &p.name, &p.version, p.uuid.as_deref())
    }
    all.sort_by(|a, b| key(a).cmp(&key(b)));
    for package in all {
        match out.packages[from..].last_mut() {
            Some(last) if key(last) == key(&package) => {
                if package.scope == Scope::Runtime {
                    last.scope = Scope::Runtime;
                }
                last.provenance = last.provenance.min(package.provenance);
                last.licenses.extend(package.licenses);
                last.hashes.extend(package.hashes);
                last.dependencies.extend(package.dependencies);
                last.locations.extend(package.locations);
                last.licenses.dedup();
            }
            _ => out.packages.push(package),
        }
    }
    for package in &mut out.packages[from..] {
        package.hashes.sort();
        package.hashes.dedup();
        package.dependencies.sort();
        package.dependencies.dedup();
        package.locations.dedup();
    }
}

/// Whether the path lies inside somebody's installed package: a lock file there is about how that package was
/// developed, not about what is installed.
pub(crate) fn inside_dependency(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let directories = &parts[..parts.len().saturating_sub(1)];
    directories.iter().enumerate().any(|(i, part)| match *part {
        "node_modules" | "bower_components" | "site-packages" | "dist-packages" => true,
        // gems/NAME-VERSION/…, but not a directory that merely has this name.
        "gems" => directories.get(i + 1).is_some_and(|d| d.rsplit_once('-').is_some_and(|(_, v)| starts_digit(v))),
        "mod" => directories.get(i.wrapping_sub(1)) == Some(&"pkg") && directories.get(i + 1).is_some(),
        "registry" => directories.get(i + 1) == Some(&"src"),
        _ => false,
    })
}

fn starts_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_lock_file_speaks_of_nothing_installed() {
        for (path, inside) in [
            ("app/package-lock.json", false),
            ("app/node_modules/a/yarn.lock", true),
            ("usr/lib/ruby/gems/3.1.0/gems/rake-13.0/Gemfile.lock", true),
            ("srv/gems/Gemfile.lock", false),
            ("go/pkg/mod/golang.org/x/net@v0.1.0/go.mod", true),
            ("src/mod/go.mod", false),
            ("usr/local/cargo/registry/src/index/a-1.0.0/Cargo.lock", true),
        ] {
            assert_eq!(inside_dependency(path), inside, "{path}");
        }
    }

    #[test]
    fn aliases() {
        for (text, alias) in [
            ("a: &x 1\nb: *x\n", true),
            ("- *x", true),
            ("a: [*x, *y]", true),
            ("a: 'b*c'\nd: '*'\n", false),
            ("deps:\n  x: \"*\"\n  y: >=1.*\n", false),
            ("/a/b*c:\n", false),
        ] {
            assert_eq!(has_alias(text), alias, "{text}");
        }
    }
}
