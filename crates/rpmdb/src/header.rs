//! The rpm header: a big-endian index of typed entries over one data store.
//!
//! ```text
//! u32 il   number of index entries        u32 dl   bytes of the data store
//! il × { u32 tag, u32 type, i32 offset into the store, u32 count }
//! dl bytes
//! ```
//! In a database the immutable region's entries come first (its own tag, 61 to 63, before them) and what
//! rpm added at install time after them; an added entry replaces one of the region, so the last one counts.
//! Spec: rpm's docs/manual/hregions and lib/header.c for the limits (65,535 tags, 256 MiB of data).

use crate::bytes::Endian;
use crate::strings::StringTable;

const MAX_ENTRIES: usize = 0xffff;
const MAX_DATA: usize = 256 << 20;
const ENTRY: usize = 16;

/// Tags that are read (rpm's rpmtag.h).
pub(crate) mod tag {
    pub(crate) const SIGMD5: u32 = 261;
    pub(crate) const SHA256HEADER: u32 = 273;
    pub(crate) const NAME: u32 = 1000;
    pub(crate) const VERSION: u32 = 1001;
    pub(crate) const RELEASE: u32 = 1002;
    pub(crate) const EPOCH: u32 = 1003;
    pub(crate) const SIZE: u32 = 1009;
    pub(crate) const VENDOR: u32 = 1011;
    pub(crate) const LICENSE: u32 = 1014;
    pub(crate) const ARCH: u32 = 1022;
    pub(crate) const OLDFILENAMES: u32 = 1027;
    pub(crate) const FILEFLAGS: u32 = 1037;
    pub(crate) const SOURCERPM: u32 = 1044;
    pub(crate) const PROVIDENAME: u32 = 1047;
    pub(crate) const REQUIRENAME: u32 = 1049;
    pub(crate) const DIRINDEXES: u32 = 1116;
    pub(crate) const BASENAMES: u32 = 1117;
    pub(crate) const DIRNAMES: u32 = 1118;
    pub(crate) const LONGSIZE: u32 = 5009;
    pub(crate) const MODULARITYLABEL: u32 = 5096;
}

const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BIN: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// Why bytes are no rpm header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Shorter than the two counts at its start, or than its index.
    #[error("cut off after {length} bytes, before the end of its index")]
    Short {
        /// The bytes there are.
        length: usize,
    },
    /// No entries, or more than rpm itself allows.
    #[error("{entries} index entries and {data} bytes of data are out of rpm's limits")]
    Limits {
        /// Index entries claimed.
        entries: u32,
        /// Data bytes claimed.
        data: u32,
    },
}

/// One entry of a header's index, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What the value means.
    pub tag: u32,
    /// rpm's type number.
    pub kind: u32,
    /// Where the value starts in the data store.
    pub offset: u32,
    /// How many values.
    pub count: u32,
}

/// A header over borrowed bytes. Values are decoded when they are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
    missing: usize,
}

impl<'a> Header<'a> {
    /// Splits a blob into index and data. Data that is cut off is known by [`Header::missing`].
    pub fn parse(blob: &'a [u8]) -> Result<Self, HeaderError> {
        let short = HeaderError::Short { length: blob.len() };
        let (Some(entries), Some(data)) = (Endian::Big.u32(blob, 0), Endian::Big.u32(blob, 4)) else {
            return Err(short);
        };
        if entries == 0 || entries as usize > MAX_ENTRIES || data as usize > MAX_DATA {
            return Err(HeaderError::Limits { entries, data });
        }
        let (_, rest) = blob.split_at_checked(8).ok_or(short.clone())?;
        let (index, store) = rest.split_at_checked(entries as usize * ENTRY).ok_or(short)?;
        let present = store.len().min(data as usize);
        Ok(Self { index, data: store.get(..present).unwrap_or_default(), missing: data as usize - present })
    }

