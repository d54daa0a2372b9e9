//! The ledger of a run: every image that was enumerated ends in exactly one place.

use std::collections::BTreeMap;

use layergate_model::Verdict;
use serde::{Deserialize, Serialize};

use crate::{RunId, RunKind, Standing, TagEntry};

/// The word in ledgers for what is no image.
pub const NOT_AN_IMAGE: &str = "not an image";

/// Where the images of a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The run.
    pub run: RunId,
    /// What sort of run.
    pub kind: RunKind,
    /// Images that were enumerated.
    pub enumerated: u64,
    /// Those that pass.
    pub pass: u64,
    /// Those that fail.
    pub fail: u64,
    /// Those without a verdict.
    pub error: u64,
    /// Those left alone, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Whether the run has ended and its sums agree.
    pub closed: bool,
}

impl Ledger {
    /// An empty one.
    pub fn new(run: RunId, kind: RunKind) -> Self {
        Self { run, kind, enumerated: 0, pass: 0, fail: 0, error: 0, skipped: BTreeMap::new(), closed: false }
    }

    /// Counts an enumerated reference where it stands. One that is gone was not enumerated.
    pub fn count(&mut self, entry: &TagEntry) {
        match &entry.standing {
            Standing::Gone => {}
            Standing::Unwatched(reason) => self.skip(&format!("unwatched: {reason}")),
            Standing::NotAnImage(_) => self.skip(NOT_AN_IMAGE),
            Standing::Unreadable(_) => {
                self.enumerated += 1;
                self.error += 1;
            }
            Standing::New | Standing::Current | Standing::Moved => {
                for unit in &entry.units {
                    self.enumerated += 1;
                    match unit.verdict.as_ref().map(|v| v.verdict) {
                        Some(Verdict::Pass) => self.pass += 1,
                        Some(Verdict::Fail) => self.fail += 1,
                        Some(Verdict::Error) | None => self.error += 1,
                    }
                }
            }
        }
    }

    fn skip(&mut self, reason: &str) {
        self.enumerated += 1;
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Whether every enumerated image ended in one place.
    pub fn agrees(&self) -> bool {
        self.enumerated == self.pass + self.fail + self.error + self.skipped.values().sum::<u64>()
    }

    /// The ledger of a run that has ended.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.closed = self.agrees();
        self
    }
}
