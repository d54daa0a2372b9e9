//! What a verdict is made of.

use std::collections::BTreeMap;

use jiff::civil::Date;
use layergate_advisory::Snapshot;
use layergate_model::{AdvisorySource, Finding, Gap, ImageInventory, Limits, PackageId, ReportImage};
use layergate_policy::{Policy, VexDocument};

/// The version of the code that judges; the last number rises whenever the same input would give another report.
pub const JUDGE_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+10");

/// Everything that a report depends on (design, invariant 8).
pub struct AssessInput<'a> {
    /// The image as the report names it. Its distribution and base are taken from the inventory.
    pub image: ReportImage,
    /// What is in it.
    pub inventory: &'a ImageInventory,
    /// The advisories; without any there is no verdict.
    pub snapshot: Option<&'a Snapshot>,
    /// The rules.
    pub policy: &'a Policy,
    /// The VEX documents.
    pub vex: &'a [VexDocument],
    /// The limits under which the layers were read.
    pub limits: &'a Limits,
    /// The fingerprint of the analyzers that read them.
    pub analyzers: &'a str,
    /// The day (UTC).
    pub as_of: Date,
}

/// What matching found: findings with [`layergate_model::Effect::Ignore`] and no suppression, and what it could not
/// decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// One for each pair of package and advisory; duplicates are collapsed by the judge.
    pub findings: Vec<Finding>,
    /// Distributions without advisories, versions that cannot be compared, …
    pub gaps: Vec<Gap>,
    /// For packages with findings that have a fix: the lowest version that none of them affects.
    pub upgrades: BTreeMap<PackageId, String>,
    /// What speaks of the image's packages, and which feeds the rules on exploitation ask; sorted.
    pub sources: Vec<AdvisorySource>,
}
