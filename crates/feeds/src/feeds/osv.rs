//! OSV records (ossf.github.io/osv-schema 1.7): JSON, JSON lines, a JSON list, or YAML, of any database.
//!
//! A file is OSV when it has an `id` and an `affected` or `modified` beside it; the database is told by the id's prefix.
//! Ranges of type GIT cannot be matched against packages and are passed over. GHSA's last known affected version ends a
//! range that has no end of its own, as GitHub itself reads it. A version list is kept only for the versions that the
//! ranges do not hold.

use layergate_advisory::{Affected, Day, End, Rating, Record, Start, VersionRange};
use layergate_model::{Cwe, Severity, Status};
use layergate_version::Scheme;
use serde::Deserialize;

use crate::{
    cvss_score::cvss,
    ecosystem,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct Osv;

/// Weaknesses read of one list; the snapshot keeps fewer.
const MAX_CWES: usize = 64;

macro_rules! databases {
    ($($prefix:literal => $id:literal, $name:literal, $url:literal, $licence:literal;)*) => {
        const ROWS: &[FeedRow] = &[$(FeedRow { id: $id, name: $name, url: $url, licence: $licence },)*];
        const PREFIXES: &[(&str, &str)] = &[$(($prefix, $id),)*];
    };
}

// The last row takes every other prefix.
databases! {
    "GHSA-" => "osv-ghsa", "GitHub Advisory Database", "https://github.com/github/advisory-database", "CC-BY-4.0";
    "PYSEC-" => "osv-pypa", "PyPA Advisory Database", "https://github.com/pypa/advisory-database", "CC-BY-4.0";
    "GO-" => "osv-go", "Go Vulnerability Database", "https://vuln.go.dev", "CC-BY-4.0";
    "RUSTSEC-" => "osv-rustsec", "RustSec Advisory Database", "https://github.com/rustsec/advisory-db", "CC0-1.0";
    "MAL-" => "osv-malicious", "OpenSSF Malicious Packages", "https://github.com/ossf/malicious-packages", "Apache-2.0";
    "BIT-" => "osv-bitnami", "Bitnami Vulnerability Database", "https://github.com/bitnami/vulndb", "Apache-2.0";
    "AL" => "osv-almalinux", "AlmaLinux", "https://github.com/AlmaLinux/osv-database", "MIT";
    "RLSA-" => "osv-rocky", "Rocky Linux", "https://errata.rockylinux.org", "BSD-3-Clause";
    "RXSA-" => "osv-rocky-sig", "Rocky Linux SIG", "https://errata.rockylinux.org", "BSD-3-Clause";
    "RH" => "osv-redhat", "Red Hat", "https://security.access.redhat.com/data", "CC-BY-4.0";
    "D" => "osv-debian", "Debian (OSV)", "https://osv.dev", "LicenseRef-Debian";
    "U" => "osv-ubuntu", "Ubuntu (OSV)", "https://github.com/canonical/ubuntu-security-notices", "CC-BY-SA-4.0";
    "ALPINE-" => "osv-alpine", "Alpine (OSV)", "https://osv.dev", "LicenseRef-Alpine";
    "SUSE-" => "osv-suse", "SUSE", "https://ftp.suse.com/pub/projects/security/osv", "CC-BY-4.0";
    "openSUSE-" => "osv-opensuse", "openSUSE", "https://ftp.suse.com/pub/projects/security/osv", "CC-BY-4.0";
    "HSEC-" => "osv-haskell", "Haskell Security Advisories", "https://github.com/haskell/security-advisories", "CC0-1.0";
    "RSEC-" => "osv-cran", "R Consortium Advisory Database", "https://github.com/RConsortium/r-advisory-database", "Apache-2.0";
    "" => "osv", "OSV", "https://osv.dev", "LicenseRef-per-database";
}

impl Feed for Osv {
    fn id(&self) -> &'static str {
        "osv"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let all = usize::MAX;
        match file.trimmed().first() {
            Some(b'{' | b'[') => {
                file.has("\"id\"", all)
                    && (file.has("\"affected\"", all) || file.has("\"withdrawn\"", all))
                    && (file.has("\"modified\"", all) || file.has("\"ecosystem\"", all))
                    // CVE records and OpenVEX have some of these words too.
                    && !file.has("\"cveMetadata\"", all)
                    && !file.has("openvex", 2000)
            }
            _ => {
                matches!(file.ending(), "yaml" | "yml")
                    && (file.bytes.starts_with(b"id:") || file.has("\nid:", all))
                    && file.has("\naffected:", all)
            }
        }
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let bytes = file.trimmed();
        match bytes.first() {
            Some(b'{') => {
                // One document, or one a line: the parser stops after the first and says where it is.
                let stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Osv1>();
                let mut number = 0;
                for item in stream {
                    number += 1;
                    match item {
                        Ok(osv) => convert(osv, sink),
                        Err(error) if bytes.iter().filter(|b| **b == b'\n').count() > 0 && number > 1 => {
                            sink.problem(format!("record {number}: {error}"));
                            return lines(bytes, number, sink);
                        }
                        Err(error) => {
                            sink.problem(error.to_string());
                            if file.ending() == "jsonl" {
                                lines(bytes, 1, sink);
                            }
                            return;
                        }
                    }
                }
            }
            Some(b'[') => match serde_json::from_slice::<Vec<serde_json::Value>>(bytes) {
                Ok(items) => {
                    for (number, item) in items.into_iter().enumerate() {
                        match serde_json::from_value(item) {
                            Ok(osv) => convert(osv, sink),
                            Err(error) => sink.problem(format!("record {}: {error}", number + 1)),
                        }
                    }
                }
                Err(error) => sink.problem(error.to_string()),
            },
            _ => match serde_norway::from_slice::<Osv1>(bytes) {
                Ok(osv) => convert(osv, sink),
                Err(error) => sink.problem(error.to_string()),
            },
        }
    }
}