    /// Bytes of the data store that the header claims and the blob does not have.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Bytes of the data store.
    pub(crate) fn data_len(&self) -> usize {
        self.data.len()
    }

    /// All entries in the order they are stored, region entries included.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + 'a {
        self.index.chunks_exact(ENTRY).filter_map(|raw| {
            Some(Entry {
                tag: Endian::Big.u32(raw, 0)?,
                kind: Endian::Big.u32(raw, 4)?,
                offset: Endian::Big.u32(raw, 8)?,
                count: Endian::Big.u32(raw, 12)?,
            })
        })
    }

    fn store(&self, entry: &Entry) -> Option<&'a [u8]> {
        self.data.get(entry.offset as usize..)
    }

    /// The first string of a string, string array or translated string (the first is the untranslated one).
    pub fn string(&self, entry: &Entry) -> Option<String> {
        if !matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let bytes = std::ffi::CStr::from_bytes_until_nul(self.store(entry)?).ok()?.to_bytes();
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The strings of a string array, with the bytes they take; none when there are fewer than it says.
    pub(crate) fn strings(&self, entry: &Entry) -> Option<(StringTable, usize)> {
        // Version 3 packages store an array of one as a plain string.
        if !matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let store = self.store(entry)?;
        let count = entry.count as usize;
        if count > store.len() {
            return None;
        }
        let (table, used) = StringTable::parse(store, count);
        (table.len() == count).then_some((table, used))
    }

    /// The numbers of a 32-bit array; none when there are fewer than it says.
    pub fn numbers(&self, entry: &Entry) -> Option<Vec<u32>> {
        if entry.kind != INT32 {
            return None;
        }
        let bytes = self.store(entry)?.get(..(entry.count as usize).checked_mul(4)?)?;
        Some(bytes.chunks_exact(4).filter_map(|raw| Endian::Big.u32(raw, 0)).collect())
    }

    /// A single 32-bit or 64-bit number.
    pub fn number(&self, entry: &Entry) -> Option<u64> {
        let store = self.store(entry)?;
        match entry.kind {
            _ if entry.count == 0 => None,
            INT32 => Endian::Big.u32(store, 0).map(u64::from),
            INT64 => Some(u64::from_be_bytes(crate::bytes::array(store, 0)?)),
            _ => None,
        }
    }

    /// Raw bytes of exactly `N`.
    pub(crate) fn binary<const N: usize>(&self, entry: &Entry) -> Option<[u8; N]> {
        if entry.kind != BIN || entry.count as usize != N {
            return None;
        }
        crate::bytes::array(self.store(entry)?, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_not_believed() {
        let counts = |il: u32, dl: u32| [il.to_be_bytes(), dl.to_be_bytes()].concat();
        assert_eq!(Header::parse(&[]).unwrap_err(), HeaderError::Short { length: 0 });
        assert_eq!(Header::parse(&counts(1, 0)).unwrap_err(), HeaderError::Short { length: 8 });
        assert!(matches!(Header::parse(&counts(0, 0)), Err(HeaderError::Limits { .. })));
        assert!(matches!(Header::parse(&counts(0x1_0000, 0)), Err(HeaderError::Limits { .. })));
        assert!(matches!(Header::parse(&counts(1, u32::MAX)), Err(HeaderError::Limits { .. })));

        let mut blob = counts(1, 100);
        for word in [tag::BASENAMES, STRING_ARRAY, 0, u32::MAX] {
            blob.extend(word.to_be_bytes());
        }
        blob.extend(b"a\0b\0");
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.missing(), 96);
        let entry = header.entries().next().unwrap();
        assert_eq!(header.strings(&entry), None);
        assert_eq!(header.string(&entry).as_deref(), Some("a"));
        assert_eq!(header.numbers(&Entry { kind: INT32, ..entry }), None);
        assert_eq!(header.string(&Entry { offset: u32::MAX, ..entry }), None);
    }
}
