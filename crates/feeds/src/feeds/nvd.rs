//! NVD's CVEs, JSON 2.0 (nvd.nist.gov/feeds/json/cve/2.0 and the API's pages): CVSS vectors and ratings that enrich
//! what other feeds match, and the configurations of well-known programs (`nvd_products.rs`). Packages are never
//! matched by them: NVD knows neither backports nor package names. Vectors keep who gave them: NVD itself, else the CNA
//! as `cna`. Rejected CVEs count as withdrawn.

use layergate_advisory::{Day, Rating, Record};
use serde::Deserialize;

use super::nvd_products::{Configuration, affected};
use crate::{
    cvss_score::cvss,
    feed::{Feed, FeedFile, FeedRow, Sink},
};

pub(crate) struct Nvd;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "nvd",
    name: "NVD",
    url: "https://nvd.nist.gov/feeds/json/cve/2.0",
    license: "LicenseRef-NVD-public-domain",
}];

#[derive(Deserialize)]
struct Page {
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Item {
    cve: Cve,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    last_modified: Option<String>,
    vuln_status: Option<String>,
    descriptions: Option<Vec<Text>>,
    metrics: Option<Metrics>,
    weaknesses: Option<Vec<Weakness>>,
    configurations: Option<Vec<Configuration>>,
    cve_tags: Option<Vec<Tags>>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default)]
    description: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    lang: String,
    value: String,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "cvssMetricV40", default)]
    v4: Vec<Metric>,
    #[serde(rename = "cvssMetricV31", default)]
    v31: Vec<Metric>,
    #[serde(rename = "cvssMetricV30", default)]
    v30: Vec<Metric>,
    #[serde(rename = "cvssMetricV2", default)]
    v2: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    source: Option<String>,
    cvss_data: Data,
    base_severity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    vector_string: String,
    base_severity: Option<String>,
}

impl Feed for Nvd {
    fn id(&self) -> &'static str {
        "nvd"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"{") && file.has("\"NVD_CVE\"", 1024) && file.has("\"vulnerabilities\"", 2048)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let page: Page = match serde_json::from_slice(file.trimmed()) {
            Ok(page) => page,
            Err(error) => return sink.problem(error.to_string()),
        };
        for (number, item) in page.vulnerabilities.into_iter().enumerate() {
            match serde_json::from_value::<Item>(item) {
                Ok(item) => sink.record(record(item.cve)),
                Err(error) => sink.problem(format!("vulnerability {}: {error}", number + 1)),
            }
        }
    }
}

fn record(cve: Cve) -> Record {
    let mut record = Record::new("nvd", cve.id);
    record.withdrawn = cve.vuln_status.as_deref() == Some("Rejected");
    record.modified = cve.last_modified.as_deref().and_then(Day::parse);
    record.title = cve.descriptions.into_iter().flatten().find(|d| d.lang == "en").map(|d| d.value);
    let weaknesses = cve.weaknesses.iter().flatten().flat_map(|w| &w.description);
    // `NVD-CWE-noinfo` and `NVD-CWE-Other` are no weaknesses.
    record.cwes = weaknesses.filter_map(|d| d.value.parse().ok()).collect();
    let disputed = cve.cve_tags.iter().flatten().flat_map(|t| &t.tags).any(|tag| tag == "disputed");
    record.affected = cve.configurations.map(|c| affected(&c, disputed)).unwrap_or_default();
    let Some(metrics) = cve.metrics else { return record };
    let mut rated = None;
    for metric in metrics.v4.iter().chain(&metrics.v31).chain(&metrics.v30).chain(&metrics.v2) {
        let nvd = metric.source.as_deref() == Some("nvd@nist.gov");
        let source = if nvd { "nvd" } else { "cna" };
        record.cvss.extend(cvss(source, &metric.cvss_data.vector_string));
        let word = metric.cvss_data.base_severity.as_deref().or(metric.base_severity.as_deref());
        let severity = word.and_then(|w| w.parse().ok());
        // The newest version's word counts, and the NVD's own before the CNA's.
        let better = match &rated {
            None => true,
            Some((own, _)) => nvd && !own,
        };
        if let Some(severity) = severity.filter(|_| better) {
            rated = Some((nvd, severity));
        }
    }
    record.ratings.extend(rated.map(|(_, severity)| Rating { source: "nvd".into(), severity }));
    record
}