/// The rest of a file of one record a line, after a line that did not parse.
fn lines(bytes: &[u8], skip: usize, sink: &mut Sink<'_>) {
    let rest = bytes.split(|b| *b == b'\n').enumerate().skip(skip).filter(|(_, l)| !l.trim_ascii().is_empty());
    for (number, line) in rest {
        match serde_json::from_slice(line) {
            Ok(osv) => convert(osv, sink),
            Err(error) => sink.problem(format!("line {}: {error}", number + 1)),
        }
    }
}

#[derive(Deserialize)]
struct Osv1 {
    id: String,
    modified: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    related: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<Score>>,
    affected: Option<Vec<Package>>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Score {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct Package {
    package: Option<Name>,
    ranges: Option<Vec<Range>>,
    versions: Option<Vec<String>>,
    severity: Option<Vec<Score>>,
    database_specific: Option<Specific>,
    ecosystem_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Name {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "type", default)]
    kind: String,
    events: Option<Vec<Event>>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// The few words read of what databases add; anything that is not an object, or not a word, is passed over.
#[derive(Default)]
struct Specific {
    severity: Option<String>,
    /// Debian's urgency and Ubuntu's priority, which are the distribution's own word for this package.
    urgency: Option<String>,
    last_known: Option<String>,
    cwes: Vec<Cwe>,
}

impl<'de> Deserialize<'de> for Specific {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(d)?;
        let word = |key: &str| value.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        // GitHub lists ids, others objects with an id.
        let lists = ["cwe_ids", "cwes"].into_iter().filter_map(|key| value.get(key)?.as_array()).flatten();
        let ids = lists.filter_map(|v| v.as_str().or_else(|| v.get("cweId")?.as_str()));
        Ok(Self {
            severity: word("severity"),
            urgency: word("urgency").or_else(|| word("ubuntu_priority")).or_else(|| word("priority")),
            last_known: word("last_known_affected_version_range"),
            cwes: ids.filter_map(|id| id.parse().ok()).take(MAX_CWES).collect(),
        })
    }
}

fn database(id: &str) -> &'static str {
    PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix)).map_or("osv", |(_, feed)| feed)
}

