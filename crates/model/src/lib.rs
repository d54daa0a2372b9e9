//! The values everyone speaks: digests, references, packages, inventories, gaps, findings, verdicts, jobs.
//!
//! Floor 0: this crate knows no other crate of the house, no network, no clock and no file system. A type lives here
//! when at least two other crates exchange it; each file holds one idea.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod alias;
mod backoff;
mod check;
mod config;
mod cwe;
mod digest;
pub mod distributions;
mod distro;
mod finding;
mod foreign_text;
mod gap;
mod image;
mod inventory;
mod limits;
mod newer;
mod package;
mod path;
mod path_table;
mod platform;
mod purl;
mod reference;
mod report;
mod secret;
mod severity;
mod signal;
pub mod unjudged;

pub use alias::Alias;
pub use backoff::Backoff;
pub use check::{Check, CheckFact, FactKind};
pub use config::{HistoryEntry, ImageConfig, RuntimeConfig};
pub use cwe::{Cwe, CweError};
pub use digest::{Digest, DigestError};
pub use distro::{Distro, OsRelease};
pub use finding::{Cvss, Effect, Evidence, Finding, FindingId, Status, Suppression};
pub use foreign_text::{is_deceptive, one_line, visible};
pub use gap::{Gap, GapKind};
pub use image::{BaseImage, ImageInventory, ImagePackage, Layer, Origin, PackageId, Repositories};
pub use inventory::{AnalyzerId, ContentSets, LayerInventory, LicenseFact, Notes, OsReleaseFile, OwnedFiles, Section};
pub use limits::Limits;
pub use newer::{NEWER_VERSION, read_report};
pub use package::{Dependency, Package, PackageKind, Provenance, Scope, SourcePackage};
pub use path::{LayerPath, PathError, readable};
pub use path_table::{EntryKind, EntryRef, PathEntry, PathTable, PathTableBuilder, PathTableError};
pub use platform::{Platform, PlatformError};
pub use purl::Purl;
pub use reference::{ImageReference, ReferenceError, Registry, RepoPath, Tag};
pub use report::{
    AdvisorySource, DatedBy, FindingCounts, Inputs, REPORT_SCHEMA, REPORTS_SCHEMA, Reason, Report, ReportGap,
    ReportImage, ReportPackage, Reports, Summary, Verdict,
};
pub use secret::Secret;
pub use severity::Severity;
pub use signal::{CISA_KEV, DUE, EXPLOITED, FIRST_EPSS, Kev, PROBABILITY, RANSOMWARE, Signal, SignalName, Signals};
