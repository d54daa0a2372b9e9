//! Why a job has no report, on standard error: the same sentences whether it ran here or in a fleet.

use anyhow::anyhow;
use layergate_ports::values::{JobError, SourceError, VerdictRecord};

/// Reports why a job ended without a report, and what of its record this version does not know.
pub(crate) fn print_record(record: &VerdictRecord) {
    if !record.unknown.is_empty() {
        crate::exit::say(&format!(
            "{}: a newer version of the fleet says what this one does not know, and it counts as the worst ({}); upgrade",
            record.reference,
            record.unknown.join(", ")
        ));
    }
    match &record.error {
        Some(JobError::Source(error)) => print_failure(&record.reference, error),
        Some(error) => crate::exit::say(&format!("{}: {error}", record.reference)),
        None => {}
    }
}

/// Reports an image that could not be read.
pub(crate) fn print_failure(image: &str, error: &SourceError) {
    crate::exit::print_error(&anyhow!("{error}").context(format!("{image} could not be scanned")));
}
