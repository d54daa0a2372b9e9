//! The state of the estate: what follows from its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use layergate_model::{Digest, Inputs};
use layergate_ports::Shard;
use serde::{Deserialize, Serialize};

use crate::{Event, Flip, ImageKey, Ledger, Notice, RunId, RunKind, TagEntry, Unit};

/// So many flips are remembered for questions; notices were sent from the log.
const MOST_FLIPS: usize = 100_000;
/// So many notices that have arrived are known again.
const MOST_NOTIFIED: usize = 10_000;
/// So many runs are remembered.
const MOST_RUNS: usize = 1000;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What sort.
    pub kind: RunKind,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it enumerates.
    pub scope: Vec<String>,
    /// The platforms that it asks for; empty where it reads nothing.
    #[serde(default)]
    pub platforms: String,
    /// What it judges by.
    pub inputs: Inputs,
    /// Where its images ended, once it has.
    pub ledger: Option<Ledger>,
    /// References that ended as error, with why.
    pub errors: BTreeMap<String, String>,
}

/// Everything that follows from the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How far each shard was read.
    pub positions: Vec<u64>,
    /// The catalogue.
    pub tags: BTreeMap<String, TagEntry>,
    /// Runs by name, which is the order of time.
    pub runs: BTreeMap<RunId, Run>,
    /// Flips, oldest first.
    pub flips: Vec<Flip>,
    /// Ids of the flips.
    #[serde(skip)]
    known_flips: BTreeSet<Digest>,
    /// Findings that became true of parts that were known already; `None` means from the part's beginning.
    pub first_true: BTreeMap<Digest, BTreeMap<String, Option<Date>>>,
    /// What runs, by who reported it.
    pub in_use: BTreeMap<String, InUse>,
    /// Notices whose receivers have not answered.
    pub outbox: BTreeMap<Digest, Notice>,
    /// Ids of notices that have arrived or were given up.
    pub notified: BTreeMap<Digest, Timestamp>,
}

/// What runs somewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InUse {
    /// When it was sent.
    pub at: Timestamp,
    /// The digests, each with where.
    pub images: BTreeMap<Digest, BTreeSet<String>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            positions: vec![0; usize::from(Shard::COUNT)],
            tags: BTreeMap::new(),
            runs: BTreeMap::new(),
            flips: Vec::new(),
            known_flips: BTreeSet::new(),
            first_true: BTreeMap::new(),
            in_use: BTreeMap::new(),
            outbox: BTreeMap::new(),
            notified: BTreeMap::new(),
        }
    }
}

impl State {
    /// How far a shard was read.
    pub fn position(&self, shard: Shard) -> u64 {
        self.positions.get(usize::from(shard.number())).copied().unwrap_or(0)
    }

