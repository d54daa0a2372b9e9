//! The Node.js security working group's npm advisories (github.com/nodejs/security-wg, `vuln/npm`): JSON, with
//! `vulnerable_versions` and `patched_versions` as npm ranges. Frozen since 2019. The sibling `vuln/core`, which is
//! kept to this day, is about Node itself, as official images have it: `vulnerable` and `patched`, and which systems
//! are affected.

use layergate_advisory::{Affected, Day, End, Namespace, Rating, Record, Start, VersionRange};
use layergate_model::{Severity, Status};
use layergate_version::Scheme;
use serde::Deserialize;

use super::free::{self, Bound, Interval};
use crate::{
    cvss_score::cvss,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct NodeWorkingGroup;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "nodejs-security-wg",
    name: "Node.js security working group",
    url: "https://github.com/nodejs/security-wg",
    license: "MIT",
}];

#[derive(Deserialize)]
struct Advisory {
    id: serde_json::Value,
    title: Option<String>,
    updated_at: Option<String>,
    module_name: String,
    cves: Option<Vec<String>>,
    vulnerable_versions: Option<String>,
    patched_versions: Option<String>,
    cvss_vector: Option<String>,
}

impl Feed for NodeWorkingGroup {
    fn id(&self) -> &'static str {
        "nodejs-security-wg"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"{")
            && (file.has("\"module_name\"", usize::MAX) && file.has("\"vulnerable_versions\"", usize::MAX)
                || is_core(file))
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        if is_core(file) {
            return core(file, sink);
        }
        let advisory: Advisory = match serde_json::from_slice(file.trimmed()) {
            Ok(advisory) => advisory,
            Err(error) => return sink.problem(error.to_string()),
        };
        let Ok(npm) = Namespace::new("npm") else { return };
        let id = advisory.id.as_u64().map(|n| n.to_string()).or_else(|| advisory.id.as_str().map(str::to_owned));
        let Some(id) = id else { return sink.problem("its id is neither a number nor a word") };
        let mut record = Record::new("nodejs-security-wg", format!("NSWG-ECO-{id}"));
        record.title = advisory.title;
        record.modified = advisory.updated_at.as_deref().and_then(Day::parse);
        record.aliases = advisory.cves.unwrap_or_default();
        record.cvss.extend(advisory.cvss_vector.as_deref().and_then(|v| cvss("nodejs", v)));
        let vulnerable = advisory.vulnerable_versions.unwrap_or_else(|| "*".into());
        let bare = Affected::bare(npm, advisory.module_name, Status::Affected);
        match affected(bare, &vulnerable, advisory.patched_versions.as_deref()) {
            Err(why) => sink.problem(why),
            Ok(None) => {}
            Ok(Some(affected)) => {
                record.affected.push(affected);
                sink.record(record);
            }
        }
    }
}

