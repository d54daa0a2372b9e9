//! Deltas beside a snapshot in its artifact: who has yesterday's snapshot gets the difference and not the whole.
//!
//! Each is a layer of its own behind the snapshot's, media type [`DELTA_TYPE`], compressed with zstd; its annotations
//! name the digests of the two snapshots that it lies between. A push makes one from what the tag named before and
//! carries the older ones on, so that a machine which slept for weeks follows them one after the other. They need no
//! trust: what they lead to must have the digest that the manifest names, and where it has not, or where anything else
//! is off, the whole snapshot is fetched.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::StreamExt as _;
use layergate_disk::{Access, NewFile};
use layergate_model::{Digest, ImageReference};
use layergate_ports::values::{RegistryBlob, SourceError};
use oci_client::manifest::OciDescriptor;

use crate::{
    error_detail::{self, malformed, unavailable},
    http::Repository,
    manifest::Descriptor,
};

/// What a delta's layer is.
pub const DELTA_TYPE: &str = "application/vnd.layergate.snapshot.delta.v1+zstd";

const FROM: &str = "dev.layergate.snapshot.delta.from";
const TO: &str = "dev.layergate.snapshot.delta.to";
/// How many deltas an artifact carries: a month of days.
const MOST_CARRIED: usize = 31;
/// The largest delta that is fetched, unpacked; a larger one is no shorter way.
const MOST_UNPACKED: u64 = 256 << 20;
const LEVEL: i32 = 19;

/// How deltas are made and followed; who knows the snapshot's format knows that.
pub trait DeltaCodec: Send + Sync {
    /// What leads from the snapshot in one file to that in another. `None` when there is no such way.
    fn between(&self, old: &Path, new: &Path) -> Option<Vec<u8>>;

    /// The snapshot of at most `most` bytes to which `deltas` lead, one after the other, from the file `old`.
    ///
    /// # Errors
    /// Why they do not, in a sentence.
    fn follow(&self, old: &Path, deltas: &[Vec<u8>], most: u64) -> Result<Vec<u8>, String>;
}

/// The file of a snapshot in a folder of them.
pub(crate) fn file_of(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("sha256-{}.lgdb", digest.to_hex()))
}

/// A snapshot that was reached by deltas.
pub(crate) struct Reached {
    /// How many deltas.
    pub(crate) steps: usize,
    /// Bytes that were fetched.
    pub(crate) fetched: u64,
}

/// Makes the file of the snapshot `to` from one in the same folder, where the deltas allow it and cost less than
/// the whole one. `None` when they do not; an error says why they did not although they should have.
pub(crate) async fn reach(
    repository: &Arc<Repository>,
    reference: &ImageReference,
    layers: &[Descriptor],
    (to, size, whole): (Digest, u64, u64),
    folder: &Path,
    codec: &Arc<dyn DeltaCodec>,
) -> Result<Option<Reached>, SourceError> {
    let Some((from, way)) = way(layers, to, folder) else { return Ok(None) };
    if way.iter().map(|layer| layer.size).fold(0, u64::saturating_add) >= whole {
        return Ok(None);
    }
    let (mut deltas, mut fetched) = (Vec::new(), 0);
    for layer in &way {
        let packed = fetch(repository, reference, layer).await?;
        fetched += packed.len() as u64;
        deltas.push(unpack(&packed).map_err(|e| malformed(reference, format!("a delta does not unpack: {e}")))?);
    }
    let (codec, steps, folder) = (Arc::clone(codec), deltas.len(), folder.to_owned());
    let name = reference.to_string();
    let made = tokio::task::spawn_blocking(move || {
        let bytes = codec.follow(&file_of(&folder, &from), &deltas, size).map_err(|why| malformed(&name, why))?;
        let found = Digest::of(&bytes);
        if found != to {
            return Err(malformed(&name, format!("the deltas lead to {found}, and not to {to}")));
        }
        store(&folder, &to, &bytes)
    });
    made.await.unwrap_or_else(|_| Err(unavailable(reference, "following the deltas was given up", "")))?;
    Ok(Some(Reached { steps, fetched }))
}

