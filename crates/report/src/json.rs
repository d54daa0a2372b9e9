//! `-o json`: the report as it is, the stable interface. One report is the object itself, several are
//! `layergate.reports/v1`. Byte-deterministic, because the report is sorted and its fields have an order.

use layergate_model::{REPORTS_SCHEMA, Report, Reports, Verdict};

/// Several reports in one document; its verdict is the worst of them, `error` when there is none (nothing scanned is
/// not a pass).
pub fn reports(reports: &[Report]) -> Reports {
    Reports { schema: REPORTS_SCHEMA.to_owned(), verdict: worst(reports), reports: reports.to_vec() }
}

/// [`Reports`] without a copy of what may be hundreds of megabytes.
#[derive(serde::Serialize)]
struct Several<'a> {
    schema: &'static str,
    verdict: Verdict,
    reports: &'a [Report],
}

pub(crate) fn render(all: &[Report]) -> Result<String, serde_json::Error> {
    match all {
        [one] => pretty(one),
        all => pretty(&Several { schema: REPORTS_SCHEMA, verdict: worst(all), reports: all }),
    }
}

fn worst(reports: &[Report]) -> Verdict {
    reports.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Error)
}

/// Two spaces of indentation and a newline at the end.
pub(crate) fn pretty<T: serde::Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}
