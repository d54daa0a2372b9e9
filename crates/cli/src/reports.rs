//! JSON reports read back from files, for the commands that look at them again.

use std::path::Path;

use anyhow::{Context, anyhow};
use layergate_model::{REPORT_SCHEMA, REPORTS_SCHEMA, Report, Reports};

use crate::exit::{Failure, usage};

/// A report file of more bytes is refused.
const MAX_REPORT: u64 = 1 << 30;

/// The reports of a file that `-o json` wrote.
pub(crate) fn read(path: &Path) -> Result<Vec<Report>, Failure> {
    let context = || format!("the report {} cannot be read", path.display());
    let bytes = crate::bounded::read(path, MAX_REPORT).with_context(context).map_err(usage)?;
    #[derive(serde::Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_slice(&bytes).with_context(context).map_err(usage)?;
    match head.schema.as_str() {
        REPORT_SCHEMA => Ok(vec![serde_json::from_slice(&bytes).with_context(context).map_err(usage)?]),
        REPORTS_SCHEMA => {
            let reports: Reports = serde_json::from_slice(&bytes).with_context(context).map_err(usage)?;
            Ok(reports.reports)
        }
        other => Err(usage(anyhow!("{} is a {other:?}, not a {REPORT_SCHEMA}", path.display()))),
    }
}
