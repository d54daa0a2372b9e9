//! A read-only walk over one table of an SQLite file: `Packages(hnum INTEGER PRIMARY KEY, blob BLOB)`.
//!
//! The schema on page 1 names the table's root; from there interior pages lead to leaves, whose cells
//! hold a record each, long ones continued on overflow pages. No SQL, no indexes, no writing. Every
//! page is visited once at most. Spec: <https://www.sqlite.org/fileformat2.html>

use crate::bytes::{Endian, PageSet};
use crate::collect::Collector;
use crate::error::{DamageKind, RpmDbError};
use crate::wal::Wal;

pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";

const FORMAT: &str = "SQLite";
const FILE_HEADER: usize = 100;
const TABLE: &[u8] = b"Packages";
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
const UTF8: u32 = 1;
const BE: Endian = Endian::Big;

struct Pages<'a> {
    main: &'a [u8],
    wal: Option<Wal<'a>>,
    size: usize,
    /// Bytes of a page that are SQLite's own; the rest may be reserved for extensions.
    usable: usize,
    /// Pages that can exist: none has a higher number, whatever the log says.
    limit: u32,
}

impl<'a> Pages<'a> {
    fn get(&self, number: u32) -> Option<&'a [u8]> {
        if number == 0 || number > self.limit {
            return None;
        }
        if let Some(page) = self.wal.as_ref().and_then(|wal| wal.pages.get(&number)) {
            return Some(page);
        }
        let start = (number as usize - 1).checked_mul(self.size)?;
        self.main.get(start..start.checked_add(self.size)?)
    }

    fn offset(&self, number: u32) -> u64 {
        u64::from(number.saturating_sub(1)) * self.size as u64
    }
}

pub(crate) fn read(main: &[u8], wal: &[u8], out: &mut Collector) -> Result<(), RpmDbError> {
    let pages = open(main, wal, out)?;
    let mut root = None;
    let mut walk = Walk::new(&pages, out);
    walk.table(1, |_, record, _| {
        if let Some(page) = table_root(record) {
            root = Some(page);
        }
    });
    // Only the whole schema can say that the table is not there.
    let Some(root) = root else {
        return Err(RpmDbError::NotPackages { found: "an SQLite database without a readable table Packages" });
    };
    Walk::new(&pages, out).table(root, |number, record, out| {
        let Some((offset, blob)) = record.blob() else {
            let detail = format_args!("package {number} has no header in its row");
            return out.damage(DamageKind::Container, record.offset, detail);
        };
        out.blob(u32::try_from(number).unwrap_or_default(), offset, blob);
    });
    Ok(())
}

fn open<'a>(main: &'a [u8], wal: &'a [u8], out: &mut Collector) -> Result<Pages<'a>, RpmDbError> {
    let bad = |what: String| RpmDbError::BadHeader { format: FORMAT, what };
    let wal = if wal.is_empty() { Ok(None) } else { Wal::parse(wal) };
    let mut wal = wal.unwrap_or_else(|why| {
        out.damage(DamageKind::Container, 0, format_args!("the write-ahead log was not applied: {why}"));
        None
    });
    if let (Some(log), Some(size)) = (&wal, page_size(main))
        && log.page_size != size
    {
        let log = log.page_size;
        let detail =
            format_args!("the write-ahead log was not applied: its pages have {log} bytes, the database's {size}");
        out.damage(DamageKind::Container, 0, detail);
        wal = None;
    }
    // The log's page 1 is the newer file header.
    let logged = wal.as_ref().and_then(|wal| wal.pages.get(&1).copied());
    let header = logged.unwrap_or(main);
    if header.len() < FILE_HEADER || !header.starts_with(MAGIC) {
        return Err(bad(format!("cut off after {} bytes", header.len())));
    }
    let size = page_size(header).ok_or_else(|| bad("an impossible page size".to_owned()))?;
    if wal.as_ref().is_some_and(|wal| wal.page_size != size) {
        return Err(bad("the write-ahead log contradicts itself on the page size".to_owned()));
    }
    let reserved = header.get(20).map_or(0, |byte| usize::from(*byte));
    if size - reserved < 480 {
        return Err(bad(format!("{reserved} of {size} bytes of each page are reserved")));
    }
    match BE.u32(header, 56) {
        Some(UTF8 | 0) => {}
        encoding => {
            let what = format!("text encoding {}, UTF-8 is known", encoding.unwrap_or_default());
            return Err(RpmDbError::Unsupported { format: FORMAT, what });
        }
    }
    let present = u32::try_from(main.len().div_ceil(size)).unwrap_or(u32::MAX);
    let limit = match &wal {
        Some(wal) => wal.page_count,
        None => {
            // The count in the header is only valid together with the change counter (SQLite before 3.7 wrote none).
            let (declared, counter, valid_for) = (BE.u32(header, 28), BE.u32(header, 24), BE.u32(header, 92));
            let declared = declared.filter(|declared| *declared > 0 && counter == valid_for).unwrap_or(present);
            if declared > present || !main.len().is_multiple_of(size) {
                let bytes = main.len();
                let detail = format_args!("the file has {bytes} bytes, its {declared} pages take {size} each");
                out.damage(DamageKind::Truncated, bytes as u64, detail);
            }
            declared
        }
    };
    // Behind the main file's end there is only what the log has.
    let logged = wal.as_ref().map_or(0, |wal| u32::try_from(wal.pages.len()).unwrap_or(u32::MAX));
    let limit = limit.min(present.saturating_add(logged));
    Ok(Pages { main, wal, size, usable: size - reserved, limit })
}

