//! Berkeley DB hash files, rpm's `Packages` up to 4.15, in either byte order.
//!
//! Page 0 is the metadata; every hash page holds pairs of items, the key a 4-byte header number (0 is
//! rpm's own counter), the value mostly an off-page item: the first page of a chain of overflow pages.
//! Pages are read one after the other rather than bucket by bucket, which needs no trust in chains and
//! finds what is left of a damaged file; the bucket table only proves that no hash page got lost.
//! Layout: Berkeley DB 5.3, dbinc/db_page.h. Hash versions 7 (DB 3.2) to 10 (DB 6).

use crate::bytes::{Endian, PageSet};
use crate::collect::Collector;
use crate::error::{DamageKind, RpmDbError};

const FORMAT: &str = "Berkeley DB";
const PAGE_HEADER: usize = 26;
const LAST_SPARE: usize = 96 + 32 * 4;

const PAGE_INVALID: u8 = 0;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH_META: u8 = 8;
const PAGE_HASH: u8 = 13;

const ITEM_KEYDATA: u8 = 1;
const ITEM_OFFPAGE: u8 = 3;

/// The access method of a Berkeley DB file. rpm keeps packages in hashes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Hash,
    Btree,
    Queue,
    Heap,
    Ancient,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Hash => "a Berkeley DB hash",
            Method::Btree => "a Berkeley DB B-tree (an rpm index such as Basenames)",
            Method::Queue => "a Berkeley DB queue",
            Method::Heap => "a Berkeley DB heap",
            Method::Ancient => "a Berkeley DB 1.85 hash (rpm 3 and older)",
        }
    }
}

/// The access method and byte order, by the magic number.
pub(crate) fn sniff(bytes: &[u8]) -> Option<(Method, Endian)> {
    for endian in [Endian::Little, Endian::Big] {
        let method = match endian.u32(bytes, 12) {
            Some(0x0006_1561) => Method::Hash,
            Some(0x0005_3162) => Method::Btree,
            Some(0x0004_2253) => Method::Queue,
            Some(0x0007_4582) => Method::Heap,
            _ if endian.u32(bytes, 0) == Some(0x0006_1561) => Method::Ancient,
            _ => continue,
        };
        return Some((method, endian));
    }
    None
}

struct File<'a> {
    bytes: &'a [u8],
    endian: Endian,
    page_size: usize,
}

#[derive(Clone, Copy)]
struct Page<'a> {
    number: u32,
    bytes: &'a [u8],
    endian: Endian,
}

impl<'a> File<'a> {
    fn page(&self, number: u32) -> Option<Page<'a>> {
        let start = (number as usize).checked_mul(self.page_size)?;
        let bytes = self.bytes.get(start..start.checked_add(self.page_size)?)?;
        Some(Page { number, bytes, endian: self.endian })
    }

    /// The first page of a bucket: buckets of one generation (a power of two) lie together.
    fn bucket_page(&self, bucket: u32) -> Option<u32> {
        let generation = bucket.checked_add(1)?.checked_next_power_of_two()?.trailing_zeros();
        bucket.checked_add(self.endian.u32(self.bytes, 96 + 4 * generation as usize)?)
    }
}

impl<'a> Page<'a> {
    fn offset(&self) -> u64 {
        u64::from(self.number) * self.bytes.len() as u64
    }

    fn next(&self) -> u32 {
        self.endian.u32(self.bytes, 16).unwrap_or_default()
    }

    /// Items on a hash page, bytes used on an overflow page.
    fn count(&self) -> usize {
        self.endian.u16(self.bytes, 20).map_or(0, usize::from)
    }

    fn used(&self) -> usize {
        self.endian.u16(self.bytes, 22).map_or(0, usize::from)
    }

    fn kind(&self) -> u8 {
        self.bytes.get(25).copied().unwrap_or_default()
    }

    fn is_hash(&self) -> bool {
        matches!(self.kind(), PAGE_HASH | PAGE_HASH_UNSORTED)
    }

