//! Gentoo: `number{.number}…{letter}{_suffix{number}}…{-rN}`.
//!
//! Source: the Package Manager Specification, "Version Comparison". The first numbers compare by value;
//! the later ones too, unless one of the two begins with a zero: then both compare as text without their
//! trailing zeros. More numbers are newer. Then the letter, then the suffixes
//! (`_alpha < _beta < _pre < _rc < nothing < _p`), then the revision.

use std::cmp::Ordering;

use crate::digits;

struct Parts<'a> {
    numbers: &'a [u8],
    letter: &'a [u8],
    suffixes: &'a [u8],
    revision: &'a [u8],
    bad: &'a [u8],
}

fn split(v: &str) -> Parts<'_> {
    let v = v.trim().as_bytes();
    let mut rest = v;
    digits::take_while(&mut rest, |c| c.is_ascii_digit());
    while let [b'.', d, ..] = rest
        && d.is_ascii_digit()
    {
        rest = &rest[1..];
        digits::take_while(&mut rest, |c| c.is_ascii_digit());
    }
    let numbers = &v[..v.len() - rest.len()];
    let letter = if rest.first().is_some_and(u8::is_ascii_lowercase) { &rest[..1] } else { &[] };
    rest = &rest[letter.len()..];
    let suffixes = digits::take_while(&mut rest, |c| c == b'_' || c.is_ascii_lowercase() || c.is_ascii_digit());
    let revision = match rest {
        [b'-', b'r', ..] => {
            rest = &rest[2..];
            digits::take_while(&mut rest, |c| c.is_ascii_digit())
        }
        _ => &[],
    };
    Parts { numbers, letter, suffixes, revision, bad: rest }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    numbers(a.numbers, b.numbers)
        .then_with(|| a.letter.cmp(b.letter))
        .then_with(|| suffixes(a.suffixes, b.suffixes))
        .then_with(|| digits::cmp(a.revision, b.revision))
        .then_with(|| a.bad.cmp(b.bad))
}

fn numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'.'), b.split(|c| *c == b'.'));
    let mut order = digits::cmp(a.next().unwrap_or_default(), b.next().unwrap_or_default());
    while order == Ordering::Equal {
        order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) if x.first() == Some(&b'0') || y.first() == Some(&b'0') => {
                let trim = |t: &[u8]| t.iter().rposition(|c| *c != b'0').map_or(0, |i| i + 1);
                x[..trim(x)].cmp(&y[..trim(y)])
            }
            (Some(x), Some(y)) => digits::cmp(x, y),
        };
    }
    order
}

fn suffixes(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'_').skip(1), b.split(|c| *c == b'_').skip(1));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let ((rank_x, number_x), (rank_y, number_y)) = (suffix(x), suffix(y));
        let order = rank_x.cmp(&rank_y).then_with(|| digits::cmp(number_x, number_y));
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn suffix(text: Option<&[u8]>) -> (u8, &[u8]) {
    let Some(mut rest) = text else { return (5, &[]) };
    let rank = match digits::take_while(&mut rest, |c| c.is_ascii_lowercase()) {
        b"alpha" => 1,
        b"beta" => 2,
        b"pre" => 3,
        b"rc" => 4,
        b"p" => 6,
        _ => 0,
    };
    (rank, rest)
}
