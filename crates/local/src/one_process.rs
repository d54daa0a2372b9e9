//! All ports of a scan on one machine but its image source: queues and stores in memory, and what is kept between commands.

use std::{sync::Arc, time::Duration};

use layergate_ports::{LayerCache, PortSet};

use crate::{
    KeptReports, LocalJobs, LocalLayers, MemoryCache, MemoryFailures, MemoryVerdicts, SystemClock, TieredCache,
    kept_reports::KeepingVerdicts,
};

/// Inventories that a scan keeps unpacked between reading and merging.
const NEAR_BUDGET: u64 = 1 << 30;
/// Layer tasks that wait at a time.
const WAITING_LAYERS: usize = 1 << 16;

/// How long a task may be out without an ack. Nothing in one process can lose a message, so that this only bounds a reading
/// thread that hangs.
pub const ACK_WAIT: Duration = Duration::from_secs(60);

/// Ports over what is kept between commands: layer inventories ([`crate::DirCache`]) and reports. `None` keeps nothing.
pub fn one_process(kept: Option<Arc<dyn LayerCache>>, reports: Option<KeptReports>) -> PortSet {
    let clock = Arc::new(SystemClock::default());
    let near: Arc<dyn LayerCache> = Arc::new(MemoryCache::new(NEAR_BUDGET));
    let memory = MemoryVerdicts::new(usize::MAX, usize::MAX);
    PortSet {
        cache: match kept {
            Some(kept) => Arc::new(TieredCache::for_sharing(near, kept)),
            None => near,
        },
        layers: Arc::new(LocalLayers::new(clock.clone(), ACK_WAIT, WAITING_LAYERS)),
        jobs: Arc::new(LocalJobs::new(clock.clone(), ACK_WAIT, usize::MAX)),
        verdicts: match reports {
            Some(kept) => Arc::new(KeepingVerdicts { memory, kept }),
            None => Arc::new(memory),
        },
        failures: Arc::new(MemoryFailures::new(clock.clone())),
        clock,
    }
}
