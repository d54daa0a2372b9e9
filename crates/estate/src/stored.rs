//! The stored form of the estate's blobs: `b"LGE"`, a format byte, the first eight bytes of the SHA-256 of the rest, and a
//! zstd frame of JSON. Another format or a wrong checksum is [`Unreadable`]; derived values are then made again, kept images
//! read again from their registries.

use std::io::Read as _;

use layergate_model::Digest;
use serde::{Serialize, de::DeserializeOwned};

const MAGIC: &[u8; 3] = b"LGE";
/// The version of the form; a changed one is a new number.
const FORMAT: u8 = 1;
const HEAD: usize = 3 + 1 + 8;
/// Bytes of a blob unpacked.
const MAX_UNPACKED: u64 = 8 << 30;
const LEVEL: i32 = 3;

/// Stored bytes that are not what they must be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(what: impl ToString) -> Self {
        Self(what.to_string())
    }
}

/// The stored form of a value.
pub fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, Unreadable> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map_err(Unreadable::new)?;
    let mut writer = std::io::BufWriter::with_capacity(1 << 16, &mut encoder);
    serde_json::to_writer(&mut writer, value).map_err(Unreadable::new)?;
    let _ = writer.into_inner().map_err(|e| Unreadable::new(e.into_error()))?;
    let packed = encoder.finish().map_err(Unreadable::new)?;
    let mut stored = Vec::with_capacity(HEAD + packed.len());
    stored.extend_from_slice(MAGIC);
    stored.push(FORMAT);
    stored.extend_from_slice(&Digest::of(&packed).as_bytes()[..8]);
    stored.extend_from_slice(&packed);
    Ok(stored)
}

/// Reads a stored form.
pub fn unpack<T: DeserializeOwned>(stored: &[u8]) -> Result<T, Unreadable> {
    let (head, packed) = stored.split_at_checked(HEAD).ok_or_else(|| Unreadable::new("cut short"))?;
    if &head[..3] != MAGIC {
        return Err(Unreadable::new("not a part of an estate"));
    }
    if head[3] != FORMAT {
        return Err(Unreadable::new(format!("format {} where {FORMAT} is known", head[3])));
    }
    if head[4..] != Digest::of(packed).as_bytes()[..8] {
        return Err(Unreadable::new("the checksum does not agree"));
    }
    let reader = zstd::stream::read::Decoder::new(packed).map_err(Unreadable::new)?.take(MAX_UNPACKED);
    serde_json::from_reader(std::io::BufReader::with_capacity(1 << 16, reader)).map_err(Unreadable::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed_everywhere() {
        let stored = pack(&vec!["a", "b"]).unwrap();
        assert_eq!(unpack::<Vec<String>>(&stored).unwrap(), ["a", "b"]);
        for at in 0..stored.len() {
            assert!(unpack::<Vec<String>>(&stored[..at]).is_err(), "cut at {at}");
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            assert!(unpack::<Vec<String>>(&damaged).is_err(), "damaged at {at}");
        }
    }
}
