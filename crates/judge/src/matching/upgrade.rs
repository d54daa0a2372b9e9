//! The version of a package to upgrade to: the lowest known one that none of its vulnerabilities with a fix affects any
//! more.
//!
//! Each finding names the version that fixes it alone; a person upgrades once. The highest of those need not do: where
//! a vulnerability was fixed in two branches, it can lie in the other one's affected range, and a later branch may have
//! vulnerabilities of its own. So a candidate is held against everything known.

use std::cmp::Ordering;

use layergate_advisory::End;
use layergate_model::Status;

use super::hit::Hit;

/// Candidates that are tried before nothing is said: what is fixed so late in so many branches has no simple answer.
const MAX_TRIES: usize = 8;

/// The version; `None` when nothing is fixed, or no known version fixes all. `others` are versions that fix
/// vulnerabilities which do not affect the package as it is, and `is_free` says whether those vulnerabilities leave a
/// version alone.
pub(super) fn target<'s>(
    hits: &[Hit<'_, 's>],
    others: impl FnOnce() -> Vec<&'s str>,
    is_free: impl Fn(&str) -> bool,
) -> Option<String> {
    let scheme = hits.first()?.scheme;
    let order = |a: &str, b: &str| match a == b {
        true => Ordering::Equal,
        false => scheme.compare(a, b).unwrap_or_else(|_| a.cmp(b)).then_with(|| a.cmp(b)),
    };
    let mut candidates = Vec::new();
    let mut least: Option<&str> = None;
    let mut fixed = Vec::new();
    for hit in hits.iter().filter(|h| h.entry.status != Status::NotAffected) {
        let own = candidates.len();
        for range in hit.entry.ranges.clone() {
            if let End::Fixed(v) = range.end
                && (hit.is_held_by(&range) || scheme.compare_to_bound(hit.version, v).is_ok_and(Ordering::is_lt))
            {
                candidates.push(v);
            }
        }
        if let Some(first) = candidates[own..].iter().copied().min_by(|a, b| order(a, b)) {
            fixed.push(hit);
            least = Some(least.map_or(first, |l| if order(l, first).is_lt() { first } else { l }));
        }
    }
    let least = least?;
    candidates.extend(others());
    candidates.retain(|c| order(c, least).is_ge());
    candidates.sort_by(|a, b| order(a, b));
    candidates.dedup();
    let is_good = |v: &&str| fixed.iter().all(|hit| hit.is_fixed_in(v)) && is_free(v);
    candidates.into_iter().take(MAX_TRIES).find(is_good).map(str::to_owned)
}
