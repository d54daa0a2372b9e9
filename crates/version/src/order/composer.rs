//! PHP packages on Packagist.
//!
//! Source: PHP's `version_compare`, which Composer uses for the order. A version is its runs of digits
//! and of letters; in each place the order is: an unknown word, `dev`, `alpha`/`a`, `beta`/`b`,
//! `RC`/`rc`, the end, a number, `pl`/`p`. Only the beginning of a word counts, and its case does:
//! `ALPHA` and `BETA` are unknown words and equal. A leading `v` is a tag's habit and dropped, as
//! Composer does. Numbers have no limit (PHP's end at 64 bits).
//!
//! `#` is PHP's placeholder for "some number": it equals every number. That cannot be part of a total
//! order, but neither can Composer's version parser read it, so it occurs in no package.
//!
//! [`against`] is the comparison with a bound as Composer does it: first it normalizes both, so that
//! `1.0` and `1.0.0` are the same (to `version_compare` alone the second is newer), the words have no
//! case, and build metadata does not count.

use std::cmp::Ordering;

use crate::digits;

#[derive(Clone, Copy)]
enum Token<'a> {
    End,
    Number(&'a [u8]),
    Word(i8),
    Placeholder,
}

const DEV: i8 = 0;
const ALPHA: i8 = 1;
const BETA: i8 = 2;
const CANDIDATE: i8 = 3;
const PATCH: i8 = 5;
const UNKNOWN: i8 = -1;

fn word(text: &[u8]) -> Token<'static> {
    Token::Word(match text {
        [b'd', b'e', b'v', ..] => DEV,
        [b'a', ..] => ALPHA,
        [b'b', ..] => BETA,
        [b'R', b'C', ..] | [b'r', b'c', ..] => CANDIDATE,
        [b'p', ..] => PATCH,
        _ => UNKNOWN,
    })
}

fn next<'a>(rest: &mut &'a [u8], started: bool) -> Token<'a> {
    let skipped = digits::take_while(rest, |c| !c.is_ascii_alphanumeric() && c != b'#');
    match rest.first() {
        None if skipped.is_empty() || !started => Token::End,
        // A separator that nothing follows leaves an empty word.
        None => Token::Word(UNKNOWN),
        Some(b'#') => {
            *rest = &rest[1..];
            Token::Placeholder
        }
        Some(c) if c.is_ascii_digit() => Token::Number(digits::take_while(rest, |c| c.is_ascii_digit())),
        Some(_) => word(digits::take_while(rest, |c| c.is_ascii_alphabetic())),
    }
}

/// Twice the place in the order, so that the end fits between a candidate and a number.
fn rank(token: Token<'_>) -> i8 {
    match token {
        Token::Word(rank) => rank * 2,
        Token::End => 7,
        Token::Number(_) | Token::Placeholder => 8,
    }
}

fn tokens(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let mut started = false;
    loop {
        let (x, y) = (next(&mut a, started), next(&mut b, started));
        started = true;
        let order = match (x, y) {
            (Token::End, Token::End) => return Ordering::Equal,
            (Token::Number(x), Token::Number(y)) => digits::cmp(x, y),
            (Token::Placeholder, Token::End) | (Token::End, Token::Placeholder) => Ordering::Equal,
            (x, y) => rank(x).cmp(&rank(y)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn strip_prefix(v: &str) -> &str {
    let v = v.trim();
    match v.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => v,
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    tokens(strip_prefix(a).as_bytes(), strip_prefix(b).as_bytes())
}

/// The numbers in front, and the rest in Composer's spelling without build metadata.
fn normalize(v: &str) -> (&str, String) {
    let v = strip_prefix(v);
    let v = v.split_once('+').map_or(v, |(head, _)| head);
    let end = v
        .bytes()
        .zip(v.bytes().skip(1).chain([b' ']))
        .take_while(|(c, next)| c.is_ascii_digit() || (*c == b'.' && next.is_ascii_digit()))
        .count();
    let (numbers, rest) = v.split_at(end);
    let mut rest = rest.to_ascii_lowercase();
    // A word that only says that it is stable says nothing.
    if rest.trim_start_matches(['-', '_', '.']) == "stable" {
        rest.clear();
    }
    (numbers, rest)
}

/// The numbers of a numbered branch (`2.x-dev`, `2.1.*-dev`).
fn branch(version: &str) -> Option<String> {
    let head = version.trim().strip_suffix("-dev")?;
    let numbers = head.strip_suffix(".x").or_else(|| head.strip_suffix(".X")).or_else(|| head.strip_suffix(".*"))?;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = numbers.strip_prefix('v').unwrap_or(numbers).split('.').all(number);
    plain.then(|| format!("{numbers}.9999999.9999999-dev"))
}

/// The order of a package's version and a bound.
pub(crate) fn against(version: &str, bound: &str) -> Ordering {
    // `2.1.x-dev` is what comes after every release of 2.1: Composer reads the `x` as 9999999.
    let numbered = branch(version);
    let version = numbered.as_deref().unwrap_or(version);
    let ((na, ra), (nb, rb)) = (normalize(version), normalize(bound));
    if na.is_empty() || nb.is_empty() {
        return compare(version, bound);
    }
    digits::cmp_dotted_padded(na.as_bytes(), nb.as_bytes()).then_with(|| tokens(ra.as_bytes(), rb.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_branch_comes_after_its_releases() {
        for (version, bound, want) in [
            ("2.x-dev", "2.0.0", Ordering::Greater),
            ("2.x-dev", "2.99.1", Ordering::Greater),
            ("2.x-dev", "3.0.0", Ordering::Less),
            ("v1.2.x-dev", "1.2.9", Ordering::Greater),
            ("1.2.x-dev", "1.3.0", Ordering::Less),
            ("1.2.0-dev", "1.2.0", Ordering::Less),
        ] {
            assert_eq!(against(version, bound), want, "{version} {bound}");
        }
    }
}
