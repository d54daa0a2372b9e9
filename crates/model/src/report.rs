//! The report, `layergate.report/v1`: the stable interface (design, section 4). Within v1 there are only additions.

use serde::{Deserialize, Serialize};

use crate::{
    BaseImage, Check, Digest, Distro, Effect, Finding, FindingId, GapKind, Layer, Origin, PackageId, PackageKind,
    Platform, Provenance, Purl, Scope, Secret, SignalName, SourcePackage,
};

/// The schema name of a report on one image and platform.
pub const REPORT_SCHEMA: &str = "layergate.report/v1";
/// The schema name of several reports in one document.
pub const REPORTS_SCHEMA: &str = "layergate.reports/v1";

/// The outcome; the order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The policy lets the image through.
    Pass,
    /// The policy says no.
    Fail,
    /// No verdict could be given: something was not read that may matter.
    Error,
}

impl Verdict {
    /// The lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }

    /// The process's exit code (design, section 3).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Error => 3,
        }
    }
}

/// A rule of the policy that had something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reason {
    /// The rule: `severity`, `kev`, `malicious`, `gap`, `end_of_life`, …
    pub rule: String,
    /// What it does to the verdict.
    pub effect: Effect,
    /// The reason in a sentence.
    pub text: String,
    /// The findings behind it, sorted.
    pub finding_ids: Vec<FindingId>,
}

/// The image that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportImage {
    /// The reference as given, normalised for registry images.
    pub reference: String,
    /// The digest of the platform's manifest; for a root file system or SBOM, of what was read.
    pub digest: Option<Digest>,
    /// The digest of the index it was chosen from.
    pub index_digest: Option<Digest>,
    /// The platform.
    pub platform: Option<Platform>,
    /// The layers, bottom first.
    pub layers: Vec<Layer>,
    /// The distribution.
    pub distro: Option<Distro>,
    /// The base image.
    pub base: Option<BaseImage>,
    /// Platforms of the index that were not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_platforms: Vec<String>,
    /// What else the index lists and is no image that could run: attestations, signatures, unknown types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// Everything the verdict depends on (invariant 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Inputs {
    /// The snapshot's digest; `None` for an SBOM-only run without advisories.
    pub snapshot: Option<Digest>,
    /// The newest record of its feeds (ISO 8601 day).
    pub snapshot_date: Option<String>,
    /// The digest of the policy in canonical form.
    pub policy: Digest,
    /// The digest of the exceptions in canonical form.
    pub exceptions: Digest,
    /// The digests of the VEX documents, sorted.
    pub vex: Vec<Digest>,
    /// The limits in one line.
    pub limits: String,
    /// The analyzers' fingerprint.
    pub analyzers: String,
    /// The version of the code that judges.
    pub judge: String,
    /// The day (UTC) for which expiries and grace periods were reckoned.
    pub as_of: String,
}

/// How the age of a source of advisories is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatedBy {
    /// By its newest record.
    Record,
    /// Its records have no dates: by the day on which it was fetched.
    Fetched,
}

/// A source of advisories that speaks of the image's packages, or that a rule of the policy asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AdvisorySource {
    /// What it speaks of: a distribution's release (`debian:12`), a registry (`npm`), or, of signals, a rule
    /// (`kev`, `epss`) or the feed.
    pub of: String,
    /// The feed, by id.
    pub feed: String,
    /// Its records that count there.
    pub records: u64,
    /// The least that a whole copy of it has, where somebody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// The day (ISO 8601) up to which it is known; `None` where nothing shows.
    pub date: Option<String>,
    /// What shows that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated_by: Option<DatedBy>,
    /// How many days its upstream ordinarily writes nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quiet_days: u32,
    /// The kinds of signals that it brings (`exploited`, `probability`, …), where it is asked for those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
}

impl AdvisorySource {
    /// Whether it is all there, as far as anybody knows.
    pub fn is_whole(&self) -> bool {
        self.at_least.is_none_or(|floor| self.records >= floor)
    }

    /// Whether it brings signals rather than advisories on packages.
    pub fn is_of_signals(&self) -> bool {
        !self.signals.is_empty() || SignalName::from_word(&self.of).is_some()
    }

    /// Whether it brings these signals. Reports of before there was a list of kinds have the word of the rule alone.
    pub fn brings(&self, name: &SignalName) -> bool {
        self.signals.iter().any(|kind| name.covers(&self.feed, kind))
            || SignalName::from_word(&self.of).is_some_and(|(source, kind)| name.covers(source, kind))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Findings by severity, suppressed ones not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FindingCounts {
    /// Critical ones.
    pub critical: u32,
    /// High ones.
    pub high: u32,
    /// Medium ones.
    pub medium: u32,
    /// Low ones.
    pub low: u32,
    /// Negligible ones.
    pub negligible: u32,
    /// Those nobody gave a severity.
    pub unknown: u32,
}

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// Packages.
    pub packages: u32,
    /// Findings.
    pub findings: FindingCounts,
    /// Findings that a later version fixes.
    pub fixable: u32,
    /// Findings that VEX or an exception took out.
    pub suppressed: u32,
    /// Gaps.
    pub gaps: u32,
}

/// A package in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportPackage {
    /// Derived id.
    pub id: PackageId,
    /// The package URL.
    pub purl: Purl,
    /// The name.
    pub name: String,
    /// The full version.
    pub version: String,
    /// Who manages it.
    #[serde(rename = "type")]
    pub kind: PackageKind,
    /// The source package.
    pub source: Option<SourcePackage>,
    /// An rpm module's `name:stream:version:context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Who built it, where the package says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Licenses.
    pub licenses: Vec<String>,
    /// Runtime or development.
    pub scope: Scope,
    /// Whether it is its registry's package of this name; where it is not said it is.
    #[serde(default, skip_serializing_if = "Provenance::is_registry")]
    pub provenance: Provenance,
    /// Base or application.
    pub origin: Origin,
    /// The distribution package that installed it.
    pub owned_by: Option<PackageId>,
    /// The layer that brought it.
    pub layer: Option<u32>,
    /// The files that prove it.
    pub locations: Vec<String>,
    /// Hashes, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<String>,
    /// The packages (ids) that it needs, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<PackageId>,
    /// The lowest known version that no finding with a fix affects; `None` when nothing has a fix or no version fixes
    /// all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_to: Option<String>,
}

/// A gap in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportGap {
    /// The sort of gap.
    pub kind: GapKind,
    /// Where.
    #[serde(rename = "where")]
    pub place: String,
    /// What happened.
    pub detail: String,
    /// What the policy makes of it.
    pub effect: Effect,
}

/// The report on one image and platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// The outcome.
    pub verdict: Verdict,
    /// Why, worst first.
    pub reasons: Vec<Reason>,
    /// The image.
    pub image: ReportImage,
    /// The pins.
    pub inputs: Inputs,
    /// The counts.
    pub summary: Summary,
    /// Everything that is in it.
    pub packages: Vec<ReportPackage>,
    /// Everything that is known against it, suppressed findings too.
    pub findings: Vec<Finding>,
    /// Misconfiguration.
    pub checks: Vec<Check>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// What was not looked at.
    pub gaps: Vec<ReportGap>,
    /// The advisories that speak of the image's packages and that its policy's rules ask, with their age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<AdvisorySource>,
}

/// Reports on several images or platforms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reports {
    /// [`REPORTS_SCHEMA`].
    pub schema: String,
    /// The worst verdict.
    pub verdict: Verdict,
    /// Each report.
    pub reports: Vec<Report>,
}
