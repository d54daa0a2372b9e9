//! How a simulation ended: what was violated, how long it took, what was counted; for programs and for people.

use std::fmt;

use serde::Serialize;

use crate::oracle::Counts;

/// How a simulation ended.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Outcome {
    /// What was not true, in order; empty when all is well.
    pub violations: Vec<String>,
    /// A hash of every event with its time: the same seed has the same.
    pub trace: String,
    /// Layers that were wanted.
    pub layers: u64,
    /// Mean number of layers of an image.
    pub layers_per_image: f64,
    /// Seconds: each layer once, perfectly balanced, or the largest layer alone if that takes longer.
    pub ideal: f64,
    /// Seconds until the last verdict of an image without a poisonous layer.
    pub makespan: f64,
    /// Seconds until 999 of 1,000 of those verdicts.
    pub nearly_all: f64,
    /// Seconds until the last verdict.
    pub makespan_with_poison: f64,
    /// Makespan over ideal.
    pub ratio: f64,
    /// Seconds from submission to verdict on the interactive lane, images without a poisonous layer: median and 99th of a hundred.
    pub interactive: [f64; 2],
    /// The same on the bulk lane.
    pub bulk: [f64; 2],
    /// Messages between members and server, each way counted.
    pub messages: u64,
    /// Those that met a fault.
    pub faulty_messages: u64,
    /// What was counted.
    pub counts: Counts,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.counts;
        writeln!(
            f,
            "verdicts      {} pass, {} fail, {} error ({} of them excused; by quarantine, source, deadline, cache: {:?})",
            c.pass, c.fail, c.error, c.excused_errors, c.excuses
        )?;
        writeln!(f, "layers        {} distinct, {:.1} an image", self.layers, self.layers_per_image)?;
        writeln!(
            f,
            "makespan      {:.1} s, ideal {:.1} s, ratio {:.2} (99.9 % of the verdicts after {:.1} s; with poisonous layers {:.1} s)",
            self.makespan, self.ideal, self.ratio, self.nearly_all, self.makespan_with_poison
        )?;
        writeln!(
            f,
            "latency       interactive p50 {:.2} s p99 {:.2} s, bulk p50 {:.2} s p99 {:.2} s",
            self.interactive[0], self.interactive[1], self.bulk[0], self.bulk[1]
        )?;
        writeln!(
            f,
            "reads         {} begun, {} whole, {} redundant ({:.3} % of layers; {} after the cache forgot), {} cut short",
            c.reads,
            c.whole_reads,
            c.redundant_reads,
            100.0 * c.redundant_reads as f64 / self.layers.max(1) as f64,
            c.redundant_after_forgetting,
            c.broken_reads
        )?;
        writeln!(
            f,
            "bytes         {:.1} GB read, {:.3} % of them redundant; {} overlapping readings, all after a time out",
            c.bytes as f64 / 1e9,
            100.0 * c.redundant_bytes as f64 / c.bytes.max(1) as f64,
            c.overlapping_reads
        )?;
        writeln!(
            f,
            "redelivered   {} of {} layer deliveries, {} jobs; {} quarantines, {} crashes",
            c.layer_redeliveries, c.layer_deliveries, c.job_redeliveries, c.quarantines, c.crashes
        )?;
        writeln!(
            f,
            "messages      {} ({} met a fault), {} events checked, at most {} layer tasks waiting",
            self.messages, self.faulty_messages, c.events, c.most_waiting
        )?;
        write!(f, "trace         {}", self.trace)
    }
}
