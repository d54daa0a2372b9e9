//! How bad an advisory is: the field's six words, in their order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A severity; the order is from harmless to grave, with [`Severity::Unknown`] lowest because nobody has judged it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody gave one.
    #[default]
    Unknown,
    /// Debian's "unimportant", Ubuntu's "negligible".
    Negligible,
    /// CVSS 0.1–3.9.
    Low,
    /// CVSS 4.0–6.9.
    Medium,
    /// CVSS 7.0–8.9.
    High,
    /// CVSS 9.0–10.0.
    Critical,
}

impl Severity {
    /// All of them, gravest first.
    pub const ALL: [Severity; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// The lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// CVSS v3 and v4 qualitative rating scale (first.org, section 5 and 6): 0.0 is none, which we call negligible.
    pub fn from_cvss_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }
}

/// The text is none of the six words.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a severity (critical, high, medium, low, negligible, unknown)")]
pub struct SeverityError(String);

impl FromStr for Severity {
    type Err = SeverityError;

    /// Reads the six words and the vendors' synonyms for them, in any case.
    fn from_str(text: &str) -> Result<Self, SeverityError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "critical" => Ok(Self::Critical),
            "high" | "important" => Ok(Self::High),
            "medium" | "moderate" => Ok(Self::Medium),
            "low" | "minor" => Ok(Self::Low),
            "negligible" | "unimportant" | "none" | "informational" => Ok(Self::Negligible),
            "unknown" | "unassigned" | "not yet assigned" | "untriaged" => Ok(Self::Unknown),
            _ => Err(SeverityError(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
