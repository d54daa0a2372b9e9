//! What changed between two snapshots: the packages whose advisories are not the same, which is the key to scanning
//! again only those images that have them.

use std::{
    cmp::Ordering,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{Entries, PackageKey, Snapshot};

/// How a package changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the newer snapshot has advisories on it.
    Added,
    /// Only the older one has.
    Removed,
    /// Both have, and they differ (another range, severity, alias, exploit listing, …).
    Changed,
}

/// One package whose advisories changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The namespace's text.
    pub namespace: String,
    /// The package.
    pub name: String,
    /// How.
    pub kind: ChangeKind,
}

/// The packages whose advisories differ, in the order of namespace and name.
pub fn diff(old: &Snapshot, new: &Snapshot) -> Vec<Change> {
    let (mut a, mut b) = (old.packages().peekable(), new.packages().peekable());
    let mut changes = Vec::new();
    let mut show = |key: PackageKey<'_>, kind| {
        changes.push(Change { namespace: key.namespace.to_owned(), name: key.name.to_owned(), kind });
    };
    loop {
        let order = match (a.peek(), b.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((x, _)), Some((y, _))) => x.cmp(y),
        };
        let left = if order.is_le() { a.next() } else { None };
        let right = if order.is_ge() { b.next() } else { None };
        match (left, right) {
            (Some((key, x)), Some((_, y))) => {
                if fingerprint(old, x) != fingerprint(new, y) {
                    show(key, ChangeKind::Changed);
                }
            }
            (Some((key, _)), None) => show(key, ChangeKind::Removed),
            (None, Some((key, _))) => show(key, ChangeKind::Added),
            (None, None) => return changes,
        }
    }
}

/// Everything about a package that can change a finding, independent of the numbers of one file. The hash never leaves
/// this process.
fn fingerprint(snapshot: &Snapshot, entries: Entries<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in entries {
        let h = &mut hasher;
        (snapshot.feed_id(entry.feed), entry.id(), entry.status, entry.severity, entry.module).hash(h);
        entry.arches.for_each(|a| a.hash(h));
        entry.versions.for_each(|v| v.hash(h));
        entry.ranges.for_each(|r| r.to_string().hash(h));
        let Some(vulnerability) = snapshot.vulnerability(entry.vulnerability) else { continue };
        (vulnerability.id, vulnerability.malicious, vulnerability.title).hash(h);
        vulnerability.aliases.clone().for_each(|a| a.hash(h));
        vulnerability.ratings().for_each(|r| r.hash(h));
        vulnerability.cvss().for_each(|c| (c.source, c.vector, c.score_tenths).hash(h));
        vulnerability.cwes().for_each(|c| c.hash(h));
        vulnerability.signals().hash(h);
    }
    hasher.finish()
}
