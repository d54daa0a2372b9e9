//! Records in the compact form that they have until the snapshot is written: numbers into interned strings and pools of lists.

use std::collections::BTreeMap;

use layergate_model::Cwe;

use crate::{Day, EndOfLife, FeedInfo, Floor, VersionRange, intern::Interner};

/// Weaknesses that a vulnerability keeps, those of the lowest numbers: nobody looks at more.
pub(crate) const MAX_CWES: usize = 16;

/// A list within one of the builder's pools.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) fn of<T>(self, pool: &[T]) -> &[T] {
        pool.get(self.start as usize..self.start as usize + self.len as usize).unwrap_or(&[])
    }
}

pub(crate) struct RecordHeader {
    pub(crate) id: u32,
    pub(crate) feed: u32,
    pub(crate) aliases: Span,
    pub(crate) title: u32,
    pub(crate) ratings: Span,
    pub(crate) cvss: Span,
    pub(crate) cwes: Span,
    pub(crate) signals: Span,
    pub(crate) malicious: bool,
    pub(crate) modified: Option<Day>,
    pub(crate) enrichment_only: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct SignalRow {
    pub(crate) source: u32,
    pub(crate) kind: u32,
    pub(crate) value: Option<u32>,
    pub(crate) day: Option<Day>,
}

pub(crate) struct AffectedRow {
    pub(crate) head: u32,
    pub(crate) namespace: u32,
    pub(crate) name: u32,
    pub(crate) module: u32,
    pub(crate) arches: Span,
    pub(crate) versions: Span,
    pub(crate) ranges: Span,
    pub(crate) status: u8,
    /// Severity + 1.
    pub(crate) severity: u8,
}

#[derive(Default)]
pub(crate) struct FeedState {
    pub(crate) info: Option<FeedInfo>,
    pub(crate) records: u64,
    pub(crate) withdrawn: u64,
    pub(crate) errors: u64,
    pub(crate) newest: Option<Day>,
    pub(crate) fetched: Option<Day>,
    pub(crate) quiet_days: u64,
    pub(crate) signals: BTreeMap<String, u64>,
}

/// Everything that went in.
pub(crate) struct Pools {
    pub(crate) strings: Interner,
    pub(crate) string_ids: Vec<u32>,
    pub(crate) ratings: Vec<(u32, u8)>,
    pub(crate) cvss: Vec<[u32; 4]>,
    pub(crate) cwes: Vec<Cwe>,
    pub(crate) signals: Vec<SignalRow>,
    pub(crate) ranges: Vec<VersionRange<u32>>,
    pub(crate) heads: Vec<RecordHeader>,
    pub(crate) rows: Vec<AffectedRow>,
    pub(crate) feeds: BTreeMap<String, FeedState>,
    pub(crate) end_of_life: Vec<EndOfLife>,
    pub(crate) floors: Vec<Floor>,
}

impl Default for Pools {
    fn default() -> Self {
        Self {
            strings: Interner::new(),
            string_ids: Vec::new(),
            ratings: Vec::new(),
            cvss: Vec::new(),
            cwes: Vec::new(),
            signals: Vec::new(),
            ranges: Vec::new(),
            heads: Vec::new(),
            rows: Vec::new(),
            feeds: BTreeMap::new(),
            end_of_life: Vec::new(),
            floors: Vec::new(),
        }
    }
}
