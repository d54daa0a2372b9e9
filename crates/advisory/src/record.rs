//! What a feed's parser gives: one advisory with everything that the snapshot keeps of it.
//!
//! The shape is OSV's, which holds all the others: an id with aliases, ratings, and a list of affected packages with
//! half-open ranges or exact versions. A record with no affected packages enriches the vulnerability that it names
//! (KEV, EPSS, NVD).

use std::{borrow::Cow, fmt};

use layergate_model::{Cvss, Cwe, Severity, Signal, Status};

use crate::Namespace;

/// One advisory of one feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The feed's own id for it.
    pub id: String,
    /// Other names of the same vulnerability, or the vulnerabilities that this advisory bundles when they are several
    /// CVEs.
    pub aliases: Vec<String>,
    /// The feed, by the id under which the builder was reported of it.
    pub feed: Cow<'static, str>,
    /// One line about it.
    pub title: Option<String>,
    /// What each source says of the severity.
    pub ratings: Vec<Rating>,
    /// CVSS vectors with their scores.
    pub cvss: Vec<Cvss>,
    /// The weaknesses behind the vulnerability.
    pub cwes: Vec<Cwe>,
    /// What the feed says of the vulnerability beside what it affects.
    pub signals: Vec<Signal>,
    /// A malicious package rather than a vulnerable one.
    pub malicious: bool,
    /// The feed took it back: it is counted and left out.
    pub withdrawn: bool,
    /// When the feed last touched it.
    pub modified: Option<Day>,
    /// The packages.
    pub affected: Vec<Affected>,
}

impl Record {
    /// A record with its two names; the rest is set on the value.
    pub fn new(feed: impl Into<Cow<'static, str>>, id: impl Into<String>) -> Self {
        Self { feed: feed.into(), id: id.into(), ..Self::default() }
    }
}

/// A severity and who gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rating {
    /// Who: `ubuntu`, `ghsa`, `nvd`, …
    pub source: Cow<'static, str>,
    /// The word.
    pub severity: Severity,
}

/// One package that an advisory speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Whose package names.
    pub namespace: Namespace,
    /// The name, normalised as the namespace's look-ups are.
    pub name: String,
    /// The source's view.
    pub status: Status,
    /// The affected ranges; a version in any of them is affected.
    pub ranges: Vec<VersionRange>,
    /// Exact affected versions.
    pub versions: Vec<String>,
    /// The severity for this package in this namespace, where the source rates it here.
    pub severity: Option<Severity>,
    /// Only these architectures; all when empty.
    pub arches: Vec<String>,
    /// Only builds of this rpm module stream (`nodejs:18`).
    pub module: Option<String>,
}

impl Affected {
    /// A package that `fixed` fixes, whatever came before it being affected.
    pub fn fixed(namespace: Namespace, name: impl Into<String>, fixed: impl Into<String>) -> Self {
        let range = VersionRange { start: Start::Beginning, end: End::Fixed(fixed.into()) };
        Self { ranges: vec![range], ..Self::bare(namespace, name, Status::Fixed) }
    }

    /// A package of which every version is affected.
    pub fn unfixed(namespace: Namespace, name: impl Into<String>, status: Status) -> Self {
        let range = VersionRange { start: Start::Beginning, end: End::Open };
        Self { ranges: vec![range], ..Self::bare(namespace, name, status) }
    }

    /// A package without ranges or versions yet.
    pub fn bare(namespace: Namespace, name: impl Into<String>, status: Status) -> Self {
        Self {
            namespace,
            name: name.into(),
            status,
            ranges: Vec::new(),
            versions: Vec::new(),
            severity: None,
            arches: Vec::new(),
            module: None,
        }
    }
}

/// Where a range begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start<S = String> {
    /// With the first version there ever was.
    Beginning,
    /// With this version.
    From(S),
    /// After this version.
    After(S),
}

/// Where a range ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End<S = String> {
    /// Nowhere: no version fixes it.
    Open,
    /// Before this version, which fixes it.
    Fixed(S),
    /// Before this version, of which nobody says that it fixes it (a branch's end).
    Before(S),
    /// With this version, the last affected one.
    Last(S),
}

