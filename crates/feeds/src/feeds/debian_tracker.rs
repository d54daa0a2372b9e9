//! Debian's security tracker (security-tracker.debian.org/tracker/data/json): for each source package and
//! vulnerability, its state in each release.
//!
//! `resolved` with a version is fixed, with version `0` never affected; `open` is affected, and will not be fixed when
//! the tracker says `nodsa` "ignored" or the urgency is `end-of-life`. `unimportant` urgency is a negligible severity.

use std::collections::BTreeMap;

use layergate_advisory::{Affected, Namespace, Record};
use layergate_model::{Severity, Status};
use serde::Deserialize;

use super::debian_lists::release;
use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct DebianTracker;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "debian-tracker",
    name: "Debian security tracker",
    url: "https://security-tracker.debian.org/tracker/data/json",
    license: "LicenseRef-Debian",
}];

#[derive(Deserialize)]
struct Issue {
    description: Option<String>,
    releases: Option<BTreeMap<String, State>>,
}

#[derive(Deserialize)]
struct State {
    status: Option<String>,
    fixed_version: Option<String>,
    urgency: Option<String>,
    nodsa_reason: Option<String>,
}

impl Feed for DebianTracker {
    fn id(&self) -> &'static str {
        "debian-tracker"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let within = 256 << 10;
        file.trimmed().starts_with(b"{")
            && file.has("\"releases\"", within)
            && file.has("\"repositories\"", within)
            && file.has("\"urgency\"", within)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let packages: BTreeMap<String, BTreeMap<String, Issue>> = match serde_json::from_slice(file.trimmed()) {
            Ok(packages) => packages,
            Err(error) => return sink.problem(error.to_string()),
        };
        for (package, issues) in packages {
            for (id, issue) in issues {
                let mut record = Record::new("debian-tracker", id);
                record.title = issue.description;
                for (codename, state) in issue.releases.into_iter().flatten() {
                    let Some(namespace) = release(&codename).and_then(|r| Namespace::of("debian", Some(r)).ok()) else {
                        continue;
                    };
                    record.affected.extend(affected(namespace, &package, &state));
                }
                if !record.affected.is_empty() {
                    sink.record(record);
                }
            }
        }
    }
}

fn affected(namespace: Namespace, package: &str, state: &State) -> Option<Affected> {
    let urgency = state.urgency.as_deref().unwrap_or("").trim_end_matches('*');
    let mut affected = match (state.status.as_deref(), state.fixed_version.as_deref()) {
        (_, Some("0")) => return None,
        (Some("resolved"), Some(version)) => Affected::fixed(namespace, package, version),
        (Some("resolved"), None) => return None,
        (Some("undetermined"), _) => Affected::unfixed(namespace, package, Status::UnderInvestigation),
        _ if urgency == "end-of-life" || state.nodsa_reason.as_deref() == Some("ignored") => {
            Affected::unfixed(namespace, package, Status::WillNotFix)
        }
        _ => Affected::unfixed(namespace, package, Status::Affected),
    };
    affected.severity = match urgency {
        "unimportant" => Some(Severity::Negligible),
        "low" => Some(Severity::Low),
        "medium" => Some(Severity::Medium),
        "high" => Some(Severity::High),
        _ => None,
    };
    Some(affected)
}
