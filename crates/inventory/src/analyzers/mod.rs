//! The analyzers, one file each.

pub mod lang;
pub mod os;
