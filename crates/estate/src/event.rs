//! What happened to the estate, as its logs keep it.
//!
//! A record of a log is a [`Batch`]: JSON, `{"v": 1, "events": […]}`. Events of one repository are in its shard and in order;
//! those of different shards may be applied in any order. A batch of another version is refused by name.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{Timestamp, civil::Date};
use layergate_model::{Digest, Inputs};
use layergate_ports::{MAX_RECORD, Shard};
use serde::{Deserialize, Serialize};

use crate::{Flip, Found, ImageKey, Ledger, Notice, UnitVerdict};

/// The version of the events.
const VERSION: u32 = 1;

/// What sort of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Registries were enumerated.
    Sync,
    /// What is known was judged again.
    Rescan,
    /// What had ended as error was tried again.
    Retry,
}

impl RunKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Rescan => "rescan",
            Self::Retry => "retry",
        }
    }
}

/// The name of a run: its time, its kind and something random, so that names are in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

/// The text is no run's name.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of a run (`layergate estate ledger` lists them)")]
pub struct RunIdError(String);

impl RunId {
    /// The name of a run that begins now; `random` tells runs of one millisecond apart.
    pub fn new(at: Timestamp, kind: RunKind, random: u32) -> Self {
        let milliseconds = at.subsec_millisecond();
        Self(format!("{}{milliseconds:03}Z-{}-{random:08x}", at.strftime("%Y%m%dT%H%M%S"), kind.as_str()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.chars().take(100).collect()))
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run began.
    RunBegan {
        /// Its name.
        run: RunId,
        /// What sort.
        kind: RunKind,
        /// When.
        at: Timestamp,
        /// What it enumerates: registries, repositories, references; another event of the run continues it.
        scope: Vec<String>,
        /// The platforms that it asks for; empty where it reads nothing.
        #[serde(default)]
        platforms: String,
        /// What it judges by.
        inputs: Box<Inputs>,
    },
    /// A reference was looked at.
    Seen {
        /// In which run.
        run: RunId,
        /// The reference, without a digest.
        reference: String,
        /// When.
        at: Timestamp,
        /// The digest that it points at.
        root: Option<Digest>,
        /// The platforms that were asked for.
        platforms: String,
        /// What is there.
        found: Found,
    },
    /// Images of a reference were judged, and the outcome is another than before.
    Judged {
        /// In which run.
        run: RunId,
        /// The reference.
        reference: String,
        /// The day.
        day: Date,
        /// What was made of its images.
        verdicts: Vec<(ImageKey, UnitVerdict)>,
    },
    /// A verdict changed.
    Flipped(Box<Flip>),
    /// A finding on a part that was known without it: from which day on it is true; `None`: from when the part was first seen
    /// (it has gone since, and may come again).
    FirstTrue {
        /// The part's name.
        part: Digest,
        /// The advisory.
        advisory: String,
        /// Since when.
        since: Option<Date>,
    },
    /// What ended as error in a run; another event of the run continues it.
    RunErrors {
        /// The run.
        run: RunId,
        /// References, each with why.
        errors: Vec<(String, String)>,
    },
    /// A run ended.
    RunEnded {
        /// Its name.
        run: RunId,
        /// When.
        at: Timestamp,
        /// Where its images ended.
        ledger: Ledger,
    },
    /// A team is to be notified of flips.
    Noticed(Box<Notice>),
    /// A notice was sent.
    Told {
        /// The notice.
        id: Digest,
        /// Who was notified.
        team: String,
        /// When.
        at: Timestamp,
        /// Why it did not arrive; `None` where the receiver has it.
        failure: Option<String>,
    },
    /// Where images run, as a cluster's list says: one of a later time replaces it, one of the same time continues it.
    InUse {
        /// Who tells: the name of a cluster or a file.
        source: String,
        /// When.
        at: Timestamp,
        /// The digests that run there, each with where.
        images: Vec<(Digest, String)>,
    },
}

/// Names of one event: with reasons of [`LONGEST_REASON`], half of what a record may have.
const NAMES: usize = 256;
/// Bytes of why something ended as error.
const LONGEST_REASON: usize = 1000;

impl Event {
    /// The beginning of a run, in as many events as fit into records.
    pub fn run_began(
        (run, kind, at): (&RunId, RunKind, Timestamp),
        scope: &[String],
        platforms: &str,
        inputs: &Inputs,
    ) -> Vec<Self> {
        let began = |scope: &[String]| {
            let (run, platforms) = (run.clone(), platforms.to_owned());
            Self::RunBegan { run, kind, at, scope: scope.to_vec(), platforms, inputs: Box::new(inputs.clone()) }
        };
        match scope.is_empty() {
            true => vec![began(&[])],
            false => scope.chunks(NAMES).map(began).collect(),
        }
    }

