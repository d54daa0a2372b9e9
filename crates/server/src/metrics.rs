//! Prometheus metrics of a coordinator or a worker, counted from the fleet's events.
//!
//! Labels are closed sets (lane, verdict, outcome): never an image, a tenant or a digest, which would grow without end; the
//! one exception is the current snapshot's digest, of which there is one at a time. Every label set is there at 0 from the
//! start: a counter that begins with its first event never increases for whoever asks for increases.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use layergate_model::Verdict;
use layergate_ports::{
    MemberKind,
    observe::{Event, LayerEnd, Observer},
    values::{JobId, Lane},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::SnapshotStatus;

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByBuild {
    kind: &'static str,
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySnapshot {
    digest: String,
}

/// How a renewal of the fleet's advisories ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// A new snapshot is current.
    Renewed,
    /// Nothing had changed.
    Unchanged,
    /// The old one stays.
    Failed,
}

impl Renewal {
    const ALL: [Self; 3] = [Self::Renewed, Self::Unchanged, Self::Failed];

    /// The word in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Renewed => "renewed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of one process.
pub struct Metrics {
    registry: Mutex<Registry>,
    ready: Gauge,
    verdicts: Family<ByVerdict, Counter>,
    job_seconds: Family<ByLane, Histogram>,
    jobs_in_flight: Family<ByLane, Gauge>,
    /// The jobs in flight: what is handed back is known by its id only.
    held: Mutex<HashMap<JobId, &'static str>>,
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
    worker_slots: Gauge,
    snapshot: Family<BySnapshot, Gauge>,
    snapshot_day: Mutex<Option<Date>>,
    snapshot_age: Gauge<f64, AtomicU64>,
    renewals: Family<ByOutcome, Counter>,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// The metrics of a coordinator or of a worker of this version.
    pub fn new(kind: MemberKind, version: &'static str) -> Self {
        let this = Self {
            registry: Mutex::new(Registry::with_prefix("layergate")),
            ready: Gauge::default(),
            verdicts: Family::default(),
            job_seconds: Family::new_with_constructor(seconds),
            jobs_in_flight: Family::default(),
            held: Mutex::default(),
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
            worker_slots: Gauge::default(),
            snapshot: Family::default(),
            snapshot_day: Mutex::default(),
            snapshot_age: Gauge::default(),
            renewals: Family::default(),
        };
        {
            let registry = &mut *lock(&this.registry);
            let build = Family::<ByBuild, Gauge>::default();
            build.get_or_create(&ByBuild { kind: kind.as_str(), version }).set(1);
            registry.register("build_info", "The program: what it is and its version; always 1", build);
            registry.register("ready", "Whether /readyz says yes: 1, or 0", this.ready.clone());
            match kind {
                MemberKind::Coordinator => this.register_jobs(registry),
                MemberKind::Worker => this.register_layers(registry),
            }
        }
        this
    }

    fn register_jobs(&self, registry: &mut Registry) {
        for lane in Lane::ALL {
            let lane = lane.as_str();
            for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Error] {
                drop(self.verdicts.get_or_create(&ByVerdict { lane, verdict: verdict.as_str() }));
            }
            drop(self.job_seconds.get_or_create(&ByLane { lane }));
            drop(self.jobs_in_flight.get_or_create(&ByLane { lane }));
            drop(self.queue_depth.get_or_create(&ByLane { lane }));
        }
        for outcome in Renewal::ALL {
            drop(self.renewals.get_or_create(&ByOutcome { outcome: outcome.as_str() }));
        }
        // Before the first snapshot there is no age, and 0 would be the best there is.
        self.snapshot_age.set(f64::NAN);
        registry.register("verdicts", "Verdicts given", self.verdicts.clone());
        let took = "From a job's taking up to its verdict";
        registry.register_with_unit("job", took, Unit::Seconds, self.job_seconds.clone());
        registry.register("jobs_in_flight", "Jobs taken up and not ended", self.jobs_in_flight.clone());
        registry.register("job_redeliveries", "Jobs that were delivered again", self.job_redeliveries.clone());
        let reused = "Reports found that were made from the same pins";
        registry.register("reports_reused", reused, self.reports_reused.clone());
        registry.register("layer_cache_hits", "Layers that were known at the first look", self.layers_hit.clone());
        registry.register("layer_cache_misses", "Layers that were not", self.layers_missed.clone());
        registry.register("gaps", "Gaps in the verdicts given", self.gaps.clone());
        registry.register("queue_depth", "Jobs that nobody has taken yet", self.queue_depth.clone());
        let oldest = "Age of the oldest job in flight here";
        registry.register_with_unit("oldest_job", oldest, Unit::Seconds, self.oldest_seconds.clone());
        let slots = "Places for layers in the workers that serve this coordinator's analyzers and limits";
        registry.register("worker_slots", slots, self.worker_slots.clone());
        let digest = "The fleet's current advisory snapshot by its digest; always 1";
        registry.register("snapshot_info", digest, self.snapshot.clone());
        let age = "Since the day of the newest record in the current advisory snapshot; NaN without one";
        registry.register_with_unit("snapshot_age", age, Unit::Seconds, self.snapshot_age.clone());
        registry.register("renewals", "Renewals of the advisories by how they ended", self.renewals.clone());
    }

    fn register_layers(&self, registry: &mut Registry) {
        for end in LayerEnd::ALL {
            drop(self.layers.get_or_create(&ByOutcome { outcome: end.as_str() }));
        }
        registry.register("layers", "Deliveries of layer tasks by how they ended", self.layers.clone());
        let took = "From a layer's taking up to its end";
        registry.register_with_unit("layer", took, Unit::Seconds, self.layer_seconds.clone());
        let read = "Compressed bytes of layers read";
        registry.register_with_unit("layer", read, Unit::Bytes, self.layer_bytes.clone());
        registry.register("layers_in_flight", "Layers being read", self.layers_in_flight.clone());
        let again = "Layer tasks that were delivered again";
        registry.register("layer_redeliveries", again, self.layer_redeliveries.clone());
    }

    /// The page, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        self.reckon(Timestamp::now());
        let mut page = String::new();
        match encode(&mut page, &lock(&self.registry)) {
            Ok(()) => page,
            // A page that breaks off would be read as counters that went back.
            Err(_) => String::new(),
        }
    }

    /// The page in the older text format of Prometheus (0.0.4), for programs that do not ask for OpenMetrics: there a
    /// counter's help and type stand under the name of its samples.
    pub fn render_plain(&self) -> String {
        let page = self.render();
        let mut counters = std::collections::HashSet::new();
        for line in page.lines() {
            counters.extend(line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter")));
        }
        let mut plain = String::with_capacity(page.len());
        for line in page.lines().filter(|l| !l.starts_with("# UNIT ") && *l != "# EOF") {
            let described = ["# HELP ", "# TYPE "].iter().find_map(|mark| Some((mark, line.strip_prefix(mark)?)));
            match described.and_then(|(mark, rest)| Some((mark, rest.split_once(' ')?))) {
                Some((mark, (name, rest))) if counters.contains(name) => {
                    plain.extend([mark, name, "_total ", rest]);
                }
                _ => plain.push_str(line),
            }
            plain.push('\n');
        }
        plain
    }

    /// Brings what grows by itself up to date.
    fn reckon(&self, now: Timestamp) {
        if let Some(day) = *lock(&self.snapshot_day)
            && let Ok(begin) = day.to_zoned(TimeZone::UTC)
        {
            // A record of tomorrow, somewhere east, is not younger than new.
            self.snapshot_age.set(now.duration_since(begin.timestamp()).as_secs_f64().max(0.0));
        }
    }

    /// Notes what `/readyz` says.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
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

    /// Notes how many layers the workers that serve this coordinator read at a time.
    pub fn set_worker_slots(&self, slots: u64) {
        self.worker_slots.set(i64::try_from(slots).unwrap_or(i64::MAX));
    }

    /// Notes the fleet's current snapshot.
    pub fn set_snapshot(&self, snapshot: &SnapshotStatus) {
        self.snapshot.clear();
        self.snapshot.get_or_create(&BySnapshot { digest: snapshot.digest.clone() }).set(1);
        *lock(&self.snapshot_day) = snapshot.newest.as_deref().and_then(|day| day.parse().ok());
    }

    /// Counts a renewal of the advisories.
    pub fn renewal(&self, outcome: Renewal) {
        self.renewals.get_or_create(&ByOutcome { outcome: outcome.as_str() }).inc();
    }

    /// A job that is not in flight here any more.
    fn let_go(&self, job: &JobId) {
        if let Some(lane) = lock(&self.held).remove(job) {
            self.jobs_in_flight.get_or_create(&ByLane { lane }).dec();
        }
    }
}

impl Observer for Metrics {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::JobStarted { job, deliveries } => {
                let lane = job.lane.as_str();
                if lock(&self.held).insert(job.id.clone(), lane).is_none() {
                    self.jobs_in_flight.get_or_create(&ByLane { lane }).inc();
                }
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
                self.let_go(&record.job);
                let gaps: u64 = record.images.iter().map(|i| u64::from(i.summary.gaps)).sum();
                self.gaps.inc_by(gaps + record.missing.len() as u64);
            }
            Event::JobHandedBack { job, .. } => self.let_go(job),
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
    fn the_page_has_every_label_set_from_the_start_with_help_and_unit() {
        let coordinator = Metrics::new(MemberKind::Coordinator, "1.2.3");
        coordinator.set_depth(Lane::Bulk, 7);
        let worker = Metrics::new(MemberKind::Worker, "1.2.3");
        let (jobs, layers) = (coordinator.render(), worker.render());
        for (page, line) in [
            (&jobs, "layergate_queue_depth{lane=\"bulk\"} 7"),
            (&jobs, "layergate_verdicts_total{lane=\"interactive\",verdict=\"error\"} 0"),
            (&jobs, "layergate_renewals_total{outcome=\"failed\"} 0"),
            (&jobs, "layergate_snapshot_age_seconds NaN"),
            (&jobs, "layergate_build_info{kind=\"coordinator\",version=\"1.2.3\"} 1"),
            (&jobs, "# UNIT layergate_job_seconds seconds"),
            (&layers, "layergate_layers_total{outcome=\"quarantined\"} 0"),
            (&layers, "# HELP layergate_layer_bytes Compressed"),
            (&layers, "# UNIT layergate_layer_bytes bytes"),
            (&layers, "# EOF"),
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        assert!(
            !layers.contains("worker_slots") && !jobs.contains("layers_in_flight"),
            "another's metrics\n{layers}{jobs}"
        );
        let plain = coordinator.render_plain();
        assert!(
            plain.contains("# HELP layergate_gaps_total Gaps") && plain.contains("# TYPE layergate_gaps_total counter")
        );
        assert!(plain.contains("# TYPE layergate_queue_depth gauge"));
        assert!(!plain.contains("# EOF") && !plain.contains("# UNIT"), "{plain}");
    }

    #[test]
    fn one_snapshot_at_a_time_with_its_age() {
        let metrics = Metrics::new(MemberKind::Coordinator, "1");
        let snapshot = |digest: &str, newest: Option<&str>| SnapshotStatus {
            digest: digest.to_owned(),
            newest: newest.map(str::to_owned),
            vulnerabilities: 1,
            namespaces: 1,
        };
        metrics.set_snapshot(&snapshot("sha256:a", Some("2026-11-20")));
        metrics.reckon("2026-11-22T00:00:00Z".parse().unwrap());
        assert!((metrics.snapshot_age.get() - 2.0 * 86_400.0).abs() < 1e-6);
        metrics.set_snapshot(&snapshot("sha256:b", Some("2026-11-23")));
        metrics.reckon("2026-11-22T00:00:00Z".parse().unwrap());
        assert!(metrics.snapshot_age.get().abs() < 1e-6, "not younger than new");
        let page = metrics.render();
        assert!(page.contains("snapshot_info{digest=\"sha256:b\"} 1") && !page.contains("sha256:a"), "{page}");
    }

    #[test]
    fn a_job_that_is_handed_back_is_not_in_flight() {
        let metrics = Metrics::new(MemberKind::Coordinator, "1");
        let job = layergate_ports::conformance::job("build-1", Lane::Bulk, "team-a");
        let line = |n: u8| format!("layergate_jobs_in_flight{{lane=\"bulk\"}} {n}");
        metrics.event(&Event::JobStarted { job: &job, deliveries: 1 });
        assert!(metrics.render().contains(&line(1)));
        for _ in 0..2 {
            metrics.event(&Event::JobHandedBack { job: &job.id, why: "stops" });
            assert!(metrics.render().contains(&line(0)));
        }
    }
}
