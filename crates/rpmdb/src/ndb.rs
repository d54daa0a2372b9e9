//! NDB, rpm's own container (`Packages.db` of SUSE): a slot table, then blobs in 16-byte blocks.
//!
//! Little-endian on every machine. Layout: rpm's lib/backend/ndb/rpmpkg.c.
//! ```text
//! header 32 bytes: "RpmP", version, generation, pages of slots, next package
//! slot   16 bytes: "Slot", package, first block, blocks     (first block 0: free)
//! blob:  "BlbS", package, generation, length | data, padding | adler32, length, "BlbE"
//! ```

use crate::bytes::Endian;
use crate::collect::Collector;
use crate::error::{DamageKind, RpmDbError};

pub(crate) const MAGIC: &[u8] = b"RpmP";
pub(crate) const INDEX_MAGIC: &[u8] = b"RpmX";

const FORMAT: &str = "NDB";
const HEADER: usize = 32;
const SLOT: usize = 16;
const BLOCK: usize = 16;
const PAGE: usize = 4096;
const BLOB_HEAD: usize = 16;
const BLOB_TAIL: usize = 12;
const LE: Endian = Endian::Little;

pub(crate) fn read(bytes: &[u8], out: &mut Collector) -> Result<(), RpmDbError> {
    let bad = |what: String| RpmDbError::BadHeader { format: FORMAT, what };
    let (Some(version), Some(slot_pages)) = (LE.u32(bytes, 4), LE.u32(bytes, 12)) else {
        return Err(bad(format!("cut off after {} bytes", bytes.len())));
    };
    if version != 0 {
        return Err(RpmDbError::Unsupported { format: FORMAT, what: format!("version {version}, 0 is known") });
    }
    if slot_pages == 0 {
        return Err(bad("no pages of slots".to_owned()));
    }
    let end = (slot_pages as usize).saturating_mul(PAGE);
    let slots = bytes.get(HEADER..end.min(bytes.len())).unwrap_or_default();
    if end > bytes.len() {
        let detail = format_args!("the slot table takes {end} bytes, the file has {}", bytes.len());
        out.damage(DamageKind::Truncated, bytes.len() as u64, detail);
    }
    for (index, slot) in slots.chunks_exact(SLOT).enumerate() {
        let offset = (HEADER + index * SLOT) as u64;
        let words = (LE.u32(slot, 4), LE.u32(slot, 8), LE.u32(slot, 12));
        let (true, (Some(package), Some(block), Some(blocks))) = (slot.starts_with(b"Slot"), words) else {
            out.damage(DamageKind::Container, offset, format_args!("slot {index} has no slot mark"));
            continue;
        };
        if block == 0 {
            continue;
        }
        let start = block as usize * BLOCK;
        let Some(blob) = blob(bytes, start, package, blocks, out) else { continue };
        if !out.spend(blob.len(), start as u64) {
            break;
        }
        out.blob(package, start as u64, blob);
    }
    Ok(())
}

/// The data of one blob, its marks and checksum verified; as much as there is when the file ends within it.
fn blob<'a>(bytes: &'a [u8], start: usize, package: u32, blocks: u32, out: &mut Collector) -> Option<&'a [u8]> {
    let offset = start as u64;
    let Some(rest) = bytes.get(start..).filter(|rest| rest.len() >= BLOB_HEAD) else {
        out.damage(
            DamageKind::Truncated,
            offset,
            format_args!("package {package}: its blob lies behind the file's end"),
        );
        return None;
    };
    let (Some(owner), Some(length)) = (LE.u32(rest, 4), LE.u32(rest, 12)) else { return None };
    if !rest.starts_with(b"BlbS") || owner != package {
        out.damage(DamageKind::Container, offset, format_args!("package {package}: its slot points to something else"));
        return None;
    }
    let (size, length) = (blocks as usize * BLOCK, length as usize);
    if (BLOB_HEAD + length + BLOB_TAIL).next_multiple_of(BLOCK) != size {
        let detail = format_args!("package {package}: {length} bytes in {blocks} blocks cannot be");
        out.damage(DamageKind::Container, offset, detail);
        return None;
    }
    let Some(whole) = rest.get(..size) else {
        let there = rest.len();
        let detail = format_args!("package {package}: its blob has {size} bytes, {there} are there");
        out.damage(DamageKind::Truncated, offset, detail);
        return rest.get(BLOB_HEAD..there.min(BLOB_HEAD + length));
    };
    let (content, tail) = whole.split_at_checked(size - BLOB_TAIL)?;
    let sound = LE.u32(tail, 0) == Some(adler32(content)) && LE.u32(tail, 4) == LE.u32(rest, 12);
    if !sound || !tail.ends_with(b"BlbE") {
        out.damage(DamageKind::Container, offset, format_args!("package {package}: its blob's checksum is wrong"));
    }
    content.get(BLOB_HEAD..BLOB_HEAD + length)
}

fn adler32(bytes: &[u8]) -> u32 {
    // 5552 bytes is the most before the second sum could overflow 32 bits.
    let (mut a, mut b) = (1u32, 0u32);
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::adler32;

    #[test]
    fn checksum_is_adler32() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&[0xff; 100_000]), 0x149a_302c);
    }
}
