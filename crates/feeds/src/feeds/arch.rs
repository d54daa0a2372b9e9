//! Arch Linux's security tracker (security.archlinux.org/all.json): groups of CVEs (AVG) with the packages that they
//! affect, the first version known to be affected and the one that fixes it. A group that is "Not affected" gives
//! nothing.

use layergate_advisory::{Affected, End, Namespace, Rating, Record, Start, VersionRange};
use layergate_model::Status;
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct ArchTracker;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "arch-tracker",
    name: "Arch Linux security tracker",
    url: "https://security.archlinux.org/all.json",
    license: "MIT",
}];

#[derive(Deserialize)]
struct Group {
    name: String,
    packages: Vec<String>,
    status: String,
    severity: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    fixed: Option<String>,
    issues: Vec<String>,
}

impl Feed for ArchTracker {
    fn id(&self) -> &'static str {
        "arch-tracker"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"[") && file.has("\"AVG-", 4096) && file.has("\"issues\"", 8192)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let groups: Vec<serde_json::Value> = match serde_json::from_slice(file.trimmed()) {
            Ok(groups) => groups,
            Err(error) => return sink.problem(error.to_string()),
        };
        let Ok(arch) = Namespace::new("arch") else { return };
        for (number, group) in groups.into_iter().enumerate() {
            let group: Group = match serde_json::from_value(group) {
                Ok(group) => group,
                Err(error) => {
                    sink.problem(format!("group {}: {error}", number + 1));
                    continue;
                }
            };
            if group.status == "Not affected" {
                continue;
            }
            let severity = group.severity.as_deref().and_then(|s| s.parse().ok());
            let fixed = group.fixed.filter(|f| !f.is_empty());
            let mut record = Record::new("arch-tracker", group.name);
            record.title = group.kind;
            record.aliases = group.issues;
            record.ratings.extend(severity.map(|severity| Rating { source: "arch".into(), severity }));
            for package in group.packages {
                // The "affected" version is the one that somebody looked at; older ones are no safer.
                let (status, end) = match &fixed {
                    Some(fixed) => (Status::Fixed, End::Fixed(fixed.clone())),
                    None => (Status::Affected, End::Open),
                };
                let ranges = vec![VersionRange { start: Start::Beginning, end }];
                record.affected.push(Affected { ranges, severity, ..Affected::bare(arch.clone(), package, status) });
            }
            sink.record(record);
        }
    }
}