    /// An item's type and content. Items grow down from the page's end, so that one ends where the one before starts.
    fn item(&self, index: usize, count: usize) -> Option<(u8, &'a [u8])> {
        let position = |index: usize| self.endian.u16(self.bytes, PAGE_HEADER + 2 * index).map(usize::from);
        let start = position(index)?;
        let end = match index.checked_sub(1) {
            Some(before) => position(before)?,
            None => self.bytes.len(),
        };
        if start < PAGE_HEADER + 2 * count {
            return None;
        }
        let (kind, content) = self.bytes.get(start..end)?.split_first()?;
        Some((*kind, content))
    }
}

pub(crate) fn read(bytes: &[u8], out: &mut Collector) -> Result<(), RpmDbError> {
    let (file, last) = open(bytes)?;
    let pages = bytes.len() / file.page_size;
    let declared = u64::from(last) + 1;
    if declared * file.page_size as u64 > bytes.len() as u64 || !bytes.len().is_multiple_of(file.page_size) {
        out.damage(
            DamageKind::Truncated,
            bytes.len() as u64,
            format_args!("the file has {} bytes, its {declared} pages take {} each", bytes.len(), file.page_size),
        );
    }
    check_buckets(&file, pages, out);
    let mut walk = Walk { used: PageSet::new(pages), buffer: Vec::new() };
    for number in 1..u32::try_from(pages).unwrap_or(u32::MAX) {
        let Some(page) = file.page(number) else { break };
        if page.is_hash() {
            if !walk.hash_page(&file, page, out) {
                break;
            }
        } else if !matches!(page.kind(), PAGE_INVALID | PAGE_OVERFLOW | PAGE_HASH_META) {
            let kind = page.kind();
            out.damage(
                DamageKind::Container,
                page.offset(),
                format_args!("page {number} is of the foreign type {kind}"),
            );
        }
    }
    Ok(())
}

fn open(bytes: &[u8]) -> Result<(File<'_>, u32), RpmDbError> {
    let bad = |what: &str| RpmDbError::BadHeader { format: FORMAT, what: what.to_owned() };
    let unsupported = |what: String| RpmDbError::Unsupported { format: FORMAT, what };
    let (_, endian) = sniff(bytes).ok_or_else(|| bad("no magic number"))?;
    if bytes.len() < LAST_SPARE {
        return Err(bad("the metadata page is cut off"));
    }
    let word = |at| endian.u32(bytes, at).ok_or_else(|| bad("the metadata page is cut off"));
    let version = word(16)?;
    if !(7..=10).contains(&version) {
        return Err(unsupported(format!("hash version {version}, 7 to 10 are known")));
    }
    let page_size = word(20)?;
    if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
        return Err(bad(&format!("a page size of {page_size} bytes")));
    }
    if let Some([encryption, kind, flags]) = crate::bytes::array::<3>(bytes, 24) {
        if encryption != 0 {
            return Err(unsupported("encrypted".to_owned()));
        }
        if kind != PAGE_HASH_META {
            return Err(bad(&format!("the metadata page is of type {kind}")));
        }
        if flags & 1 != 0 {
            return Err(unsupported("pages with checksums".to_owned()));
        }
    }
    Ok((File { bytes, endian, page_size: page_size as usize }, word(32)?))
}

/// Every bucket must begin with a hash page (or one never written); otherwise records were lost.
fn check_buckets(file: &File<'_>, pages: usize, out: &mut Collector) {
    let max_bucket = file.endian.u32(file.bytes, 72).unwrap_or_default();
    if max_bucket as usize >= pages {
        let detail = format_args!("{} buckets, but only {pages} pages", u64::from(max_bucket) + 1);
        out.damage(DamageKind::Container, 72, detail);
    }
    for bucket in (0..=max_bucket).take(pages) {
        let number = file.bucket_page(bucket);
        let sound = number
            .and_then(|number| file.page(number))
            .is_some_and(|page| page.is_hash() || page.kind() == PAGE_INVALID);
        if !sound {
            out.damage(DamageKind::Container, 96, format_args!("bucket {bucket} has no hash page"));
        }
    }
}

struct Walk {
    used: PageSet,
    buffer: Vec<u8>,
}

