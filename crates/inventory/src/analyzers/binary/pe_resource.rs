//! Version resources of Windows programs: three levels of directories lead to them, nested blocks of texts make them up
//! (Microsoft, "PE Format", ".rsrc Section"; "VS_VERSIONINFO structure"). Of each table only so much is looked at as real
//! ones have, and never what lies outside of the resource.

use super::executable::Executable;

/// `RT_VERSION`, the type of version resources.
pub(super) const VERSION_RESOURCE: u32 = 16;
/// Entries of one directory of the resource tree that are looked at.
const MAX_ENTRIES: usize = 4096;
/// Strings of one resource that are looked at; real ones have about a dozen.
const MAX_STRINGS: usize = 256;

/// The bytes of the first version resource: three levels of directories (type, name, language), then its address.
pub(super) fn version_resource<'a>(program: &Executable<'a>, tree: &'a [u8]) -> Option<&'a [u8]> {
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
pub(super) fn strings(resource: &[u8]) -> Vec<(String, String)> {
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
