//! Go modules, the standard library and the toolchain.
//!
//! Source: the Go modules reference (module versions are semantic versions with a `v`; a
//! pseudo-version is a pre-release that sorts by its time stamp; `+incompatible` is build metadata) and
//! `go/version` for the toolchain's own `go1.21rc2`, which the vulnerability database writes as
//! `1.21.0-rc.2`: both are the same version here. What a vendor puts behind a toolchain version
//! (`go1.22.5 X:boringcrypto`, `go1.21.3 (Red Hat 1.21.3-1.el9)`, `go1.18.1b7`, `go1.24.1-custom`)
//! is no part of the order. `(devel)` and `devel go1.22-…` are refused: nobody can say what they hold.

use std::cmp::Ordering;

use super::semver;
use crate::digits;

/// The version without what only a toolchain adds, and whether it is a toolchain's.
fn strip(v: &str) -> (&str, bool) {
    let v = v.trim();
    let v = v.split_ascii_whitespace().next().unwrap_or(v);
    match v.strip_prefix("go") {
        Some(rest) => (rest, true),
        None => (v, false),
    }
}

pub(crate) fn check(v: &str) -> Result<(), &'static str> {
    semver::check(strip(v).0)
}

fn split(v: &str) -> semver::Parts<'_> {
    let (v, toolchain) = strip(v);
    let mut parts = semver::split(v, 3);
    let boring = parts.glued && matches!(parts.pre, [b'b', rest @ ..] if digits::is_number(rest));
    if boring || (toolchain && !parts.glued) {
        parts.pre = &[];
    }
    parts
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| {
        if a.pre.is_empty() || b.pre.is_empty() || (!a.glued && !b.glued) {
            semver::pre_release(a.pre, b.pre)
        } else {
            glued(a, b)
        }
    })
}

/// Pre-releases of which at least one is written `rc2`: its word and its number are two identifiers.
fn glued(a: semver::Parts<'_>, b: semver::Parts<'_>) -> Ordering {
    let (mut a, mut b) = (identifiers(a), identifiers(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match semver::identifier(x, y) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

fn identifiers(parts: semver::Parts<'_>) -> impl Iterator<Item = &[u8]> {
    let (word, rest) = if parts.glued {
        let word = parts.pre.iter().take_while(|c| c.is_ascii_alphabetic()).count();
        let (word, rest) = parts.pre.split_at(word);
        (Some(word), rest)
    } else {
        (None, parts.pre)
    };
    let rest = (!rest.is_empty()).then(|| rest.split(|c| *c == b'.'));
    word.into_iter().chain(rest.into_iter().flatten())
}
