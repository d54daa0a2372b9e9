//! Stored forms: a layer inventory with its path table, and a report.
//!
//! An inventory is `b"LGI"`, a format byte, the first eight bytes of the SHA-256 of the rest, and a zstd frame of: the
//! length of the JSON (4 bytes, little endian), the JSON, the path table. Whatever does not fit (another format, a
//! wrong checksum, a blob of another digest, too large) is [`Unreadable`], which a cache answers as a miss. A report is
//! a zstd frame of its JSON, an uploaded SBOM one of its bytes.

use std::{
    io::{BufWriter, Read},
    marker::PhantomData,
};

use layergate_model::{Digest, LayerInventory, PathTable, Report};
use serde::{Serialize, de::DeserializeOwned};

/// The version of the stored form of an inventory; part of every layer key.
pub const INVENTORY_FORMAT: u8 = 1;

const MAGIC: &[u8; 3] = b"LGI";
const HEAD: usize = 3 + 1 + 8;
/// An inventory is at most this large unpacked: a path table of 5 million entries is about 120 MB.
const MAX_UNPACKED: u64 = 512 << 20;
/// A report is at most this large unpacked.
const MAX_REPORT: u64 = 512 << 20;
/// Level 3 packs a 1.5 MB inventory in about 6 ms; higher levels cost more than the network saves.
const LEVEL: i32 = 3;
/// Half a megabyte (2^19) of look-back where text is compressed as it is written; reports repeat themselves closer than
/// that.
const WINDOW_LOG: u32 = 19;

/// Stored bytes that are not what they must be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    fn new(what: impl ToString) -> Self {
        Self(what.to_string())
    }
}

/// The stored form of an inventory.
pub fn encode_inventory(inventory: &LayerInventory) -> Result<Vec<u8>, Unreadable> {
    let json = serde_json::to_vec(inventory).map_err(Unreadable::new)?;
    let length = u32::try_from(json.len()).map_err(|_| Unreadable::new("the inventory is over 4 GiB"))?;
    let mut plain = Vec::with_capacity(4 + json.len() + inventory.paths.size());
    plain.extend_from_slice(&length.to_le_bytes());
    plain.extend_from_slice(&json);
    drop(json);
    inventory.paths.store(&mut plain);
    if plain.len() as u64 > MAX_UNPACKED {
        return Err(Unreadable::new(format!("the inventory has {} bytes, more than {MAX_UNPACKED}", plain.len())));
    }
    let packed = zstd::bulk::compress(&plain, LEVEL).map_err(Unreadable::new)?;
    let mut stored = Vec::with_capacity(HEAD + packed.len());
    stored.extend_from_slice(MAGIC);
    stored.push(INVENTORY_FORMAT);
    stored.extend_from_slice(&Digest::of(&packed).as_bytes()[..8]);
    stored.extend_from_slice(&packed);
    Ok(stored)
}

/// Reads the stored form of the inventory of `blob`.
pub fn decode_inventory(stored: &[u8], blob: Digest) -> Result<LayerInventory, Unreadable> {
    let (head, packed) = stored.split_at_checked(HEAD).ok_or_else(|| Unreadable::new("cut short"))?;
    if &head[..3] != MAGIC {
        return Err(Unreadable::new("not a layer inventory"));
    }
    if head[3] != INVENTORY_FORMAT {
        return Err(Unreadable::new(format!("format {} where {INVENTORY_FORMAT} is known", head[3])));
    }
    if head[4..] != Digest::of(packed).as_bytes()[..8] {
        return Err(Unreadable::new("the checksum does not agree"));
    }
    let plain = unpack(packed, MAX_UNPACKED)?;
    let (length, rest) = plain.split_first_chunk::<4>().ok_or_else(|| Unreadable::new("cut short"))?;
    let (json, table) =
        rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(|| Unreadable::new("cut short"))?;
    let mut inventory: LayerInventory = serde_json::from_slice(json).map_err(Unreadable::new)?;
    if inventory.blob != blob {
        return Err(Unreadable::new(format!("it is the inventory of {}", inventory.blob)));
    }
    inventory.paths = PathTable::from_bytes(table).map_err(Unreadable::new)?;
    Ok(inventory)
}

/// The stored form of a report.
pub fn encode_report(report: &Report) -> Result<Vec<u8>, Unreadable> {
    pack(report, LEVEL)
}

