//! The values that travel through the ports: jobs, layer tasks, keys, verdict records.

mod job;
mod key;
mod locator;
mod names;
mod source_error;
mod verdict;

pub use job::{Job, Lane, LayerTask, PolicyOverrides};
pub use key::{Fingerprint, KeyError, KeyScope, LayerKey, ReportKey, SourceId};
pub use locator::{
    ImageLocator, ImageRequest, LayerDescriptor, LayerLocator, LocalBlob, PlatformSelection, RegistryBlob,
    ResolvedImage,
};
pub use names::{CredentialName, IdempotencyKey, JobId, MemberId, NameError, Namespace, Tenant};
pub use source_error::{SourceError, Trouble};
pub use verdict::{ImageVerdict, JobError, VerdictRecord};