    /// Notes that a shard was read up to `sequence`.
    pub fn advance(&mut self, shard: Shard, sequence: u64) {
        if let Some(position) = self.positions.get_mut(usize::from(shard.number())) {
            *position = sequence;
        }
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::RunBegan { run, kind, at, scope, platforms, inputs } => {
                let run = self.runs.entry(run);
                let fresh = Run {
                    kind,
                    began: at,
                    ended: None,
                    scope: Vec::new(),
                    platforms,
                    inputs: *inputs,
                    ledger: None,
                    errors: BTreeMap::new(),
                };
                run.or_insert(fresh).scope.extend(scope);
                while self.runs.len() > MOST_RUNS {
                    self.runs.pop_first();
                }
            }
            Event::Seen { reference, at, root, platforms, found, .. } => {
                let first = !self.tags.contains_key(&reference);
                self.tags.entry(reference).or_insert_with(|| TagEntry::new(at)).seen(at, root, platforms, found, first);
            }
            Event::Judged { reference, day, verdicts, .. } => {
                let Some(entry) = self.tags.get_mut(&reference) else { return };
                for (key, verdict) in verdicts {
                    if let Some(unit) = entry.units.iter_mut().find(|u| u.key == key) {
                        unit.since.get_or_insert(day);
                        unit.verdict = Some(verdict);
                    }
                }
            }
            Event::Flipped(flip) => {
                if self.known_flips.is_empty() {
                    self.known_flips = self.flips.iter().map(|f| f.id).collect();
                }
                if self.known_flips.insert(flip.id) {
                    self.flips.push(*flip);
                    let over = self.flips.len().saturating_sub(MOST_FLIPS);
                    for old in self.flips.drain(..over) {
                        self.known_flips.remove(&old.id);
                    }
                }
            }
            Event::FirstTrue { part, advisory, since } => {
                // What was once true counts from then on.
                self.first_true.entry(part).or_default().entry(advisory).or_insert(since);
            }
            Event::RunErrors { run, errors } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.errors.extend(errors);
                }
            }
            Event::RunEnded { run, at, ledger } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.ended = Some(at);
                    run.ledger = Some(ledger);
                }
            }
            Event::InUse { source, at, images } => {
                let reported = self.in_use.entry(source).or_insert_with(|| InUse { at, images: BTreeMap::new() });
                if reported.at != at {
                    *reported = InUse { at, images: BTreeMap::new() };
                }
                for (digest, place) in images {
                    reported.images.entry(digest).or_default().insert(place);
                }
            }
            Event::Noticed(notice) => {
                if !self.notified.contains_key(&notice.id) {
                    self.outbox.entry(notice.id).or_insert(*notice);
                }
            }
            Event::Told { id, at, failure, .. } => {
                if failure.is_some()
                    && let Some(notice) = self.outbox.get_mut(&id)
                    && !notice.is_last_try()
                {
                    notice.tries += 1;
                    return;
                }
                self.outbox.remove(&id);
                self.notified.insert(id, at);
                while self.notified.len() > MOST_NOTIFIED {
                    let oldest = self.notified.iter().min_by_key(|(_, at)| **at).map(|(id, _)| *id);
                    oldest.and_then(|id| self.notified.remove(&id));
                }
            }
        }
    }

    /// The images that are watched, each with its reference.
    pub fn units(&self) -> impl Iterator<Item = (&str, &TagEntry, &Unit)> {
        let watched = self.tags.iter().filter(|(_, entry)| entry.standing.is_watched());
        watched.flat_map(|(reference, entry)| entry.units.iter().map(move |unit| (reference.as_str(), entry, unit)))
    }

    /// The images that something still needs: a reference that stands or once stood, or a place where they run.
    pub fn needed(&self) -> BTreeSet<ImageKey> {
        self.tags.values().flat_map(|entry| entry.units.iter().map(|u| u.key)).collect()
    }

    /// The last run that has ended.
    pub fn last_run(&self) -> Option<(&RunId, &Run)> {
        self.runs.iter().rev().find(|(_, run)| run.ended.is_some())
    }

    /// The ledger of a run; while it is open, empty and not closed.
    pub fn ledger(&self, id: &RunId) -> Option<Ledger> {
        let run = self.runs.get(id)?;
        Some(run.ledger.clone().unwrap_or_else(|| Ledger::new(id.clone(), run.kind)))
    }

    /// Whether something runs that image: by its own digest, or by that of the index which it was chosen from.
    pub fn is_in_use(&self, entry: &TagEntry, unit: &Unit) -> bool {
        let runs = |digest: &Digest| self.in_use.values().any(|reported| reported.images.contains_key(digest));
        runs(&unit.digest) || entry.root.as_ref().is_some_and(runs)
    }

    /// The notices that are to be sent, oldest first.
    pub fn waiting(&self) -> Vec<Notice> {
        let mut waiting: Vec<Notice> = self.outbox.values().cloned().collect();
        waiting.sort_by(|a, b| (a.at, &a.team, &a.cause).cmp(&(b.at, &b.team, &b.cause)));
        waiting
    }
}
