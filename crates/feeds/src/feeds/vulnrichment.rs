//! CISA's Vulnrichment (github.com/cisagov/vulnrichment): CVE records (JSON 5) with CISA's SSVC decisions in a container of
//! their own: whether there is an exploit, whether an attack can be automated, what it gives to the attacker
//! (<https://certcc.github.io/SSVC/>). Only the answers that make a vulnerability more pressing are signals, each with the
//! day of the decision. CVSS and weaknesses in it are those that NVD repeats; CISA's catalogue is a feed of its own.

use std::collections::BTreeMap;

use layergate_advisory::{Day, Record};
use layergate_model::{EXPLOITED, Signal};
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct Vulnrichment;

const SOURCE: &str = "cisa-ssvc";
const ROWS: &[FeedRow] = &[FeedRow {
    id: SOURCE,
    name: "CISA Vulnrichment (SSVC decisions)",
    url: "https://github.com/cisagov/vulnrichment",
    license: "CC0-1.0",
}];
/// Decision point, answer, kind of signal.
const DECISIONS: [(&str, &str, &str); 5] = [
    ("Exploitation", "active", EXPLOITED),
    ("Exploitation", "poc", "public-exploit"),
    ("Exploitation", "public poc", "public-exploit"),
    ("Automatable", "yes", "automatable"),
    ("Technical Impact", "total", "total-impact"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CveRecord {
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    state: Option<String>,
}

#[derive(Deserialize)]
struct Containers {
    #[serde(default)]
    adp: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    provider_metadata: Provider,
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    short_name: Option<String>,
}

#[derive(Deserialize)]
struct Metric {
    other: Option<Other>,
}

#[derive(Deserialize)]
struct Other {
    #[serde(rename = "type")]
    kind: String,
    content: serde_json::Value,
}

#[derive(Deserialize)]
struct Ssvc {
    #[serde(default)]
    options: Vec<BTreeMap<String, String>>,
    timestamp: Option<String>,
}

impl Feed for Vulnrichment {
    fn id(&self) -> &'static str {
        "vulnrichment"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"{")
            && file.has("\"CVE_RECORD\"", usize::MAX)
            && file.has("\"cveMetadata\"", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let read: CveRecord = match serde_json::from_slice(file.trimmed()) {
            Ok(record) => record,
            Err(error) => return sink.problem(error.to_string()),
        };
        let id = read.cve_metadata.cve_id;
        if !id.starts_with("CVE-") {
            return sink.problem(format!("{id:?} is no CVE"));
        }
        let mut record = Record::new(SOURCE, id);
        record.withdrawn = read.cve_metadata.state.as_deref() == Some("REJECTED");
        let of_cisa = |c: &Container| c.provider_metadata.short_name.as_deref() == Some("CISA-ADP");
        let metrics = read.containers.adp.into_iter().filter(of_cisa).flat_map(|c| c.metrics);
        for other in metrics.filter_map(|m| m.other).filter(|o| o.kind == "ssvc") {
            match serde_json::from_value(other.content) {
                Ok(decided) => decide(&decided, &mut record),
                Err(error) => sink.problem(format!("{}: {error}", record.id)),
            }
        }
        sink.record(record);
    }
}

fn decide(ssvc: &Ssvc, record: &mut Record) {
    let day = ssvc.timestamp.as_deref().and_then(Day::parse);
    record.modified = record.modified.max(day);
    for (point, answer) in ssvc.options.iter().flatten() {
        let said = DECISIONS.iter().filter(|(p, a, _)| p == point && a.eq_ignore_ascii_case(answer));
        record.signals.extend(said.map(|(.., kind)| Signal::new(SOURCE, *kind).of(day.map(|d| d.to_string()))));
    }
}
