//! FriendsOfPHP security advisories (github.com/FriendsOfPHP/security-advisories): YAML, one branch of versions beside
//! the other, `reference: composer://vendor/package`.

use std::collections::BTreeMap;

use layergate_advisory::{Affected, Day, End, Namespace, Record, Start, VersionRange};
use layergate_model::Status;
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct FriendsOfPhp;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "friendsofphp",
    name: "FriendsOfPHP security advisories",
    url: "https://github.com/FriendsOfPHP/security-advisories",
    license: "Unlicense",
}];

#[derive(Deserialize)]
struct Advisory {
    title: Option<String>,
    link: Option<String>,
    cve: Option<String>,
    reference: String,
    branches: BTreeMap<String, Branch>,
}

#[derive(Deserialize)]
struct Branch {
    time: Option<serde_norway::Value>,
    versions: Vec<String>,
}

impl Feed for FriendsOfPhp {
    fn id(&self) -> &'static str {
        "friendsofphp"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("composer://", usize::MAX) && file.has("branches:", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let advisory: Advisory = match serde_norway::from_slice(&file.bytes) {
            Ok(advisory) => advisory,
            Err(error) => return sink.problem(error.to_string()),
        };
        let Ok(composer) = Namespace::new("composer") else { return };
        let Some(name) = advisory.reference.strip_prefix("composer://") else {
            return sink.problem("its reference is no composer package");
        };
        let cve = advisory.cve.filter(|c| c.starts_with("CVE-"));
        // Without a CVE the file's own place is the only stable name. The file's name alone is what other scanners call
        // it (`SS-2018-017-1`, `2014-05-20`); a date is shown as such and joins no vulnerabilities (`collapse.rs`).
        let own = file.name().trim_end_matches(".yaml").trim_end_matches(".yml");
        let aliases = if cve.is_some() { Vec::new() } else { vec![own.to_owned()] };
        let mut record = Record::new("friendsofphp", cve.unwrap_or_else(|| format!("FOP-{name}-{own}")));
        record.aliases = aliases;
        record.title = advisory.title;
        if let Some(ghsa) =
            advisory.link.as_deref().and_then(|l| l.rsplit('/').next()).filter(|l| l.starts_with("GHSA-"))
        {
            record.aliases.push(ghsa.to_owned());
        }
        let mut affected = Affected::bare(composer.clone(), composer.canonical_name(name), Status::Fixed);
        for branch in advisory.branches.values() {
            let mut range = VersionRange { start: Start::Beginning, end: End::Open };
            for bound in &branch.versions {
                let version = bound.trim_start_matches(['<', '>', '=', ' ']).trim().to_owned();
                match bound.trim().split(|c: char| !matches!(c, '<' | '>' | '=')).next() {
                    Some(">=") => range.start = Start::From(version),
                    Some(">") => range.start = Start::After(version),
                    Some("<") => range.end = End::Fixed(version),
                    Some("<=") => range.end = End::Last(version),
                    Some("=" | "==" | "") => affected.versions.push(version),
                    _ => sink.problem(format!("a bound {bound:?} that nobody has seen there before")),
                }
            }
            if range != (VersionRange { start: Start::Beginning, end: End::Open }) {
                affected.ranges.push(range);
            }
            let time = branch.time.as_ref().and_then(|t| t.as_str()).and_then(Day::parse);
            record.modified = record.modified.max(time);
        }
        record.affected.push(affected);
        sink.record(record);
    }
}
