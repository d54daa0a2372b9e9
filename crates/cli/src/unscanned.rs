//! The report on an image that could not be had: verdict `error` and why. Without it the documents of a run would speak
//! of the other images alone, and a file from yesterday would stay green.

use layergate_inventory::Catalogue;
use layergate_judge::{AssessInput, assess};
use layergate_model::{Effect, ImageInventory, Limits, Reason, Report, ReportImage, Verdict};
use layergate_policy::{Policy, VexDocument};

/// The rule that such a report names.
const RULE: &str = "not-scanned";

/// What would have been judged by.
pub(crate) struct Pins<'a> {
    pub(crate) snapshot: Option<&'a layergate_advisory::Snapshot>,
    pub(crate) policy: &'a Policy,
    pub(crate) vex: &'a [VexDocument],
    pub(crate) limits: &'a Limits,
    pub(crate) as_of: jiff::civil::Date,
}

/// The report on `reference`, of which nothing is known but `why`.
pub(crate) fn report(reference: &str, why: &str, pins: &Pins<'_>) -> Report {
    let image = ReportImage {
        reference: reference.to_owned(),
        digest: None,
        index_digest: None,
        platform: None,
        layers: Vec::new(),
        distro: None,
        base: None,
        other_platforms: Vec::new(),
        left_out: Vec::new(),
    };
    let mut report = assess(AssessInput {
        image,
        inventory: &ImageInventory::default(),
        snapshot: pins.snapshot,
        policy: pins.policy,
        vex: pins.vex,
        limits: pins.limits,
        analyzers: &Catalogue::standard().fingerprint(),
        as_of: pins.as_of,
    });
    // What the judge makes of an image with nothing in it does not hold for one that nobody looked into.
    report.verdict = Verdict::Error;
    report.gaps.clear();
    report.checks.clear();
    report.summary = Default::default();
    let text = format!("the image could not be scanned: {why}");
    report.reasons = vec![Reason { rule: RULE.into(), effect: Effect::Error, text, finding_ids: Vec::new() }];
    report
}

/// Whether a report is one of these.
pub(crate) fn is_one(report: &Report) -> bool {
    report.image.digest.is_none() && report.reasons.iter().any(|r| r.rule == RULE)
}

/// The same where nothing was reported of what would have been judged by.
pub(crate) fn without_pins(reference: &str, why: &str) -> Report {
    let (policy, limits) = (Policy::default(), Limits::default());
    let pins = Pins { snapshot: None, policy: &policy, vex: &[], limits: &limits, as_of: crate::judge::today() };
    report(reference, why, &pins)
}

/// Why a job ended without a report, if it did.
pub(crate) fn why(record: &layergate_ports::values::VerdictRecord) -> Option<String> {
    match &record.error {
        Some(layergate_ports::values::JobError::Source(error)) => Some(error.to_string()),
        Some(error) => Some(error.to_string()),
        None if record.images.is_empty() => Some("it ended without a report".to_owned()),
        None => None,
    }
}