    /// What ended as error in a run, in as many events as fit into records.
    pub fn run_errors(run: &RunId, errors: &BTreeMap<String, String>) -> Vec<Self> {
        let short = |why: &str| why[..why.floor_char_boundary(LONGEST_REASON)].to_owned();
        let errors: Vec<(String, String)> = errors.iter().map(|(name, why)| (name.clone(), short(why))).collect();
        errors.chunks(NAMES).map(|errors| Self::RunErrors { run: run.clone(), errors: errors.to_vec() }).collect()
    }

    /// The shard that it belongs to.
    pub fn shard(&self) -> Shard {
        match self {
            Self::RunBegan { run, .. } | Self::RunErrors { run, .. } | Self::RunEnded { run, .. } => {
                Shard::of(run.as_str())
            }
            Self::Seen { reference, .. } | Self::Judged { reference, .. } => shard_of(reference),
            Self::Flipped(flip) => shard_of(&flip.image),
            Self::Noticed(notice) => Shard::of(&notice.team),
            Self::Told { team, .. } => Shard::of(team),
            Self::FirstTrue { part, .. } => Shard::of(&part.to_hex()),
            Self::InUse { source, .. } => Shard::of(source),
        }
    }
}

/// The shard of a reference: that of its registry and repository.
fn shard_of(reference: &str) -> Shard {
    let name = reference.split('@').next().unwrap_or(reference);
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    Shard::of(name)
}

/// Events of one shard that are appended in one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    v: u32,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// A record that is no batch.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Of another version.
    #[error("the estate's log has events of version {0}; this program knows version {VERSION}: use a newer layergate")]
    Version(u64),
    /// Not JSON of the right shape.
    #[error("a record of the estate's log cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Batch {
    /// Events as records, none larger than a record may be.
    pub fn records(events: Vec<Event>) -> Result<Vec<Vec<u8>>, BatchError> {
        let mut open = vec![events];
        let mut records = Vec::new();
        while let Some(mut events) = open.pop() {
            let batch = Self { v: VERSION, events };
            let bytes = serde_json::to_vec(&batch)?;
            events = batch.events;
            if bytes.len() <= MAX_RECORD || events.len() < 2 {
                records.push(bytes);
                continue;
            }
            let rest = events.split_off(events.len() / 2);
            open.push(rest);
            open.push(events);
        }
        Ok(records)
    }

    /// Reads a record.
    pub fn read(record: &[u8]) -> Result<Self, BatchError> {
        #[derive(Deserialize)]
        struct Head {
            v: u64,
        }
        let head: Head = serde_json::from_slice(record)?;
        if head.v != u64::from(VERSION) {
            return Err(BatchError::Version(head.v));
        }
        Ok(serde_json::from_slice(record)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn a_run_with_many_errors_begins_and_ends_like_any_other() {
        let run = RunId::new(Timestamp::UNIX_EPOCH, RunKind::Retry, 0);
        let scope: Vec<String> = (0..20_000).map(|n| format!("registry.example/{}/{n}:1", "team".repeat(40))).collect();
        let errors: BTreeMap<String, String> = scope.iter().map(|name| (name.clone(), "\u{1}ü".repeat(900))).collect();
        let inputs = Inputs {
            snapshot: None,
            snapshot_date: None,
            policy: Digest::of(b""),
            exceptions: Digest::of(b""),
            vex: Vec::new(),
            limits: String::new(),
            analyzers: String::new(),
            judge: String::new(),
            as_of: String::new(),
        };
        let mut events = Event::run_began((&run, RunKind::Retry, Timestamp::UNIX_EPOCH), &scope, "all", &inputs);
        events.extend(Event::run_errors(&run, &errors));
        let records = Batch::records(events).unwrap();
        assert_eq!(records.iter().map(Vec::len).filter(|len| *len > MAX_RECORD).count(), 0);
        let mut state = State::default();
        for record in records {
            Batch::read(&record).unwrap().events.into_iter().for_each(|event| state.apply(event));
        }
        let known = &state.runs[&run];
        assert_eq!((known.scope.len(), known.errors.len(), known.platforms.as_str()), (20_000, 20_000, "all"));
    }
}
