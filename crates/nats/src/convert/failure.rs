//! Why a layer failed.

use bytes::Bytes;
use layergate_model::GapKind;
use layergate_ports::{FailureKind, LayerFailure, values::SourceId};
use layergate_wire::{WireError, v1};

use super::parts::{Reader, gap_kind};

const READ: Reader = Reader("a layer failure");
/// What a failure shows; a registry may answer with a page.
const DETAIL: usize = 4096;

/// The value of a failure.
pub fn failure_to_wire(failure: &LayerFailure) -> Result<Bytes, WireError> {
    let source = match failure.kind {
        FailureKind::Source(source) => {
            Some(u64::from_str_radix(&source.to_string(), 16).map_err(|e| READ.bad("source", e))?)
        }
        FailureKind::Quarantined => None,
    };
    let detail: String = failure.detail.chars().take(DETAIL).collect();
    layergate_wire::encode(v1::LayerFailure { version: 0, source, gap: failure.gap.as_str().into(), detail })
}

/// Reads a failure that is stored for `source`, or for everybody.
pub fn failure_from_wire(bytes: Bytes, source: Option<SourceId>) -> Result<LayerFailure, WireError> {
    let wire: v1::LayerFailure = layergate_wire::decode(bytes)?;
    let kind = match (wire.source, source) {
        (Some(there), Some(source)) if format!("{there:016x}") == source.to_string() => FailureKind::Source(source),
        (None, None) => FailureKind::Quarantined,
        _ => return Err(READ.bad("source", "not the one of its key")),
    };
    // What a newer worker calls by a word of its own is still a layer that is not to be had.
    let (gap, detail) = match gap_kind(&wire.gap) {
        Some(gap) => (gap, wire.detail),
        None => (GapKind::LayerUnavailable, format!("{} (a newer worker's {:?})", wire.detail, wire.gap)),
    };
    Ok(LayerFailure { kind, gap, detail })
}
