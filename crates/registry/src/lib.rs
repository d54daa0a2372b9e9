//! The image-source port's real adapters: OCI registries, archives, layouts, root file systems and SBOMs.
//!
//! [`Sources`] is the adapter; [`Location`] reads the command line's IMAGE. Everything that comes in is bounded and
//! checked: manifests and configurations against their digests here, layers by whoever reads their streams.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod archive;
pub mod bytes;
mod classify;
pub mod credentials;
mod error_detail;
mod http;
mod listing;
mod local;
mod location;
mod manifest;
mod platforms;
mod resolve;
mod rootfs;
mod sbom;
mod snapshot_artifact;
mod snapshot_delta;
mod sources;
mod strict_json;

pub use http::Timeouts;
pub use layergate_http::Retry;
pub use listing::Listed;
pub use location::{Location, LocationError};
pub use sbom::UploadedSboms;
pub use snapshot_artifact::{ARTIFACT_TYPE, LAYER_TYPE, PulledSnapshot};
pub use snapshot_delta::{DELTA_TYPE, DeltaCodec};
pub use sources::{SourceOptions, Sources};