/// Reads the stored form of a report, of a newer version of this program too.
pub fn decode_report(stored: &[u8]) -> Result<Report, Unreadable> {
    layergate_model::read_report(&unpack(stored, MAX_REPORT)?).map_err(Unreadable::new)
}

/// The stored form of an SBOM of at most [`crate::MAX_SBOM_BYTES`].
pub fn encode_sbom(document: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let most = crate::MAX_SBOM_BYTES;
    if document.len() > most {
        return Err(Unreadable::new(format!("the SBOM has {} bytes, over the limit of {most}", document.len())));
    }
    zstd::bulk::compress(document, LEVEL).map_err(Unreadable::new)
}

/// Reads the stored form of the SBOM with this digest.
pub fn decode_sbom(stored: &[u8], digest: &Digest) -> Result<Vec<u8>, Unreadable> {
    let document = unpack(stored, crate::MAX_SBOM_BYTES as u64)?;
    if Digest::of(&document) != *digest {
        return Err(Unreadable::new("it is another document"));
    }
    Ok(document)
}

/// A value put by, small, while nobody needs it.
pub struct Packed<T> {
    bytes: Box<[u8]>,
    value: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// Packs a value.
    pub fn new(value: &T) -> Result<Self, Unreadable> {
        Ok(Self { bytes: pack(value, 1)?.into_boxed_slice(), value: PhantomData })
    }

    /// The value again.
    pub fn open(&self) -> Result<T, Unreadable> {
        serde_json::from_slice(&unpack(&self.bytes, MAX_REPORT)?).map_err(Unreadable::new)
    }
}

/// JSON, compressed as it is written: neither the whole text nor a buffer of its size is held, which at the end of a
/// scan would be its peak.
fn pack<T: Serialize>(value: &T, level: i32) -> Result<Vec<u8>, Unreadable> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level).map_err(Unreadable::new)?;
    encoder.window_log(WINDOW_LOG).map_err(Unreadable::new)?;
    let mut writer = BufWriter::with_capacity(1 << 16, encoder);
    serde_json::to_writer(&mut writer, value).map_err(Unreadable::new)?;
    let encoder = writer.into_inner().map_err(|e| Unreadable::new(e.into_error()))?;
    let mut packed = encoder.finish().map_err(Unreadable::new)?;
    packed.shrink_to_fit();
    Ok(packed)
}

fn unpack(packed: &[u8], limit: u64) -> Result<Vec<u8>, Unreadable> {
    let mut plain = Vec::new();
    let mut reader = zstd::stream::read::Decoder::new(packed).map_err(Unreadable::new)?.take(limit + 1);
    reader.read_to_end(&mut plain).map_err(Unreadable::new)?;
    if plain.len() as u64 > limit {
        return Err(Unreadable::new(format!("more than {limit} bytes unpacked")));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use layergate_model::{EntryKind, LayerPath, PathTableBuilder};

    use super::*;

    fn sample() -> LayerInventory {
        let mut table = PathTableBuilder::default();
        table.push(&LayerPath::normalise("etc/os-release").unwrap(), EntryKind::File, 0o644, "");
        let gap = layergate_model::Gap::new(layergate_model::GapKind::CorruptLayer, "x", "y");
        LayerInventory { paths: table.finish(), ..LayerInventory::unread(Digest::of(b"blob"), gap) }
    }

    #[test]
    fn an_inventory_comes_back_whole_and_every_damage_is_noticed() {
        let inventory = sample();
        let stored = encode_inventory(&inventory).unwrap();
        assert_eq!(decode_inventory(&stored, inventory.blob).unwrap(), inventory);
        assert!(decode_inventory(&stored, Digest::of(b"other")).is_err());
        for at in 0..stored.len() {
            assert!(decode_inventory(&stored[..at], inventory.blob).is_err(), "cut at {at}");
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            assert!(decode_inventory(&damaged, inventory.blob).is_err(), "damaged at {at}");
        }
    }

    /// A stored record of every format there ever was; `UPDATE_GOLDEN=1` writes one that is not there yet.
    #[test]
    fn the_first_format_can_still_be_read() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/inventory-v1.bin");
        if std::env::var_os("UPDATE_GOLDEN").is_some() && !std::path::Path::new(golden).exists() {
            std::fs::write(golden, encode_inventory(&sample()).unwrap()).unwrap();
        }
        assert_eq!(decode_inventory(&std::fs::read(golden).unwrap(), Digest::of(b"blob")).unwrap(), sample());
    }
}
