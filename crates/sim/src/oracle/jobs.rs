//! The books of the jobs: what was submitted, which verdict stands, whether it is the right one or an error with a
//! reason that holds, and the ledger at the end.

use std::time::Duration;

use layergate_model::{GapKind, Verdict};
use layergate_ports::values::{JobError, JobId, Lane, VerdictRecord};

use super::{Event, Oracle, State, job_id};
use crate::{catalogue, net::lock};

pub(super) struct JobBook {
    pub(super) image: u32,
    lane: Lane,
    deadline: Duration,
    submitted: Option<Duration>,
    verdict: Option<Verdict>,
    finished: Duration,
}

impl Oracle {
    /// Job number n (they are counted up) of this image.
    pub(crate) fn job(&self, image: usize, lane: Lane, deadline: Duration) {
        let mut state = lock(&self.state);
        state.open += 1;
        let image = image as u32;
        let finished = Duration::ZERO;
        state.jobs.push(JobBook { image, lane, deadline, submitted: None, verdict: None, finished });
    }

    pub(crate) fn submitted(&self, job: usize) {
        let now = self.now();
        let mut state = lock(&self.state);
        state.jobs[job].submitted = Some(now);
        state.note(now, Event::Submitted, job as u64, 0);
    }

    /// Jobs without a verdict, and when the last verdict came.
    pub(crate) fn open(&self) -> (usize, Duration) {
        let state = lock(&self.state);
        (state.open, state.last_verdict)
    }

    /// Some of the jobs that are open, for people.
    pub(crate) fn some_open(&self) -> Vec<String> {
        let state = lock(&self.state);
        let open = state.jobs.iter().enumerate().filter(|(_, j)| j.verdict.is_none());
        open.take(5)
            .map(|(n, j)| format!("{} (image {}, submitted: {})", job_id(n), j.image, j.submitted.is_some()))
            .collect()
    }

    fn job_number(job: &JobId) -> usize {
        job.as_str()[1..].parse().unwrap_or(usize::MAX)
    }

    pub(crate) fn job_delivered(&self, job: &JobId, deliveries: u64, life: u32) {
        let now = self.now();
        let mut state = lock(&self.state);
        state.counts.job_redeliveries += u64::from(deliveries > 1);
        state.note(now, Event::JobDelivered, Self::job_number(job) as u64, u64::from(life) << 16 | deliveries);
    }

    /// The server takes a job's message off the queue.
    pub(crate) fn job_removed(&self, job: &JobId, acked: bool) {
        let now = self.now();
        let n = Self::job_number(job);
        let mut state = lock(&self.state);
        state.note(now, Event::JobRemoved, n as u64, u64::from(acked));
        if !acked {
            state.violation(now, format!("job {job} was taken off the queue as unreadable"));
        } else if state.jobs[n].verdict.is_none() {
            state.violation(now, format!("job {job} was acked before its verdict was stored"));
        }
    }

