//! Language packages: installed artefacts first, lock files too.

pub mod node_package;
pub mod python_installed;
