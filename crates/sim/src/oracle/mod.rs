//! What must be true, checked at every event, by a book-keeping that shares nothing with the loops: it sees what
//! reaches the server and what the readers do, and knows each image's right verdict from the image alone.
//!
//! Checked: no layer is read by two workers at a time unless the earlier one is dead or the server's time for its
//! message ran out; a layer message is acked after its inventory is stored, a job message after its verdict; what is
//! stored and what is judged is what the layer holds; every job has one verdict, and it stands; a pass or fail is the
//! right one and every layer of it was read to the end; an error that the image does not deserve names layers whose
//! troubles really happened; queues and workers' bytes stay in their bounds; nothing is left over.

mod counts;
mod jobs;
mod reading;
mod tasks;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;

pub use self::counts::Counts;
use self::{
    jobs::JobBook,
    reading::{Reader, Reading},
    tasks::{Hold, LayerBook},
};
use crate::{catalogue::Catalogue, net::lock, rng::mix};

/// Violations reported; one is enough to fail.
const MAX_VIOLATIONS: usize = 20;

/// What the trace of a run is made of, beside the time.
#[derive(Clone, Copy)]
enum Event {
    Died = 1,
    Submitted = 2,
    JobDelivered = 3,
    JobRemoved = 4,
    Verdict = 5,
    Published = 6,
    Delivered = 7,
    Progressed = 8,
    Released = 9,
    Failure = 10,
    Announced = 11,
    Finished = 12,
    ErrorDetail = 13,
    Read = 14,
    Forgotten = 15,
    Stored = 16,
    Judged = 17,
    ReadWhole = 18,
    Removed = 19,
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

/// The name of job number `n`.
pub(crate) fn job_id(n: usize) -> String {
    format!("j{n}")
}

impl State {
    fn note(&mut self, now: Duration, what: Event, a: u64, b: u64) {
        self.counts.events += 1;
        let word = mix(what as u64 ^ (now.as_millis() as u64) << 8);
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
        state.note(now, Event::Died, u64::from(life), u64::from(crashed));
    }
}
