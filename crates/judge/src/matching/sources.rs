//! Which sources speak of an image, and of what day each is.

use std::collections::BTreeSet;

use layergate_advisory::{FeedSummary, Namespace, Snapshot};
use layergate_model::{AdvisorySource, DatedBy, SignalName};

/// The sources of the namespaces that were asked, then those of signals, of which a policy may ask any.
pub(super) fn of(asked: &BTreeSet<Namespace>, snapshot: &Snapshot) -> Vec<AdvisorySource> {
    let mut out: Vec<AdvisorySource> = asked.iter().flat_map(|n| of_namespace(n, snapshot)).collect();
    out.extend(snapshot.feeds().iter().filter(|f| !f.signals.is_empty()).map(of_signals));
    out.sort();
    out
}

/// A feed as a source of signals, under the word of its rule where it has one of its own.
fn of_signals(feed: &FeedSummary) -> AdvisorySource {
    let id = &feed.info.id;
    let of = feed.signals.keys().find_map(|kind| SignalName::of(id, kind).word()).unwrap_or(id);
    let signals = feed.signals.keys().cloned().collect();
    AdvisorySource { signals, ..source(of, feed, feed.records, feed.at_least) }
}

/// The feeds that are known to cover a namespace, or whatever speaks of it where nobody knows: archives and lists of
/// malicious packages are not the sources of a registry that has one.
pub fn of_namespace(namespace: &Namespace, snapshot: &Snapshot) -> Vec<AdvisorySource> {
    let Some(coverage) = snapshot.coverage(namespace) else { return Vec::new() };
    let mut rows: Vec<(&str, u64, Option<u64>)> = Vec::new();
    for share in coverage.shares.iter().filter(|s| s.records > 0) {
        match rows.iter_mut().find(|(feed, ..)| *feed == share.feed) {
            Some(row) => row.2 = row.2.max(Some(share.at_least)),
            None => rows.push((&share.feed, share.records, Some(share.at_least))),
        }
    }
    let feed = |id: &str| snapshot.feeds().iter().find(|f| f.info.id == id);
    if rows.is_empty() {
        rows.extend(coverage.feeds.iter().filter_map(|id| Some((id.as_str(), feed(id)?.records, None))));
    }
    let rows = rows.into_iter().filter_map(|(id, records, floor)| Some((feed(id)?, records, floor)));
    rows.map(|(feed, records, floor)| source(namespace.as_str(), feed, records, floor)).collect()
}

fn source(of: &str, feed: &FeedSummary, records: u64, at_least: Option<u64>) -> AdvisorySource {
    let (date, dated_by) = match (&feed.newest, &feed.fetched) {
        (Some(newest), _) => (Some(newest), Some(DatedBy::Record)),
        (None, Some(fetched)) => (Some(fetched), Some(DatedBy::Fetched)),
        (None, None) => (None, None),
    };
    AdvisorySource {
        of: of.to_owned(),
        feed: feed.info.id.clone(),
        records,
        at_least,
        date: date.cloned(),
        dated_by,
        quiet_days: u32::try_from(feed.quiet_days).unwrap_or(u32::MAX),
        signals: Vec::new(),
    }
}