/// An interval of versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionRange<S = String> {
    /// Its beginning.
    pub start: Start<S>,
    /// Its end.
    pub end: End<S>,
}

impl<'s> VersionRange<&'s [u8]> {
    /// The range with its versions as texts; one that is none, which only a damaged file has, is empty.
    pub fn as_text(self) -> VersionRange<&'s str> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or("");
        VersionRange {
            start: match self.start {
                Start::Beginning => Start::Beginning,
                Start::From(v) => Start::From(text(v)),
                Start::After(v) => Start::After(text(v)),
            },
            end: match self.end {
                End::Open => End::Open,
                End::Fixed(v) => End::Fixed(text(v)),
                End::Before(v) => End::Before(text(v)),
                End::Last(v) => End::Last(text(v)),
            },
        }
    }
}

impl<S: AsRef<str>> fmt::Display for VersionRange<S> {
    /// `>= 1.2, < 1.4`; `*` for everything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = match &self.start {
            Start::Beginning => None,
            Start::From(v) => Some((">=", v.as_ref())),
            Start::After(v) => Some((">", v.as_ref())),
        };
        let end = match &self.end {
            End::Open => None,
            End::Fixed(v) | End::Before(v) => Some(("<", v.as_ref())),
            End::Last(v) => Some(("<=", v.as_ref())),
        };
        match (start, end) {
            (None, None) => f.write_str("*"),
            (Some((op, v)), None) | (None, Some((op, v))) => write!(f, "{op} {v}"),
            (Some((a, v)), Some((b, w))) => write!(f, "{a} {v}, {b} {w}"),
        }
    }
}

/// A day of the calendar, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day that an ISO 8601 date or time begins with; `None` for anything else and for the year-one dates that
    /// some feeds write for "never".
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().get(..10)?;
        let mut parts = text.split('-');
        let mut number = |digits: usize| {
            let part = parts.next()?;
            (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok())?
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        (month < 16 && day < 32).then(|| Self::from_bits(year << 9 | month << 5 | day))?
    }

    /// The day of a number of seconds since 1970, UTC.
    pub fn of_unix(seconds: u64) -> Option<Self> {
        // Days to a civil date as Howard Hinnant's `civil_from_days`, of days from 0000-03-01.
        let days = seconds / 86_400 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = u32::try_from(year_of_era + era * 400 + u64::from(month <= 2)).ok()?;
        Self::from_bits(year.checked_mul(512)? | (month as u32) << 5 | day as u32)
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(bits: u32) -> Option<Self> {
        let (year, month, day) = (bits >> 9, bits >> 5 & 15, bits & 31);
        ((1980..=2200).contains(&year) && (1..=12).contains(&month) && day > 0).then_some(Self(bits))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 >> 9, self.0 >> 5 & 15, self.0 & 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let day = Day::parse("2024-02-29T10:00:00Z").unwrap();
        assert_eq!(day.to_string(), "2024-02-29");
        assert_eq!(Day::from_bits(day.to_bits()), Some(day));
        for (seconds, want) in [
            (1_709_164_800, Some("2024-02-29")),
            (1_709_251_199, Some("2024-02-29")),
            (1_709_251_200, Some("2024-03-01")),
            (1_767_225_599, Some("2025-12-31")),
            (946_684_800, Some("2000-01-01")),
            (0, None),
            (u64::MAX, None),
        ] {
            assert_eq!(Day::of_unix(seconds).map(|d| d.to_string()).as_deref(), want, "{seconds}");
        }
        assert!(Day::parse("2024-02-28") < Day::parse("2024-03-01"));
        let bad =
            "|0001-01-01T00:00:00Z|2024-13-01|2024-17-01|2024-01-32|2024-01-00|2024-1-01x|20240101|２０２４-01-01";
        for bad in bad.split('|') {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges_read_well() {
        let cases = [
            (Start::Beginning, End::Open, "*"),
            (Start::Beginning, End::Fixed("2"), "< 2"),
            (Start::From("1"), End::Last("2"), ">= 1, <= 2"),
            (Start::After("1"), End::Open, "> 1"),
        ];
        for (start, end, want) in cases {
            assert_eq!(VersionRange { start, end }.to_string(), want);
        }
    }
}
