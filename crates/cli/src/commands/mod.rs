//! One file for each command.

pub(crate) mod coordinator;
pub(crate) mod db;
pub(crate) mod diff;
pub(crate) mod estate;
pub(crate) mod explain;
mod failures;
pub(crate) mod fleet;
pub(crate) mod policy;
pub(crate) mod remote;
pub(crate) mod renewal;
pub(crate) mod scan;
pub(crate) mod submit;
pub(crate) mod update;
pub(crate) mod worker;
