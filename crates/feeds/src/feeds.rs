//! The parsers, one file each; `catalogue.rs` lists them.

pub(crate) mod alpine;
pub(crate) mod arch;
pub(crate) mod azure;
pub(crate) mod csaf;
pub(crate) mod debian_lists;
pub(crate) mod debian_tracker;
pub(crate) mod epss;
pub(crate) mod free;
pub(crate) mod kev;
pub(crate) mod node_wg;
pub(crate) mod nvd;
mod nvd_products;
pub(crate) mod oracle;
pub(crate) mod osv;
pub(crate) mod photon;
pub(crate) mod php;
pub(crate) mod rubysec;
pub(crate) mod rustsec;
pub(crate) mod suse;
pub(crate) mod ubuntu;
pub(crate) mod updateinfo;
pub(crate) mod vulnrichment;
