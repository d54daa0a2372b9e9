//! The bytes of a snapshot, format version 3. All numbers little-endian; `v` is an unsigned LEB128 number.
//!
//! ```text
//! header    "LGSNAP\x1a\n", u32 format version, u32 number of sections, u64 length of the file, u64 zero
//! sections  for each: 8 bytes of tag, u64 offset, u64 length   (the table follows the header)
//! manifest  JSON: feeds, coverage of each namespace, end-of-life table, signals, counts  (small; the only part read at opening)
//! strings   each string once: v length, bytes                                   (a reference is its offset)
//! entries   for each package, in the order of (namespace, name): refs of both, v count, entries
//! entry     u8 flags, v feed, v vulnerability * 2 + (has an id of its own), [ref id], [u8 severity], [ref module], [list arches], [list versions], ranges
//! index     open-addressed table over the packages: u32 tag of the hash, u32 offset in `entries` + 1; 2^n slots
//! flaws___  one after the other, in the order of their ids; see `vulnerability.rs`
//! flawtab   u32 offset in `flaws___` for each vulnerability
//! ids       for each id: ref, v count, v vulnerability…          idindex  as `index`, over the ids
//! ```
//! A hash table rather than a finite-state map: a look-up is one probe and one comparison, every step is checked
//! against the section's bounds, and a damaged file can only answer "not found" or nonsense, never panic or loop.

/// The version of the format that this crate writes. 2 added the weaknesses of vulnerabilities (`vulnerability.rs`)
/// and, to the manifest, how much of each feed is there, and files crates and Swift packages by any spelling
/// ([`crate::Namespace::canonical_name`]).
/// 3 made signals of what were fields of a vulnerability (`signals.rs`; `format2.rs` reads those of 2).
pub const FORMAT_VERSION: u32 = 3;
/// The oldest version that it reads. Format 1 is refused: asked under names that it does not file, it would find
/// nothing where there is something.
pub const OLDEST_FORMAT: u32 = 2;

pub(crate) const MAGIC: &[u8; 8] = b"LGSNAP\x1a\n";
pub(crate) const HEADER: usize = 32;
pub(crate) const SECTION_ROW: usize = 24;
/// No probe goes further: tables are at most three quarters full, so a longer run means damage.
const MAX_PROBE: usize = 1024;

pub(crate) const TAGS: [&[u8; 8]; 8] =
    [b"manifest", b"strings_", b"entries_", b"index___", b"flaws___", b"flawtab_", b"ids_____", b"idindex_"];

