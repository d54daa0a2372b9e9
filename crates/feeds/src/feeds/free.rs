//! Databases that say which versions are free of a vulnerability (patched, never affected) rather than which have it:
//! affected is what is left between.

use layergate_advisory::{End, Start, VersionRange};
use layergate_version::Scheme;

/// From this version on (or from the first), up to but without this one (or for ever).
pub(crate) type Interval = (Option<Bound>, Option<Bound>);

/// A version, and whether the interval's edge lies just after it rather than just before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) version: String,
    pub(crate) after: bool,
}

/// Everything that is neither patched nor unaffected, from below.
pub(crate) fn affected(scheme: Scheme, patched: &[Interval], unaffected: &[Interval]) -> Vec<VersionRange> {
    let mut good: Vec<&Interval> = patched.iter().chain(unaffected).collect();
    good.sort_by(|a, b| edges(scheme, a.0.as_ref(), b.0.as_ref()));
    let mut out = Vec::new();
    // Where the next affected range begins; `None` once everything above is good.
    let mut start = Some(Start::Beginning);
    let mut reached: Option<Bound> = None;
    for (from, to) in good {
        let Some(open) = start.take() else { break };
        let gap = match (from, &reached) {
            (None, _) => false,
            (Some(from), Some(reached)) => edges(scheme, Some(from), Some(reached)).is_gt(),
            (Some(_), None) => true,
        };
        if let Some(from) = from.as_ref().filter(|_| gap) {
            // The edge of an unaffected range is no fix, only the end of what is affected.
            let fixes = patched.iter().any(|(p, _)| p.as_ref() == Some(from));
            let end = match (from.after, fixes) {
                (true, _) => End::Last(from.version.clone()),
                (false, true) => End::Fixed(from.version.clone()),
                (false, false) => End::Before(from.version.clone()),
            };
            out.push(VersionRange { start: open.clone(), end });
        }
        start = match to {
            None => None,
            Some(to) if reached.as_ref().is_some_and(|r| edges(scheme, Some(to), Some(r)).is_le()) => Some(open),
            Some(to) => {
                reached = Some(to.clone());
                let version = to.version.clone();
                Some(if to.after { Start::After(version) } else { Start::From(version) })
            }
        };
    }
    if let Some(start) = start {
        out.push(VersionRange { start, end: End::Open });
    }
    out
}

pub(crate) fn edges(scheme: Scheme, a: Option<&Bound>, b: Option<&Bound>) -> std::cmp::Ordering {
    match (a, b) {
        (None, None) => std::cmp::Ordering::Equal,
        (None, _) => std::cmp::Ordering::Less,
        (_, None) => std::cmp::Ordering::Greater,
        (Some(a), Some(b)) => {
            let order = scheme.compare(&a.version, &b.version);
            order.unwrap_or_else(|_| a.version.cmp(&b.version)).then(a.after.cmp(&b.after))
        }
    }
}
