//! One stretch of versions, and sets of them: what every range and every constraint becomes.
//!
//! Whether a pre-release lies inside is decided by the order alone (`2.0.0-beta` is below `2.0.0`), not by
//! the rule of a dependency resolver that must not choose one: an advisory speaks of what is there.

use std::cmp::Ordering;
use std::fmt;

use crate::{Scheme, VersionError};

/// One end of an [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// The version at the end.
    pub version: String,
    /// Whether the version itself belongs to the interval.
    pub inclusive: bool,
}

/// All versions between two ends; an end that is missing is open for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Interval {
    /// Where it begins.
    pub lower: Option<Bound>,
    /// Where it ends.
    pub upper: Option<Bound>,
}

impl Interval {
    /// Every version.
    #[must_use]
    pub fn all() -> Self {
        Interval::default()
    }

    /// One version alone.
    #[must_use]
    pub fn exactly(version: &str) -> Self {
        Interval::at_least(version).up_to(version)
    }

    /// From a version on, itself included.
    #[must_use]
    pub fn at_least(version: &str) -> Self {
        Interval { lower: Some(Bound { version: version.to_owned(), inclusive: true }), upper: None }
    }

    /// What comes after a version.
    #[must_use]
    pub fn after(version: &str) -> Self {
        Interval { lower: Some(Bound { version: version.to_owned(), inclusive: false }), upper: None }
    }

    /// The same beginning, ending before a version.
    #[must_use]
    pub fn before(mut self, version: &str) -> Self {
        self.upper = Some(Bound { version: version.to_owned(), inclusive: false });
        self
    }

    /// The same beginning, ending with a version.
    #[must_use]
    pub fn up_to(mut self, version: &str) -> Self {
        self.upper = Some(Bound { version: version.to_owned(), inclusive: true });
        self
    }

    /// Whether a version lies inside, by [`Scheme::compare_to_bound`].
    pub fn contains(&self, scheme: Scheme, version: &str) -> Result<bool, VersionError> {
        if let Some(lower) = &self.lower {
            match scheme.compare_to_bound(version, &lower.version)? {
                Ordering::Less => return Ok(false),
                Ordering::Equal if !lower.inclusive => return Ok(false),
                _ => {}
            }
        }
        if let Some(upper) = &self.upper {
            match scheme.compare_to_bound(version, &upper.version)? {
                Ordering::Greater => return Ok(false),
                Ordering::Equal if !upper.inclusive => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// What lies in both; `None` when that is nothing.
    pub(crate) fn intersect(&self, other: &Interval, scheme: Scheme) -> Option<Interval> {
        let tighter = |a: &Option<Bound>, b: &Option<Bound>, wanted: Ordering| match (a, b) {
            (None, b) => b.clone(),
            (a, None) => a.clone(),
            (Some(a), Some(b)) => Some(match scheme.order_bounds(&a.version, &b.version) {
                Ordering::Equal => Bound { version: a.version.clone(), inclusive: a.inclusive && b.inclusive },
                order if order == wanted => a.clone(),
                _ => b.clone(),
            }),
        };
        let lower = tighter(&self.lower, &other.lower, Ordering::Greater);
        let upper = tighter(&self.upper, &other.upper, Ordering::Less);
        if let (Some(l), Some(u)) = (&lower, &upper) {
            match scheme.order_bounds(&l.version, &u.version) {
                Ordering::Greater => return None,
                Ordering::Equal if !(l.inclusive && u.inclusive) => return None,
                _ => {}
            }
        }
        Some(Interval { lower, upper })
    }
}

/// What lies in some interval of `a` and in some of `b`.
pub(crate) fn intersect_all(a: &[Interval], b: &[Interval], scheme: Scheme) -> Vec<Interval> {
    a.iter().flat_map(|x| b.iter().filter_map(move |y| x.intersect(y, scheme))).collect()
}

/// In mathematical notation: `[1.0, 2.0)`, `(-∞, 3]`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.lower {
            None => f.write_str("(-∞, ")?,
            Some(b) => write!(f, "{}{}, ", if b.inclusive { '[' } else { '(' }, b.version)?,
        }
        match &self.upper {
            None => f.write_str("∞)"),
            Some(b) => write!(f, "{}{}", b.version, if b.inclusive { ']' } else { ')' }),
        }
    }
}
