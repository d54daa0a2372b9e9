//! The versions that an advisory affects: intervals, OSV's events, and versions named one by one.
//!
//! Source: the OSV schema, "affected[].ranges[].events" and its evaluation algorithm. Events of one range
//! are sorted by version; `introduced` opens, `fixed` closes before its version, `last_affected` closes after it,
//! and `limit` (of which the largest counts) cuts what lies above. `introduced: 0` is before every version.

use std::cmp::Ordering;

use crate::interval::intersect_all;
use crate::{Constraint, Interval, Scheme, VersionError};

/// One event of an OSV range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The version that brought the fault; `0` for the first of all.
    Introduced(String),
    /// The first version without it.
    Fixed(String),
    /// The last version with it.
    LastAffected(String),
    /// The end of what the range speaks of.
    Limit(String),
}

impl Event {
    fn version(&self) -> &str {
        match self {
            Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) | Event::Limit(v) => v,
        }
    }

    /// `limit: *` sets no limit.
    fn is_no_limit(&self) -> bool {
        matches!(self, Event::Limit(v) if v == "*")
    }

    fn is_origin(&self) -> bool {
        matches!(self, Event::Introduced(v) if v == "0")
    }
}

/// A set of versions of one scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges {
    scheme: Scheme,
    intervals: Vec<Interval>,
    versions: Vec<String>,
}

impl Ranges {
    /// The empty set.
    #[must_use]
    pub fn new(scheme: Scheme) -> Self {
        Ranges { scheme, intervals: Vec::new(), versions: Vec::new() }
    }

    /// The scheme whose versions these are.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The intervals, as they were added.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// The versions that were named one by one.
    #[must_use]
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty() && self.versions.is_empty()
    }

    /// Adds an interval; its ends must be versions of the scheme.
    pub fn add_interval(&mut self, interval: Interval) -> Result<(), VersionError> {
        for bound in [&interval.lower, &interval.upper].into_iter().flatten() {
            self.scheme.parse(&bound.version)?;
        }
        self.intervals.push(interval);
        Ok(())
    }

    /// Adds everything that a constraint allows.
    pub fn add_constraint(&mut self, constraint: &Constraint) -> Result<(), VersionError> {
        if constraint.scheme() != self.scheme {
            return Err(VersionError::SchemeMismatch { left: self.scheme, right: constraint.scheme() });
        }
        self.intervals.extend_from_slice(constraint.intervals());
        Ok(())
    }

    /// Adds one version. What the scheme cannot read is kept: it still equals itself.
    pub fn add_version(&mut self, version: &str) {
        self.versions.push(version.to_owned());
    }

    /// Adds one OSV range, given by its events in any order.
    pub fn add_events(&mut self, events: &[Event]) -> Result<(), VersionError> {
        for event in events.iter().filter(|e| !e.is_origin() && !e.is_no_limit()) {
            self.scheme.parse(event.version())?;
        }
        let mut sorted: Vec<&Event> = events.iter().filter(|e| !matches!(e, Event::Limit(_))).collect();
        sorted.sort_by(|a, b| match (a.is_origin(), b.is_origin()) {
            (false, false) => self.scheme.order_bounds(a.version(), b.version()),
            (x, y) => y.cmp(&x),
        });
        let mut found = Vec::new();
        let mut open: Option<Interval> = None;
        for event in sorted {
            match event {
                Event::Introduced(_) if open.is_some() => {}
                Event::Introduced(_) if event.is_origin() => open = Some(Interval::all()),
                Event::Introduced(v) => open = Some(Interval::at_least(v)),
                Event::Fixed(v) => found.extend(open.take().map(|i| i.before(v))),
                Event::LastAffected(v) => found.extend(open.take().map(|i| i.up_to(v))),
                Event::Limit(_) => {}
            }
        }
        found.extend(open);
        let limit = events
            .iter()
            .filter_map(|e| match e {
                Event::Limit(v) if !e.is_no_limit() => Some(v.as_str()),
                _ => None,
            })
            .max_by(|a, b| self.scheme.order_bounds(a, b));
        if let Some(limit) = limit {
            found = intersect_all(&found, &[Interval::all().before(limit)], self.scheme);
        }
        self.intervals.append(&mut found);
        Ok(())
    }

    /// Whether a version belongs to the set.
    pub fn contains(&self, version: &str) -> Result<bool, VersionError> {
        if self.versions.iter().any(|v| v == version) {
            return Ok(true);
        }
        self.scheme.parse(version)?;
        if self.versions.iter().any(|v| self.scheme.compare(version, v) == Ok(Ordering::Equal)) {
            return Ok(true);
        }
        for interval in &self.intervals {
            if interval.contains(self.scheme, version)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
