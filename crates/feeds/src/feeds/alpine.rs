//! Alpine's, Wolfi's and Chainguard's secdb (secdb.alpinelinux.org): for each source package, which version mended which
//! flaws. YAML in the old repository, JSON on the server. A version of `0` says that the flaw never touched the package.

use std::collections::BTreeMap;

use layergate_advisory::{Affected, Namespace, Record};
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct AlpineSecdb;

const ROWS: &[FeedRow] = &[
    FeedRow {
        id: "alpine-secdb",
        name: "Alpine secdb",
        url: "https://secdb.alpinelinux.org",
        licence: "LicenseRef-Alpine",
    },
    FeedRow {
        id: "wolfi-secdb",
        name: "Wolfi secdb",
        url: "https://packages.wolfi.dev/os/security.json",
        licence: "Apache-2.0",
    },
    FeedRow {
        id: "chainguard-secdb",
        name: "Chainguard secdb",
        url: "https://packages.cgr.dev/chainguard/security.json",
        licence: "LicenseRef-Chainguard",
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
            for (version, flaws) in pkg.secfixes.into_iter().flatten() {
                if version == "0" {
                    continue;
                }
                for line in flaws.into_iter().flatten().flatten() {
                    let mut ids =
                        line.split_whitespace().map(|w| w.trim_matches(['(', ')', ',', ';'])).filter(|w| is_id(w));
                    let Some(id) = ids.next() else { continue };
                    let mut record = Record::new(feed, id);
                    record.aliases = ids.map(str::to_owned).collect();
                    record.affected.push(Affected::fixed(namespace.clone(), pkg.name.as_str(), version.as_str()));
                    sink.record(record);
                }
            }
        }
    }
}

/// `CVE-2019-1`, `XSA-201`, `GHSA-…`, `ALPINE-1234`: letters, a hyphen, something with a digit.
fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(kind, rest)| {
        !kind.is_empty()
            && kind.bytes().all(|b| b.is_ascii_uppercase())
            && rest.bytes().any(|b| b.is_ascii_alphanumeric())
    })
}
