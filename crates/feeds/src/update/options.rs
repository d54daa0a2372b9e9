//! What an update works with: places, sources, patience.

use std::{path::PathBuf, time::Duration};

use super::{fetch::FetchLimits, sources::Sources};

/// What an update works with.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// Where downloads are kept.
    pub mirror: PathBuf,
    /// Where the new snapshot goes, named by its digest.
    pub snapshots: PathBuf,
    /// The snapshot in force.
    pub current: Option<PathBuf>,
    /// Where advisories come from.
    pub sources: Sources,
    /// Patience.
    pub limits: FetchLimits,
    /// Take the new snapshot even if a feed lost most of its records.
    pub force: bool,
    /// How long to wait for another update in the same mirror.
    pub wait_for_others: Duration,
}
