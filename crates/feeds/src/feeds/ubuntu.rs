//! The Ubuntu CVE tracker (git.launchpad.net/ubuntu-cve-tracker): one text file for each CVE.
//!
//! ```text
//! Candidate: CVE-2022-3715
//! Priority: low
//! jammy_bash: needed
//! esm-infra/xenial_bash: released (4.3-14ubuntu1.4+esm1)
//! ```
//! A release's own lines go to `ubuntu:22.04`, the extended-support ones (`esm-infra/`, `esm-apps/`, `…/esm`) to
//! `ubuntu-esm:16.04`. Versions are of source packages, whose epochs may differ from the binaries'. `needs-triage` is
//! under investigation; `ignored` will not be fixed where its note says that the vulnerability is there, and gives
//! nothing where it only says that a release has ended or that it is no vulnerability. `DNE` and `not-affected` give
//! nothing; FIPS builds, phones and snaps are other products.

use layergate_advisory::{Affected, Day, End, Namespace, Rating, Record, Start, VersionRange};
use layergate_model::{Severity, Status};

use crate::{
    cvss_score::cvss,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct UbuntuTracker;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "ubuntu-cve-tracker",
    name: "Ubuntu CVE tracker",
    url: "https://git.launchpad.net/ubuntu-cve-tracker",
    license: "LicenseRef-Canonical",
}];

/// The release of a codename.
pub(crate) fn release(codename: &str) -> Option<&'static str> {
    layergate_advisory::codename("ubuntu", codename)
}

impl Feed for UbuntuTracker {
    fn id(&self) -> &'static str {
        "ubuntu-cve-tracker"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("Candidate:", 400)
            && (file.bytes.starts_with(b"Candidate:") || file.has("\nCandidate:", 400))
            && file.has("\nPriority", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let text = file.text();
        let mut record = Record::new("ubuntu-cve-tracker", "");
        let mut published = None;
        let mut priority: Option<Severity> = None;
        let mut by_package: Vec<(String, Severity)> = Vec::new();
        let mut section = "";
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                match section {
                    "Description" if record.title.is_none() => {
                        record.title = Some(line.trim().trim_end_matches('.').to_owned());
                    }
                    "CVSS" => {
                        if let Some((source, vector)) = line.trim().split_once(": ") {
                            let vector = vector.split_whitespace().next().unwrap_or(vector);
                            record.cvss.extend(cvss(source, vector));
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            section = key;
            match key {
                "Candidate" => value.clone_into(&mut record.id),
                "PublicDate" => published = Day::parse(value),
                "Priority" => priority = severity(value),
                _ => {
                    if let Some(package) = key.strip_prefix("Priority_") {
                        // `Priority_linux/xenial` narrows it to a release; the package's own word is enough here.
                        let package = package.split('/').next().unwrap_or(package);
                        by_package.extend(severity(value).map(|s| (package.to_owned(), s)));
                    } else if let Some((release, package)) = key.split_once('_') {
                        record.affected.extend(state(release, package, value));
                    }
                }
            }
        }
        if !record.id.starts_with("CVE-") {
            return sink.problem("no CVE id in Candidate");
        }
        record.modified = published;
        record.ratings.extend(priority.map(|severity| Rating { source: "ubuntu".into(), severity }));
        for affected in &mut record.affected {
            affected.severity = by_package.iter().find(|(p, _)| *p == affected.name).map(|(_, s)| *s);
            affected.severity = affected.severity.or(priority);
        }
        if !record.affected.is_empty() {
            sink.record(record);
        }
    }
}

fn severity(word: &str) -> Option<Severity> {
    word.split_whitespace().next()?.parse().ok().filter(|s| *s != Severity::Unknown)
}

/// One line `release_package: state (note)`.
fn state(release_word: &str, package: &str, value: &str) -> Option<Affected> {
    let (extended, codename) = match release_word.split_once('/') {
        None => (false, release_word),
        Some((codename, "esm")) => (true, codename),
        Some(("esm-infra" | "esm-apps" | "esm-infra-legacy" | "esm-apps-legacy" | "ros-esm", codename)) => {
            (true, codename)
        }
        Some(_) => return None,
    };
    let family = if extended { "ubuntu-esm" } else { "ubuntu" };
    let (word, note) = value.split_once('(').map_or((value, ""), |(w, n)| (w, n.trim_end_matches(')')));
    let affected = |status| {
        let namespace = Namespace::of(family, Some(release(codename)?)).ok()?;
        Some(Affected::unfixed(namespace, package, status))
    };
    match word.trim() {
        "released" => {
            let version = note.split([',', ' ']).next().filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))?;
            let namespace = Namespace::of(family, Some(release(codename)?)).ok()?;
            Some(Affected::fixed(namespace, package, version))
        }
        // The version that will fix it stands there, and is in the archive only after the tracker says `released`.
        "pending" if note.starts_with(|c: char| c.is_ascii_digit()) => {
            let coming = note.split([',', ' ']).next().unwrap_or(note);
            let range = VersionRange { start: Start::Beginning, end: End::Before(coming.to_owned()) };
            affected(Status::Affected).map(|a| Affected { ranges: vec![range], ..a })
        }
        "needed" | "pending" | "active" | "deferred" => affected(Status::Affected),
        "needs-triage" => affected(Status::UnderInvestigation),
        "ignored" if is_open(note) => affected(Status::WillNotFix),
        _ => None,
    }
}

