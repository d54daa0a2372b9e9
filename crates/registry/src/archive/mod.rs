//! Images in files: `docker save` archives, OCI layouts as directories and archives.

pub(crate) mod docker;
pub(crate) mod layout;
mod members;
pub(crate) mod open;
pub(crate) mod slice;

pub(crate) use members::Members;
