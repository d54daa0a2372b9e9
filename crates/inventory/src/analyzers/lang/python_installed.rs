//! Installed Python packages (packaging.python.org, "Core metadata specifications"): `*.dist-info/METADATA` of wheels,
//! `*.egg-info/PKG-INFO` and single-file `*.egg-info` of older installations, `EGG-INFO/PKG-INFO` of unpacked eggs, and
//! the same inside zipped `*.egg` files.
//!
//! `direct_url.json` beside it (PEP 610) says that the package was installed from a repository or a directory and not
//! from an index; what conda's own builds leave there says nothing.
//!
//! Names stay as written; whoever compares them normalises (PEP 503). A license is the `License-Expression`, else a
//! short `License`, else the classifiers.

use std::{collections::HashSet, io::Read};

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Provenance, Section};
use serde_json::Value;

use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads the metadata of installed Python packages.
pub struct PythonInstalled;

/// The largest metadata inside an egg; a long description may be in it.
const MAX_METADATA: u64 = 4 << 20;
/// Dependencies of one package that are kept.
const MAX_DEPENDENCIES: usize = 512;

impl Analyzer for PythonInstalled {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("python-installed")
    }

    fn revision(&self) -> u32 {
        4
    }

    fn max_bytes(&self) -> u64 {
        // An egg is read where it lies.
        256 << 20
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Name("METADATA"),
            Interest::Name("PKG-INFO"),
            Interest::Name("direct_url.json"),
            Interest::Extension(".egg-info"),
            Interest::Extension(".egg"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let mut parts = entry.path.rsplit('/');
        let (name, directory) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match name {
            "METADATA" | "direct_url.json" => directory.to_ascii_lowercase().ends_with(".dist-info"),
            "PKG-INFO" => directory.ends_with(".egg-info") || directory == "EGG-INFO",
            _ => true,
        }
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "direct_url.json" {
            if file.bytes.len() as u64 <= MAX_METADATA && is_from_elsewhere(&file.text()) {
                let _ = out.notes.keep(file.path, "");
            }
            return Ok(());
        }
        let package = if file.path.ends_with(".egg") {
            let Some(metadata) = zipped(file.bytes).map_err(AnalyzeError::unreadable)? else { return Ok(()) };
            let mut package = package(&String::from_utf8_lossy(&metadata), file);
            if let Some(package) = &mut package {
                package.locations = vec![format!("{}!EGG-INFO/PKG-INFO", file.path)];
            }
            package
        } else {
            package(&file.text(), file)
        };
        let package = package.ok_or_else(|| AnalyzeError::unreadable("the metadata has no name or version"))?;
        let is_other = |directory: &&str| !fold(directory).starts_with(&format!("{}-", fold(&package.name)));
        let other = directory_name(file.path).filter(is_other).map(|name| {
            AnalyzeError::unreadable(format!("the metadata is of {}, and its directory of {name}", package.name))
        });
        out.packages.push(package);
        // Python finds a package by the directory, and pip shows what the metadata says.
        other.map_or(Ok(()), Err)
    }

    fn finish(&self, out: &mut Section) {
        let elsewhere: HashSet<String> =
            out.notes.take().into_iter().filter_map(|(path, _)| Some(path.parent()?.to_string())).collect();
        if !elsewhere.is_empty() {
            for package in &mut out.packages {
                let directory = package.evidence().strip_suffix("/METADATA").unwrap_or_default();
                if elsewhere.contains(directory) {
                    package.provenance = Provenance::Elsewhere;
                }
            }
        }
    }
}

/// `NAME-VERSION` of `NAME-VERSION.dist-info`; older forms have no version that is sure to be there.
fn directory_name(path: &str) -> Option<&str> {
    let directory = path.strip_suffix("/METADATA")?.rsplit('/').next()?;
    directory.get(..directory.len().checked_sub(".dist-info".len())?).filter(|name| name.contains('-'))
}

/// A name as names are compared (PEP 503).
fn fold(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Whether a `direct_url.json` names a repository, an archive of one, or a directory. A wheel that was built or fetched
/// before is the index's as far as anything shows.
fn is_from_elsewhere(text: &str) -> bool {
    let Ok(reported) = serde_json::from_str::<Value>(text) else { return false };
    let url = reported.get("url").and_then(Value::as_str).unwrap_or_default();
    let condas = ["feedstock_root", "conda-bld", "/croot/", "build_artifacts"].iter().any(|part| url.contains(part));
    reported.get("vcs_info").is_some() || reported.get("dir_info").is_some() && !condas || url.contains("/archive/")
}

/// The package that a file of metadata describes.
pub(super) fn package(text: &str, file: &File<'_>) -> Option<Package> {
    let (mut name, mut version) = (None, None);
    let (mut expression, mut words) = (None, None);
    let mut classifiers = Vec::new();
    let mut dependencies = Vec::new();
    // The description follows after an empty line.
    for line in text.lines().take_while(|line| !line.trim_end().is_empty()) {
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.starts_with([' ', '\t'])) else {
            continue;
        };
        let value = value.trim();
        match key.to_ascii_lowercase().as_str() {
            "name" => name = name.or(Some(value)),
            "version" => version = version.or(Some(value)),
            "license-expression" => expression = license::normal(value),
            "license" => words = license::normal(value),
            "classifier" => classifiers.extend(value.strip_prefix("License ::").and_then(classifier)),
            "requires-dist" if dependencies.len() < MAX_DEPENDENCIES => dependencies.extend(requirement(value)),
            _ => {}
        }
    }
    let (name, version) = (name.filter(|n| !n.is_empty())?, version.filter(|v| !v.is_empty())?);
    let mut package = Package::new(PackageKind::Pypi, name, version, file.path);
    classifiers.truncate(16);
    package.licenses = expression.or(words).map_or(classifiers, |license| vec![license]);
    dependencies.sort();
    dependencies.dedup();
    package.dependencies = dependencies;
    Some(package)
}

