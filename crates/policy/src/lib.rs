//! The rules that turn findings and gaps into a verdict; exceptions and VEX.
//!
//! Floor 1, pure: a policy is parsed from text, a VEX document from bytes, and both answer questions about values of
//! the model. No clock: the day for which expiries are reckoned is an argument.
//!
//! - [`Policy::parse`] reads the TOML file (every key: `docs/policy.md`), [`Policy::default`] is the policy without
//!   one.
//! - [`Policy::view`] binds a policy to one image; the view answers for each finding, gap, check, secret and license.
//! - [`Policy::tighten`] is what a server does with a client's wishes: the result is never laxer.
//! - [`parse_ignore_file`] reads other scanners' ignore files as exceptions.
//! - [`VexDocument::parse`] reads OpenVEX, CSAF VEX and CycloneDX VEX; [`VexIndex`] answers for one image.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod decide;
mod error;
mod exception;
mod expect;
mod file;
mod finding_names;
mod glob;
mod ignore;
mod license;
mod pattern;
mod policy;
mod purl_parts;
mod rules;
mod signal;
mod tighten;
mod vex;

pub use decide::{Decision, FindingRule, LicenseDecision, PolicyView, Staleness, has_fix};
pub use error::PolicyError;
pub use exception::{Exception, ExceptionSubject, Expiry, Seen};
pub use expect::PolicyCase;
pub use ignore::{IgnoreFileError, exceptions_to_toml, parse_ignore_file};
pub use pattern::{ImagePattern, PackagePattern, PathPattern, PatternError};
pub use policy::Policy;
pub use purl_parts::PurlParts;
pub use rules::{
    AdvisoryRules, FindingPatch, FindingRules, GapRules, ItemRules, LicenseRules, Override, Probability, Rules,
    Threshold, ThresholdError,
};
pub use signal::{Amount, SignalRule};
pub use tighten::Overrides;
pub use vex::{
    VexAnswer, VexDocument, VexError, VexFormat, VexImage, VexIndex, VexProduct, VexProductKind, VexStatement,
    VexStatus, VexVerdict,
};
