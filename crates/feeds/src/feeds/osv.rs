//! OSV records (ossf.github.io/osv-schema 1.7): JSON, JSON lines, a JSON list, or YAML, of any database.
//!
//! A file is OSV when it has an `id` and an `affected` or `modified` beside it; the database is known by the id's
//! prefix. Ranges of type GIT cannot be matched against packages and are passed over. GHSA's last known affected
//! version ends a range that has no end of its own, as GitHub itself reads it. A version list is kept only for the
//! versions that the ranges do not hold.

use layergate_advisory::{Affected, Day, End, Rating, Record};
use layergate_model::{Cwe, Severity, Status};
use serde::Deserialize;

use crate::{
    cvss_score::cvss,
    ecosystem,
    feed::{Feed, FeedFile, FeedRow, Sink},
    rpm_rows::{ANY_MODULE, titled_stream},
};

mod databases;
mod intervals;

use databases::{ROWS, database, rater};
use intervals::{Event, holds, intervals};

pub(crate) struct Osv;

/// Weaknesses read of one list; the snapshot keeps fewer.
const MAX_CWES: usize = 64;

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
    let unknown = affected.iter().filter_map(|a| a.package.as_ref()).find(|p| !ecosystem::is_known(&p.ecosystem));
    if let Some(package) = unknown {
        sink.problem(format!("{}: no ecosystem is known by the name {:?}", record.id, package.ecosystem));
    }
    let of_distribution = affected.iter().filter_map(|a| a.package.as_ref()).any(|p| p.ecosystem.contains(':'));
    if of_distribution {
        // A distribution's advisory lists what it fixes as related; for a language `related` may be another
        // vulnerability.
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
        // ALBA and ALEA fix bugs and bring features; only the few that name a CVE are about security.
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
    } else if specific().any(|s| s.urgency.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("end-of-life"))) {
        affected.status = Status::WillNotFix;
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
/// (`Moderate: postgresql:12 security update`), with a component behind it or without (`httpd:2.4/mod_http2`). Where it
/// cannot be found there, the fix is held against every modular build and no other.
fn module_of(affected: &Affected, title: Option<&str>) -> Option<String> {
    let modular = |v: &String| v.contains(".module+el") || v.contains(".module_el");
    let fixed = affected.ranges.iter().any(|r| matches!(&r.end, End::Fixed(v) | End::Last(v) if modular(v)));
    fixed.then(|| title.and_then(titled_stream).unwrap_or(ANY_MODULE).to_owned())
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
}
