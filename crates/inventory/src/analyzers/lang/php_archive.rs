//! PHP's archives (php.net, "Phar file format"): a program's stub up to `__HALT_COMPILER();`, a manifest with a name, sizes
//! and flags for each file, the files one after the other. What Composer has put into one stands in the
//! `vendor/composer/installed.json` inside.
//!
//! Bounds: 100,000 files, lists of 16 MiB each unpacked, 16 lists.

use std::io::Read;

use layergate_model::{AnalyzerId, Gap, GapKind, Section};

use super::composer::Composer;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, place::is_documentation};

/// Reads what Composer has put into PHP's archives.
pub struct PhpArchive;

const HALT: &[u8] = b"__HALT_COMPILER();";
/// What stands behind it before the manifest.
const ENDS: [&[u8]; 4] = [b" ?>\r\n", b" ?>\n", b"?>\r\n", b"?>\n"];
const LIST: &[u8] = b"vendor/composer/installed.json";
const MAX_FILES: u32 = 100_000;
const MAX_LIST: u64 = 16 << 20;
const MAX_LISTS: usize = 16;
/// Flags of a file: how it is packed.
const DEFLATE: u32 = 0x1000;
const BZIP2: u32 = 0x2000;

impl Analyzer for PhpArchive {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("php-archive")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        // Installed programs have no extension: `usr/bin/composer`.
        &[Interest::Extension(".phar"), Interest::Executable]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !is_documentation(entry.path)
    }

    fn wants(&self, head: &[u8]) -> bool {
        let script = head.starts_with(b"#!") && memchr::memmem::find(&head[..head.len().min(64)], b"php").is_some();
        script || head.starts_with(b"<?php")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some(at) = memchr::memmem::find(file.bytes, HALT) else { return Ok(()) };
        let after = &file.bytes[at + HALT.len()..];
        let after = ENDS.iter().find_map(|end| after.strip_prefix(*end)).unwrap_or(after);
        let Some(lists) = lists(after) else {
            // Packed as a whole, or damaged.
            if memchr::memmem::find(after, LIST).is_some() {
                let detail = "the table of this PHP archive cannot be read, and it carries what Composer installed";
                out.gaps.push(Gap::new(GapKind::UnreadPackages, file.path.as_str(), detail));
            }
            return Ok(());
        };
        let start = out.packages.len();
        for (number, (name, packed, flags)) in lists.into_iter().enumerate() {
            if number == MAX_LISTS {
                let detail = format!("this PHP archive has more than {MAX_LISTS} lists of what Composer installed");
                out.gaps.push(Gap::new(GapKind::UnreadPackages, file.path.as_str(), detail));
                break;
            }
            let at = format!("{}!{}", file.path, String::from_utf8_lossy(name));
            let Some(text) = unpacked(packed, flags) else {
                let detail = "what Composer has put into this PHP archive is packed in a way that is not read";
                out.gaps.push(Gap::new(GapKind::UnreadPackages, at.as_str(), detail));
                continue;
            };
            let first = out.packages.len();
            Composer.analyze(&File::new(file.path, file.mode, &text, file.limits), out)?;
            out.packages[first..].iter_mut().for_each(|package| package.locations = vec![at.clone()]);
        }
        super::input::join_same(out, start);
        Ok(())
    }
}

