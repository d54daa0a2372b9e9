//! An exception: one thing that somebody has looked at and takes upon himself, with a reason and a last day.

use jiff::civil::Date;
use layergate_model::{Finding, GapKind, ImagePackage, Severity};
use serde::Serialize;

use crate::{
    ImagePattern, PackagePattern, PathPattern, PurlParts,
    glob::{Flavour, Glob},
};

/// What an exception is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionSubject {
    /// An advisory by any of its ids; `*` may stand in it.
    Advisory(String),
    /// A check by its id.
    Check(String),
    /// A rule of the secret scanner.
    Secret(String),
    /// A kind of gap.
    Gap(GapKind),
}

/// How long an exception holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Somebody wrote `expires = "never"`.
    Never,
    /// The last day.
    After(Date),
}

impl Serialize for Expiry {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => s.serialize_str("never"),
            Self::After(day) => s.collect_str(day),
        }
    }
}

/// What an older report knew of the thing that it excepts: what is worse than that, or another secret in the same place,
/// is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// A finding.
    Finding {
        /// How bad it was.
        severity: Severity,
        /// Whether any source said that it was exploited; the stored name is that of the first such source.
        #[serde(rename = "kev")]
        exploited: bool,
        /// Whether the package was known to be malicious.
        malicious: bool,
    },
    /// A secret.
    Secret {
        /// What the report shows of it.
        redacted: String,
    },
}

impl Seen {
    /// What a report knows of `finding`.
    pub fn of_finding(finding: &Finding) -> Self {
        let Finding { severity, signals, malicious, .. } = finding;
        Self::Finding { severity: *severity, exploited: signals.exploited(), malicious: *malicious }
    }

    fn covers(&self, finding: &Finding) -> bool {
        match self {
            // An unknown severity is the lowest, but may count as a high one.
            Self::Finding { severity, exploited, malicious } => {
                let unrated = finding.severity == Severity::Unknown && *severity != Severity::Unknown;
                finding.severity <= *severity
                    && !unrated
                    && (*exploited || !finding.signals.exploited())
                    && (*malicious || !finding.malicious)
            }
            Self::Secret { .. } => false,
        }
    }
}

/// One `[[exception]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// Its name: the file's `id`, or file and line.
    pub id: String,
    /// What it is about.
    pub subject: ExceptionSubject,
    /// Only these packages.
    pub package: Option<PackagePattern>,
    /// Only these images.
    pub image: Option<ImagePattern>,
    /// Only these paths.
    pub path: Option<PathPattern>,
    /// Only what is no worse than this; set by `scan --baseline`, a policy file cannot say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Expiry,
    /// The file's name, without its directories.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl Exception {
    /// Whether it no longer holds on `day`.
    pub fn expired(&self, day: Date) -> bool {
        matches!(self.expires, Expiry::After(last) if day > last)
    }

    /// Whether it is about images of this reference.
    pub fn concerns_image(&self, reference: &str) -> bool {
        self.image.as_ref().is_none_or(|i| i.matches(reference))
    }

    /// Whether it is about a finding that is as bad as this one is now.
    pub fn concerns_as_it_is(&self, finding: &Finding) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen.covers(finding))
    }

    /// Whether the rest of it (package, path) is met by a package.
    pub fn concerns_package(&self, package: Option<&ImagePackage>, purl: Option<&PurlParts>) -> bool {
        let named = match (&self.package, package, purl) {
            (None, _, _) => true,
            (Some(pattern), Some(package), Some(purl)) => pattern.matches(package, purl),
            (Some(_), _, _) => false,
        };
        let placed = self
            .path
            .as_ref()
            .is_none_or(|pattern| package.is_some_and(|p| p.package.locations.iter().any(|l| pattern.matches(l))));
        named && placed
    }

    /// Whether it is about something that has a place but no package.
    pub fn concerns_place(&self, place: &str) -> bool {
        self.package.is_none() && self.path.as_ref().is_none_or(|p| p.matches(place))
    }

    /// The last day as written in reports.
    pub fn last_day(&self) -> Option<String> {
        match self.expires {
            Expiry::Never => None,
            Expiry::After(day) => Some(day.to_string()),
        }
    }

    /// The advisory pattern, where it is about one.
    pub(crate) fn advisory(&self) -> Option<Glob> {
        match &self.subject {
            ExceptionSubject::Advisory(text) => Some(Glob::new(text, Flavour::Name)),
            _ => None,
        }
    }
}
