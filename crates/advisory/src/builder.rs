//! Collects records in a compact form and writes the snapshot.
//!
//! Records may arrive in any order (parsers run side by side): everything is sorted before it is written, so the same
//! records give the same bytes. In memory a record is numbers into interned strings, about 100 bytes and 40 for each
//! affected package; half a million records stay far below a gibibyte.

use std::{io::Write as _, path::Path};

use layergate_disk::{Access, NewFile};
use layergate_model::Digest;

use crate::{
    Affected, BuildError, Day, End, EndOfLife, FeedInfo, Floor, Record, Start, VersionRange,
    encode::encode,
    pools::{AffectedRow, MAX_CWES, Pools, RecordHeader, SignalRow, Span},
};

/// More text than the format's references can name.
const MAX_TEXT: usize = u32::MAX as usize / 2;
/// Titles are cut here: they are one line for people.
const MAX_TITLE: usize = 140;
/// Ids and names longer than this are no ids and no names.
const MAX_NAME: usize = 512;

/// Collects records and writes a snapshot.
#[derive(Default)]
pub struct Builder {
    pools: Pools,
}

impl Builder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows what a feed is; feeds that bring no record are listed too.
    pub fn feed(&mut self, info: FeedInfo) {
        let state = self.pools.feeds.entry(info.id.clone()).or_default();
        state.info = Some(info);
    }

    /// Shows that a feed's records come from a file of a certain day; the newest counts.
    pub fn fetched(&mut self, feed: &str, day: Day) {
        let state = self.pools.feeds.entry(feed.to_owned()).or_default();
        state.fetched = state.fetched.max(Some(day));
    }

    /// Shows how many days a feed's upstream ordinarily writes nothing. Feeds that brought nothing are left alone.
    pub fn quiet(&mut self, feed: &str, days: u64) {
        if let Some(state) = self.pools.feeds.get_mut(feed) {
            state.quiet_days = days;
        }
    }

    /// Counts records of a feed that could not be read.
    pub fn count_errors(&mut self, feed: &str, errors: u64) {
        self.pools.feeds.entry(feed.to_owned()).or_default().errors += errors;
    }

    /// Adds end-of-life dates.
    pub fn end_of_life(&mut self, rows: impl IntoIterator<Item = EndOfLife>) {
        self.pools.end_of_life.extend(rows);
    }

    /// Shows how many records whole copies of feeds have at least.
    pub fn floors(&mut self, rows: impl IntoIterator<Item = Floor>) {
        self.pools.floors.extend(rows);
    }

    /// How many records went in.
    pub fn records(&self) -> usize {
        self.pools.heads.len()
    }

    /// Adds a record. A withdrawn one is counted and left out.
    pub fn add(&mut self, record: &Record) -> Result<(), BuildError> {
        let refuse = |why| BuildError::Record { id: record.id.chars().take(80).collect(), why };
        if record.id.is_empty() || record.id.len() > MAX_NAME {
            return Err(refuse("its id is empty or too long"));
        }
        if self.pools.strings.bytes() > MAX_TEXT {
            return Err(BuildError::TooLarge(self.pools.strings.bytes()));
        }
        let feed = self.pools.feeds.entry(record.feed.clone().into_owned()).or_default();
        if record.withdrawn {
            feed.withdrawn += 1;
            return Ok(());
        }
        feed.records += 1;
        feed.newest = feed.newest.max(record.modified);
        for signal in &record.signals {
            *feed.signals.entry(signal.kind.clone()).or_default() += 1;
        }
        let head = self.pools.heads.len() as u32;
        let title = record.title.as_deref().map(one_line).unwrap_or_default();
        let mut aliases: Vec<u32> = record
            .aliases
            .iter()
            .filter(|a| !a.is_empty() && a.len() <= MAX_NAME && **a != record.id)
            .map(|a| self.pools.strings.intern(a))
            .collect();
        aliases.sort_unstable();
        aliases.dedup();
        let aliases = self.span(&aliases);
        let ratings = Span { start: self.pools.ratings.len() as u32, len: record.ratings.len() as u32 };
        for rating in &record.ratings {
            self.pools.ratings.push((self.pools.strings.intern(&rating.source), rating.severity as u8));
        }
        let cvss = Span { start: self.pools.cvss.len() as u32, len: record.cvss.len() as u32 };
        for c in &record.cvss {
            let row = [&c.source, &c.version, &c.vector].map(|s| self.pools.strings.intern(s));
            self.pools.cvss.push([row[0], row[1], row[2], u32::from(c.score_tenths)]);
        }
        let mut weaknesses = record.cwes.clone();
        weaknesses.sort_unstable();
        weaknesses.dedup();
        weaknesses.truncate(MAX_CWES);
        let cwes = Span { start: self.pools.cwes.len() as u32, len: weaknesses.len() as u32 };
        self.pools.cwes.extend(weaknesses);
        let signals = Span { start: self.pools.signals.len() as u32, len: record.signals.len() as u32 };
        for signal in &record.signals {
            self.pools.signals.push(SignalRow {
                source: self.pools.strings.intern(&signal.source),
                kind: self.pools.strings.intern(&signal.kind),
                value: signal.value,
                day: signal.date.as_deref().and_then(Day::parse),
            });
        }
        let (id, feed) = (self.pools.strings.intern(&record.id), self.pools.strings.intern(&record.feed));
        self.pools.heads.push(RecordHeader {
            id,
            feed,
            aliases,
            title: self.pools.strings.intern(&title),
            ratings,
            cvss,
            cwes,
            signals,
            malicious: record.malicious,
            modified: record.modified,
            enrichment_only: record.affected.is_empty(),
        });
        for affected in &record.affected {
            if affected.name.is_empty() || affected.name.len() > MAX_NAME {
                continue;
            }
            self.row(head, affected);
        }
        Ok(())
    }

    fn row(&mut self, head: u32, affected: &Affected) {
        let arches = affected.arches.iter().map(|a| self.pools.strings.intern(a)).collect::<Vec<_>>();
        let versions = affected.versions.iter().map(|v| self.pools.strings.intern(v)).collect::<Vec<_>>();
        let (arches, versions) = (self.span(&arches), self.span(&versions));
        let ranges = Span { start: self.pools.ranges.len() as u32, len: affected.ranges.len() as u32 };
        for range in &affected.ranges {
            let start = match &range.start {
                Start::Beginning => Start::Beginning,
                Start::From(v) => Start::From(self.pools.strings.intern(v)),
                Start::After(v) => Start::After(self.pools.strings.intern(v)),
            };
            let end = match &range.end {
                End::Open => End::Open,
                End::Fixed(v) => End::Fixed(self.pools.strings.intern(v)),
                End::Before(v) => End::Before(self.pools.strings.intern(v)),
                End::Last(v) => End::Last(self.pools.strings.intern(v)),
            };
            self.pools.ranges.push(VersionRange { start, end });
        }
        self.pools.rows.push(AffectedRow {
            head,
            namespace: self.pools.strings.intern(affected.namespace.as_str()),
            name: self.pools.strings.intern(&affected.name),
            module: affected.module.as_deref().map_or(0, |m| self.pools.strings.intern(m)),
            arches,
            versions,
            ranges,
            status: affected.status as u8,
            severity: affected.severity.map_or(0, |s| s as u8 + 1),
        });
    }

    fn span(&mut self, ids: &[u32]) -> Span {
        let start = self.pools.string_ids.len() as u32;
        self.pools.string_ids.extend_from_slice(ids);
        Span { start, len: ids.len() as u32 }
    }

    /// The snapshot's bytes.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        encode(self.pools)
    }

    /// Writes the snapshot beside its final place, flushes it and renames it: a reader sees the old file or the whole
    /// new one. The digest is that of the bytes.
    pub fn write(self, path: &Path) -> Result<Digest, BuildError> {
        let bytes = self.finish()?;
        let digest = Digest::of(&bytes);
        let failed = |source| BuildError::Write { path: path.display().to_string(), source };
        let mut file = NewFile::in_directory(layergate_disk::directory(path), Access::Ordinary).map_err(failed)?;
        file.write_all(&bytes).and_then(|()| file.sync()).and_then(|()| file.name(path)).map_err(failed)?;
        Ok(digest)
    }
}

/// Blanks and control characters become single blanks, and the line ends at a word.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if line.len() + word.len() + 1 > MAX_TITLE {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
