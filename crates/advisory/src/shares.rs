//! How whole a feed is: its records are counted against the least that a whole copy of its upstream has ([`crate::Floor`]), for
//! the manifest. A namespace's feeds are those that have a floor on it, whether or not they brought anything: where only an archive
//! or a list of malicious packages speaks of a registry, that registry's own database is there with nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Completeness, Coverage, FloorOf, Namespace,
    pools::{AffectedRow, Pools},
};

/// Writes the shares into the coverage.
pub(crate) fn fill(b: &Pools, coverage: &mut BTreeMap<Namespace, Coverage>) {
    let feeds: BTreeSet<&str> = b.floors.iter().map(|f| f.feed.as_str()).collect();
    let counts = Counts::of(b, &feeds);
    for (namespace, covered) in coverage {
        for floor in &b.floors {
            let own = counts.get(&floor.feed, namespace.as_str());
            let records = match &floor.of {
                FloorOf::Family(family) if family == namespace.family() && own > 0 => counts.get(&floor.feed, family),
                FloorOf::Family(family) | FloorOf::EachRelease(family) if family == namespace.family() => own,
                _ => continue,
            };
            covered.shares.push(Completeness {
                feed: floor.feed.clone(),
                records,
                at_least: floor.at_least,
                fixed_only: floor.fixed_only,
            });
        }
        covered.shares.sort_by(|a, b| (&a.feed, a.at_least).cmp(&(&b.feed, b.at_least)));
    }
}

/// Records by feed and namespace, and by feed and family. Copies of one record are one: samples often have several.
#[derive(Default)]
struct Counts<'b>(HashMap<(&'b str, &'b str), u64>);

impl<'b> Counts<'b> {
    fn of(b: &'b Pools, feeds: &BTreeSet<&str>) -> Self {
        let head = |row: &AffectedRow| b.heads.get(row.head as usize);
        // The rows of one record stand together; those of its copies are brought there.
        let mut records: Vec<(u32, u32, &[AffectedRow])> = b
            .rows
            .chunk_by(|a, c| a.head == c.head)
            .filter_map(|rows| head(rows.first()?).map(|h| (h.feed, h.id, rows)))
            .filter(|(feed, ..)| feeds.contains(b.strings.get(*feed)))
            .collect();
        records.sort_unstable_by_key(|(feed, id, _)| (*feed, *id));
        let mut counts = Self::default();
        let mut places: BTreeSet<&str> = BTreeSet::new();
        for copies in records.chunk_by(|a, c| (a.0, a.1) == (c.0, c.1)) {
            for row in copies.iter().flat_map(|(.., rows)| *rows) {
                let namespace = b.strings.get(row.namespace);
                places.insert(namespace);
                places.extend(namespace.split_once(':').map(|(family, _)| family));
            }
            let feed = copies.first().map(|c| b.strings.get(c.0)).unwrap_or_default();
            while let Some(place) = places.pop_first() {
                *counts.0.entry((feed, place)).or_default() += 1;
            }
        }
        counts
    }

    fn get(&self, feed: &str, place: &str) -> u64 {
        self.0.get(&(feed, place)).copied().unwrap_or(0)
    }
}
