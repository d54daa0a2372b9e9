//! One file for each command.

pub(crate) mod db;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod scan;
