//! Bitnami's packaged applications.
//!
//! Source: Bitnami's vulnerability database and its `go-version` library: a semantic version whose tail (`-4`,
//! `-r1`) is a packaging revision, which is newer than the same version without it, whatever it looks like. Between two
//! tails the rules of pre-releases hold.

use std::cmp::Ordering;

use super::semver;
use crate::digits;

/// More numbers than any application has; `semver` would take a fourth for build metadata.
const MOST: usize = 8;

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split(a, MOST), semver::split(b, MOST));
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| match (a.pre.is_empty(), b.pre.is_empty()) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => semver::pre_release(a.pre, b.pre),
    })
}