fn page_size(header: &[u8]) -> Option<usize> {
    match BE.u16(header, 16)? {
        1 => Some(65536),
        size if size.is_power_of_two() && size >= 512 => Some(usize::from(size)),
        _ => None,
    }
}

/// The root page, when the row of the schema is the one of the table `Packages`.
fn table_root(row: &Record<'_>) -> Option<u32> {
    let mut fields = row.fields();
    let (kind, name) = (fields.next()?, fields.next()?);
    let root = fields.nth(1)?;
    if kind.1 != b"table" || !name.1.eq_ignore_ascii_case(TABLE) || root.0 == 0 || root.0 > 6 {
        return None;
    }
    let number = root.1.iter().try_fold(0u64, |number, byte| number.checked_mul(256)?.checked_add(u64::from(*byte)))?;
    u32::try_from(number).ok()
}

/// A row's payload, whole or as much as could be read.
struct Record<'a> {
    offset: u64,
    payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// Serial type and bytes of each column; a column that is cut off has what is there.
    fn fields(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let payload = self.payload;
        let (size, mut at) = varint(payload, 0).unwrap_or_default();
        let mut body = usize::try_from(size).unwrap_or(usize::MAX);
        let end = body.min(payload.len());
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (serial, next) = varint(payload, at)?;
            at = next;
            let length = match serial {
                0 | 8 | 9 => 0,
                1..=4 => serial,
                5 => 6,
                6 | 7 => 8,
                10 | 11 => return None,
                _ => (serial - 12) / 2,
            };
            let start = body.min(payload.len());
            body = body.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            Some((serial, payload.get(start..body.min(payload.len())).unwrap_or_default()))
        })
    }

    /// The first column that is a blob (or, by a sloppy writer, text), and where it was found.
    fn blob(&self) -> Option<(u64, &'a [u8])> {
        let (_, bytes) = self.fields().find(|(serial, bytes)| *serial >= 12 && !bytes.is_empty())?;
        Some((self.offset, bytes))
    }
}

struct Walk<'p, 'a, 'o> {
    pages: &'p Pages<'a>,
    used: PageSet,
    buffer: Vec<u8>,
    out: &'o mut Collector,
}

impl<'p, 'a, 'o> Walk<'p, 'a, 'o> {
    fn new(pages: &'p Pages<'a>, out: &'o mut Collector) -> Self {
        Self { pages, used: PageSet::new(pages.limit as usize + 1), buffer: Vec::new(), out }
    }