    /// A verdict was given to the store, which had `before` and holds `stands` now.
    pub(crate) fn verdict(&self, record: &VerdictRecord, before: Option<&VerdictRecord>, stands: &VerdictRecord) {
        let now = self.now();
        let n = Self::job_number(&record.job);
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.note(now, Event::Verdict, n as u64, record.verdict as u64 | u64::from(before.is_some()) << 8);
        if stands != before.unwrap_or(record) {
            return state.violation(now, format!("job {}: another verdict stands than the first", record.job));
        }
        if before.is_some() {
            return;
        }
        let Some(job) = state.jobs.get_mut(n) else {
            return state.violation(now, format!("a verdict on job {}, which nobody submitted", record.job));
        };
        if job.verdict.replace(record.verdict).is_some() {
            return state.violation(now, format!("job {} has two verdicts", record.job));
        }
        job.finished = now;
        let (image, deadline) = (job.image as usize, job.deadline);
        state.open -= 1;
        state.last_verdict = now;
        match record.verdict {
            Verdict::Pass => state.counts.pass += 1,
            Verdict::Fail => state.counts.fail += 1,
            Verdict::Error => state.counts.error += 1,
        }
        if now > deadline + self.bounds.tardiness {
            state.violation(now, format!("job {} ended long after its deadline ({deadline:?})", record.job));
        }
        let truth = self.catalogue.verdict(image);
        if record.verdict != Verdict::Error {
            let layers = &self.catalogue.images[image].layers;
            if let Some(layer) = layers.iter().find(|l| !state.layers[**l as usize].whole) {
                let what =
                    format!("{} for job {} though layer {layer} was never read", record.verdict.as_str(), record.job);
                state.violation(now, what);
            }
        }
        if record.verdict == truth {
            return;
        }
        let unsupported_reason = match record.verdict {
            Verdict::Error => self.unsupported_reason(state, record, now + self.bounds.skew >= deadline),
            _ => Err("the image deserves another".into()),
        };
        match unsupported_reason {
            Ok(why) => {
                state.counts.excused_errors += 1;
                state.counts.excuses[why] += 1;
            }
            Err(why) => {
                let (given, right) = (record.verdict.as_str(), truth.as_str());
                state.violation(now, format!("job {}: {given} where {right} is right: {why}", record.job));
            }
        }
    }

    /// Whether an error of a sound image names troubles that really happened.
    fn unsupported_reason(&self, state: &State, record: &VerdictRecord, late: bool) -> Result<usize, String> {
        match &record.error {
            Some(JobError::Deadline(_)) if late => return Ok(2),
            Some(error) => return Err(error.to_string()),
            None => {}
        }
        let mut first = None;
        for gap in &record.missing {
            let Ok(digest) = gap.place.parse() else { return Err(format!("a gap at {}", gap.place)) };
            let n = catalogue::number(&digest);
            let layer = state.layers[n as usize];
            let deliveries = u64::from(layer.deliveries);
            let (really, why) = match gap.kind {
                GapKind::Quarantined => (deliveries >= self.bounds.quarantine_after, 0),
                _ if gap.detail.starts_with("not read by the job's deadline") => (late, 2),
                _ if gap.detail.contains("gone from the cache") => (layer.forgotten >= 3, 3),
                GapKind::LayerUnavailable => (layer.troubles > 0 && deliveries >= self.bounds.source_attempts, 1),
                _ => (false, 0),
            };
            if !really {
                return Err(format!(
                    "layer {n} ({deliveries} deliveries, {} troubles): {}",
                    layer.troubles, gap.detail
                ));
            }
            first.get_or_insert(why);
        }
        first.ok_or_else(|| "nothing is said to be missing".into())
    }

    /// The ledger; and how long jobs without poisonous layers took from submission to verdict, by lane, sorted; and
    /// when the last verdict came, and all those of jobs without poisonous layers, sorted.
    pub(crate) fn close(&self, jobs: usize) -> (Vec<Duration>, Vec<Duration>, Duration, Vec<Duration>) {
        let now = self.now();
        let mut state = lock(&self.state);
        let counts = &state.counts;
        let sum = counts.pass + counts.fail + counts.error;
        if sum != jobs as u64 || state.jobs.len() != jobs {
            let what = format!("{jobs} jobs, {} enumerated, {sum} verdicts", state.jobs.len());
            state.violation(now, what);
        }
        let ended = || state.jobs.iter().filter(|job| job.verdict.is_some());
        let took = |lane| {
            let of_lane = ended().filter(|job| job.lane == lane && !self.catalogue.is_poisoned(job.image as usize));
            let mut took: Vec<_> =
                of_lane.map(|job| job.finished.saturating_sub(job.submitted.unwrap_or(job.finished))).collect();
            took.sort();
            took
        };
        let last = ended().map(|job| job.finished).max().unwrap_or_default();
        let sound = ended().filter(|job| !self.catalogue.is_poisoned(job.image as usize));
        let mut sound: Vec<_> = sound.map(|job| job.finished).collect();
        sound.sort();
        (took(Lane::Interactive), took(Lane::Bulk), last, sound)
    }
}
