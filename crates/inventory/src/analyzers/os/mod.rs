//! Distributions and their package managers.

pub mod os_release;
