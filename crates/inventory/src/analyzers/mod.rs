//! The analyzers, one file each.

pub mod binary;
pub mod content;
pub mod lang;
mod license;
mod license_names;
pub mod os;
