//! What a Windows program or .NET assembly says of itself: the strings of its version resource (Microsoft, "PE Format",
//! ".rsrc Section"; "VS_VERSIONINFO structure").
//!
//! The product's name comes first, for Microsoft's own files the file's description, as their product is "Microsoft
//! Windows" or the like. Product and file version often differ; the greater one says more. Both choices are Syft's, so that
//! the same file has the same name in both lists. Managed code (.NET) is a NuGet package to the advisories, other programs
//! are listed as programs. Only the first version resource is read, and of it what lies in the resource's section.

use std::cmp::Ordering;

use layergate_model::{AnalyzerId, Package, PackageKind, Section};

use super::executable::Executable;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads version resources.
pub struct PeVersion;

/// `RT_VERSION`, the type of version resources.
const VERSION_RESOURCE: u32 = 16;
/// Entries of one directory of the resource tree that are looked at.
const MAX_ENTRIES: usize = 4096;
/// Strings of one resource that are looked at; real ones have about a dozen.
const MAX_STRINGS: usize = 256;

impl Analyzer for PeVersion {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pe-version")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".dll"), Interest::Extension(".exe")]
    }

    fn claims(&self, _entry: &Entry<'_>) -> bool {
        true
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"MZ")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        // A program without such a resource says nothing; one whose resource is damaged says nothing either, as in Windows.
        let Some(program) = Executable::parse(file.bytes) else { return Ok(()) };
        let Some(strings) = program.directory(2).and_then(|tree| version_resource(&program, tree)).map(strings) else {
            return Ok(());
        };
        let (Some(name), Some(version)) = (name(&strings), version(&strings)) else { return Ok(()) };
        let managed = program.directory(14).is_some();
        let kind = if managed { PackageKind::Nuget } else { PackageKind::Generic };
        let mut package = Package::new(kind, name, version, file.path);
        package.vendor = text(&strings, "CompanyName").filter(|v| !v.is_empty());
        out.packages.push(package);
        Ok(())
    }
}

/// The bytes of the first version resource: three levels of directories (type, name, language), then its address.
fn version_resource<'a>(program: &Executable<'a>, tree: &'a [u8]) -> Option<&'a [u8]> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(tree.get(at..at.checked_add(2)?)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(tree.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let entries = |directory: usize| {
        let named = u16_at(directory.checked_add(12)?)?;
        let numbered = u16_at(directory.checked_add(14)?)?;
        Some((usize::from(named) + usize::from(numbered)).min(MAX_ENTRIES))
    };
    // The lowest 31 bits of an entry's second word, when its highest says that a directory follows.
    let below =
        |entry: usize| Some(u32_at(entry.checked_add(4)?)?).filter(|o| o >> 31 == 1).map(|o| (o << 1 >> 1) as usize);
    let type_entry = (0..entries(0)?).map(|n| 16 + n * 8).find(|entry| u32_at(*entry) == Some(VERSION_RESOURCE))?;
    let names = below(type_entry)?;
    entries(names).filter(|n| *n > 0)?;
    let languages = below(names.checked_add(16)?)?;
    entries(languages).filter(|n| *n > 0)?;
    let data = u32_at(languages.checked_add(20)?)? as usize;
    program.at(program.base().checked_add(u32_at(data)?.into())?, u32_at(data.checked_add(4)?)?.into())
}

/// The keys and values of the first table of strings.
fn strings(resource: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(root) = Block::read(resource) else { return found };
    for file_info in root.children() {
        if file_info.key != "StringFileInfo" {
            continue;
        }
        for table in file_info.children() {
            for string in table.children().take(MAX_STRINGS) {
                found.push((string.key, utf16(string.value)));
            }
            if !found.is_empty() {
                return found;
            }
        }
    }
    found
}

/// One of the nested structures of a version resource: length, length of the value, type, key, value, children.
struct Block<'a> {
    key: String,
    value: &'a [u8],
    rest: &'a [u8],
    length: usize,
}

impl<'a> Block<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let half = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        let (length, value_length, is_text) = (half(0)?, half(2)?, half(4)? == 1);
        // Six bytes are its own header: whoever walks over blocks goes forward.
        let bytes = bytes.get(..length.min(bytes.len())).filter(|b| b.len() > 6)?;
        let end = bytes[6..].chunks_exact(2).position(|unit| unit == [0, 0])?;
        let key = utf16(&bytes[6..6 + end * 2]);
        let begin = aligned(6 + end * 2 + 2).min(bytes.len());
        // The value's length counts characters when it is text; some linkers count bytes, and the block's end bounds both.
        let size = if is_text { value_length.saturating_mul(2) } else { value_length };
        let rest_at = aligned(begin.saturating_add(size)).min(bytes.len());
        Some(Self {
            key,
            value: &bytes[begin..begin.saturating_add(size).min(bytes.len())],
            rest: &bytes[rest_at..],
            length,
        })
    }

    fn children(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            let block = Block::read(rest)?;
            rest = rest.get(aligned(block.length)..).unwrap_or_default();
            Some(block)
        })
    }
}

fn aligned(at: usize) -> usize {
    at.saturating_add(3) & !3
}

/// UTF-16 up to its NUL.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
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
        analyzers::binary::executable::build,
        testing::{analyze, packages},
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
                "Json.NET 13.0.1.25517",
            ),
            (
                &[
                    ("CompanyName", "Microsoft Corporation"),
                    ("ProductName", "Microsoft® .NET"),
                    ("FileDescription", "System.Text.Json"),
                    ("ProductVersion", "8.0.0+5535e31a712343a63f5d7d796cd874e563e5ac14"),
                    ("FileVersion", "8.0.23.53103"),
                ],
                true,
                "System.Text.Json 8.0.23.53103",
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
    fn hostile_resources_end() {
        let whole = program(&[("ProductName", "x"), ("FileVersion", "1.0")], true);
        for bytes in build::mutations(&whole).filter(|b| PeVersion.wants(b)) {
            assert!(analyze(&PeVersion, "a.dll", &bytes).1.is_ok());
        }
    }
}
