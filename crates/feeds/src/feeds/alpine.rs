//! Alpine's, Wolfi's and Chainguard's secdb (secdb.alpinelinux.org): for each source package, which version fixed which
//! vulnerabilities. YAML in the old repository, JSON on the server. A version of `0` says that the vulnerability never
//! affected the package.
//!
//! Written by hand, so: a line may name several vulnerabilities; a version may be misspelt (`1.0.4.-r0`, `0.8.21.r2`);
//! and a vulnerability listed under two versions was fixed in the first, the upgrade only has the fix too. But two
//! revisions of one version (`9.26-r1`, `9.26-r2`) are a fix and its correction.

use std::{cmp::Ordering, collections::BTreeMap};

use layergate_advisory::{Affected, Namespace, Record};
use layergate_version::Scheme;
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct AlpineSecdb;

const ROWS: &[FeedRow] = &[
    FeedRow {
        id: "alpine-secdb",
        name: "Alpine secdb",
        url: "https://secdb.alpinelinux.org",
        license: "LicenseRef-Alpine",
    },
    FeedRow {
        id: "wolfi-secdb",
        name: "Wolfi secdb",
        url: "https://packages.wolfi.dev/os/security.json",
        license: "Apache-2.0",
    },
    FeedRow {
        id: "chainguard-secdb",
        name: "Chainguard secdb",
        url: "https://packages.cgr.dev/chainguard/security.json",
        license: "LicenseRef-Chainguard",
    },
];

#[derive(Deserialize)]
struct Secdb {
    distroversion: Option<String>,
    urlprefix: Option<String>,
    apkurl: Option<String>,
    packages: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    pkg: Pkg,
}

#[derive(Deserialize)]
struct Pkg {
    name: String,
    secfixes: Option<BTreeMap<String, Option<Vec<Option<String>>>>>,
}

impl Feed for AlpineSecdb {
    fn id(&self) -> &'static str {
        "alpine-secdb"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        match file.trimmed().first() {
            Some(b'{') => file.has("\"secfixes\"", usize::MAX) && file.has("\"apkurl\"", usize::MAX),
            _ => file.has("\napkurl:", 4096) && file.has("\npackages:", 8192),
        }
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let parsed: Result<Secdb, String> = if file.trimmed().starts_with(b"{") {
            serde_json::from_slice(file.trimmed()).map_err(|e| e.to_string())
        } else {
            serde_norway::from_slice(&file.bytes).map_err(|e| e.to_string())
        };
        let secdb = match parsed {
            Ok(secdb) => secdb,
            Err(error) => return sink.problem(error),
        };
        let from = format!("{} {}", secdb.urlprefix.unwrap_or_default(), secdb.apkurl.unwrap_or_default());
        let (feed, namespace) = if from.contains("wolfi") {
            ("wolfi-secdb", Namespace::new("wolfi"))
        } else if from.contains("cgr.dev") || from.contains("chainguard") {
            ("chainguard-secdb", Namespace::new("chainguard"))
        } else {
            let release = secdb.distroversion.as_deref().map(|v| v.trim_start_matches('v')).filter(|v| !v.is_empty());
            let Some(release) = release else {
                return sink.problem("no distroversion: nobody knows which release it is of");
            };
            ("alpine-secdb", Namespace::of("alpine", Some(release)))
        };
        let namespace = match namespace {
            Ok(namespace) => namespace,
            Err(error) => return sink.problem(error.to_string()),
        };
        for pkg in secdb.packages.into_iter().flatten().map(|i| i.pkg) {
            // By vulnerability: the version that fixed it, and its other names on the line.
            let mut fixed: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
            for (version, vulnerabilities) in pkg.secfixes.into_iter().flatten() {
                if version == "0" {
                    continue;
                }
                let version = spelling(&version);
                for line in vulnerabilities.into_iter().flatten().flatten() {
                    for (id, others) in names(&line) {
                        let (known, aliases) = fixed.entry(id).or_insert_with(|| (version.clone(), Vec::new()));
                        if supersedes(&version, known) {
                            known.clone_from(&version);
                        }
                        aliases.extend(others);
                    }
                }
            }
            for (id, (version, aliases)) in fixed {
                let mut record = Record::new(feed, id);
                record.aliases = aliases;
                record.affected.push(Affected::fixed(namespace.clone(), pkg.name.as_str(), version));
                sink.record(record);
            }
        }
    }
}