/// `License :: OSI Approved :: MIT License`; what is only a heading says nothing.
fn classifier(rest: &str) -> Option<String> {
    let last = rest.rsplit("::").next()?.trim();
    let spdx = match last {
        "" | "OSI Approved" => return None,
        "MIT License" => "MIT",
        "Apache Software License" => "Apache-2.0",
        "BSD License" => "BSD-3-Clause",
        "ISC License (ISCL)" => "ISC",
        "Mozilla Public License 2.0 (MPL 2.0)" => "MPL-2.0",
        "Python Software Foundation License" => "PSF-2.0",
        "GNU General Public License v2 (GPLv2)" => "GPL-2.0-only",
        "GNU General Public License v2 or later (GPLv2+)" => "GPL-2.0-or-later",
        "GNU General Public License v3 (GPLv3)" => "GPL-3.0-only",
        "GNU General Public License v3 or later (GPLv3+)" => "GPL-3.0-or-later",
        "GNU Lesser General Public License v3 (LGPLv3)" => "LGPL-3.0-only",
        "GNU Lesser General Public License v3 or later (LGPLv3+)" => "LGPL-3.0-or-later",
        "The Unlicense (Unlicense)" => "Unlicense",
        other => return license::normal(other),
    };
    Some(spdx.to_owned())
}

/// `requests (>=2.8.1) ; extra == 'x'`: what only an extra needs is not needed.
fn requirement(value: &str) -> Option<Dependency> {
    let (what, when) = value.split_once(';').unwrap_or((value, ""));
    if when.contains("extra") {
        return None;
    }
    let end = what.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(what.len());
    let name = &what[..end];
    (!name.is_empty() && name.len() < 200).then(|| Dependency { name: name.to_owned(), version: None })
}