/// Whose word a severity is.
fn rater(feed: &'static str) -> &'static str {
    feed.strip_prefix("osv-").unwrap_or("osv")
}

fn convert(osv: Osv1, sink: &mut Sink<'_>) {
    let feed = database(&osv.id);
    // An AlmaLinux id must not swallow Alpine's.
    let feed = if osv.id.starts_with("ALPINE-") { "osv-alpine" } else { feed };
    let mut record = Record::new(feed, osv.id);
    record.withdrawn = osv.withdrawn.is_some_and(|w| !w.is_empty());
    record.malicious = record.id.starts_with("MAL-");
    record.modified = osv.modified.as_deref().and_then(Day::parse);
    record.aliases = osv.aliases.unwrap_or_default();
    record.aliases.extend(osv.upstream.into_iter().flatten());
    let affected = osv.affected.unwrap_or_default();
    let of_distribution = affected.iter().filter_map(|a| a.package.as_ref()).any(|p| p.ecosystem.contains(':'));
    if of_distribution {
        // A distribution's advisory lists what it mends as related; for a language `related` may be another flaw.
        record.aliases.extend(osv.related.into_iter().flatten().filter(|id| id.starts_with("CVE-")));
    }
    record.title = osv.summary.filter(|s| !s.trim().is_empty()).or_else(|| osv.details.map(first_sentence));
    let source = rater(feed);
    rate(&mut record, source, osv.severity.as_deref());
    let specific = osv.database_specific.unwrap_or_default();
    record.cwes = specific.cwes;
    let words = [specific.severity, summary_word(of_distribution, record.title.as_deref())];
    for severity in words.into_iter().flatten().filter_map(|w| w.parse::<Severity>().ok()) {
        record.ratings.push(Rating { source: source.into(), severity });
    }
    if feed == "osv-almalinux" && !record.id.starts_with("ALSA-") && record.aliases.is_empty() {
        // ALBA and ALEA mend bugs and bring features; only the few that name a CVE are about security.
        return;
    }
    for package in affected {
        rate(&mut record, source, package.severity.as_deref());
        record.cwes.extend(package.database_specific.iter().flat_map(|s| &s.cwes).copied().take(MAX_CWES));
        let mut affected = affected_of(package);
        if let Some(affected) = &mut affected
            && of_distribution
        {
            affected.module = module_of(affected, record.title.as_deref());
        }
        record.affected.extend(affected);
    }
    record.cvss.sort_by(|a, b| (&a.version, &a.vector).cmp(&(&b.version, &b.vector)));
    record.cvss.dedup();
    sink.record(record);
}

fn rate(record: &mut Record, source: &'static str, scores: Option<&[Score]>) {
    for score in scores.into_iter().flatten() {
        if score.kind.starts_with("CVSS") {
            record.cvss.extend(cvss(source, &score.score));
        } else if let Ok(severity) = score.score.parse() {
            record.ratings.push(Rating { source: source.into(), severity });
        }
    }
}

/// `Moderate` of `Moderate: kernel security update`, the way rpm distributions write.
fn summary_word(of_distribution: bool, title: Option<&str>) -> Option<String> {
    let (word, _) = title.filter(|_| of_distribution)?.split_once(':')?;
    Some(word.to_owned())
}

fn first_sentence(details: String) -> String {
    let line = details.lines().map(|l| l.trim_start_matches(['#', '*', ' '])).find(|l| !l.is_empty()).unwrap_or("");
    line.split_once(". ").map_or(line, |(first, _)| first).to_owned()
}

fn affected_of(package: Package) -> Option<Affected> {
    let name = package.package?;
    let namespace = ecosystem::namespace(&name.ecosystem)?;
    let scheme = namespace.scheme()?;
    let canonical = namespace.canonical_name(&name.name).into_owned();
    let known = package.database_specific.as_ref().and_then(|d| d.last_known.as_deref());
    let mut affected = Affected::bare(namespace, canonical, Status::Affected);
    let word = [&package.database_specific, &package.ecosystem_specific];
    let specific = || word.into_iter().flatten();
    let urgency = specific().find_map(|s| urgency(s.urgency.as_deref()?));
    affected.severity = urgency.or_else(|| specific().find_map(|s| s.severity.as_deref()?.parse().ok()));
    for range in package.ranges.into_iter().flatten().filter(|r| !r.kind.eq_ignore_ascii_case("GIT")) {
        let known = known.or(range.database_specific.as_ref().and_then(|d| d.last_known.as_deref()));
        affected.ranges.extend(intervals(scheme, range.events.unwrap_or_default(), known));
    }
    let ranges = &affected.ranges;
    affected.versions = package.versions.unwrap_or_default();
    affected.versions.retain(|v| !v.is_empty() && !ranges.iter().any(|r| holds(scheme, r, v)));
    if affected.ranges.iter().any(|r| matches!(r.end, End::Fixed(_))) {
        affected.status = Status::Fixed;
    }
    (!affected.ranges.is_empty() || !affected.versions.is_empty()).then_some(affected)
}

/// Debian's and Ubuntu's words; `not yet assigned`, `untriaged` and their like say nothing.
fn urgency(word: &str) -> Option<Severity> {
    match word.trim_end_matches('*').to_ascii_lowercase().as_str() {
        "unimportant" | "negligible" => Some(Severity::Negligible),
        "low" => Some(Severity::Low),
        "medium" => Some(Severity::Medium),
        "high" => Some(Severity::High),
        "critical" => Some(Severity::Critical),
        _ => None,
    }
}

/// Builds of an rpm module carry it in their release (`.module+el8…`); the stream stands in the title of the advisory
/// (`Moderate: postgresql:12 security update`), with a component behind it or without (`httpd:2.4/mod_http2`). Where it cannot be found there, the fix is held against every modular
/// build and no other.
fn module_of(affected: &Affected, title: Option<&str>) -> Option<String> {
    let modular = |v: &String| v.contains(".module+el") || v.contains(".module_el");
    let fixed = affected.ranges.iter().any(|r| matches!(&r.end, End::Fixed(v) | End::Last(v) if modular(v)));
    let stream = |word: &&str| {
        word.split_once(':')
            .is_some_and(|(name, stream)| !name.is_empty() && stream.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let named = title.into_iter().flat_map(|t| t.split_whitespace()).find(stream);
    fixed.then(|| named.and_then(|word| word.split('/').next()).unwrap_or("*").trim_end_matches([',', ';']).to_owned())
}

/// The events as intervals: pair by pair where the feed wrote them so, else by the order of their versions.
fn intervals(scheme: Scheme, events: Vec<Event>, last_known: Option<&str>) -> Vec<VersionRange> {
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

fn holds(scheme: Scheme, range: &VersionRange, version: &str) -> bool {
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
    fn a_stream_ends_before_its_component() {
        let namespace = layergate_advisory::Namespace::new("almalinux:8").unwrap();
        for (title, want) in [
            ("Important: httpd:2.4/mod_http2 security update", "httpd:2.4"),
            ("Moderate: postgresql:12 security update", "postgresql:12"),
            ("Moderate: something security update", "*"),
        ] {
            let affected = Affected::fixed(namespace.clone(), "x", "1-1.module_el8.5.0+1+a");
            assert_eq!(module_of(&affected, Some(title)).as_deref(), Some(want), "{title}");
        }
    }

    #[test]
    fn urgencies_are_severities() {
        for (word, want) in [
            ("unimportant", Some(Severity::Negligible)),
            ("low**", Some(Severity::Low)),
            ("not yet assigned", None),
            ("end-of-life", None),
            ("High", Some(Severity::High)),
        ] {
            assert_eq!(urgency(word), want, "{word}");
        }
    }

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
