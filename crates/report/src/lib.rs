//! A verdict in every output format, and an SBOM back to an image inventory. Pure: values in, text out; no clock, no
//! network, no file system.
//!
//! [`Format`] is the catalogue: one format, one file. Every text in a report may come from an adversary (a package's
//! name, a path, a build step), so each format escapes what it shows by its own rules (`text.rs`).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod advice;
mod csv;
mod cyclonedx;
mod difference;
mod format;
mod gitlab;
mod hashes;
mod html;
mod json;
mod junit;
mod license;
mod listed;
mod markdown;
mod openvex;
mod page;
mod plan;
mod rows;
mod sarif;
pub mod sbom;
mod schema;
mod spdx_sbom;
mod stamp;
mod table;
mod template;
mod text;
mod trivy;
mod view;

pub use difference::{DIFFERENCE_SCHEMA, Difference, FindingChange, PackageChange};
pub use format::{Format, FormatError, RenderError, RenderOptions, render};
pub use json::reports;
pub use schema::schema;
pub use template::render_template;
