//! What the snapshot says of one package: an iterator over its entries, decoded as they are asked for, without
//! allocation.

use layergate_model::{Severity, Status};

use crate::{
    End, Start, VersionRange,
    encode::{HAS_ARCHES, HAS_MODULE, HAS_SEVERITY, HAS_VERSIONS, SIMPLE},
    layout::{Cursor, bytes_at, string_at},
};

/// The entries of one package.
#[derive(Clone)]
pub struct Entries<'s> {
    strings: &'s [u8],
    cursor: Cursor<'s>,
    left: u32,
}

impl<'s> Entries<'s> {
    pub(crate) fn new(strings: &'s [u8], mut cursor: Cursor<'s>) -> Self {
        let left = cursor.count();
        Self { strings, cursor, left }
    }

    pub(crate) const fn none() -> Self {
        Self { strings: &[], cursor: Cursor::new(&[], 0), left: 0 }
    }

    /// Where the next package's block begins, once all entries were read.
    pub(crate) fn end(mut self) -> usize {
        while self.next().is_some() {}
        self.cursor.at
    }
}

impl<'s> Iterator for Entries<'s> {
    type Item = Entry<'s>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'s>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let c = &mut self.cursor;
        let flags = c.byte();
        let (feed, vulnerability) = (c.number(), c.number());
        let id = (vulnerability & 1 != 0).then(|| c.number());
        let vulnerability = vulnerability >> 1;
        let severity = (flags & HAS_SEVERITY != 0).then(|| severity(c.byte()));
        let module = (flags & HAS_MODULE != 0).then(|| string_at(self.strings, c.number()));
        let arches = if flags & HAS_ARCHES != 0 { List::read(self.strings, c) } else { List::empty() };
        let versions = if flags & HAS_VERSIONS != 0 { List::read(self.strings, c) } else { List::empty() };
        let simple = flags & SIMPLE != 0;
        let count = if simple { 1 } else { c.count() };
        let ranges = Ranges { strings: self.strings, cursor: *c, left: count, simple };
        skip_ranges(c, count, simple);
        if c.spent() {
            self.left = 0;
            return None;
        }
        let status = status(flags & 7);
        Some(Entry {
            feed,
            vulnerability,
            status,
            severity,
            module,
            arches,
            versions,
            ranges,
            id,
            strings: self.strings,
        })
    }
}

/// One advisory on one package.
#[derive(Clone)]
pub struct Entry<'s> {
    /// The feed's number in the manifest.
    pub feed: u32,
    /// The vulnerability's number, for [`crate::Snapshot::vulnerability`].
    pub vulnerability: u32,
    /// The source's view.
    pub status: Status,
    /// What the source rates the vulnerability in this very package.
    pub severity: Option<Severity>,
    /// Only builds of this rpm module stream.
    pub module: Option<&'s str>,
    /// Only these architectures; all when empty.
    pub arches: List<'s>,
    /// Exact affected versions.
    pub versions: List<'s>,
    /// Affected ranges.
    pub ranges: Ranges<'s>,
    id: Option<u32>,
    strings: &'s [u8],
}

impl<'s> Entry<'s> {
    /// The advisory's own id, where it is not the vulnerability's. Read when it is asked for: most entries are only
    /// held against a version, and each text lies somewhere else in the file.
    pub fn id(&self) -> Option<&'s str> {
        self.id.map(|at| string_at(self.strings, at))
    }
}

/// A list of strings.
#[derive(Clone)]
pub struct List<'s> {
    strings: &'s [u8],
    cursor: Cursor<'s>,
    left: u32,
}

impl<'s> List<'s> {
    #[inline]
    const fn empty() -> Self {
        Self { strings: &[], cursor: Cursor::new(&[], 0), left: 0 }
    }

    pub(crate) fn read(strings: &'s [u8], c: &mut Cursor<'s>) -> Self {
        let left = c.count();
        let list = Self { strings, cursor: *c, left };
        for _ in 0..left {
            c.skip();
        }
        list
    }

    /// Whether there is nothing in it.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'s> Iterator for List<'s> {
    type Item = &'s str;

    fn next(&mut self) -> Option<&'s str> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(string_at(self.strings, self.cursor.number()))
    }
}

/// The affected ranges of an entry.
#[derive(Clone)]
pub struct Ranges<'s> {
    strings: &'s [u8],
    cursor: Cursor<'s>,
    left: u32,
    simple: bool,
}

/// Steps over ranges without reading their versions.
#[inline]
fn skip_ranges(c: &mut Cursor<'_>, count: u32, simple: bool) {
    if simple {
        c.skip();
        return;
    }
    for _ in 0..count {
        let shape = c.byte();
        for present in [shape & 3 != 0, shape >> 2 & 3 != 0] {
            if present {
                c.skip();
            }
        }
        if c.spent() {
            return;
        }
    }
}

impl<'s> Ranges<'s> {
    /// The next range with its versions as they lie in the file: matching holds thousands of them against one version,
    /// and few of their texts are ever shown.
    #[inline]
    pub fn next_bytes(&mut self) -> Option<VersionRange<&'s [u8]>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let c = &mut self.cursor;
        if self.simple {
            let fixed = bytes_at(self.strings, c.number());
            return Some(VersionRange { start: Start::Beginning, end: End::Fixed(fixed) });
        }
        let shape = c.byte();
        let start = match shape & 3 {
            0 => Start::Beginning,
            1 => Start::From(bytes_at(self.strings, c.number())),
            _ => Start::After(bytes_at(self.strings, c.number())),
        };
        let end = match shape >> 2 & 3 {
            0 => End::Open,
            1 => End::Fixed(bytes_at(self.strings, c.number())),
            2 => End::Before(bytes_at(self.strings, c.number())),
            _ => End::Last(bytes_at(self.strings, c.number())),
        };
        Some(VersionRange { start, end })
    }
}

impl<'s> Iterator for Ranges<'s> {
    type Item = VersionRange<&'s str>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_bytes().map(VersionRange::as_text)
    }
}

pub(crate) fn severity(byte: u8) -> Severity {
    Severity::ALL.into_iter().find(|s| *s as u8 == byte).unwrap_or_default()
}

#[inline]
fn status(byte: u8) -> Status {
    match byte {
        1 => Status::Fixed,
        2 => Status::WillNotFix,
        3 => Status::UnderInvestigation,
        4 => Status::NotAffected,
        _ => Status::Affected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_format_are_the_models() {
        for (byte, want) in (0..).zip([
            Status::Affected,
            Status::Fixed,
            Status::WillNotFix,
            Status::UnderInvestigation,
            Status::NotAffected,
        ]) {
            assert_eq!((want as u8, status(byte)), (byte, want));
        }
        assert_eq!(Severity::ALL.map(|s| severity(s as u8)), Severity::ALL);
        assert_eq!((Severity::Unknown as u8, Severity::Critical as u8), (0, 5));
    }
}
