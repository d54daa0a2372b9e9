//! SQLite's write-ahead log: the pages of committed transactions that are not yet in the main file.
//!
//! A frame counts while its salts are the header's and its running checksum is right, and only up to
//! the last commit; what follows are the leavings of an older log or of a transaction that never ended.
//! Spec: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>

use std::collections::HashMap;

use crate::bytes::Endian;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;
const BE: Endian = Endian::Big;

/// The latest committed content of each logged page.
pub(crate) struct Wal<'a> {
    pub(crate) page_size: usize,
    /// Pages of the database after the last commit.
    pub(crate) page_count: u32,
    pub(crate) pages: HashMap<u32, &'a [u8]>,
}

/// Whether the bytes begin like a log at all.
pub(crate) fn is_log(bytes: &[u8]) -> bool {
    BE.u32(bytes, 0).is_some_and(|magic| magic & !1 == MAGIC)
}

impl<'a> Wal<'a> {
    /// `Err` says why the whole log is unusable; a log without a commit is `Ok(None)`.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, &'static str> {
        if !is_log(bytes) {
            return Err("it does not begin like one");
        }
        let word = |at| BE.u32(bytes, at).ok_or("its header is cut off");
        let (magic, version, page_size) = (word(0)?, word(4)?, word(8)?);
        let salts = (word(16)?, word(20)?);
        let expected = (word(24)?, word(28)?);
        if version != VERSION {
            return Err("its version is unknown");
        }
        if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
            return Err("its page size is impossible");
        }
        let order = if magic & 1 == 1 { Endian::Big } else { Endian::Little };
        let (header, frames) = bytes.split_at_checked(HEADER).ok_or("its header is cut off")?;
        let mut sums = checksum(order, (0, 0), header.get(..24).unwrap_or_default());
        if sums != expected {
            return Err("its header's checksum is wrong");
        }

        let page_size = page_size as usize;
        let mut wal = Wal { page_size, page_count: 0, pages: HashMap::new() };
        let mut open = Vec::new();
        for frame in frames.chunks_exact(FRAME_HEADER + page_size) {
            let Some((head, page)) = frame.split_at_checked(FRAME_HEADER) else { break };
            let field = |at| BE.u32(head, at).unwrap_or_default();
            let number = field(0);
            sums = checksum(order, sums, head.get(..8).unwrap_or_default());
            sums = checksum(order, sums, page);
            if number == 0 || (field(8), field(12)) != salts || (field(16), field(20)) != sums {
                break;
            }
            open.push((number, page));
            let commit = field(4);
            if commit != 0 {
                wal.page_count = commit;
                wal.pages.extend(open.drain(..));
            }
        }
        Ok((wal.page_count != 0).then_some(wal))
    }
}

/// SQLite's running checksum over 8-byte groups.
pub(crate) fn checksum(order: Endian, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for group in bytes.chunks_exact(8) {
        let (first, second) = (order.u32(group, 0).unwrap_or_default(), order.u32(group, 4).unwrap_or_default());
        a = a.wrapping_add(first).wrapping_add(b);
        b = b.wrapping_add(second).wrapping_add(a);
    }
    (a, b)
}