/// `EGG-INFO/PKG-INFO` of a zip file (APPNOTE.TXT 4.3), found by its central directory without keeping the directory: a
/// hostile one has millions of entries.
fn zipped(bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    const WANTED: &[u8] = b"EGG-INFO/PKG-INFO";
    if !bytes.starts_with(b"PK") {
        // Some installers leave a text file of this name.
        return Ok(None);
    }
    let short = |at: usize| bytes.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let long = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
    let tail = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
    let end = memchr::memmem::rfind(&bytes[tail..], b"PK\x05\x06").map(|at| tail + at).ok_or("the egg is cut off")?;
    let mut at = long(end + 16).ok_or("the egg is cut off")?;
    while bytes.get(at..at.saturating_add(4)) == Some(b"PK\x01\x02") {
        let sizes = (short(at + 10), long(at + 20), short(at + 28), short(at + 30), short(at + 32), long(at + 42));
        let (Some(method), Some(packed), Some(name), Some(extra), Some(comment), Some(local)) = sizes else {
            return Err("the egg's directory is cut off");
        };
        if bytes.get(at + 46..at + 46 + name) != Some(WANTED) {
            at = at + 46 + name + extra + comment;
            continue;
        }
        let (Some(name), Some(extra)) = (short(local.saturating_add(26)), short(local.saturating_add(28))) else {
            return Err("the egg's metadata is not where its directory says");
        };
        let from = local + 30 + name + extra;
        let data = bytes.get(from..from.saturating_add(packed)).ok_or("the egg's metadata is cut off")?;
        let mut out = Vec::new();
        let read = match method {
            0 => data.take(MAX_METADATA + 1).read_to_end(&mut out),
            8 => flate2::read::DeflateDecoder::new(data).take(MAX_METADATA + 1).read_to_end(&mut out),
            _ => return Err("the egg's metadata is packed in an unknown way"),
        };
        return match read {
            Ok(n) if n as u64 <= MAX_METADATA => Ok(Some(out)),
            Ok(_) => Err("the egg's metadata is over the limit of 4 MiB"),
            Err(_) => Err("the egg's metadata does not unpack"),
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use layergate_model::{EntryKind, LayerPath};

    use super::*;
    use crate::testing::{analyze, packages};

    const TEXT: &str = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0.post1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n\
        Requires-Dist: requests (>=2.8.1)\nRequires-Dist: pytest ; extra == 'test'\n\nName: not this\n";

    #[test]
    fn which_files() {
        for (path, claimed) in [
            ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", true),
            ("usr/lib/python3/dist-packages/a-1.egg-info/PKG-INFO", true),
            ("usr/lib/python3/dist-packages/a-1.egg-info", true),
            ("x/a.egg/EGG-INFO/PKG-INFO", true),
            ("x/a.egg", true),
            ("x/METADATA", false),
            ("src/a/PKG-INFO", false),
        ] {
            let path = LayerPath::normalise(path).unwrap();
            let entry = Entry { path: &path, kind: EntryKind::File, mode: 0o644, target: "" };
            assert_eq!(PythonInstalled.claims(&entry), claimed, "{path}");
        }
    }

    #[test]
    fn metadata() {
        let at = "foo.bar-1.0.post1.dist-info/METADATA";
        let (section, result) = analyze(&PythonInstalled, at, TEXT.as_bytes());
        result.unwrap();
        let package = &section.packages[0];
        assert_eq!((package.name.as_str(), package.version.as_str()), ("Foo_Bar", "1.0.post1"));
        assert_eq!((package.licenses.join(","), package.dependencies.len()), ("MIT".into(), 1));
        let spdx = "Name: a\r\nVersion: 1\r\nLicense: see file\r\nLicense-Expression: MIT OR Apache-2.0\r\n\r\n";
        assert_eq!(analyze(&PythonInstalled, at, spdx.as_bytes()).0.packages[0].licenses, ["MIT OR Apache-2.0"]);
        for (directory, same) in [
            ("Foo_Bar-1.0", true),
            ("foo.bar-1.0.post1+local", true),
            ("foo_bar_more-1.0", true),
            ("requests-2.19.0", false),
            ("foo-1.0", false),
            ("odd", true),
        ] {
            let (section, result) =
                analyze(&PythonInstalled, &format!("{directory}.dist-info/METADATA"), TEXT.as_bytes());
            assert_eq!((section.packages.len(), result.is_ok()), (1, same), "{directory}");
        }
        for bad in [&b""[..], b"Name: a\n", b"\n\nName: a\nVersion: 1\n", b"\xff\xfe\0"] {
            assert!(analyze(&PythonInstalled, at, bad).1.is_err());
        }
    }

    #[test]
    fn where_it_was_installed_from() {
        let metadata = b"Name: a\nVersion: 1\n".as_slice();
        for (url, want) in [
            (r#"{"url":"https://github.com/a/a","vcs_info":{"vcs":"git","commit_id":"0"}}"#, Provenance::Elsewhere),
            (r#"{"url":"file:///src/a","dir_info":{"editable":true}}"#, Provenance::Elsewhere),
            (r#"{"url":"https://github.com/a/a/archive/main.zip","archive_info":{}}"#, Provenance::Elsewhere),
            (r#"{"url":"file:///wheels/a-1-py3-none-any.whl","archive_info":{}}"#, Provenance::Registry),
            (
                r#"{"url":"file:///home/conda/feedstock_root/build_artifacts/a/work","dir_info":{}}"#,
                Provenance::Registry,
            ),
            ("{", Provenance::Registry),
        ] {
            let limits = layergate_model::Limits::default();
            let mut section = Section::default();
            for (path, bytes) in [
                ("v/a-1.dist-info/direct_url.json", url.as_bytes()),
                ("v/a-1.dist-info/METADATA", metadata),
                ("v/b-1.dist-info/METADATA", b"Name: b\nVersion: 1\n"),
            ] {
                let path = LayerPath::normalise(path).unwrap();
                PythonInstalled.analyze(&File::new(&path, 0o644, bytes, &limits), &mut section).unwrap();
            }
            PythonInstalled.finish(&mut section);
            let found: Vec<_> = section.packages.iter().map(|p| p.provenance).collect();
            assert_eq!(found, [want, Provenance::Registry], "{url}");
        }
    }

    #[test]
    fn zipped_eggs() {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in [("kitchen/__init__.py", ""), ("EGG-INFO/PKG-INFO", TEXT)] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        let egg = writer.finish().unwrap().into_inner();
        let (section, result) = analyze(&PythonInstalled, "x/k-1.egg", &egg);
        result.unwrap();
        assert_eq!(section.packages[0].locations, ["x/k-1.egg!EGG-INFO/PKG-INFO"]);
        assert_eq!(packages(&PythonInstalled, "x/k-1.egg", b"not a zip file"), [""; 0]);
        for cut in 2..egg.len() {
            let _ = analyze(&PythonInstalled, "x/k-1.egg", &egg[..cut]);
        }
        for at in 0..egg.len() {
            let mut spoiled = egg.clone();
            spoiled[at] = 0xff;
            let _ = analyze(&PythonInstalled, "x/k-1.egg", &spoiled);
        }
    }
}