/// The vulnerabilities of a line (`CVE-2017-5753 CVE-2017-5715 XSA-254`): each CVE with what else the line calls it,
/// or, without a CVE, its first id.
fn names(line: &str) -> Vec<(String, Vec<String>)> {
    let ids = line.split_whitespace().map(|w| w.trim_matches(['(', ')', ',', ';'])).filter(|w| is_id(w));
    let (cves, mut others): (Vec<&str>, Vec<&str>) = ids.partition(|id| id.starts_with("CVE-"));
    let mains = if cves.is_empty() { others.drain(..others.len().min(1)).collect() } else { cves };
    let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
    mains.into_iter().map(|id| (id.to_owned(), others.clone())).collect()
}

/// A version as apk would write it. `2.7.16-33` and `0.8.21.r2` mean a revision, `4.10-1-r1` has a dash for a dot.
fn spelling(version: &str) -> String {
    let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let revision = |at: usize, skip: usize| Some((version.get(..at)?, version.get(at + skip..)?));
    let found = version
        .rfind("-r")
        .and_then(|at| revision(at, 2))
        .or_else(|| version.rfind(".r").and_then(|at| revision(at, 2)))
        .or_else(|| version.rfind('-').and_then(|at| revision(at, 1)))
        .filter(|(_, number)| is_number(number));
    let Some((upstream, number)) = found else { return version.to_owned() };
    format!("{}-r{number}", upstream.trim_end_matches('.').replace('-', "."))
}

/// Whether `version` is what really fixed a vulnerability that `known` is said to have fixed.
fn supersedes(version: &str, known: &str) -> bool {
    fn upstream(version: &str) -> &str {
        version.rsplit_once("-r").map_or(version, |(upstream, _)| upstream)
    }
    let order = Scheme::Apk.compare(version, known).unwrap_or(Ordering::Equal);
    if upstream(version) == upstream(known) { order.is_gt() } else { order.is_lt() }
}

/// `CVE-2019-1`, `XSA-201`, `GHSA-…`, `ALPINE-1234`: letters, a hyphen, something with a digit.
fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(kind, rest)| {
        !kind.is_empty()
            && kind.bytes().all(|b| b.is_ascii_uppercase())
            && rest.bytes().any(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_to_vulnerabilities() {
        let shown = |line: &str| {
            names(line).into_iter().map(|(id, others)| format!("{id} {}", others.join(","))).collect::<Vec<_>>()
        };
        assert_eq!(shown("CVE-2019-1"), ["CVE-2019-1 "]);
        assert_eq!(shown("CVE-2017-5753 CVE-2017-5715 XSA-254"), ["CVE-2017-5753 XSA-254", "CVE-2017-5715 XSA-254"]);
        assert_eq!(shown("XSA-284 (XSA-285)"), ["XSA-284 XSA-285"]);
        assert_eq!(shown("CVE-????-????? XSA-207"), ["XSA-207 "]);
        assert_eq!(shown("not yet assigned"), [""; 0]);
    }

    #[test]
    fn misspelt_versions() {
        for (written, meant) in [
            ("1.1.1d-r3", "1.1.1d-r3"),
            ("1.0.4.-r0", "1.0.4-r0"),
            ("0.8.21.r2", "0.8.21-r2"),
            ("2.7.16-33", "2.7.16-r33"),
            ("4.10-1-r1", "4.10.1-r1"),
            ("6.6.2p1-r0", "6.6.2p1-r0"),
            ("2.4.26", "2.4.26"),
            ("1.2_rc1", "1.2_rc1"),
        ] {
            assert_eq!(spelling(written), meant);
        }
    }

    #[test]
    fn a_vulnerability_under_two_versions() {
        for (version, known, want) in [
            ("2.7-r0", "2.6-r7", false),
            ("2.6-r7", "2.7-r0", true),
            ("9.26-r2", "9.26-r1", true),
            ("9.26-r1", "9.26-r2", false),
            ("1.0-r0", "1.0-r0", false),
        ] {
            assert_eq!(supersedes(version, known), want, "{version} after {known}");
        }
    }
}
