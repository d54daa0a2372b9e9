//! The numbers of a run, as the program prints them.

use serde::Serialize;

/// Numbers of a run.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Counts {
    /// Verdicts by word.
    pub pass: u64,
    /// Verdicts by word.
    pub fail: u64,
    /// Verdicts by word.
    pub error: u64,
    /// Errors of images that would have deserved another verdict, each with a reason that holds.
    pub excused_errors: u64,
    /// Of the excused, by the reason of the first layer: quarantine, source, deadline, a cache that forgot.
    pub excuses: [u64; 4],
    /// Deliveries of layer tasks.
    pub layer_deliveries: u64,
    /// Those that were not the first of their task.
    pub layer_redeliveries: u64,
    /// Deliveries of jobs that were not the first.
    pub job_redeliveries: u64,
    /// Readings begun.
    pub reads: u64,
    /// Readings that came to an inventory.
    pub whole_reads: u64,
    /// Readings that came to an inventory of a layer that had been read to the end before.
    pub redundant_reads: u64,
    /// Bytes of those.
    pub redundant_bytes: u64,
    /// Of the redundant readings, those of layers that the cache forgot.
    pub redundant_after_forgetting: u64,
    /// Readings that an ended life, a fault of the source or a time out cut short.
    pub broken_reads: u64,
    /// Two readings of one layer at a time, the earlier one's time having run out.
    pub overlapping_reads: u64,
    /// Bytes read in all.
    pub bytes: u64,
    /// Layers that went to quarantine.
    pub quarantines: u64,
    /// Lives ended by a crash.
    pub crashes: u64,
    /// Most layer tasks waiting at one time.
    pub most_waiting: u64,
    /// Events that the oracle looked at.
    pub events: u64,
}
