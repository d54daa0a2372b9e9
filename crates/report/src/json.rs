//! `-o json`: the report as it is, the stable interface. One report is the object itself, several are
//! `layergate.reports/v1`. Byte-deterministic, because the report is sorted and its fields have an order.

use layergate_model::{REPORTS_SCHEMA, Report, Reports, Verdict};

/// Several reports in one document; its verdict is the worst of them, `error` when there is none (nothing scanned is
/// not a pass).
pub fn reports(reports: &[Report]) -> Reports {
    Reports {
        schema: REPORTS_SCHEMA.to_owned(),
        verdict: reports.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Error),
        reports: reports.to_vec(),
    }
}

pub(crate) fn render(all: &[Report]) -> Result<String, serde_json::Error> {
    match all {
        [one] => pretty(one),
        all => pretty(&reports(all)),
    }
}

/// Two spaces of indentation and a newline at the end.
pub(crate) fn pretty<T: serde::Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}
