//! What a Windows program or .NET assembly says of itself: the strings of its version resource (Microsoft, "PE Format",
//! ".rsrc Section"; "VS_VERSIONINFO structure").
//!
//! An assembly (managed code) is the NuGet package of its name: what it was compiled as, with the version of the
//! product, which is the package's (`13.0.1+ae9fe44`), and not that of the file, which no package has (`13.0.1.25517`).
//! Where a `deps.json` describes the file, or it lies in a place of .NET's own ([`dotnet_root`]), that has said what it
//! is.
//!
//! Other programs are listed as programs: the product's name comes first, for Microsoft's own files the file's
//! description, as their product is "Microsoft Windows" or the like, and the greater of both versions. Launchers that
//! Python packages bring along are parts of these. Only the first version resource is read, and of it what lies in the
//! resource's section.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use layergate_model::{AnalyzerId, Package, PackageKind, Section};

use super::{
    executable::Executable,
    pe_resource::{strings, version_resource},
};
use crate::{
    AnalyzeError, Analyzer, Entry, File, Interest,
    analyzers::lang::{
        dotnet_deps,
        dotnet_root::{self, Part},
        input,
    },
};

/// Reads version resources.
pub struct PeVersion;

/// Directories above an assembly in which a `deps.json` may describe it (`runtimes/linux/lib/net8.0`).
const MAX_ABOVE: usize = 8;

impl Analyzer for PeVersion {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pe-version")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".dll"), Interest::Extension(".exe"), Interest::Extension(".json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let is_json = entry.path.ends_with(".json");
        (!is_json || entry.path.ends_with(".deps.json")) && !input::inside_dependency(entry.path)
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"MZ") || matches!(head.trim_ascii_start().first(), Some(b'{' | 0xef))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let part = dotnet_root::part(file.path);
        if file.path.ends_with(".json") {
            if part.is_none()
                && let Some(directory) = file.path.parent()
            {
                // A broken one is known by the analyzer that lists its packages.
                let names = dotnet_deps::files(file).unwrap_or_default();
                let _ = out.notes.keep(&directory, names.into_iter().collect::<Vec<_>>().join("\n"));
            }
            return Ok(());
        }
        if let Some(part) = part {
            if let Some((name, version)) = part.proved() {
                let kit = matches!(part, Part::Kit(..));
                let kind = if kit { PackageKind::Generic } else { PackageKind::Nuget };
                out.packages.push(Package::new(kind, name, version, file.path));
            }
            return Ok(());
        }
        // A program without such a resource says nothing; one whose resource is damaged says nothing either, as in
        // Windows.
        let Some(program) = Executable::parse(file.bytes) else { return Ok(()) };
        let Some(strings) = program.directory(2).and_then(|tree| version_resource(&program, tree)).map(strings) else {
            return Ok(());
        };
        let managed = program.directory(14).is_some();
        let (kind, name, version) = match managed {
            true => (PackageKind::Nuget, assembly(&strings, file.path), package_version(&strings)),
            false => (PackageKind::Generic, name(&strings), version(&strings)),
        };
        let (Some(name), Some(version)) = (name, version) else { return Ok(()) };
        let mut package = Package::new(kind, name, version, file.path);
        package.vendor = text(&strings, "CompanyName").filter(|v| !v.is_empty());
        out.packages.push(package);
        Ok(())
    }

    /// What a `deps.json` describes is its package's.
    fn finish(&self, out: &mut Section) {
        let mut reported: HashMap<String, HashSet<String>> = HashMap::new();
        for (directory, names) in out.notes.take() {
            reported.entry(directory.to_string()).or_default().extend(names.lines().map(str::to_owned));
        }
        if reported.is_empty() {
            return;
        }
        out.packages.retain(|package| {
            let path = package.evidence().to_owned();
            let (mut directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let name = name.to_ascii_lowercase();
            for _ in 0..MAX_ABOVE {
                if reported.get(directory).is_some_and(|names| names.contains(&name)) {
                    return false;
                }
                if directory.is_empty() {
                    break;
                }
                directory = directory.rsplit_once('/').map_or("", |(above, _)| above);
            }
            true
        });
    }
}

