//! Bitnami's packaged applications.
//!
//! Source: Bitnami's vulnerability database and its `go-version` library: a semantic version whose
//! `-N` is a packaging revision, which is newer than the same version without it. A tail that is not a
//! number is a pre-release as in semver.

use std::cmp::Ordering;

use super::semver;
use crate::digits;

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split(a, 3), semver::split(b, 3));
    let revision = |p: semver::Parts<'_>| digits::is_number(p.pre);
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| match (revision(a), revision(b)) {
        (true, true) => digits::cmp(a.pre, b.pre),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => semver::pre_release(a.pre, b.pre),
    })
}
