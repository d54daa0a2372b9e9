//! What must be true, checked at every event, by a book-keeping that shares nothing with the loops: it sees what reaches the
//! server and what the readers do, and knows each image's right verdict from the image alone.
//!
//! Checked: no layer is read by two workers at a time unless the earlier one is dead or the server's time for its message ran
//! out; a layer message is acked after its inventory is stored, a job message after its verdict; what is stored and what is
//! judged is what the layer holds; every job has one verdict, and it stands; a pass or fail is the right one and every layer
//! of it was read to the end; an error that the image does not deserve names layers whose troubles really happened;
//! queues and workers' bytes stay in their bounds; nothing is left over.

use std::{sync::Mutex, time::Duration};

use layergate_fleet::{
    observe::LayerEnd,
    ports::{FailureKind, LayerFailure},
    values::{JobError, JobId, Lane, LayerTask, VerdictRecord},
};
use layergate_model::{GapKind, LayerInventory, Verdict};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    catalogue::{self, Catalogue},
    net::lock,
    rng::mix,
};
use std::sync::Arc;

/// Violations told; one is enough to fail.
const MAX_VIOLATIONS: usize = 20;

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

#[derive(Clone, Copy, Default)]
struct LayerBook {
    deliveries: u16,
    troubles: u8,
    forgotten: u8,
    whole: bool,
    stored: bool,
    /// Which message of the layer is the present one: they are counted as they are queued.
    message: u32,
}

struct JobBook {
    image: u32,
    lane: Lane,
    deadline: Duration,
    submitted: Option<Duration>,
    verdict: Option<Verdict>,
    finished: Duration,
}

struct Hold {
    life: u32,
    layer: u32,
    message: u32,
    until: Duration,
}

struct Reading {
    life: u32,
    hold: Option<u64>,
}

#[derive(Default)]
struct Reader {
    dead: bool,
    count: u32,
    bytes: u64,
}

struct State {
    hash: u64,
    violations: Vec<String>,
    counts: Counts,
    layers: Vec<LayerBook>,
    jobs: Vec<JobBook>,
    open: usize,
    last_verdict: Duration,
    holds: FxHashMap<u64, Hold>,
    next_hold: u64,
    latest: FxHashMap<(u32, u32), u64>,
    reading: FxHashMap<u32, Vec<Reading>>,
    lives: Vec<Reader>,
    interactive: FxHashSet<u32>,
    /// Layers that were ever stored.
    kept: Vec<u32>,
}

/// The bounds that the oracle holds the fleet to.
pub(crate) struct Bounds {
    pub(crate) ack_wait: Duration,
    pub(crate) byte_budget: u64,
    pub(crate) source_attempts: u64,
    pub(crate) quarantine_after: u64,
    /// Layer tasks that may wait, interactive ones not counted.
    pub(crate) waiting: u64,
    /// How long after its deadline a job may end.
    pub(crate) tardiness: Duration,
    pub(crate) skew: Duration,
}

/// The oracle.
pub(crate) struct Oracle {
    pub(crate) catalogue: Arc<Catalogue>,
    bounds: Bounds,
    epoch: Instant,
    state: Mutex<State>,
}

/// A reading in progress; ends when dropped.
pub(crate) struct ReadGuard {
    oracle: Arc<Oracle>,
    layer: u32,
    life: u32,
    hold: Option<u64>,
    whole: bool,
}

/// The name of job number `n`.
pub(crate) fn job_id(n: usize) -> String {
    format!("j{n}")
}

impl State {
    fn note(&mut self, now: Duration, what: u64, a: u64, b: u64) {
        self.counts.events += 1;
        let word = mix(what ^ (now.as_millis() as u64) << 8);
        self.hash = mix(self.hash.rotate_left(5) ^ word ^ mix(a).rotate_left(17) ^ mix(b ^ 0x5a5a).rotate_left(41));
    }

    fn violation(&mut self, now: Duration, what: String) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(format!("at {:.3} s: {what}", now.as_secs_f64()));
        }
    }
}

