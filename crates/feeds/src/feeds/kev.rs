//! CISA's Known Exploited Vulnerabilities catalogue, its JSON form. The CSV beside it says the same and is not read.

use layergate_advisory::{Day, Record};
use layergate_model::Kev as Listing;
use serde::Deserialize;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct Kev;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "cisa-kev",
    name: "CISA Known Exploited Vulnerabilities",
    url: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    licence: "CC0-1.0",
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
}

impl Feed for Kev {
    fn id(&self) -> &'static str {
        "cisa-kev"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"{") && file.has("\"catalogVersion\"", 4096) && file.has("\"cveID\"", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let catalogue: Catalogue = match serde_json::from_slice(file.trimmed()) {
            Ok(catalogue) => catalogue,
            Err(error) => return sink.problem(error.to_string()),
        };
        for (number, value) in catalogue.vulnerabilities.into_iter().enumerate() {
            let row: Row = match serde_json::from_value(value) {
                Ok(row) => row,
                Err(error) => {
                    sink.problem(format!("vulnerability {}: {error}", number + 1));
                    continue;
                }
            };
            let mut record = Record::new("cisa-kev", row.cve);
            record.title = row.vulnerability_name;
            record.modified = Day::parse(&row.date_added);
            record.kev = Some(Listing {
                date_added: row.date_added,
                due_date: row.due_date.filter(|d| !d.is_empty()),
                ransomware: row.known_ransomware_campaign_use.is_some_and(|k| k.eq_ignore_ascii_case("known")),
            });
            sink.record(record);
        }
    }
}
