//! Language packages: what is installed, and lock files.

mod input;
mod loose;

pub mod cargo_lock;
pub mod go_mod;
pub mod node_lock;
pub mod node_package;
pub mod python_installed;
pub mod python_requirements;