/// What an assembly was compiled as, which is mostly what its package is called; texts in other languages are parts of
/// one.
fn assembly(strings: &[(String, String)], path: &str) -> Option<String> {
    let on_disk = path.rsplit('/').next().unwrap_or(path);
    let keys = ["OriginalFilename", "InternalName"];
    let compiled = keys.iter().find_map(|key| text(strings, key).filter(|name| stem(name).is_some()));
    let name = stem(compiled.as_deref().unwrap_or(on_disk)).unwrap_or(on_disk);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!name.is_empty() && name.chars().all(is_word) && !name.ends_with(".resources")).then(|| name.to_owned())
}

fn stem(name: &str) -> Option<&str> {
    name.rsplit_once('.').filter(|(_, end)| matches!(end.to_ascii_lowercase().as_str(), "dll" | "exe")).map(|(s, _)| s)
}

/// The version of an assembly's package, as NuGet writes it: without what was built and without a fourth number that is
/// zero.
fn package_version(strings: &[(String, String)]) -> Option<String> {
    let read = |key: &str| {
        let reported = text(strings, key)?;
        let word = reported.split([' ', '+']).next()?;
        let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
        let (numbers, rest) = word.split_at(end);
        let parts = numbers.split('.').count();
        let numbers = if parts == 4 { numbers.strip_suffix(".0").unwrap_or(numbers) } else { numbers };
        let good = parts > 1 && numbers.split('.').all(|n| !n.is_empty()) && (rest.is_empty() || rest.starts_with('-'));
        good.then(|| format!("{numbers}{rest}"))
    };
    read("ProductVersion").or_else(|| read("FileVersion"))
}

