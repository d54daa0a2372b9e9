//! Prometheus metrics of a coordinator or a worker, counted from the fleet's events.
//!
//! Labels are closed sets (lane, verdict, outcome): never an image, a tenant or a digest, which would grow without end.

use std::sync::{Mutex, PoisonError, atomic::AtomicU64};

use layergate_ports::{
    observe::{Event, Observer},
    values::Lane,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLane {
    lane: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVerdict {
    lane: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: &'static str,
}

/// The metrics of one process.
pub struct Metrics {
    registry: Mutex<Registry>,
    verdicts: Family<ByVerdict, Counter>,
    job_seconds: Family<ByLane, Histogram>,
    jobs_in_flight: Family<ByLane, Gauge>,
    job_redeliveries: Counter,
    reports_reused: Counter,
    layers_hit: Counter,
    layers_missed: Counter,
    layers: Family<ByOutcome, Counter>,
    layer_seconds: Histogram,
    layer_bytes: Counter,
    layers_in_flight: Gauge,
    layer_redeliveries: Counter,
    gaps: Counter,
    queue_depth: Family<ByLane, Gauge>,
    oldest_seconds: Gauge<f64, AtomicU64>,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let this = Self {
            registry: Mutex::new(Registry::with_prefix("layergate")),
            verdicts: Family::default(),
            job_seconds: Family::new_with_constructor(seconds),
            jobs_in_flight: Family::default(),
            job_redeliveries: Counter::default(),
            reports_reused: Counter::default(),
            layers_hit: Counter::default(),
            layers_missed: Counter::default(),
            layers: Family::default(),
            layer_seconds: seconds(),
            layer_bytes: Counter::default(),
            layers_in_flight: Gauge::default(),
            layer_redeliveries: Counter::default(),
            gaps: Counter::default(),
            queue_depth: Family::default(),
            oldest_seconds: Gauge::default(),
        };
        let mut registry = this.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register("verdicts", "Verdicts given", this.verdicts.clone());
        registry.register("job_seconds", "From a job's taking up to its verdict", this.job_seconds.clone());
        registry.register("jobs_in_flight", "Jobs taken up and not ended", this.jobs_in_flight.clone());
        registry.register("job_redeliveries", "Jobs that were delivered again", this.job_redeliveries.clone());
        registry.register(
            "reports_reused",
            "Reports found that were made from the same pins",
            this.reports_reused.clone(),
        );
        registry.register("layer_cache_hits", "Layers that were known at the first look", this.layers_hit.clone());
        registry.register("layer_cache_misses", "Layers that were not", this.layers_missed.clone());
        registry.register("layers", "Deliveries of layer tasks by how they ended", this.layers.clone());
        registry.register("layer_seconds", "From a layer's taking up to its end", this.layer_seconds.clone());
        registry.register("layer_bytes", "Compressed bytes of layers read", this.layer_bytes.clone());
        registry.register("layers_in_flight", "Layers being read", this.layers_in_flight.clone());
        registry.register(
            "layer_redeliveries",
            "Layer tasks that were delivered again",
            this.layer_redeliveries.clone(),
        );
        registry.register("gaps", "Gaps in the verdicts given", this.gaps.clone());
        registry.register("queue_depth", "Jobs that nobody has taken yet", this.queue_depth.clone());
        registry.register("oldest_job_seconds", "Age of the oldest job in flight here", this.oldest_seconds.clone());
        drop(registry);
        this
    }
}

impl Metrics {
    /// The page, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        match encode(&mut page, &registry) {
            Ok(()) => page,
            // A page that breaks off would be read as counters that went back.
            Err(_) => String::new(),
        }
    }

    /// Notes how many jobs wait on a lane.
    pub fn set_depth(&self, lane: Lane, jobs: u64) {
        let jobs = i64::try_from(jobs).unwrap_or(i64::MAX);
        self.queue_depth.get_or_create(&ByLane { lane: lane.as_str() }).set(jobs);
    }

    /// Notes the age of the oldest job in flight.
    pub fn set_oldest(&self, seconds: f64) {
        self.oldest_seconds.set(seconds);
    }
}

impl Observer for Metrics {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::JobStarted { job, deliveries } => {
                self.jobs_in_flight.get_or_create(&ByLane { lane: job.lane.as_str() }).inc();
                if *deliveries > 1 {
                    self.job_redeliveries.inc();
                }
            }
            Event::LayersLookedUp { present, missing, .. } => {
                self.layers_hit.inc_by(present.len() as u64);
                self.layers_missed.inc_by(missing.len() as u64);
            }
            Event::ReportReused { .. } => drop(self.reports_reused.inc()),
            Event::JobFinished { record, took } => {
                let lane = ByLane { lane: record.lane.as_str() };
                let verdict = ByVerdict { lane: record.lane.as_str(), verdict: record.verdict.as_str() };
                self.verdicts.get_or_create(&verdict).inc();
                self.job_seconds.get_or_create(&lane).observe(took.as_secs_f64());
                self.jobs_in_flight.get_or_create(&lane).dec();
                let gaps: u64 = record.images.iter().map(|i| u64::from(i.summary.gaps)).sum();
                self.gaps.inc_by(gaps + record.missing.len() as u64);
            }
            Event::LayerStarted { deliveries, .. } => {
                self.layers_in_flight.inc();
                if *deliveries > 1 {
                    self.layer_redeliveries.inc();
                }
            }
            Event::LayerFinished { end, bytes, took, .. } => {
                self.layers_in_flight.dec();
                self.layers.get_or_create(&ByOutcome { outcome: end.as_str() }).inc();
                self.layer_bytes.inc_by(*bytes);
                self.layer_seconds.observe(took.as_secs_f64());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_metric_with_its_help() {
        let metrics = Metrics::default();
        metrics.set_depth(Lane::Bulk, 7);
        let page = metrics.render();
        for line in ["layergate_queue_depth{lane=\"bulk\"} 7", "# HELP layergate_layer_bytes", "# EOF"] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }
}
