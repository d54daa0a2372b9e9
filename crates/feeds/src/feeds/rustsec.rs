//! RustSec's advisory database in its own form (github.com/rustsec/advisory-db): Markdown with a TOML head, which says
//! what is patched and what was never affected, as Cargo requirements. Affected is the rest. `informational` advisories
//! (unmaintained, notice) describe no vulnerability and are passed over, except `unsound`, as cargo-audit has it.

use layergate_advisory::{Affected, Day, Namespace, Record};
use layergate_model::Status;
use serde::Deserialize;

use super::free::{Bound, Interval, affected};
use crate::{
    cvss_score::cvss,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct RustSec;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "rustsec",
    name: "RustSec Advisory Database",
    url: "https://github.com/rustsec/advisory-db",
    license: "CC0-1.0",
}];

#[derive(Deserialize)]
struct Head {
    advisory: Advisory,
    versions: Option<Versions>,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    package: String,
    date: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    cvss: Option<String>,
    informational: Option<String>,
    withdrawn: Option<String>,
    collection: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

impl Feed for RustSec {
    fn id(&self) -> &'static str {
        "rustsec"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"```toml") && file.has("[advisory]", 1024)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let text = file.text();
        let head = text.trim_start().strip_prefix("```toml").and_then(|t| t.split_once("\n```"));
        let Some((head, prose)) = head else { return sink.problem("its TOML head does not end") };
        let head: Head = match toml::from_str(head) {
            Ok(head) => head,
            Err(error) => return sink.problem(error.to_string()),
        };
        let (advisory, versions) = (head.advisory, head.versions);
        // The compiler and its tools are no crates.
        let tools = advisory.collection.as_deref() == Some("rust");
        if tools || advisory.informational.as_deref().is_some_and(|i| i != "unsound") {
            return;
        }
        let Ok(namespace) = Namespace::new("cargo") else { return };
        let mut parsed = |lines: &[String]| {
            let mut out = Vec::new();
            for line in lines {
                match requirement(line) {
                    Some(interval) => out.push(interval),
                    None => sink.problem(format!("{}: a requirement {line:?} that cannot be read", advisory.id)),
                }
            }
            out
        };
        let patched = versions.as_ref().map(|v| parsed(&v.patched)).unwrap_or_default();
        let unaffected = versions.as_ref().map(|v| parsed(&v.unaffected)).unwrap_or_default();
        let mut record = Record::new("rustsec", advisory.id);
        record.aliases = advisory.aliases;
        record.withdrawn = advisory.withdrawn.is_some();
        record.modified = advisory.date.as_deref().and_then(Day::parse);
        record.title = prose.lines().find_map(|l| l.strip_prefix("# ")).map(str::to_owned);
        record.cvss.extend(advisory.cvss.and_then(|v| cvss("rustsec", &v)));
        let ranges = affected(layergate_version::Scheme::Cargo, &patched, &unaffected);
        let status = if patched.is_empty() { Status::Affected } else { Status::Fixed };
        if !ranges.is_empty() {
            record.affected.push(Affected { ranges, ..Affected::bare(namespace, advisory.package, status) });
        }
        sink.record(record);
    }
}

/// One line of Cargo requirements as an interval: comparators, `^`, `~`, `=`, and a bare version, which is `^`.
fn requirement(line: &str) -> Option<Interval> {
    if line.trim() == "*" {
        return Some((None, None));
    }
    let (mut from, mut to) = (None, None);
    for c in semver::VersionReq::parse(line).ok()?.comparators {
        let (minor, patch) = (c.minor.unwrap_or(0), c.patch.unwrap_or(0));
        let pre = if c.pre.is_empty() { String::new() } else { format!("-{}", c.pre) };
        let at = |version: String, after| Some(Bound { version, after });
        let own = format!("{}.{minor}.{patch}{pre}", c.major);
        // The first version beyond everything that a partial version means.
        let above = match (c.minor, c.patch) {
            (None, _) => format!("{}.0.0", c.major + 1),
            (Some(minor), None) => format!("{}.{}.0", c.major, minor + 1),
            _ => own.clone(),
        };
        let whole = c.patch.is_some();
        let caret = match (c.major, c.minor, c.patch) {
            (0, Some(0), Some(patch)) => format!("0.0.{}", patch + 1),
            (0, Some(minor), _) => format!("0.{}.0", minor + 1),
            (major, ..) => format!("{}.0.0", major + 1),
        };
        let (low, high) = match c.op {
            semver::Op::GreaterEq => (at(own, false), None),
            semver::Op::Greater => (at(above, whole), None),
            semver::Op::Less => (None, at(own, false)),
            semver::Op::LessEq => (None, at(above, whole)),
            semver::Op::Exact | semver::Op::Wildcard => (at(own, false), at(above, whole)),
            semver::Op::Tilde => {
                let next = c.minor.map_or(format!("{}.0.0", c.major + 1), |m| format!("{}.{}.0", c.major, m + 1));
                (at(own, false), at(next, false))
            }
            semver::Op::Caret => (at(own, false), at(caret, false)),
            _ => return None,
        };
        from = low.or(from);
        to = high.or(to);
    }
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_requirements() {
        let cases: [(&[&str], &[&str], &[&str]); 7] = [
            (&[">= 1.1.0"], &[], &["< 1.1.0"]),
            (&["^0.10.3", ">= 0.11.1"], &["< 0.9.0"], &[">= 0.9.0, < 0.10.3", ">= 0.11.0, < 0.11.1"]),
            (&["~1.2.3", ">=1.4"], &[], &["< 1.2.3", ">= 1.3.0, < 1.4.0"]),
            (&[], &[], &["*"]),
            (&[">= 0.1.0, < 0.2.0", ">= 0.3"], &[], &["< 0.1.0", ">= 0.2.0, < 0.3.0"]),
            (&[], &["<= 1.0.1"], &["> 1.0.1"]),
            (&["*"], &[], &[]),
        ];
        for (patched, unaffected, want) in cases {
            let parse = |lines: &[&str]| lines.iter().map(|l| requirement(l).unwrap()).collect::<Vec<_>>();
            let got = affected(layergate_version::Scheme::Cargo, &parse(patched), &parse(unaffected));
            let got: Vec<String> = got.iter().map(ToString::to_string).collect();
            assert_eq!(got, want, "{patched:?} {unaffected:?}");
        }
    }
}
