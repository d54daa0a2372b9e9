//! OSV's events of versions as intervals.

use layergate_advisory::{End, Start, VersionRange};
use layergate_version::Scheme;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

/// The events as intervals: pair by pair where the feed wrote them so, else by the order of their versions.
pub(super) fn intervals(scheme: Scheme, events: Vec<Event>, last_known: Option<&str>) -> Vec<VersionRange> {
    let mut steps: Vec<(String, Step)> = Vec::new();
    for event in events {
        if let Some(v) = event.introduced {
            steps.push((v, Step::Open));
        }
        if let Some(v) = event.fixed {
            steps.push((v.clone(), Step::Close(End::Fixed(v))));
        }
        if let Some(v) = event.last_affected {
            steps.push((v.clone(), Step::Close(End::Last(v))));
        }
        if let Some(v) = event.limit.filter(|l| l != "*") {
            steps.push((v.clone(), Step::Close(End::Before(v))));
        }
    }
    let (mut out, open) = pairs(scheme, &steps).unwrap_or_else(|| sorted(scheme, steps));
    if let Some(start) = open {
        out.push(VersionRange { start, end: last_known.and_then(last_end).unwrap_or(End::Open) });
    }
    out
}

enum Step {
    Open,
    Close(End),
}

fn zero(version: &str) -> bool {
    matches!(version, "0" | "0.0.0-0" | "0.0.0" | "")
}

fn start(version: &str) -> Start {
    if zero(version) { Start::Beginning } else { Start::From(version.to_owned()) }
}

/// Beginning, end, beginning, end, as PyPA writes branches: each pair is an interval, however they overlap or touch
/// (`2.11`, `2.11.7`, `0`, `2.11.6`). A pair that ends before it begins (Bitnami's `1.24.0-0`, `1.24.0`, which was a
/// pre-release where it was copied from) says of its first version alone that it is affected. `None` where the events
/// do not come in pairs.
fn pairs(scheme: Scheme, steps: &[(String, Step)]) -> Option<(Vec<VersionRange>, Option<Start>)> {
    let mut out = Vec::new();
    let mut open: Option<&str> = None;
    for (version, step) in steps {
        match (step, open.take()) {
            (Step::Open, None) => open = Some(version),
            (Step::Close(end), Some(from)) => {
                let backwards = !zero(from) && scheme.compare(from, version).is_ok_and(std::cmp::Ordering::is_gt);
                let end = if backwards { End::Last(from.to_owned()) } else { end.clone() };
                out.push(VersionRange { start: start(from), end });
            }
            _ => return None,
        }
    }
    Some((out, open.map(start)))
}

/// Events have no order of their own, says the schema; where two versions cannot be compared, the feed's order stays.
fn sorted(scheme: Scheme, mut steps: Vec<(String, Step)>) -> (Vec<VersionRange>, Option<Start>) {
    steps.sort_by(|(a, _), (b, _)| match (zero(a), zero(b)) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        _ => scheme.compare(a, b).unwrap_or(std::cmp::Ordering::Equal),
    });
    let mut out = Vec::new();
    let mut open: Option<Start> = None;
    for (version, step) in steps {
        match step {
            Step::Open => open = open.or_else(|| Some(start(&version))),
            // A fix without a beginning: the schema asks for one, older records leave it out.
            Step::Close(end) => match open.take() {
                Some(start) => out.push(VersionRange { start, end }),
                None if out.is_empty() => out.push(VersionRange { start: Start::Beginning, end }),
                // Two ends after one beginning: the later one adds nothing.
                None => {}
            },
        }
    }
    (out, open)
}

/// `<= 1.2.3` or `< 1.3`.
fn last_end(range: &str) -> Option<End> {
    let range = range.trim();
    if let Some(v) = range.strip_prefix("<=") {
        return Some(End::Last(v.trim().to_owned()));
    }
    let v = range.strip_prefix('<')?.trim();
    (!v.contains(' ')).then(|| End::Before(v.to_owned()))
}

pub(super) fn holds(scheme: Scheme, range: &VersionRange, version: &str) -> bool {
    let against = |bound: &str| scheme.compare_to_bound(version, bound).ok();
    let after = match &range.start {
        Start::Beginning => true,
        Start::From(v) => against(v).is_some_and(std::cmp::Ordering::is_ge),
        Start::After(v) => against(v).is_some_and(std::cmp::Ordering::is_gt),
    };
    after
        && match &range.end {
            End::Open => true,
            End::Fixed(v) | End::Before(v) => against(v).is_some_and(std::cmp::Ordering::is_lt),
            End::Last(v) => against(v).is_some_and(std::cmp::Ordering::is_le),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_to_intervals() {
        let cases: &[(&str, Option<&str>, &str)] = &[
            ("i0 f1.2", None, "< 1.2"),
            ("i1.0 l1.5 i2.0", None, ">= 1.0, <= 1.5 or >= 2.0"),
            // PyPA's branches overlap and touch.
            ("i2.11 f2.11.7 i0 f2.11.6 i2.12 f2.12.4", None, ">= 2.11, < 2.11.7 or < 2.11.6 or >= 2.12, < 2.12.4"),
            ("i0 f3.1.1 i3.2.0 f3.2.2 i3.1.1 f3.2.0", None, "< 3.1.1 or >= 3.2.0, < 3.2.2 or >= 3.1.1, < 3.2.0"),
            ("i0 f1.2 i2.0 f1.5 i3.0 f3.1", None, "< 1.2 or >= 2.0, <= 2.0 or >= 3.0, < 3.1"),
            // Not in pairs: by version.
            ("f1.5 i1.0 i2.0", None, ">= 1.0, < 1.5 or >= 2.0"),
            ("i0 f1.2 f2.3", None, "< 1.2"),
            ("f1.2", None, "< 1.2"),
            ("i0", Some("<= 2.1"), "<= 2.1"),
            ("i0 f1.2", Some("<= 1.1"), "< 1.2"),
            ("i0", Some(">= 1, < 2"), "*"),
            ("i0 m3.0", None, "< 3.0"),
            ("i0 m*", None, "*"),
            ("", None, ""),
        ];
        for (events, known, want) in cases {
            let events = events.split_whitespace().map(|e| {
                let (kind, version) = e.split_at(1);
                let at = |k| (k == kind).then(|| version.to_owned());
                Event { introduced: at("i"), fixed: at("f"), last_affected: at("l"), limit: at("m") }
            });
            let got = intervals(Scheme::Pep440, events.collect(), *known);
            assert_eq!(got.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "), *want);
        }
    }
}