/// A stable 64-bit hash (FNV-1a, then a mixing step so that the low bits depend on all bytes).
pub(crate) fn hash(parts: [&[u8]; 2]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for &byte in part {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        h = (h ^ 0xff).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h = (h ^ (h >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h ^ (h >> 29)
}

/// Appends a LEB128 number.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Builds a table of `(hash, offset)` pairs.
pub(crate) fn table(rows: &[(u64, u32)]) -> Vec<u8> {
    let slots = (rows.len() + rows.len() / 3 + 1).next_power_of_two().max(8);
    let mut cells = vec![(0u32, 0u32); slots];
    for &(hash, offset) in rows {
        let mut at = hash as usize & (slots - 1);
        while cells[at].1 != 0 {
            at = (at + 1) & (slots - 1);
        }
        cells[at] = ((hash >> 32) as u32, offset + 1);
    }
    cells.iter().flat_map(|(tag, offset)| [tag.to_le_bytes(), offset.to_le_bytes()]).flatten().collect()
}

/// The offsets that a table holds for a hash.
pub(crate) fn probe(table: &[u8], hash: u64) -> impl Iterator<Item = u32> + '_ {
    let slots = table.len() / 8;
    let usable = slots.is_power_of_two();
    let tag = (hash >> 32) as u32;
    (0..if usable { slots.min(MAX_PROBE) } else { 0 })
        .map_while(move |step| {
            let at = (hash as usize).wrapping_add(step) & (slots - 1);
            let cell = table.get(at * 8..at * 8 + 8)?;
            let word = |i: usize| u32::from_le_bytes([cell[i], cell[i + 1], cell[i + 2], cell[i + 3]]);
            (word(4) != 0).then(|| (word(0), word(4) - 1))
        })
        .filter(move |(t, _)| *t == tag)
        .map(|(_, offset)| offset)
}

/// Reads numbers from a slice; past the end everything is 0, which every caller takes as "nothing".
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'s> {
    pub(crate) bytes: &'s [u8],
    pub(crate) at: usize,
}

impl<'s> Cursor<'s> {
    #[inline]
    pub(crate) const fn new(bytes: &'s [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Whether something was asked for beyond the end.
    #[inline]
    pub(crate) const fn spent(&self) -> bool {
        self.at > self.bytes.len()
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied();
        self.at = if byte.is_some() { self.at + 1 } else { self.bytes.len() + 1 };
        byte.unwrap_or(0)
    }

    #[inline]
    pub(crate) fn number(&mut self) -> u32 {
        // Most numbers are small; strings' offsets take three or four bytes.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return u32::from(byte);
        }
        self.long_number()
    }

    /// Steps over a number.
    #[inline]
    pub(crate) fn skip(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        match rest.iter().take(5).position(|b| b & 0x80 == 0) {
            Some(last) => self.at += last + 1,
            None if rest.len() >= 5 => self.at += 5,
            None => self.at = self.bytes.len() + 1,
        }
    }

    fn long_number(&mut self) -> u32 {
        // Offsets of strings: three or four bytes nearly always, all of them there but at the section's very end.
        if let Some([a, b, c, d]) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<4>()) {
            let low = |byte: &u8| u32::from(byte & 0x7f);
            let (two, three) = (low(a) | low(b) << 7, low(c) << 14);
            let (value, len) = match (b < &0x80, c < &0x80, d < &0x80) {
                (true, ..) => (two, 2),
                (_, true, _) => (two | three, 3),
                (.., true) => (two | three | low(d) << 21, 4),
                _ => return self.slow_number(),
            };
            self.at += len;
            return value;
        }
        self.slow_number()
    }

    fn slow_number(&mut self) -> u32 {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.byte();
            value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    /// A count: never more than the bytes that are left, each item taking at least one.
    #[inline]
    pub(crate) fn count(&mut self) -> u32 {
        let count = self.number();
        count.min(self.bytes.len().saturating_sub(self.at) as u32)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> &'s [u8] {
        let slice = self.at.checked_add(len).and_then(|end| self.bytes.get(self.at..end));
        self.at = if slice.is_some() { self.at + len } else { self.bytes.len() + 1 };
        slice.unwrap_or(&[])
    }
}

/// The string at `offset` of the strings section; empty when there is none.
#[inline]
pub(crate) fn string_at(strings: &[u8], offset: u32) -> &str {
    std::str::from_utf8(bytes_at(strings, offset)).unwrap_or("")
}

/// As [`string_at`], not checked to be text.
#[inline]
pub(crate) fn bytes_at(strings: &[u8], offset: u32) -> &[u8] {
    let mut cursor = Cursor::new(strings, offset as usize);
    let len = cursor.number() as usize;
    cursor.take(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_there_and_back() {
        let values = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, u32::MAX];
        let mut bytes = Vec::new();
        values.iter().for_each(|v| put(&mut bytes, *v));
        let (mut read, mut skipped) = (Cursor::new(&bytes, 0), Cursor::new(&bytes, 0));
        for value in values {
            assert_eq!(read.number(), value);
            skipped.skip();
            assert_eq!(read.at, skipped.at, "{value}");
        }
        assert!(!read.spent() && read.at == bytes.len());
        assert_eq!((read.number(), read.spent()), (0, true), "nothing is left");
        // Cut short: what is there, and then no more.
        let mut cut = Cursor::new(&bytes[..bytes.len() - 1], bytes.len() - 5);
        assert_eq!((cut.number(), cut.spent()), (0x0fff_ffff, true));
    }
}
