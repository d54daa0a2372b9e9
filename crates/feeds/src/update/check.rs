//! Whether a new snapshot may take the old one's place: a feed that was full and is empty, or has lost more than half,
//! is more likely a broken download than a sudden drop of known vulnerabilities. It is named, and refused unless it is
//! forced.

use std::{collections::BTreeMap, fmt};

use layergate_advisory::Manifest;

/// Below this many records nothing is said: small feeds may well halve.
const FULL: u64 = 20;

/// A feed or a namespace that lost too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The feed's id, or the namespace.
    pub what: String,
    /// `records` or `packages`.
    pub of: &'static str,
    /// How many there were.
    pub before: u64,
    /// How many there are.
    pub after: u64,
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, of, before, after } = self;
        match after {
            0 => write!(f, "{what} had {before} {of} and has none"),
            _ => write!(f, "{what} had {before} {of} and has {after}"),
        }
    }
}

/// What got lost on the way from one snapshot to the next.
pub fn regressions(old: &Manifest, new: &Manifest) -> Vec<Regression> {
    let records = |m: &Manifest| m.feeds.iter().map(|f| (f.info.id.clone(), f.records)).collect::<BTreeMap<_, _>>();
    let packages =
        |m: &Manifest| m.coverage.iter().map(|(n, c)| (n.to_string(), c.packages)).collect::<BTreeMap<_, _>>();
    let mut lost = compare("records", &records(old), &records(new));
    lost.extend(compare("packages", &packages(old), &packages(new)));
    lost
}

fn compare(of: &'static str, old: &BTreeMap<String, u64>, new: &BTreeMap<String, u64>) -> Vec<Regression> {
    let lost = old.iter().filter_map(|(what, &before)| {
        let after = new.get(what).copied().unwrap_or(0);
        (before >= FULL && after * 2 < before).then(|| Regression { what: what.clone(), of, before, after })
    });
    lost.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_lost() {
        let map = |rows: &[(&str, u64)]| rows.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        let old = map(&[("grew", 100), ("halved", 100), ("lost", 100), ("gone", 30), ("small", 5)]);
        let new = map(&[("grew", 200), ("halved", 50), ("lost", 49), ("new", 1)]);
        let reported: Vec<String> = compare("records", &old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(reported, ["gone had 30 records and has none", "lost had 100 records and has 49"]);
    }
}