/// The lists in an archive by its manifest, each with its name, its packed bytes and its flags; `None` where the manifest
/// is none.
fn lists(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8], u32)>> {
    let size = number(bytes, 0)?;
    let manifest = bytes.get(4..4usize.checked_add(size)?)?;
    let count = number(manifest, 0)?;
    if count as u64 > u64::from(MAX_FILES) {
        return None;
    }
    // Version (2 bytes), flags, alias, metadata.
    let alias = 10 + 4 + number(manifest, 10)?;
    let mut rest = manifest.get(alias.checked_add(4)?.checked_add(number(manifest, alias)?)?..)?;
    let (mut content, mut found) = (&bytes[4 + size..], Vec::new());
    for _ in 0..count {
        let (name, after) = rest.get(4..)?.split_at_checked(number(rest, 0)?)?;
        // Size, time, packed size, checksum, flags, metadata.
        let (packed, flags, metadata) = (number(after, 8)?, number(after, 16)?, number(after, 20)?);
        rest = after.get(24usize.checked_add(metadata)?..)?;
        let (bytes, next) = content.split_at_checked(packed)?;
        content = next;
        if name.ends_with(LIST) {
            found.push((name, bytes, u32::try_from(flags).unwrap_or(u32::MAX)));
        }
    }
    Some(found)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

fn unpacked(packed: &[u8], flags: u32) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let reader: &mut dyn Read = match flags & (DEFLATE | BZIP2) {
        0 => return (packed.len() as u64 <= MAX_LIST).then(|| packed.to_vec()),
        DEFLATE => &mut flate2::read::DeflateDecoder::new(packed),
        _ => return None,
    };
    reader.take(MAX_LIST + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_LIST).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    /// An archive as PHP writes it.
    fn phar(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
        let four = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let mut manifest = [&four(files.len())[..], &[0x11, 0], &four(0), &four(1), b"a", &four(0)].concat();
        let mut content = Vec::new();
        for (name, text, flags) in files {
            let packed = match flags & DEFLATE {
                0 => text.to_vec(),
                _ => {
                    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                    std::io::Write::write_all(&mut out, text).unwrap();
                    out.finish().unwrap()
                }
            };
            manifest.extend([&four(name.len())[..], name.as_bytes(), &four(text.len()), &four(0)].concat());
            manifest.extend([&four(packed.len())[..], &four(0), &flags.to_le_bytes(), &four(0)].concat());
            content.extend(packed);
        }
        let stub = b"#!/usr/bin/env php\n<?php Phar::mapPhar(); __HALT_COMPILER(); ?>\r\n";
        [&stub[..], &four(manifest.len()), &manifest, &content].concat()
    }

    #[test]
    fn what_composer_put_in() {
        let list = br#"{"packages":[{"name":"monolog/monolog","version":"1.25.0"}],"dev":false}"#;
        for flags in [0o644, 0o644 | DEFLATE] {
            let archive = phar(&[("index.php", b"<?php", 0o644), ("vendor/composer/installed.json", list, flags)]);
            assert_eq!(packages(&PhpArchive, "usr/local/bin/app", &archive), ["monolog/monolog 1.25.0"]);
            let (section, _) = analyze(&PhpArchive, "app.phar", &archive);
            assert_eq!(section.packages[0].locations, ["app.phar!vendor/composer/installed.json"]);
            for cut in 0..archive.len() {
                let _ = PhpArchive.wants(&archive[..cut]) && analyze(&PhpArchive, "a", &archive[..cut]).1.is_ok();
            }
        }
        let gap = |bytes: &[u8]| {
            let (section, _) = analyze(&PhpArchive, "app.phar", bytes);
            (section.packages.len(), section.gaps.first().map(|gap| gap.kind))
        };
        let bzip2 = phar(&[("vendor/composer/installed.json", list, 0o644 | BZIP2)]);
        assert_eq!(gap(&bzip2), (0, Some(GapKind::UnreadPackages)));
        let whole = phar(&[("vendor/composer/installed.json", list, 0o644)]);
        assert_eq!(gap(&whole[..whole.len() - 5]), (0, Some(GapKind::UnreadPackages)), "cut off");
        let many: Vec<String> = (0..=MAX_LISTS).map(|n| format!("{n}/vendor/composer/installed.json")).collect();
        let files = |n: usize| many[..n].iter().map(|name| (name.as_str(), &list[..], 0o644)).collect::<Vec<_>>();
        assert_eq!(gap(&phar(&files(MAX_LISTS))), (1, None), "the same package in each");
        assert_eq!(gap(&phar(&files(MAX_LISTS + 1))), (1, Some(GapKind::UnreadPackages)), "one was not read");
        assert_eq!(gap(&phar(&[("index.php", b"<?php", 0o644)])), (0, None), "nobody else's code");
        assert_eq!(gap(b"<?php echo 1;"), (0, None));
    }
}
