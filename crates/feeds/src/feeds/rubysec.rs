//! RubySec's advisory database (github.com/rubysec/ruby-advisory-db): YAML, one file for each advisory, with what is
//! patched and what was never affected. Affected is the rest. Requirements are RubyGems': several in one line hold
//! together, `~> 1.2.3` is `>= 1.2.3` and below `1.3`.
//!
//! Patched lines that end (`~> 3.2.5`) are branches: a version counts as affected up to the first patch of its branch.

use layergate_advisory::{Affected, Namespace, Record};
use layergate_model::Status;
use layergate_version::Scheme;
use serde::Deserialize;

use super::free::{Bound, Interval, affected, edges};
use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct RubySec;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "rubysec",
    name: "Ruby Advisory Database",
    url: "https://github.com/rubysec/ruby-advisory-db",
    license: "LicenseRef-public-domain",
}];

#[derive(Deserialize)]
struct Advisory {
    gem: Option<String>,
    engine: Option<String>,
    cve: Option<serde_norway::Value>,
    ghsa: Option<String>,
    osvdb: Option<serde_norway::Value>,
    title: Option<String>,
    patched_versions: Option<Vec<String>>,
    unaffected_versions: Option<Vec<String>>,
}

impl Feed for RubySec {
    fn id(&self) -> &'static str {
        "rubysec"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let begins =
            |key: &str| file.has(&format!("\n{key}:"), 4096) || file.bytes.starts_with(format!("{key}:").as_bytes());
        matches!(file.ending(), "yml" | "yaml")
            && (begins("gem") || begins("engine"))
            && file.has("\ntitle:", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let advisory: Advisory = match serde_norway::from_slice(&file.bytes) {
            Ok(advisory) => advisory,
            Err(error) => return sink.problem(error.to_string()),
        };
        // Interpreters (`engine`) come from a distribution or an image's own build, never as a gem.
        let (Some(gem), Ok(namespace)) = (advisory.gem, Namespace::new("gem")) else {
            if advisory.engine.is_none() {
                sink.problem("the advisory names neither a gem nor an engine");
            }
            return;
        };
        let cve = word(advisory.cve).map(|c| format!("CVE-{c}"));
        let ghsa = advisory.ghsa.map(|g| format!("GHSA-{g}"));
        let osvdb = word(advisory.osvdb).map(|o| format!("OSVDB-{o}"));
        let own = file.name().trim_end_matches(".yml").trim_end_matches(".yaml");
        let mut names = [cve, ghsa, osvdb].into_iter().flatten();
        let mut record = Record::new("rubysec", names.next().unwrap_or_else(|| format!("RUBYSEC-{gem}-{own}")));
        record.aliases = names.collect();
        record.title = advisory.title;
        let patched = parsed(advisory.patched_versions, sink);
        let unaffected = parsed(advisory.unaffected_versions, sink);
        let ranges = affected(Scheme::RubyGems, &patched, &unaffected);
        if ranges.is_empty() {
            return;
        }
        let status = if patched.is_empty() { Status::Affected } else { Status::Fixed };
        record.affected.push(Affected { ranges, ..Affected::bare(namespace, gem, status) });
        sink.record(record);
    }
}

fn word(value: Option<serde_norway::Value>) -> Option<String> {
    match value? {
        serde_norway::Value::String(s) => Some(s),
        serde_norway::Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

fn parsed(lines: Option<Vec<String>>, sink: &mut Sink<'_>) -> Vec<Interval> {
    let mut out = Vec::new();
    for line in lines.into_iter().flatten() {
        match interval(&line) {
            Some(interval) => out.push(interval),
            None => sink.problem(format!("a requirement {line:?} that cannot be read")),
        }
    }
    out
}

/// One line of requirements.
fn interval(line: &str) -> Option<Interval> {
    let (mut from, mut to) = (None, None);
    for part in line.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (op, version) = match part.find(|c: char| c.is_ascii_alphanumeric()) {
            Some(at) => (part[..at].trim(), part[at..].trim().to_owned()),
            None => return None,
        };
        let edge = |version: &str, after| Some(Bound { version: version.to_owned(), after });
        let (low, high) = match op {
            // Everything, as some advisories write it.
            ">=" if version == "0" => (None, None),
            ">=" => (edge(&version, false), None),
            ">" => (edge(&version, true), None),
            "<" => (None, edge(&version, false)),
            "<=" => (None, edge(&version, true)),
            "=" | "" => (edge(&version, false), edge(&version, true)),
            "~>" => (edge(&version, false), edge(&next(&version)?, false)),
            _ => return None,
        };
        if edges(Scheme::RubyGems, low.as_ref(), from.as_ref()).is_gt() {
            from = low;
        }
        if high.is_some() && (to.is_none() || edges(Scheme::RubyGems, high.as_ref(), to.as_ref()).is_lt()) {
            to = high;
        }
    }
    Some((from, to))
}

/// What a pessimistic requirement ends before: `1.3.a` of `1.2.3`, `2.a` of `1.2` and of `1`. The letter comes before
/// every pre-release: RubyGems compares the release, so `1.3.0.rc1` is not `~> 1.2.3`.
fn next(version: &str) -> Option<String> {
    let numbers = version.split('.').map_while(|p| p.parse::<u64>().ok()).collect::<Vec<_>>();
    let kept = if numbers.len() > 1 { numbers.len() - 1 } else { 1 };
    let (last, before) = numbers.get(..kept)?.split_last()?;
    let mut parts: Vec<String> = before.iter().map(u64::to_string).collect();
    parts.push(last.checked_add(1)?.to_string());
    parts.push("a".to_owned());
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_affected() {
        let cases: [(&[&str], &[&str], &[&str]); 8] = [
            (&[">= 0.6.1"], &[], &["< 0.6.1"]),
            (&[">= 1.5.4"], &["< 1.4.0"], &[">= 1.4.0, < 1.5.4"]),
            (&["~> 3.2.5", "~> 4.0.1", ">= 4.1.0"], &[], &["< 3.2.5", ">= 3.3.a, < 4.0.1", ">= 4.1.a, < 4.1.0"]),
            (&[], &[], &["*"]),
            (&["> 1.0"], &["<= 0.5"], &["> 0.5, <= 1.0"]),
            (&[">= 2"], &[">= 0"], &[]),
            (&[">= 2.3.4, ~> 2.3.0", ">= 2.4"], &[], &["< 2.3.4", ">= 2.4.a, < 2.4"]),
            (&["= 1.2"], &[], &["< 1.2", "> 1.2"]),
        ];
        for (patched, unaffected, want) in cases {
            let parse = |lines: &[&str]| lines.iter().map(|l| interval(l).unwrap()).collect::<Vec<_>>();
            let got: Vec<String> = affected(Scheme::RubyGems, &parse(patched), &parse(unaffected))
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(got, want, "{patched:?} {unaffected:?}");
        }
        for bad in ["!= 1", ">=", "~> x"] {
            assert_eq!(interval(bad), None, "{bad}");
        }
    }
}
