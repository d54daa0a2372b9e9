//! What a snapshot says of itself: its feeds, which namespaces it covers, and when releases end.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::Namespace;

/// What is known of a feed before it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedInfo {
    /// A short stable word: `ubuntu-cve-tracker`, `osv-pypa`, …
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Where it comes from.
    pub url: String,
    /// Its license, as an SPDX expression or in the source's own words.
    #[serde(rename = "licence")]
    pub license: String,
}

/// A feed as it went into a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedSummary {
    /// What it is.
    #[serde(flatten)]
    pub info: FeedInfo,
    /// Records that went in.
    pub records: u64,
    /// Records that the feed itself took back, left out.
    pub withdrawn: u64,
    /// Records that could not be read.
    pub errors: u64,
    /// The date of the newest record (ISO 8601), where the feed dates them.
    pub newest: Option<String>,
    /// Where its records have no dates: the day (ISO 8601) of the newest of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    /// How many days its upstream ordinarily writes nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quiet_days: u64,
    /// How many signals it brings, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, u64>,
    /// How many records a whole copy has at least, where somebody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl FeedSummary {
    /// Whether only a part of the feed is here.
    pub fn is_partial(&self) -> bool {
        self.at_least.is_some_and(|floor| self.records < floor)
    }
}

/// How much of a feed is here of what it has on a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// The feed, by id.
    pub feed: String,
    /// Its records here.
    pub records: u64,
    /// The least that a whole copy of it has.
    pub at_least: u64,
    /// Whether it describes only what has been fixed: of the rest of what is known it says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixed_only: bool,
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, records, at_least, fixed_only } = self;
        match fixed_only {
            true if records >= at_least => {
                write!(f, "{feed} is here, and describes only what has been fixed, not what has no fix yet")
            }
            _ => write!(f, "{feed} is here with {records} of at least {at_least} records"),
        }
    }
}

/// What a snapshot has on one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many packages have advisories.
    pub packages: u64,
    /// How many pairs of package and vulnerability.
    pub entries: u64,
    /// The feeds they come from, by id, sorted.
    pub feeds: Vec<String>,
    /// How whole the feeds are that can cover the namespace, by id: those that are known to have a certain number of
    /// records on it. Empty where nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Completeness>,
}

impl Coverage {
    /// The most precise share where none of the feeds that could cover the namespace is whole: vulnerabilities that are
    /// known upstream are missing here. A whole list of updates is not the whole either where others describe what has
    /// none.
    pub fn partial(&self) -> Option<&Completeness> {
        let whole = self.shares.iter().any(|s| s.records >= s.at_least && !s.fixed_only);
        self.shares.iter().filter(|_| !whole).max_by_key(|s| (s.records, std::cmp::Reverse(&s.feed)))
    }
}

/// When a release stops being fixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EndOfLife {
    /// The distribution's `ID`.
    pub distro: String,
    /// The release as its advisories are cut: `12`, `22.04`, `3.18`.
    pub release: String,
    /// The last day (ISO 8601) of free support.
    pub date: String,
}

/// The manifest of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The feeds, by id.
    pub feeds: Vec<FeedSummary>,
    /// The namespaces.
    pub coverage: BTreeMap<Namespace, Coverage>,
    /// End-of-life dates, sorted.
    pub end_of_life: Vec<EndOfLife>,
    /// Source and kind of all signals, sorted; a vulnerability names its signals by their place here.
    #[serde(default)]
    pub signals: Vec<(String, String)>,
    /// How many vulnerabilities the snapshot has; the stored name is that of the first format.
    #[serde(rename = "flaws")]
    pub vulnerabilities: u64,
}
