//! Distributions and their package managers.

pub mod apk;
pub mod copyright;
pub mod dpkg;
pub mod dpkg_files;
mod needs;
pub mod os_release;
mod owned;
pub mod rpm;
pub mod rpm_manifest;
mod stanza;