    /// Hands every row of the table to `row`, in the order of the row numbers.
    fn table(&mut self, root: u32, mut row: impl FnMut(u64, &Record<'_>, &mut Collector)) {
        let mut open = vec![root];
        while let Some(number) = open.pop() {
            let offset = self.pages.offset(number);
            let Some(page) = self.pages.get(number) else {
                self.out.damage(DamageKind::Truncated, offset, format_args!("page {number} is missing"));
                continue;
            };
            if !self.used.insert(number) {
                self.out.damage(DamageKind::Cycle, offset, format_args!("page {number} was used before"));
                continue;
            }
            let head = if number == 1 { FILE_HEADER } else { 0 };
            let count = BE.u16(page, head + 3).map_or(0, usize::from);
            let (cells, interior) = match page.get(head) {
                Some(&INTERIOR) => (head + 12, true),
                Some(&LEAF) => (head + 8, false),
                kind => {
                    let kind = kind.copied().unwrap_or_default();
                    let detail = format_args!("page {number} is of type {kind}, no page of a table");
                    self.out.damage(DamageKind::Container, offset, detail);
                    continue;
                }
            };
            if cells + 2 * count > self.pages.usable {
                self.out.damage(DamageKind::Container, offset, format_args!("page {number} claims {count} cells"));
                continue;
            }
            let cell = |index: usize| BE.u16(page, cells + 2 * index).map(usize::from);
            if interior {
                let children = (0..count).map(|index| cell(index).and_then(|at| BE.u32(page, at)));
                let last = BE.u32(page, head + 8);
                let start = open.len();
                open.extend(children.chain([last]).map(Option::unwrap_or_default));
                if let Some(new) = open.get_mut(start..) {
                    new.reverse();
                }
                continue;
            }
            for index in 0..count {
                let Some((payload, rowid)) = cell(index).and_then(|at| self.payload(page, at, number)) else {
                    let detail = format_args!("cell {index} of page {number} cannot be read");
                    self.out.damage(DamageKind::Container, offset, detail);
                    continue;
                };
                let bytes = payload.unwrap_or(&self.buffer);
                if !self.out.spend(bytes.len(), offset) {
                    return;
                }
                row(rowid, &Record { offset, payload: bytes }, self.out);
            }
        }
    }

    /// A cell's payload and row number. A payload that lies in one piece is borrowed from the page;
    /// one that had to be put together is left in the buffer (`None`).
    fn payload(&mut self, page: &'a [u8], at: usize, number: u32) -> Option<(Option<&'a [u8]>, u64)> {
        let page = page.get(..self.pages.usable)?;
        let (length, at) = varint(page, at)?;
        let (rowid, at) = varint(page, at)?;
        let local = local_length(length, self.pages.usable as u64);
        let here = page.get(at..at.checked_add(local)?)?;
        if local as u64 == length {
            return Some((Some(here), rowid));
        }
        let first = BE.u32(page, at + local)?;
        self.buffer.clear();
        self.buffer.extend_from_slice(here);
        self.overflow(first, length, number);
        Some((None, rowid))
    }

    fn overflow(&mut self, first: u32, length: u64, owner: u32) {
        let mut at = first;
        while (self.buffer.len() as u64) < length {
            let offset = self.pages.offset(at);
            let Some(page) = self.pages.get(at).and_then(|page| page.get(..self.pages.usable)) else {
                let read = self.buffer.len();
                let detail =
                    format_args!("a row of page {owner} ends after {read} of {length} bytes, page {at} is missing");
                return self.out.damage(DamageKind::Truncated, offset, detail);
            };
            if !self.used.insert(at) {
                let detail = format_args!("a row of page {owner} goes on at page {at}, which was used before");
                return self.out.damage(DamageKind::Cycle, offset, detail);
            }
            let content = page.get(4..).unwrap_or_default();
            let wanted = usize::try_from(length - self.buffer.len() as u64).unwrap_or(usize::MAX);
            self.buffer.extend_from_slice(content.get(..wanted).unwrap_or(content));
            at = BE.u32(page, 0).unwrap_or_default();
        }
    }
}

/// How much of a payload lies on the leaf page itself.
fn local_length(length: u64, usable: u64) -> usize {
    let most = usable - 35;
    if length <= most {
        return length as usize;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (length - least) % (usable - 4);
    (if fitting <= most { fitting } else { least }) as usize
}

/// SQLite's big-endian variable-length integer of at most 9 bytes, and the place behind it.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for index in 0..9 {
        let byte = *bytes.get(at.checked_add(index)?)?;
        if index == 8 {
            return Some((value << 8 | u64::from(byte), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints() {
        assert_eq!(varint(&[0], 0), Some((0, 1)));
        assert_eq!(varint(&[0x7f], 0), Some((127, 1)));
        assert_eq!(varint(&[9, 0x81, 0], 1), Some((128, 3)));
        assert_eq!(varint(&[0xff; 9], 0), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8], 0), None);
        assert_eq!(varint(&[], 0), None);
    }

    #[test]
    fn payloads_split_as_sqlite_does() {
        // Usable 4096: up to 4061 bytes stay on the leaf, the least is 489.
        assert_eq!(local_length(4061, 4096), 4061);
        assert_eq!(local_length(4062, 4096), 489);
        assert_eq!(local_length(489 + 4092, 4096), 489);
        assert_eq!(local_length(489 + 4092 + 100, 4096), 589);
    }
}
