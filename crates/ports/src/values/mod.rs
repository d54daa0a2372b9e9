//! The values that travel through the ports: jobs, layer tasks, keys, verdict records.

mod job;
mod key;
mod locator;
mod names;
mod sbom_name;
mod source_error;
mod verdict;

pub use job::{Job, Lane, LayerTask, PolicyOverrides};
pub use key::{Fingerprint, KeyError, KeyScope, LayerKey, ReportKey, SourceId};
pub use locator::{
    ImageContent, ImageLocator, ImageRequest, LayerDescriptor, LayerLocator, LocalBlob, PlatformSelection,
    RegistryBlob, ResolvedImage, UploadedSbom,
};
pub use names::{CredentialName, IdempotencyKey, JobId, MemberId, NameError, Namespace, Tenant};
pub use sbom_name::{SbomName, SbomNameError};
pub use source_error::{ErrorDetail, SourceError};
pub use verdict::{ImageVerdict, JobError, VerdictRecord};