impl Walk {
    /// False when reading must stop.
    fn hash_page(&mut self, file: &File<'_>, page: Page<'_>, out: &mut Collector) -> bool {
        let room = (file.page_size - PAGE_HEADER) / 2;
        let mut count = page.count();
        if count > room || !count.is_multiple_of(2) {
            out.damage(DamageKind::Container, page.offset(), format_args!("page {} claims {count} items", page.number));
            count = count.min(room);
        }
        // Items grow down to the page's free space; a wrong count would leave items unread.
        let lowest = match count.checked_sub(1) {
            Some(last) => page.endian.u16(page.bytes, PAGE_HEADER + 2 * last).map_or(0, usize::from),
            None => file.page_size & 0xffff,
        };
        if page.used() != lowest {
            out.damage(
                DamageKind::Container,
                page.offset(),
                format_args!("page {} has more or fewer than its {count} items", page.number),
            );
        }
        let next = page.next();
        if next != 0 && !file.page(next).is_some_and(|page| page.is_hash()) {
            out.damage(
                DamageKind::Container,
                page.offset(),
                format_args!("page {} goes on at page {next}, which is no hash page", page.number),
            );
        }
        for pair in 0..count / 2 {
            let (key, value) = (page.item(2 * pair, count), page.item(2 * pair + 1, count));
            let (Some((ITEM_KEYDATA, key)), Some((kind, value))) = (key, value) else {
                out.damage(
                    DamageKind::Container,
                    page.offset(),
                    format_args!("record {pair} of page {} cannot be read", page.number),
                );
                continue;
            };
            let number = file.endian.u32(key, 0).unwrap_or(u32::MAX);
            if number == 0 {
                continue;
            }
            if !self.record(file, page, number, kind, value, out) {
                return false;
            }
        }
        true
    }

    fn record(
        &mut self,
        file: &File<'_>,
        page: Page<'_>,
        number: u32,
        kind: u8,
        value: &[u8],
        out: &mut Collector,
    ) -> bool {
        let offset = page.offset();
        match kind {
            ITEM_KEYDATA => {
                if !out.spend(value.len(), offset) {
                    return false;
                }
                out.blob(number, offset, value);
            }
            ITEM_OFFPAGE => {
                let (Some(first), Some(length)) = (file.endian.u32(value, 3), file.endian.u32(value, 7)) else {
                    out.damage(DamageKind::Container, offset, format_args!("header {number}: no address of its pages"));
                    return true;
                };
                self.chain(file, number, first, length as usize, out);
                if !out.spend(self.buffer.len(), offset) {
                    return false;
                }
                out.blob(number, u64::from(first) * file.page_size as u64, &self.buffer);
            }
            kind => {
                out.damage(DamageKind::Container, offset, format_args!("header {number}: item of unknown type {kind}"));
            }
        }
        true
    }

    /// Puts an overflow chain together, as far as it goes. A page serves one chain only, once.
    fn chain(&mut self, file: &File<'_>, number: u32, first: u32, length: usize, out: &mut Collector) {
        self.buffer.clear();
        let mut at = first;
        while self.buffer.len() < length {
            let offset = u64::from(at) * file.page_size as u64;
            let page = file.page(at).filter(|page| page.kind() == PAGE_OVERFLOW);
            let content = page.and_then(|page| Some((page, page.bytes.get(PAGE_HEADER..PAGE_HEADER + page.used())?)));
            let Some((page, content)) = content.filter(|_| at != 0) else {
                let kind = if file.page(at).is_none() { DamageKind::Truncated } else { DamageKind::Container };
                out.damage(
                    kind,
                    offset,
                    format_args!(
                        "header {number}: page {at} of its data is missing, {} of {length} bytes read",
                        self.buffer.len()
                    ),
                );
                return;
            };
            if !self.used.insert(at) {
                out.damage(DamageKind::Cycle, offset, format_args!("header {number}: page {at} was used before"));
                return;
            }
            let wanted = length - self.buffer.len();
            self.buffer.extend_from_slice(content.get(..wanted).unwrap_or(content));
            at = page.next();
        }
    }
}
