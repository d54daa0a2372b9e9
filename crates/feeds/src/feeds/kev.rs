//! CISA's Known Exploited Vulnerabilities catalogue (cisa.gov/known-exploited-vulnerabilities-catalog): its JSON, and
//! the CSV that says the same. Columns are found by their names; either form may be there, or both.

use std::collections::BTreeMap;

use layergate_advisory::{Day, Record};
use layergate_model::{Cwe, Kev as Listing, Signals};
use serde::Deserialize;

use crate::{
    csv::Rows,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct Kev;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "cisa-kev",
    name: "CISA Known Exploited Vulnerabilities",
    url: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    license: "CC0-1.0",
}];

#[derive(Deserialize)]
struct Catalogue {
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(rename = "cveID")]
    cve: String,
    vulnerability_name: Option<String>,
    date_added: String,
    due_date: Option<String>,
    known_ransomware_campaign_use: Option<String>,
    cwes: Option<Vec<String>>,
}

impl Feed for Kev {
    fn id(&self) -> &'static str {
        "cisa-kev"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        is_csv(file)
            || file.trimmed().starts_with(b"{")
                && file.has("\"catalogVersion\"", 4096)
                && file.has("\"cveID\"", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        if is_csv(file) {
            return table(&file.text(), sink);
        }
        let catalogue: Catalogue = match serde_json::from_slice(file.trimmed()) {
            Ok(catalogue) => catalogue,
            Err(error) => return sink.problem(error.to_string()),
        };
        for (number, value) in catalogue.vulnerabilities.into_iter().enumerate() {
            match serde_json::from_value(value) {
                Ok(row) => sink.record(record(row)),
                Err(error) => sink.problem(format!("vulnerability {}: {error}", number + 1)),
            }
        }
    }
}

/// Whether the first line names the catalogue's columns.
fn is_csv(file: &FeedFile) -> bool {
    let head = file.trimmed().split(|b| *b == b'\n').next().unwrap_or_default();
    head.starts_with(b"cveID,") && memchr::memmem::find(head, b"dateAdded").is_some()
}

fn table(text: &str, sink: &mut Sink<'_>) {
    let mut rows = Rows::new(text);
    let Some((_, Some(names))) = rows.next() else { return sink.problem("its first line names no columns") };
    for (line, fields) in rows {
        let Some(fields) = fields else { return sink.problem(format!("line {line}: a quote that is never closed")) };
        let mut named: BTreeMap<&str, String> = names.iter().map(String::as_str).zip(fields).collect();
        let mut take = |name: &str| named.remove(name).filter(|v| !v.is_empty());
        let (Some(cve), Some(date_added)) = (take("cveID").filter(|c| c.starts_with("CVE-")), take("dateAdded")) else {
            sink.problem(format!("line {line}: no CVE with the day it was added"));
            continue;
        };
        sink.record(record(Row {
            cve,
            vulnerability_name: take("vulnerabilityName"),
            date_added,
            due_date: take("dueDate"),
            known_ransomware_campaign_use: take("knownRansomwareCampaignUse"),
            cwes: take("cwes").map(|list| list.split(',').map(str::to_owned).collect()),
        }));
    }
}

fn record(row: Row) -> Record {
    let mut record = Record::new("cisa-kev", row.cve);
    record.title = row.vulnerability_name;
    record.modified = Day::parse(&row.date_added);
    record.cwes = row.cwes.iter().flatten().filter_map(|c| c.parse::<Cwe>().ok()).collect();
    let listing = Listing {
        date_added: row.date_added,
        due_date: row.due_date,
        ransomware: row.known_ransomware_campaign_use.is_some_and(|k| k.eq_ignore_ascii_case("known")),
    };
    record.signals.extend(Signals::from(listing));
    record
}