impl Oracle {
    pub(crate) fn new(catalogue: Arc<Catalogue>, bounds: Bounds) -> Arc<Self> {
        let state = State {
            hash: 0,
            violations: Vec::new(),
            counts: Counts::default(),
            layers: vec![LayerBook::default(); catalogue.layers.len()],
            jobs: Vec::new(),
            open: 0,
            last_verdict: Duration::ZERO,
            holds: FxHashMap::default(),
            next_hold: 0,
            latest: FxHashMap::default(),
            reading: FxHashMap::default(),
            lives: Vec::new(),
            interactive: FxHashSet::default(),
            kept: Vec::new(),
        };
        Arc::new(Self { catalogue, bounds, epoch: Instant::now(), state: Mutex::new(state) })
    }

    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(crate) fn trace(&self) -> u64 {
        lock(&self.state).hash
    }

    pub(crate) fn counts(&self) -> Counts {
        lock(&self.state).counts.clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.state).violations.clone()
    }

    pub(crate) fn has_violations(&self) -> bool {
        !lock(&self.state).violations.is_empty()
    }

    pub(crate) fn accuse(&self, what: String) {
        let now = self.now();
        lock(&self.state).violation(now, what);
    }

    // Lives.

    pub(crate) fn born(&self) -> u32 {
        let mut state = lock(&self.state);
        state.lives.push(Reader::default());
        state.lives.len() as u32 - 1
    }

    pub(crate) fn died(&self, life: u32, crashed: bool) {
        let now = self.now();
        let mut state = lock(&self.state);
        state.lives[life as usize].dead = true;
        state.counts.crashes += u64::from(crashed);
        state.note(now, 1, u64::from(life), u64::from(crashed));
    }

    // Jobs.

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
        state.note(now, 2, job as u64, 0);
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
        state.note(now, 3, Self::job_number(job) as u64, u64::from(life) << 16 | deliveries);
    }

    /// The server takes a job's message off the queue.
    pub(crate) fn job_removed(&self, job: &JobId, acked: bool) {
        let now = self.now();
        let n = Self::job_number(job);
        let mut state = lock(&self.state);
        state.note(now, 4, n as u64, u64::from(acked));
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
        state.note(now, 5, n as u64, record.verdict as u64 | u64::from(before.is_some()) << 8);
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
        let excuse = match record.verdict {
            Verdict::Error => self.excuse(state, record, now + self.bounds.skew >= deadline),
            _ => Err("the image deserves another".into()),
        };
        match excuse {
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
    fn excuse(&self, state: &State, record: &VerdictRecord, late: bool) -> Result<usize, String> {
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

    // Layer tasks.

    pub(crate) fn published(&self, task: &LayerTask, queued: bool, waiting: u64) {
        let now = self.now();
        let n = catalogue::number(&task.key.digest);
        let mut state = lock(&self.state);
        state.note(now, 6, u64::from(n), u64::from(queued));
        if queued {
            state.layers[n as usize].message += 1;
            if task.lane == Lane::Interactive {
                state.interactive.insert(n);
            }
        }
        state.counts.most_waiting = state.counts.most_waiting.max(waiting);
        let bound = self.bounds.waiting + state.interactive.len() as u64;
        if waiting > bound {
            state.violation(now, format!("{waiting} layer tasks wait, more than {bound}"));
        }
    }

    /// The server gave a task out; the hold's number.
    pub(crate) fn delivered(&self, layer: u32, deliveries: u64, life: u32) -> u64 {
        let now = self.now();
        let mut state = lock(&self.state);
        state.note(now, 7, u64::from(layer), u64::from(life) << 16 | deliveries);
        state.counts.layer_deliveries += 1;
        state.counts.layer_redeliveries += u64::from(deliveries > 1);
        let book = &mut state.layers[layer as usize];
        book.deliveries = book.deliveries.saturating_add(1);
        let message = book.message;
        state.next_hold += 1;
        let hold = state.next_hold;
        state.holds.insert(hold, Hold { life, layer, message, until: now + self.bounds.ack_wait });
        state.latest.insert((life, layer), hold);
        hold
    }

    pub(crate) fn progressed(&self, hold: u64) {
        let now = self.now();
        let until = now + self.bounds.ack_wait;
        let mut state = lock(&self.state);
        state.note(now, 8, hold, 0);
        if let Some(hold) = state.holds.get_mut(&hold).filter(|hold| hold.until > now) {
            hold.until = until;
        }
    }

    /// The server heard the last of a hold; `acked` when the task is said to be done.
    pub(crate) fn released(&self, layer: u32, hold: u64, acked: bool, off: bool) {
        let now = self.now();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.note(now, 9, hold, u64::from(acked) << 1 | u64::from(off));
        if acked && !state.layers[layer as usize].stored {
            state.violation(now, format!("layer {layer} was acked before its inventory was stored"));
        }
        let Some(gone) = state.holds.remove(&hold) else { return };
        if state.latest.get(&(gone.life, gone.layer)) == Some(&hold) {
            state.latest.remove(&(gone.life, gone.layer));
        }
        if !off || gone.message != state.layers[layer as usize].message {
            return;
        }
        state.interactive.remove(&layer);
        // An earlier holder, whose time ran out, may end the message under a later one's hands: that one then reads
        // without a claim to be the only one.
        let expired = gone.until <= now;
        for reading in state.reading.get(&layer).into_iter().flatten().filter(|_| expired) {
            let other = reading.hold.and_then(|hold| state.holds.get_mut(&hold));
            if let Some(other) = other.filter(|other| other.message == gone.message) {
                other.until = now;
            }
        }
    }

    /// A failure record was written.
    pub(crate) fn failure(&self, layer: u32, failure: &LayerFailure) {
        let now = self.now();
        let mut state = lock(&self.state);
        let quarantined = failure.kind == FailureKind::Quarantined;
        state.counts.quarantines += u64::from(quarantined);
        state.note(now, 10, u64::from(layer), u64::from(quarantined));
    }

    pub(crate) fn announced(&self, layer: u32) {
        let now = self.now();
        lock(&self.state).note(now, 11, u64::from(layer), 0);
    }

    pub(crate) fn finished(&self, layer: u32, end: LayerEnd) {
        let now = self.now();
        lock(&self.state).note(now, 12, u64::from(layer), end as u64);
    }

    // Reading.

    /// Whether the source of a layer (or image) fails this time, where chance wants it: twice at most.
    pub(crate) fn trouble(&self, layer: u32) -> bool {
        let now = self.now();
        let mut state = lock(&self.state);
        let book = &mut state.layers[layer as usize];
        if book.troubles >= 2 {
            return false;
        }
        book.troubles += 1;
        state.note(now, 13, u64::from(layer), 0);
        true
    }

    pub(crate) fn read(self: &Arc<Self>, layer: u32, life: u32) -> ReadGuard {
        let now = self.now();
        let size = self.catalogue.layers[layer as usize].size;
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.note(now, 14, u64::from(layer), u64::from(life));
        state.counts.reads += 1;
        let hold = state.latest.get(&(life, layer)).copied();
        let others = state.reading.entry(layer).or_default();
        let mut clash = None;
        // Whose message went to somebody else meanwhile (it was cut off, it waited for its registry) may come second.
        let own = hold.and_then(|hold| state.holds.get(&hold)).is_none_or(|hold| hold.until > now);
        for other in others.iter().filter(|other| !state.lives[other.life as usize].dead) {
            // One without a hold reads on although it has let the message go.
            let valid = other.hold.and_then(|hold| state.holds.get(&hold)).is_none_or(|hold| hold.until > now);
            if own && valid {
                clash = Some(other.life);
            } else {
                state.counts.overlapping_reads += 1;
            }
        }
        others.push(Reading { life, hold });
        if let Some(other) = clash {
            state.violation(now, format!("layer {layer} is read by members {other} and {life} at a time"));
        }
        let reader = &mut state.lives[life as usize];
        reader.count += 1;
        reader.bytes += size;
        if reader.count > 1 && reader.bytes > self.bounds.byte_budget {
            let (count, bytes) = (reader.count, reader.bytes);
            state.violation(now, format!("member {life} reads {count} layers of {bytes} bytes, over its budget"));
        }
        ReadGuard { oracle: self.clone(), layer, life, hold, whole: false }
    }

    // The cache.

    /// The cache loses one of the layers that it has: the one that `chance` (in `0..1`) picks.
    pub(crate) fn forget(&self, chance: f64) -> Option<u32> {
        let now = self.now();
        let mut state = lock(&self.state);
        let at = (state.kept.len() as f64 * chance) as usize;
        let layer = *state.kept.get(at)?;
        state.note(now, 15, u64::from(layer), 0);
        let book = &mut state.layers[layer as usize];
        book.forgotten = book.forgotten.saturating_add(1);
        Some(layer)
    }

    /// Somebody had a layer taken off the cache, or told that it is lost.
    pub(crate) fn removed(&self, layer: u32) {
        let now = self.now();
        lock(&self.state).note(now, 19, u64::from(layer), 0);
    }

    /// Whether an inventory is that of its layer.
    fn is_true(&self, inventory: &LayerInventory) -> bool {
        let n = catalogue::number(&inventory.blob);
        let layer = self.catalogue.layers[n as usize];
        layer.nature.is_readable() && inventory.unpacked == catalogue::mark(n, layer.nature)
    }

    pub(crate) fn stored(&self, inventory: &LayerInventory) {
        let now = self.now();
        let n = catalogue::number(&inventory.blob);
        let true_one = self.is_true(inventory) && inventory.is_cacheable();
        let mut state = lock(&self.state);
        state.note(now, 16, u64::from(n), 0);
        if !std::mem::replace(&mut state.layers[n as usize].stored, true) {
            state.kept.push(n);
        }
        if !true_one || !state.layers[n as usize].whole {
            state.violation(now, format!("what is stored of layer {n} is not what it holds"));
        }
    }

    /// An image is judged by these inventories.
    pub(crate) fn judged(&self, layers: &[Arc<LayerInventory>]) {
        let now = self.now();
        for inventory in layers.iter().filter(|i| i.gaps.iter().all(|gap| gap.kind == GapKind::CorruptLayer)) {
            if !self.is_true(inventory) {
                let n = catalogue::number(&inventory.blob);
                self.accuse(format!("an image is judged by what layer {n} does not hold"));
            }
        }
        lock(&self.state).note(now, 17, layers.len() as u64, 0);
    }

    // The end.

    /// The ledger; and how long jobs without poisonous layers took from submission to verdict, by lane, sorted; and when
    /// the last verdict came, and all those of jobs without poisonous layers, sorted.
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

impl ReadGuard {
    /// The reading came to an inventory.
    pub(crate) fn whole(mut self) {
        self.whole = true;
        let now = self.oracle.now();
        let size = self.oracle.catalogue.layers[self.layer as usize].size;
        let mut guard = lock(&self.oracle.state);
        let state = &mut *guard;
        state.counts.whole_reads += 1;
        state.counts.bytes += size;
        let book = &mut state.layers[self.layer as usize];
        if book.whole {
            state.counts.redundant_reads += 1;
            state.counts.redundant_bytes += size;
            state.counts.redundant_after_forgetting += u64::from(book.forgotten > 0);
        }
        book.whole = true;
        state.note(now, 18, u64::from(self.layer), u64::from(self.life));
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let size = self.oracle.catalogue.layers[self.layer as usize].size;
        let mut guard = lock(&self.oracle.state);
        let state = &mut *guard;
        state.counts.broken_reads += u64::from(!self.whole);
        if let Some(readings) = state.reading.get_mut(&self.layer) {
            if let Some(at) = readings.iter().position(|r| r.life == self.life && r.hold == self.hold) {
                readings.swap_remove(at);
            }
            if readings.is_empty() {
                state.reading.remove(&self.layer);
            }
        }
        let reader = &mut state.lives[self.life as usize];
        reader.count -= 1;
        reader.bytes -= size;
    }
}
