//! How deltas between snapshots are made and followed, for the registry's adapter, which does not know their format.

use std::{path::Path, sync::Arc};

use layergate_advisory::{Snapshot, apply_delta, delta};
use layergate_registry::DeltaCodec;

struct Codec;

/// The one there is.
pub(crate) fn codec() -> Arc<dyn DeltaCodec> {
    Arc::new(Codec)
}

impl DeltaCodec for Codec {
    fn between(&self, old: &Path, new: &Path) -> Option<Vec<u8>> {
        delta(&Snapshot::open(old).ok()?, &Snapshot::open(new).ok()?)
    }

    fn follow(&self, old: &Path, deltas: &[Vec<u8>], most: u64) -> Result<Vec<u8>, String> {
        let mut at = Snapshot::open(old).map_err(|e| e.to_string())?;
        // Those on the way are about as large as the last.
        let most = most.saturating_mul(2);
        for step in deltas {
            let bytes = apply_delta(&at, step, most).map_err(|e| e.to_string())?;
            at = Snapshot::from_bytes(bytes).map_err(|e| e.to_string())?;
        }
        Ok(at.into_bytes())
    }
}
