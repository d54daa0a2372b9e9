//! One file for each way of ordering versions.
//!
//! Each has `compare`, a total order over all texts that its `check` (where it has one) lets pass, and some
//! have `against`, how a package's version stands to a bound in an advisory, where the tool's own
//! matching is not the plain order. None allocates on the path of a distribution's packages (dpkg, rpm,
//! apk, and semver): a scan of a large estate makes millions of these comparisons.

pub(crate) mod alpm;
pub(crate) mod apk;
pub(crate) mod bitnami;
pub(crate) mod composer;
pub(crate) mod conan;
pub(crate) mod dart;
pub(crate) mod dotted;
pub(crate) mod dpkg;
pub(crate) mod gem;
pub(crate) mod generic;
pub(crate) mod go;
pub(crate) mod maven;
pub(crate) mod nuget;
pub(crate) mod pep440;
pub(crate) mod portage;
pub(crate) mod rpm;
pub(crate) mod semver;