/// Whether the note of an `ignored` says that the vulnerability is there: by what the state was when the release ended,
/// or by why it is not fixed. Most notes do not (`end of life`, `superseded by linux-hwe`, `disputed`, `only affects
/// Windows`, none at all).
fn is_open(note: &str) -> bool {
    let note = note.to_ascii_lowercase();
    let states = ["was needed", "was deferred", "was pending", "was active"];
    let reasons = [
        "intrusive",
        "no update available",
        "regression",
        "backport",
        "will not be fixed",
        "no longer supported by upstream",
        "mitigation must",
        "incompatible with",
    ];
    states.iter().chain(&reasons).any(|words| note.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let cases = [
            ("jammy", "needed", Some(("ubuntu:22.04", Status::Affected))),
            ("esm-infra/xenial", "released (4.3-14ubuntu1.4+esm1)", Some(("ubuntu-esm:16.04", Status::Fixed))),
            ("trusty/esm", "needed", Some(("ubuntu-esm:14.04", Status::Affected))),
            ("mantic", "pending", Some(("ubuntu:23.10", Status::Affected))),
            ("jammy", "not-affected (code not present)", None),
            ("jammy", "DNE", None),
            ("jammy", "needs-triage", Some(("ubuntu:22.04", Status::UnderInvestigation))),
            ("jammy", "deferred (2023-01-02)", Some(("ubuntu:22.04", Status::Affected))),
            ("jammy", "ignored (changes too intrusive)", Some(("ubuntu:22.04", Status::WillNotFix))),
            ("jammy", "ignored", None),
            ("jammy", "ignored (disputed as not a vulnerability)", None),
            ("focal", "ignored (superseded by linux-hwe-5.13)", None),
            ("bionic", "ignored (end of standard support, was needed)", Some(("ubuntu:18.04", Status::WillNotFix))),
            ("bionic", "ignored (end of standard support, was needs-triage)", None),
            ("lunar", "ignored (end of life)", None),
            ("lunar", "ignored (reached end-of-life)", None),
            ("upstream", "released (5.2)", None),
            ("devel", "needed", None),
            ("fips/bionic", "needed", None),
        ];
        for (release, value, want) in cases {
            let got = state(release, "bash", value);
            assert_eq!(got.as_ref().map(|a| (a.namespace.as_str(), a.status)), want, "{release} {value}");
        }
        let ranges =
            |value| state("jammy", "linux", value).unwrap().ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ranges("needed"), ["*"]);
        assert_eq!(ranges("pending (5.15.0-83.92)"), ["< 5.15.0-83.92"], "what comes after it has the fix");
    }
}
