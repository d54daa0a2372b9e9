//! The analyzers, one file each.

pub mod lang;
mod license;
pub mod os;
