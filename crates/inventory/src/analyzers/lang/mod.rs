//! Language packages: installed artefacts first, lock files too.

pub mod node_package;