/// A string in one line, without what cannot be printed; `None` when the resource has no such key.
fn text(strings: &[(String, String)], key: &str) -> Option<String> {
    let (_, value) = strings.iter().rfind(|(k, _)| k == key)?;
    let printable: String =
        value.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    Some(printable.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn name(strings: &[(String, String)]) -> Option<String> {
    let says = |key: &str| text(strings, key).is_some_and(|v| v.to_lowercase().contains("microsoft"));
    let keys = if says("CompanyName") || says("ProductName") {
        ["FileDescription", "InternalName", "OriginalFilename", "ProductName"]
    } else {
        ["ProductName", "FileDescription", "InternalName", "OriginalFilename"]
    };
    keys.iter().find_map(|key| text(strings, key).filter(|v| !v.is_empty()))
}

fn version(strings: &[(String, String)]) -> Option<String> {
    let product = numeric(&text(strings, "ProductVersion").unwrap_or_default());
    let file = numeric(&text(strings, "FileVersion").unwrap_or_default());
    let (has_product, has_file) = (has_number(&product), has_number(&file));
    let (product_parts, file_parts) = (punctuation(&product), punctuation(&file));
    let greater = Semantic::read(&product).and_then(|p| match Semantic::read(&file).map(|f| f.cmp(&p)) {
        Some(Ordering::Greater) => Some(file.clone()),
        Some(Ordering::Less) | None => Some(product.clone()),
        Some(Ordering::Equal) => None,
    });
    let chosen = greater.unwrap_or(if has_product && product_parts >= file_parts {
        product
    } else if has_file && (file_parts > 0 || !has_product) {
        file
    } else {
        product
    });
    (!chosen.is_empty()).then_some(chosen)
}

/// The words of `4.7.4076.0 built by: NET472` up to the first one without a digit after one with.
fn numeric(version: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in version.split_whitespace() {
        if words.iter().any(|w| has_number(w)) && !has_number(word) {
            break;
        }
        words.push(word);
    }
    words.join(" ")
}

fn has_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

/// How many groups of dots and commas there are: `1, 0, 0, 0` has three.
fn punctuation(text: &str) -> usize {
    text.split(|c| c != '.' && c != ',').filter(|group| !group.is_empty()).count()
}

/// `1.2.3.4-rc1+build` in its order: numbers with zeros at the end left out, then a release over its candidates.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Semantic<'a> {
    numbers: Vec<u64>,
    release: bool,
    candidate: Vec<Result<u64, &'a str>>,
}

impl<'a> Semantic<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let mut numbers = numbers.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        let (candidate, build) = rest.split_once('+').unwrap_or((rest, "0"));
        let candidate = candidate.strip_prefix('-').unwrap_or(candidate);
        let plain = |text: &str| {
            text.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-~".contains(&b)))
        };
        if !(plain(build) && (rest.is_empty() || rest.starts_with('+') || plain(candidate))) {
            return None;
        }
        let candidate =
            candidate.split('.').filter(|p| !p.is_empty()).map(|p| p.parse().map_err(|_| p)).collect::<Vec<_>>();
        Some(Self { numbers, release: candidate.is_empty(), candidate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analyzers::binary::{executable::build, pe_resource::VERSION_RESOURCE},
        testing::{analyze, packages, together},
    };

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn pad(bytes: &mut Vec<u8>) {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }

    fn block(key: &str, is_text: bool, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
        let value_length = if is_text { value.len() / 2 } else { value.len() };
        let mut out = vec![0, 0, value_length as u8, 0, is_text.into(), 0];
        out.extend(wide(key));
        pad(&mut out);
        out.extend(value);
        for child in children {
            pad(&mut out);
            out.extend(child);
        }
        let length = out.len() as u16;
        out[..2].copy_from_slice(&length.to_le_bytes());
        out
    }

    /// A program with one version resource of these strings, at the addresses that `build::pe` gives its section.
    fn program(strings: &[(&str, &str)], managed: bool) -> Vec<u8> {
        let strings: Vec<_> = strings.iter().map(|(key, value)| block(key, true, &wide(value), &[])).collect();
        let table = block("040904b0", true, &[], &strings);
        let info = block("StringFileInfo", true, &[], &[table]);
        let resource = block("VS_VERSION_INFO", false, &[7; 52], &[block("VarFileInfo", true, &[], &[]), info]);
        let mut tree = Vec::new();
        for (id, next) in [(VERSION_RESOURCE, 0x8000_0018), (1, 0x8000_0030), (0x409, 0x48)] {
            tree.extend([0; 14]);
            tree.extend([1, 0]);
            tree.extend(u32::to_le_bytes(id));
            tree.extend(u32::to_le_bytes(next));
        }
        for word in [0x1000 + 0x58, resource.len() as u32, 0, 0] {
            tree.extend(u32::to_le_bytes(word));
        }
        tree.extend(resource);
        let mut out = build::pe(".rsrc", &tree);
        build::set_directory(&mut out, 2, 0x1000, tree.len() as u32);
        if managed {
            build::set_directory(&mut out, 14, 0x1000, 72);
        }
        out
    }

    #[test]
    fn version_resources() {
        for (strings, managed, want) in [
            (
                &[("ProductName", "Json.NET"), ("FileVersion", "13.0.1.25517"), ("ProductVersion", "13.0.1+ae9fe44")][..],
                true,
                "x 13.0.1",
            ),
            (
                &[
                    ("CompanyName", "Microsoft Corporation"),
                    ("ProductName", "Microsoft® .NET"),
                    ("FileDescription", "System.Text.Json"),
                    ("ProductVersion", "8.0.0+5535e31a712343a63f5d7d796cd874e563e5ac14"),
                    ("FileVersion", "8.0.23.53103"),
                    ("OriginalFilename", "System.Text.Json.dll"),
                ],
                true,
                "System.Text.Json 8.0.0",
            ),
            (
                &[
                    ("ProductName", " Simple\u{a0} Launcher\t"),
                    ("FileVersion", "1.1.0.14"),
                    ("ProductVersion", "1.1.0.14"),
                ],
                false,
                "Simple Launcher 1.1.0.14",
            ),
            (
                &[("FileDescription", "x"), ("FileVersion", "1, 2, 0, 0"), ("ProductVersion", "Release 73")],
                false,
                "x 1, 2, 0, 0",
            ),
            (
                &[("InternalName", "x.dll"), ("FileVersion", "4.7.4076.0 built by: NET472REL1LAST_B")],
                false,
                "x.dll 4.7.4076.0",
            ),
            (
                &[("OriginalFilename", "x.dll"), ("ProductVersion", "2.0.0-rc.1"), ("FileVersion", "2.0.0")],
                false,
                "x.dll 2.0.0",
            ),
            (&[("ProductName", "x"), ("ProductVersion", "2.0"), ("FileVersion", "2.0.0.0")], false, "x 2.0.0.0"),
        ] {
            let bytes = program(strings, managed);
            assert_eq!(packages(&PeVersion, "app/x.dll", &bytes), [want]);
            let kind = if managed { PackageKind::Nuget } else { PackageKind::Generic };
            assert_eq!(analyze(&PeVersion, "app/x.exe", &bytes).0.packages[0].kind, kind);
        }
        for nothing in
            [&[][..], &[("ProductName", "x")], &[("FileVersion", "1.0")], &[("ProductName", " "), ("FileVersion", "1")]]
        {
            assert_eq!(packages(&PeVersion, "app/x.dll", &program(nothing, false)), [""; 0]);
        }
        assert_eq!(packages(&PeVersion, "app/x.dll", &build::pe(".text", b"code")), [""; 0]);
        assert!(!PeVersion.wants(b"\x7fELF"));
    }

    #[test]
    fn what_a_list_or_a_place_tells_of_is_not_what_the_file_says() {
        let dll = program(&[("InternalName", "A.dll"), ("ProductVersion", "1.2.3"), ("FileVersion", "1.2.3.4")], true);
        let list = br#"{"targets":{"n":{"P/1.0.0":{"runtime":{"lib/net8.0/A.dll":{}}}}}}"#;
        for (list_at, at, want) in [
            ("app/x.deps.json", "app/A.dll", &[][..]),
            ("app/x.deps.json", "app/runtimes/linux/lib/net8.0/a.dll", &[]),
            ("app/x.deps.json", "app/Other.dll", &["A 1.2.3"]),
            ("app/x.deps.json", "opt/A.dll", &["A 1.2.3"]),
            ("x.deps.json", "A.dll", &[]),
            ("app/x.deps.json", "d/shared/Microsoft.NETCore.App/8.0.1/A.dll", &[]),
            (
                "app/x.deps.json",
                "d/shared/Microsoft.NETCore.App/8.0.1/System.Private.CoreLib.dll",
                &["Microsoft.NETCore.App 8.0.1"],
            ),
            ("app/x.deps.json", "d/sdk/8.0.404/dotnet.dll", &["dotnet-sdk 8.0.404"]),
            ("app/x.deps.json", "d/sdk/8.0.404/MSBuild.dll", &[]),
            ("app/x.deps.json", "d/packs/Microsoft.NETCore.App.Ref/8.0.1/ref/net8.0/A.dll", &[]),
        ] {
            assert_eq!(together(&PeVersion, &[(list_at, list), (at, &dll)]), want, "{at}");
        }
        let texts = program(&[("InternalName", "A.resources.dll"), ("ProductVersion", "1.2.3")], true);
        assert_eq!(packages(&PeVersion, "app/de/A.resources.dll", &texts), [""; 0]);
        let launcher = layergate_model::LayerPath::normalise("v/lib/python3/site-packages/pip/t64.exe").unwrap();
        let kind = layergate_model::EntryKind::File;
        assert!(!PeVersion.claims(&Entry { path: &launcher, kind, mode: 0o644, target: "" }));
    }

    #[test]
    fn hostile_resources_end() {
        let whole = program(&[("ProductName", "x"), ("FileVersion", "1.0")], true);
        for bytes in build::mutations(&whole).filter(|b| PeVersion.wants(b)) {
            assert!(analyze(&PeVersion, "a.dll", &bytes).1.is_ok());
        }
    }
}