/// The deltas from a snapshot that is in the folder to `to`, in order.
fn way(layers: &[Descriptor], to: Digest, folder: &Path) -> Option<(Digest, Vec<Descriptor>)> {
    let by_end: BTreeMap<Digest, (Digest, &Descriptor)> =
        layers.iter().filter_map(|layer| ends(layer).map(|(from, to)| (to, (from, layer)))).collect();
    let (mut at, mut way, mut seen) = (to, Vec::new(), BTreeSet::new());
    while seen.insert(at) && way.len() < MOST_CARRIED {
        let (from, layer) = *by_end.get(&at)?;
        way.insert(0, layer.clone());
        if file_of(folder, &from).is_file() {
            return Some((from, way));
        }
        at = from;
    }
    None
}

fn ends(layer: &Descriptor) -> Option<(Digest, Digest)> {
    let end = |name: &str| layer.annotations.get(name)?.parse().ok();
    (layer.media_type == DELTA_TYPE).then_some(())?;
    Some((end(FROM)?, end(TO)?))
}

/// A layer of an artifact, as it is asked for.
pub(crate) fn blob_of(reference: &ImageReference, layer: &Descriptor) -> RegistryBlob {
    RegistryBlob {
        registry: reference.registry.clone(),
        repository: reference.repository.clone(),
        digest: layer.digest,
        media_type: layer.media_type.clone(),
        size: layer.size,
        credential: None,
    }
}

async fn fetch(
    repository: &Arc<Repository>,
    reference: &ImageReference,
    layer: &Descriptor,
) -> Result<Vec<u8>, SourceError> {
    let mut stream = repository.open(&blob_of(reference, layer)).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.chunks.next().await {
        let chunk = chunk.map_err(|e| unavailable(reference, e.to_string(), "try again later"))?;
        if (bytes.len() + chunk.len()) as u64 > layer.size.min(MOST_UNPACKED) {
            return Err(malformed(reference, "a delta is longer than its manifest says"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let found = Digest::of(&bytes);
    if found == layer.digest { Ok(bytes) } else { Err(malformed(reference, format!("a delta has the digest {found}"))) }
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = zstd::stream::read::Decoder::new(packed)?.take(MOST_UNPACKED + 1).read_to_end(&mut bytes)?;
    if read as u64 > MOST_UNPACKED { Err(io::Error::other("it is too large")) } else { Ok(bytes) }
}

fn store(folder: &Path, digest: &Digest, bytes: &[u8]) -> Result<(), SourceError> {
    let path = file_of(folder, digest);
    let mut fresh = NewFile::in_directory(folder, Access::Private).map_err(|e| error_detail::file(folder, &e))?;
    fresh
        .write_all(bytes)
        .and_then(|()| fresh.sync())
        .and_then(|()| fresh.name(&path))
        .map_err(|e| error_detail::file(&path, &e))
}

/// A delta to push: its bytes, compressed, and its annotations.
pub(crate) type Made = (Vec<u8>, BTreeMap<String, String>);

/// What leads from one file to another, where it is less than half of the whole, which has `whole` bytes.
pub(crate) fn make(
    codec: &dyn DeltaCodec,
    (old, from): (&Path, Digest),
    (new, to): (&Path, Digest),
    whole: usize,
) -> Option<Made> {
    let packed = zstd::encode_all(codec.between(old, new)?.as_slice(), LEVEL).ok()?;
    let ends = BTreeMap::from([(FROM.to_owned(), from.to_string()), (TO.to_owned(), to.to_string())]);
    (packed.len() < whole / 2).then_some((packed, ends))
}

/// The deltas of an earlier manifest that a new one for the snapshot `to` carries on: they are there already.
pub(crate) fn carried(earlier: &[Descriptor], to: Digest) -> Vec<OciDescriptor> {
    let carried = earlier.iter().filter(|layer| ends(layer).is_some_and(|(from, _)| from != to));
    let descriptor = |layer: &Descriptor| OciDescriptor {
        media_type: layer.media_type.clone(),
        digest: layer.digest.to_string(),
        size: i64::try_from(layer.size).unwrap_or(i64::MAX),
        annotations: Some(layer.annotations.clone()),
        ..OciDescriptor::default()
    };
    carried.take(MOST_CARRIED - 1).map(descriptor).collect()
}
