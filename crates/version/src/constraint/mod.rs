//! Constraints as people and advisory databases write them: `^1.2 || >=3 <4`, `~> 1.2, >= 1.2.3`, `[1.0,2.0)`,
//! `~=1.4, !=1.4.3`, `>=1.0,<1.5|>=2.0,<2.1`.
//!
//! Every constraint becomes a set of [`Interval`]s, so that a snapshot stores one shape only. The native
//! languages differ in their shorthands (`expand`) and hardly in their grammar (`terms`); intervals in brackets are read
//! for every scheme (`brackets`). Pre-releases follow the plain order, with one care that all tools take:
//! the upper end of a shorthand (`^1.2`) lies before the pre-releases of the next version.
//!
//! Limits: [`MAX_CONSTRAINT_LEN`] bytes and [`MAX_TERMS`] terms.

mod brackets;
mod expand;
mod terms;

use crate::interval::intersect_all;
use crate::{Interval, Scheme, VersionError};

/// The longest constraint that is read, in bytes.
pub const MAX_CONSTRAINT_LEN: usize = 16 * 1024;
/// The most terms that one constraint may have.
pub const MAX_TERMS: usize = 512;

/// A constraint of one scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    scheme: Scheme,
    intervals: Vec<Interval>,
}

impl Constraint {
    /// Reads a constraint in the scheme's own language. Nothing, `*` and `any` allow every version.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, VersionError> {
        let intervals = read(scheme, text).map_err(|why| match why {
            Why::Text(why) => VersionError::Constraint { scheme, text: text.chars().take(200).collect(), why },
            Why::Version(error) => error,
        })?;
        Ok(Constraint { scheme, intervals })
    }

    /// What any of several constraints allows (RubySec's `patched_versions`); none at all allows nothing.
    pub fn parse_any<'a>(scheme: Scheme, texts: impl IntoIterator<Item = &'a str>) -> Result<Self, VersionError> {
        let mut intervals = Vec::new();
        for text in texts {
            intervals.append(&mut Constraint::parse(scheme, text)?.intervals);
        }
        Ok(Constraint { scheme, intervals })
    }

    /// What all of several constraints allow (a branch of FriendsOfPHP); none at all allows everything.
    pub fn parse_all<'a>(scheme: Scheme, texts: impl IntoIterator<Item = &'a str>) -> Result<Self, VersionError> {
        let mut intervals = vec![Interval::all()];
        for text in texts {
            let next = Constraint::parse(scheme, text)?;
            intervals = intersect_all(&intervals, &next.intervals, scheme);
            if intervals.len() > MAX_TERMS {
                return Err(VersionError::Constraint { scheme, text: text.chars().take(200).collect(), why: TOO_MANY });
            }
        }
        Ok(Constraint { scheme, intervals })
    }

    /// The scheme whose versions it speaks of.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The constraint as intervals; a version is allowed if it lies in any of them.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Whether it allows a version.
    pub fn matches(&self, version: &str) -> Result<bool, VersionError> {
        self.scheme.parse(version)?;
        for interval in &self.intervals {
            if interval.contains(self.scheme, version)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the constraint does not allow: how "patched in these" becomes "vulnerable in those".
    #[must_use]
    pub fn complement(&self) -> Constraint {
        let mut left = vec![Interval::all()];
        for interval in &self.intervals {
            let mut around = Vec::new();
            if let Some(lower) = &interval.lower {
                let end = Interval::all();
                around.push(if lower.inclusive { end.before(&lower.version) } else { end.up_to(&lower.version) });
            }
            if let Some(upper) = &interval.upper {
                let version = &upper.version;
                around.push(if upper.inclusive { Interval::after(version) } else { Interval::at_least(version) });
            }
            left = intersect_all(&left, &around, self.scheme);
        }
        Constraint { scheme: self.scheme, intervals: left }
    }
}

const TOO_MANY: &str = "too many terms";

/// Why a constraint cannot be read.
enum Why {
    Text(&'static str),
    Version(VersionError),
}

impl From<VersionError> for Why {
    fn from(error: VersionError) -> Self {
        Why::Version(error)
    }
}

fn read(scheme: Scheme, text: &str) -> Result<Vec<Interval>, Why> {
    if text.len() > MAX_CONSTRAINT_LEN {
        return Err(Why::Text("too long"));
    }
    if let Some(intervals) = brackets::read(scheme, text)? {
        return Ok(intervals);
    }
    let mut out = Vec::new();
    let mut count = 0;
    for alternative in terms::alternatives(text) {
        let mut allowed = vec![Interval::all()];
        for term in terms::read(alternative)? {
            count += 1;
            if count > MAX_TERMS {
                return Err(Why::Text(TOO_MANY));
            }
            let intervals = expand::expand(scheme, &term)?;
            for bound in intervals.iter().flat_map(|i| [&i.lower, &i.upper]).flatten() {
                scheme.parse(&bound.version)?;
            }
            allowed = intersect_all(&allowed, &intervals, scheme);
        }
        out.append(&mut allowed);
    }
    Ok(out)
}