/// What is vulnerable and not patched; `None` where that is nothing.
fn affected(mut bare: Affected, vulnerable: &str, patched: Option<&str>) -> Result<Option<Affected>, String> {
    let Some(vulnerable) = ranges(vulnerable) else {
        return Err(format!("vulnerable versions {vulnerable:?} are not a range that can be read"));
    };
    // `<0.0.0` is how it writes "none".
    let patched = patched.filter(|p| p.trim() != "<0.0.0").and_then(ranges).unwrap_or_default();
    bare.ranges = vulnerable.iter().flat_map(|range| unpatched(range, &patched)).collect();
    if bare.ranges.iter().any(|r| matches!(r.end, End::Fixed(_))) {
        bare.status = Status::Fixed;
    }
    Ok((!bare.ranges.is_empty()).then_some(bare))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Core {
    #[serde(default)]
    cve: Vec<String>,
    vulnerable: String,
    patched: Option<String>,
    description: Option<String>,
    affected_environments: Option<Vec<String>>,
    severity: Option<String>,
}

/// Whether a file is about Node itself: one of `vuln/core/170.json`, not the index that has them all again.
fn is_core(file: &FeedFile) -> bool {
    file.name().strip_suffix(".json").is_some_and(|number| number.parse::<u32>().is_ok())
        && ["\"vulnerable\"", "\"affectedEnvironments\""].iter().all(|key| file.has(key, usize::MAX))
}

fn core(file: &FeedFile, sink: &mut Sink<'_>) {
    let advisory: Core = match serde_json::from_slice(file.trimmed()) {
        Ok(advisory) => advisory,
        Err(error) => return sink.problem(error.to_string()),
    };
    let linux =
        |environment: &String| matches!(environment.to_ascii_lowercase().as_str(), "all" | "linux" | "unix" | "posix");
    let elsewhere = advisory.affected_environments.is_some_and(|list| !list.is_empty() && !list.iter().any(linux));
    let Ok(namespace) = Namespace::new("nodejs") else { return };
    let number = file.name().trim_end_matches(".json");
    let mut record = Record::new("nodejs-security-wg", format!("NSWG-CORE-{number}"));
    record.title = advisory.description;
    record.aliases = advisory.cve;
    let severity = advisory.severity.as_deref().and_then(|s| s.parse::<Severity>().ok());
    let severity = severity.filter(|s| *s != Severity::Unknown);
    record.ratings.extend(severity.map(|severity| Rating { source: "nodejs".into(), severity }));
    if elsewhere {
        // Said, and not only left out: others tell of it without a word on the system.
        record.affected.push(Affected::unfixed(namespace, "node", Status::NotAffected));
        return sink.record(record);
    }
    match affected(
        Affected::bare(namespace, "node", Status::Affected),
        &advisory.vulnerable,
        advisory.patched.as_deref(),
    ) {
        Err(why) => sink.problem(why),
        Ok(None) => {}
        Ok(Some(affected)) => {
            record.affected.push(Affected { severity, ..affected });
            sink.record(record);
        }
    }
}

/// What is left of a vulnerable range without what is patched: `<5.0.0-beta.5`, of which `^3.0.16` is fixed.
fn unpatched(range: &VersionRange, patched: &[VersionRange]) -> Vec<VersionRange> {
    let (from, to) = interval(range);
    let outside: Vec<Interval> =
        [from.map(|from| (None, Some(from))), to.map(|to| (Some(to), None))].into_iter().flatten().collect();
    let fixed: Vec<Interval> = patched.iter().map(interval).collect();
    let mut left = free::affected(Scheme::Npm, &fixed, &outside);
    for range in &mut left {
        match &range.end {
            // Nobody says what is patched: what is no longer vulnerable fixes.
            End::Before(v) if patched.is_empty() => range.end = End::Fixed(v.clone()),
            End::Last(v) => {
                let next = successor(v).filter(|n| patched.iter().any(|p| p.start == Start::From(n.clone())));
                range.end = next.map_or(End::Last(v.clone()), End::Fixed);
            }
            _ => {}
        }
    }
    left
}

fn interval(range: &VersionRange) -> Interval {
    let edge = |version: &String, after| Some(Bound { version: version.clone(), after });
    let from = match &range.start {
        Start::Beginning => None,
        Start::From(v) => edge(v, false),
        Start::After(v) => edge(v, true),
    };
    let to = match &range.end {
        End::Open => None,
        End::Before(v) | End::Fixed(v) => edge(v, false),
        End::Last(v) => edge(v, true),
    };
    (from, to)
}

/// `1.2.4` of `1.2.3`.
fn successor(version: &str) -> Option<String> {
    let (rest, last) = version.rsplit_once('.')?;
    Some(format!("{rest}.{}", last.parse::<u64>().ok()?.checked_add(1)?))
}

/// `>=1.2.3 <2 || >=3` as intervals: comparators joined by blanks, alternatives by `||`, and `~`, `^`, `x`, hyphens in
/// the meaning npm gives them. `None` for anything else.
pub(crate) fn ranges(text: &str) -> Option<Vec<VersionRange>> {
    text.split("||").map(alternative).collect()
}

fn alternative(text: &str) -> Option<VersionRange> {
    let text = text.trim();
    let mut range = VersionRange { start: Start::Beginning, end: End::Open };
    if matches!(text, "" | "*" | "x" | "all") {
        return Some(range);
    }
    if let Some((low, high)) = text.split_once(" - ") {
        range = VersionRange { start: Start::From(full(low.trim())?), end: End::Last(full(high.trim())?) };
        return Some(range);
    }
    // `>= 1.2` and `>=1.2` are the same.
    let mut joined = String::new();
    for word in text.replace(',', " ").split_whitespace() {
        if !joined.is_empty() && !joined.ends_with(['<', '>', '=', '~', '^']) {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    for word in joined.split(' ') {
        let version = word.trim_start_matches(['<', '>', '=', '~', '^', 'v']);
        let operator = word.strip_suffix(version)?.trim_end_matches('v');
        let numbers: Vec<u64> = version.split(['-', '+']).next()?.split('.').map_while(|n| n.parse().ok()).collect();
        let next = |at: usize| {
            let mut up: Vec<u64> = numbers.get(..=at)?.to_vec();
            *up.last_mut()? += 1;
            up.resize(3, 0);
            Some(End::Before(up.iter().map(u64::to_string).collect::<Vec<_>>().join(".")))
        };
        match operator {
            "<" => range = narrowed(range, None, Some(End::Before(full(version)?))),
            "<=" => {
                let end =
                    if numbers.len() < 3 { next(numbers.len().checked_sub(1)?)? } else { End::Last(full(version)?) };
                range = narrowed(range, None, Some(end));
            }
            ">" => range = narrowed(range, Some(Start::After(full(version)?)), None),
            ">=" => range = narrowed(range, Some(Start::From(full(version)?)), None),
            "~" | "~>" => {
                range = VersionRange {
                    start: Start::From(full(version)?),
                    end: next(numbers.len().min(2).checked_sub(1)?)?,
                }
            }
            "^" => {
                let first = numbers.iter().position(|n| *n != 0).unwrap_or(numbers.len().checked_sub(1)?);
                range = VersionRange { start: Start::From(full(version)?), end: next(first)? };
            }
            "" | "=" if numbers.len() < 3 => {
                let end = if numbers.is_empty() { End::Open } else { next(numbers.len() - 1)? };
                range = VersionRange { start: Start::From(full(version)?), end };
            }
            "" | "=" => range = VersionRange { start: Start::From(full(version)?), end: End::Last(full(version)?) },
            _ => return None,
        }
    }
    Some(range)
}

/// Comparators hold together: the higher beginning, the lower end.
fn narrowed(range: VersionRange, start: Option<Start>, end: Option<End>) -> VersionRange {
    let new = VersionRange { start: start.unwrap_or(Start::Beginning), end: end.unwrap_or(End::Open) };
    let ((old_from, old_to), (from, to)) = (interval(&range), interval(&new));
    let later = free::edges(Scheme::Npm, from.as_ref(), old_from.as_ref()).is_gt();
    let sooner = to.is_some() && (old_to.is_none() || free::edges(Scheme::Npm, to.as_ref(), old_to.as_ref()).is_lt());
    VersionRange { start: if later { new.start } else { range.start }, end: if sooner { new.end } else { range.end } }
}

/// A version with its three numbers: `1.2` and `1.x` begin with `1.2.0` and `1.0.0`.
fn full(version: &str) -> Option<String> {
    let (numbers, rest) = version.find(['-', '+']).map_or((version, ""), |at| version.split_at(at));
    let mut parts: Vec<&str> = numbers.split('.').map(|n| if matches!(n, "x" | "X" | "*") { "0" } else { n }).collect();
    if parts.iter().any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit())) || parts.len() > 4 {
        return None;
    }
    parts.resize(parts.len().max(3), "0");
    Some(format!("{}{rest}", parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_ranges() {
        let cases = [
            ("<=1.0.0", "<= 1.0.0"),
            ("<4.17.11", "< 4.17.11"),
            (">= 1.2 < 2.0.0", ">= 1.2.0, < 2.0.0"),
            ("~1.2.3", ">= 1.2.3, < 1.3.0"),
            ("^0.2.3", ">= 0.2.3, < 0.3.0"),
            ("1.x", ">= 1.0.0, < 2.0.0"),
            ("*", "*"),
            ("1.2.3", ">= 1.2.3, <= 1.2.3"),
            ("1.0.0 - 1.4.0", ">= 1.0.0, <= 1.4.0"),
            ("<1.2.3 || >2.0.0 <2.1.0", "< 1.2.3 | > 2.0.0, < 2.1.0"),
            (">=5.0.3 >=4.2.1 <6 <7", ">= 5.0.3, < 6.0.0"),
        ];
        for (text, want) in cases {
            let got = ranges(text).map(|r| r.iter().map(|r| r.to_string()).collect::<Vec<_>>().join(" | "));
            assert_eq!(got.as_deref(), Some(want), "{text}");
        }
        assert!(ranges("git+https://x").is_none());
    }

    #[test]
    fn what_is_patched_is_left_out() {
        for (vulnerable, patched, want) in [
            ("<1.2.3", ">=1.2.3", "< 1.2.3"),
            ("<1.2.3", "", "< 1.2.3"),
            ("<=1.2.3", ">=1.2.4", "< 1.2.4"),
            ("<=1.2.3", ">=2.0.0", "<= 1.2.3"),
            ("<=6.8.5", ">=5.0.3 <6.0.0 || >=6.8.6", "< 5.0.3 | >= 6.0.0, < 6.8.6"),
            ("<5.0.0-beta.5", "^3.0.16 || ^5.0.0-beta.5", "< 3.0.16 | >= 4.0.0, < 5.0.0-beta.5"),
            (">=2.0.0", ">=2.15.0", ">= 2.0.0, < 2.15.0"),
            ("<1.1.7", ">=1.0.0", "< 1.0.0"),
            ("*", "", "*"),
            ("1.5.0", ">=1.0.0", ""),
        ] {
            let patched = if patched.is_empty() { Vec::new() } else { ranges(patched).unwrap() };
            let left: Vec<VersionRange> =
                ranges(vulnerable).unwrap().iter().flat_map(|r| unpatched(r, &patched)).collect();
            let shown = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
            assert_eq!(shown, want, "{vulnerable} without {patched:?}");
        }
    }
}
