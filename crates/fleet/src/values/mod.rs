//! The values that travel through the ports: jobs, layer tasks, keys, verdict records.

mod job;
mod key;
mod names;
mod verdict;

pub use job::{Job, Lane, LayerTask, PolicyOverrides};
pub use key::{Fingerprint, KeyError, KeyScope, LayerKey, ReportKey, SourceId};
pub use names::{CredentialName, IdempotencyKey, JobId, MemberId, NameError, Namespace, Tenant};
pub use verdict::{ImageVerdict, JobError, VerdictRecord};
