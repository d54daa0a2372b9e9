//! Distributions and their package managers.

pub mod accounts;
pub mod apk;
pub mod bitnami;
pub mod brew;
pub mod chisel;
pub mod content_sets;
pub mod copyright;
pub mod dpkg;
pub mod dpkg_files;
pub mod file_facts;
mod needs;
pub mod nested_root;
pub mod opkg;
pub mod os_release;
mod owned;
pub mod pacman;
pub mod portage;
pub mod rpm;
pub mod rpm_manifest;
pub mod snap;
mod stanza;
pub mod stores;
