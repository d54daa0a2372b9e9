//! The parsers, one file each; `catalogue.rs` lists them.

pub(crate) mod alpine;
pub(crate) mod azure;
pub(crate) mod debian_lists;
pub(crate) mod debian_tracker;
pub(crate) mod kev;
pub(crate) mod node_wg;
pub(crate) mod osv;
pub(crate) mod photon;
pub(crate) mod php;
pub(crate) mod ubuntu;
