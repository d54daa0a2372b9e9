//! An estate that is open: its state and index in memory over its store.
//!
//! A run commits what it finds as it goes; what follows from it (verdicts, flips, first days) is committed at its end. A
//! process that dies in between leaves a state from which the next run comes to the same end: events are facts, verdicts are
//! compared with those that stand, and a flip has the same id however often it is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use layergate_model::{Inputs, Verdict};
use layergate_ports::{AppendError, BlobName, EstateStore, Shard, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    Batch, BatchError, Cause, CauseKind, Event, FindingOutline, Flip, Found, ImageKey, Index, Judgement, KeptImage,
    Outline, Pins, RunId, Standing, State, Touched, Unit, UnitVerdict, Unreadable,
    cause::{self, Change},
    pack, unpack,
};

/// Records that are read at a time.
const PAGE: usize = 256;

/// Why an image has no verdict any more although it was read once.
const LOST: &str = "what was kept of it is lost or damaged: the next sync reads it again";

/// An estate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// The store could not be asked.
    #[error("the estate's store: {0}")]
    Store(#[from] StoreError),
    /// A record could not be appended.
    #[error("the estate's log: {0}")]
    Append(#[from] AppendError),
    /// A record is none.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A value cannot be stored.
    #[error("a part of the estate cannot be stored: {0}")]
    Unreadable(#[from] Unreadable),
}

/// Everything derived, as it is put by: an open estate begins from here and reads on.
#[derive(Default, Serialize, Deserialize)]
struct Checkpoint {
    state: State,
    index: Index,
    judgement: Judgement,
}

/// An estate that is open.
pub struct OpenEstate {
    store: Arc<dyn EstateStore>,
    /// What follows from the events.
    pub state: State,
    /// What is in the images.
    pub index: Index,
    /// What is known against it.
    pub judgement: Judgement,
    written: u64,
}

/// What judging everything came to.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is to be committed.
    pub events: Vec<Event>,
    /// Images with another verdict or other counts than before.
    pub changed: usize,
    /// Verdicts that are others.
    pub flips: Vec<Flip>,
    /// Parts that were judged.
    pub parts: usize,
    /// Images that were judged whole.
    pub whole: usize,
}

fn image_blob(key: &ImageKey) -> Result<BlobName, StoreError> {
    let name = BlobName::new("images", &key.to_string());
    name.ok_or_else(|| StoreError { place: key.to_string(), what: "an image's key is no name".to_owned(), full: false })
}

fn checkpoint_blob() -> Result<BlobName, StoreError> {
    let name = BlobName::new("state", "checkpoint");
    name.ok_or_else(|| StoreError { place: "checkpoint".to_owned(), what: "no name".to_owned(), full: false })
}

impl OpenEstate {
    /// Opens the estate of a store.
    pub async fn load(store: Arc<dyn EstateStore>) -> Result<Self, EstateError> {
        let kept = store.get_blob(&checkpoint_blob()?).await?;
        // What cannot be read is derived again.
        let Checkpoint { state, index, judgement } =
            kept.and_then(|bytes| unpack::<Checkpoint>(&bytes).ok()).unwrap_or_default();
        let mut estate = Self { store, state, index, judgement, written: 0 };
        estate.read_on().await?;
        estate.complete_index().await?;
        Ok(estate)
    }

    /// Takes in what others have written.
    async fn read_on(&mut self) -> Result<(), EstateError> {
        for shard in Shard::all() {
            loop {
                let records = self.store.read(shard, self.state.position(shard), PAGE).await?;
                let Some(last) = records.last().map(|r| r.sequence) else { break };
                for record in records {
                    for event in Batch::read(&record.bytes)?.events {
                        self.state.apply(event);
                    }
                }
                self.state.advance(shard, last);
            }
        }
        Ok(())
    }

    /// Brings the index to what the state names.
    async fn complete_index(&mut self) -> Result<(), EstateError> {
        let needed = self.state.needed();
        for key in needed.iter().filter(|key| !self.index.contains(key)).copied().collect::<Vec<_>>() {
            // An image that is lost is read again by the next sync.
            if let Some(kept) = self.kept(&key).await? {
                self.index.insert(key, &kept);
            }
        }
        let gone: Vec<ImageKey> = self.index.images.keys().filter(|key| !needed.contains(key)).copied().collect();
        gone.iter().for_each(|key| self.index.remove(key));
        Ok(())
    }

    /// A kept image; `None` when it is not there or cannot be read.
    pub async fn kept(&self, key: &ImageKey) -> Result<Option<KeptImage>, EstateError> {
        let bytes = self.store.get_blob(&image_blob(key)?).await?;
        Ok(bytes.and_then(|bytes| unpack::<KeptImage>(&bytes).ok()).filter(|kept| kept.key() == *key))
    }

    /// Keeps an image that was read.
    pub async fn keep(&mut self, kept: &KeptImage) -> Result<ImageKey, EstateError> {
        let key = kept.key();
        let bytes = pack(kept)?;
        self.written += bytes.len() as u64;
        self.store.put_blob(&image_blob(&key)?, bytes).await?;
        self.index.insert(key, kept);
        Ok(key)
    }

    /// Appends events to the logs and takes them in.
    pub async fn commit(&mut self, events: Vec<Event>) -> Result<(), EstateError> {
        let mut shards: BTreeMap<Shard, Vec<Event>> = BTreeMap::new();
        for event in events {
            shards.entry(event.shard()).or_default().push(event);
        }
        for (shard, events) in shards {
            for record in Batch::records(events)? {
                let sequence = self.store.append(shard, self.state.position(shard), &record).await?;
                self.written += record.len() as u64;
                for event in Batch::read(&record)?.events {
                    self.state.apply(event);
                }
                self.state.advance(shard, sequence);
            }
        }
        Ok(())
    }

    /// Bytes written since it was opened.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Removes what nothing needs any more and puts by what was derived, so that the next process begins from here.
    pub async fn checkpoint(&mut self) -> Result<(), EstateError> {
        let needed = self.state.needed();
        let gone: Vec<ImageKey> = self.index.images.keys().filter(|key| !needed.contains(key)).copied().collect();
        for key in gone {
            self.index.remove(&key);
            self.store.remove_blob(&image_blob(&key)?).await?;
        }
        self.judgement.compact(&mut self.index);
        let Self { state, index, judgement, .. } = &mut *self;
        let checkpoint = Checkpoint {
            state: std::mem::take(state),
            index: std::mem::take(index),
            judgement: std::mem::take(judgement),
        };
        let packed = pack(&checkpoint);
        (*state, *index, *judgement) = (checkpoint.state, checkpoint.index, checkpoint.judgement);
        let packed = packed?;
        self.written += packed.len() as u64;
        self.store.put_blob(&checkpoint_blob()?, packed).await?;
        Ok(())
    }

    /// The outline of an image under a reference.
    pub async fn outline(
        &mut self,
        reference: &str,
        key: &ImageKey,
        pins: &Pins<'_>,
    ) -> Result<Option<(Outline, bool)>, EstateError> {
        if let Some(outline) = self.judgement.outline(&self.index, reference, key, pins) {
            return Ok(Some((outline, false)));
        }
        let kept = self.kept(key).await?;
        Ok(kept.map(|kept| (Judgement::whole(&kept, reference, pins), true)))
    }

    /// Judges all watched images under `pins`: what is to be committed for it, compared with the verdicts that stand.
    pub async fn judge(&mut self, run: &RunId, pins: &Pins<'_>, at: Timestamp) -> Result<Judged, EstateError> {
        let new = pins.inputs();
        let old = self.judgement.inputs().cloned().unwrap_or_else(|| new.clone());
        let units = self.state.units().map(|(reference, _, unit)| (reference, &unit.key));
        let touched = self.judgement.update(&self.index, units, pins);
        let mut out = Judged { parts: touched.judged, ..Judged::default() };
        let units: Vec<(String, Standing, Option<Verdict>, Unit)> = self
            .state
            .units()
            .map(|(reference, entry, unit)| {
                let past = entry.history.last().and_then(|past| past.verdict);
                (reference.to_owned(), entry.standing.clone(), past, unit.clone())
            })
            .collect();
        let mut judged: BTreeMap<String, Vec<(ImageKey, UnitVerdict)>> = BTreeMap::new();
        let mut lost: BTreeSet<String> = BTreeSet::new();
        for (reference, standing, past, unit) in units {
            let Some((outline, whole)) = self.outline(&reference, &unit.key, pins).await? else {
                lost.insert(reference);
                continue;
            };
            out.whole += usize::from(whole);
            let verdict = UnitVerdict::of(&outline);
            if unit.verdict.as_ref() == Some(&verdict) {
                continue;
            }
            out.changed += 1;
            let before = match (&unit.verdict, &standing) {
                (Some(known), _) => Some((known.verdict, false)),
                (None, Standing::Moved) => past.map(|verdict| (verdict, true)),
                (None, _) => None,
            };
            if let Some((from, moved)) = before.filter(|(from, _)| *from != verdict.verdict) {
                let to = verdict.verdict;
                let cause = match moved {
                    true => Cause { kind: CauseKind::Image, id: unit.digest.to_string() },
                    false => self.cause(&unit, &touched, (from, to), &outline, (&old, &new)),
                };
                let platform = unit.platform.as_deref();
                let id = Flip::id(&reference, platform, (None, &old), (Some(unit.digest), &new));
                let (image, platform) = (reference.clone(), unit.platform.clone());
                let flip = Flip { id, run: run.clone(), image, digest: unit.digest, platform, from, to, cause, at };
                out.flips.push(flip);
            }
            judged.entry(reference).or_default().push((unit.key, verdict));
        }
        out.events.extend(self.first_days(&touched, pins));
        let day = pins.as_of;
        // A flip is written before the verdict that it leads to: a crash between them finds it again under the same id.
        out.events.extend(out.flips.iter().cloned().map(|flip| Event::Flipped(Box::new(flip))));
        out.events.extend(judged.into_iter().map(|(reference, verdicts)| Event::Judged {
            run: run.clone(),
            reference,
            day,
            verdicts,
        }));
        // What cannot be judged any more keeps no verdict of another day.
        out.changed += lost.len();
        for reference in lost {
            let Some(entry) = self.state.tags.get(&reference) else { continue };
            let (root, platforms) = (entry.root, entry.platforms.clone());
            let found = Found::Unreadable(LOST.to_owned());
            out.events.push(Event::Seen { run: run.clone(), reference, at, root, platforms, found });
        }
        Ok(out)
    }

    /// Why a unit's verdict is another.
    fn cause(
        &self,
        unit: &Unit,
        touched: &Touched,
        (from, to): (Verdict, Verdict),
        now: &Outline,
        (old, new): (&Inputs, &Inputs),
    ) -> Cause {
        let Some(entry) = self.index.images.get(&unit.key) else { return cause::of_inputs(old, new) };
        let after = cause::gravest(self.judgement.findings(&self.index, entry).map(|(_, f)| f));
        let mut before: Vec<&FindingOutline> = Vec::new();
        for (part, finding) in self.judgement.findings(&self.index, entry) {
            if !touched.parts.contains_key(&part) {
                before.push(finding);
            }
        }
        for (part, _) in self.index.packages_of(entry) {
            if let Some(Some(known)) = touched.parts.get(&part) {
                before.extend(&known.findings);
            }
        }
        let before = cause::gravest(before.into_iter());
        cause::of(&Change { from, to, before: &before, after: &after, now, old, new })
    }

    /// The first days of findings on parts that were known without them.
    fn first_days(&self, touched: &Touched, pins: &Pins<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, before) in &touched.parts {
            let (Some(before), Some(part)) = (before, self.index.part_name(*number)) else { continue };
            let now = self.judgement.findings_of_part(*number);
            let known = self.state.first_true.get(&part);
            let is_new = |f: &&FindingOutline| !before.findings.iter().any(|b| b.advisory == f.advisory);
            let gone = before.findings.iter().filter(|b| !now.iter().any(|f| f.advisory == b.advisory));
            let first = |f: &FindingOutline, since| Event::FirstTrue { part, advisory: f.advisory.to_string(), since };
            let unknown = |f: &&FindingOutline| known.is_none_or(|known| !known.contains_key(&*f.advisory));
            events.extend(now.iter().filter(is_new).filter(unknown).map(|f| first(f, Some(pins.as_of))));
            events.extend(gone.filter(unknown).map(|f| first(f, None)));
        }
        events
    }
}
