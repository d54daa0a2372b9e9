//! One advisory that affects one package of one image, with the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Cwe, Digest, PackageId, Severity, Signals, signal::Keys};

/// What the policy makes of a finding, a gap, a check or a secret; the order is from nothing to the worst.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Reported, nothing more.
    #[default]
    Ignore,
    /// Reported among the reasons; the image passes.
    Warn,
    /// The image does not pass.
    Fail,
    /// No verdict can be given.
    Error,
}

/// A finding's id: derived from the package's id and the advisory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct FindingId(String);

impl FindingId {
    /// The id of the finding of `advisory` on `package`.
    pub fn derive(package: &PackageId, advisory: &str) -> Self {
        let digest = Digest::of([package.as_str(), "\n", advisory].concat().as_bytes());
        Self(hex::encode(&digest.as_bytes()[..8]))
    }

    /// Sixteen hexadecimal characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an advisory's source sees the package (VEX's words, plus what distributions add).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Affected; no version fixes it yet.
    Affected,
    /// Affected; a later version fixes it.
    Fixed,
    /// Affected; the source has said that it will not fix it.
    WillNotFix,
    /// The source is still looking.
    UnderInvestigation,
    /// A VEX statement says that the image is not affected.
    NotAffected,
}

/// One CVSS vector of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cvss {
    /// Who gave it: `nvd`, `ghsa`, `redhat`, …
    pub source: String,
    /// `3.1`, `4.0`, …
    pub version: String,
    /// The vector as written.
    pub vector: String,
    /// The base score, 0.0 to 10.0, in tenths so that reports are exact: 9.8 is 98.
    pub score_tenths: u8,
}

/// Why the advisory affects the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// The affected range that holds the version, readable: `< 3.0.15-1~deb12u1`.
    pub range: String,
    /// The feed that says so.
    pub feed: String,
    /// The name that matched when it is not the package's own (its source package).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_name: Option<String>,
}

/// Who took a finding out of the verdict, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Suppression {
    /// `exception` or `vex`.
    pub kind: String,
    /// The exception's id or the VEX document's.
    pub id: String,
    /// The reason or justification as written.
    pub justification: String,
    /// The last day on which it holds, where it has one.
    pub expires: Option<String>,
}

/// One advisory that affects one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// Derived id.
    pub id: FindingId,
    /// The vulnerability's id; a CVE where it has one.
    pub advisory: String,
    /// Its other ids (GHSA-…, DSA-…), sorted.
    pub aliases: Vec<String>,
    /// One line about the vulnerability, where the source has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The severity that counts.
    pub severity: Severity,
    /// Who gave it.
    pub severity_source: Option<String>,
    /// All CVSS vectors.
    pub cvss: Vec<Cvss>,
    /// The weaknesses behind the vulnerability, lowest number first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<Cwe>,
    /// What second sources say of the vulnerability; in JSON the keys `epss`, `kev` and `signals`.
    #[serde(flatten)]
    #[schemars(with = "Keys")]
    pub signals: Signals,
    /// Whether this is a malicious package rather than a vulnerable one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub malicious: bool,
    /// The package.
    pub package: PackageId,
    /// The source's view.
    pub status: Status,
    /// The versions that fix it, lowest first.
    pub fixed_versions: Vec<String>,
    /// What to do.
    pub remediation: String,
    /// The package's layer.
    pub layer: Option<u32>,
    /// Why it matched.
    pub evidence: Evidence,
    /// What the policy makes of it.
    pub effect: Effect,
    /// Who took it out of the verdict.
    pub suppressed_by: Option<Suppression>,
}
