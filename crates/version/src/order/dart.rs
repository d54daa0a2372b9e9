//! Dart and Flutter packages on pub.dev.
//!
//! Source: the `pub_semver` package. Semantic versions, but build metadata takes part in the order: a
//! version without it comes first, then identifiers as in a pre-release.

use std::cmp::Ordering;

use super::semver;
use crate::digits;

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split(a, 3), semver::split(b, 3));
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| semver::pre_release(a.pre, b.pre)).then_with(
        || match (a.build.is_empty(), b.build.is_empty()) {
            (false, false) => semver::identifiers(a.build, b.build),
            (x, y) => y.cmp(&x),
        },
    )
}
