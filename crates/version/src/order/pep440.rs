//! Python packages.
//!
//! Source: the version specifiers specification of the Python Packaging Authority (PEP 440) for
//! versions, and for what is none ("0.3m1", "trunk") the order of the old setuptools, in which each of
//! them is older than every real version: old releases on PyPI are still named so.
//!
//! [`against`] is the comparison with a bound: a bound without local label ignores the version's own
//! (`1.0+cu118` satisfies `<= 1.0`).

use std::cmp::Ordering;

use crate::digits;

/// A version taken apart; all borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    epoch: &'a [u8],
    release: &'a [u8],
    /// Rank of alpha, beta, candidate, and the number.
    pre: Option<(u8, &'a [u8])>,
    post: Option<&'a [u8]>,
    dev: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
}

const PRE_WORDS: [(&str, u8); 8] =
    [("alpha", 0), ("a", 0), ("beta", 1), ("b", 1), ("preview", 2), ("pre", 2), ("c", 2), ("rc", 2)];
const POST_WORDS: [(&str, u8); 3] = [("post", 0), ("rev", 0), ("r", 0)];
const DEV_WORDS: [(&str, u8); 1] = [("dev", 0)];

fn separator(c: u8) -> bool {
    matches!(c, b'-' | b'_' | b'.')
}

fn skip_separator(rest: &mut &[u8]) {
    if let [c, tail @ ..] = *rest
        && separator(*c)
    {
        *rest = tail;
    }
}

/// `[sep]word[sep][digits]`; nothing is taken when the word is not one of them.
fn tagged<'a>(rest: &mut &'a [u8], words: &[(&str, u8)]) -> Option<(u8, &'a [u8])> {
    let mut here = *rest;
    skip_separator(&mut here);
    let (word, rank) = words
        .iter()
        .find(|(word, _)| here.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes())))?;
    here = &here[word.len()..];
    skip_separator(&mut here);
    let number = digits::take_while(&mut here, |c| c.is_ascii_digit());
    *rest = here;
    Some((*rank, number))
}

pub(crate) fn parse(v: &str) -> Option<Parts<'_>> {
    let v = v.trim();
    let mut rest = v.strip_prefix(['v', 'V']).unwrap_or(v).as_bytes();
    let mut epoch: &[u8] = &[];
    let mut ahead = rest;
    let number = digits::take_while(&mut ahead, |c| c.is_ascii_digit());
    if let (false, [b'!', tail @ ..]) = (number.is_empty(), ahead) {
        epoch = number;
        rest = tail;
    }
    let start = rest;
    if digits::take_while(&mut rest, |c| c.is_ascii_digit()).is_empty() {
        return None;
    }
    while let [b'.', d, ..] = rest
        && d.is_ascii_digit()
    {
        rest = &rest[1..];
        digits::take_while(&mut rest, |c| c.is_ascii_digit());
    }
    let release = &start[..start.len() - rest.len()];
    let pre = tagged(&mut rest, &PRE_WORDS);
    let post = match rest {
        [b'-', d, ..] if d.is_ascii_digit() => {
            rest = &rest[1..];
            Some(digits::take_while(&mut rest, |c| c.is_ascii_digit()))
        }
        _ => tagged(&mut rest, &POST_WORDS).map(|(_, number)| number),
    };
    let dev = tagged(&mut rest, &DEV_WORDS).map(|(_, number)| number);
    let local = match rest {
        [] => None,
        [b'+', label @ ..] => {
            let good = label
                .split(|c| separator(*c))
                .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric));
            if !good {
                return None;
            }
            Some(label)
        }
        _ => return None,
    };
    Some(Parts { epoch, release, pre, post, dev, local })
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => public(&a, &b).then_with(|| local(a.local, b.local)),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => legacy_key(a).cmp(&legacy_key(b)),
    }
}

/// The order of a package's version and a bound.
pub(crate) fn against(version: &str, bound: &str) -> Ordering {
    match (parse(version), parse(bound)) {
        (Some(a), Some(b)) => order_against(&a, &b),
        _ => compare(version, bound),
    }
}

/// As [`against`], both taken apart.
pub(crate) fn order_against(version: &Parts<'_>, bound: &Parts<'_>) -> Ordering {
    let public = public(version, bound);
    if bound.local.is_none() { public } else { public.then_with(|| local(version.local, bound.local)) }
}

fn public(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    digits::cmp(a.epoch, b.epoch)
        .then_with(|| digits::cmp_dotted_padded(a.release, b.release))
        .then_with(|| pre_rank(a).cmp(&pre_rank(b)))
        .then_with(|| number(a.pre.map(|p| p.1), b.pre.map(|p| p.1)))
        // No post-release is before any, no development mark after any.
        .then_with(|| a.post.is_some().cmp(&b.post.is_some()))
        .then_with(|| number(a.post, b.post))
        .then_with(|| b.dev.is_some().cmp(&a.dev.is_some()))
        .then_with(|| number(a.dev, b.dev))
}

/// Where the pre-release stands: a bare development version is before all alphas, a release after
/// all candidates.
fn pre_rank(v: &Parts<'_>) -> u8 {
    match v.pre {
        Some((rank, _)) => rank + 1,
        None if v.post.is_none() && v.dev.is_some() => 0,
        None => 4,
    }
}

fn number(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    digits::cmp(a.unwrap_or_default(), b.unwrap_or_default())
}

fn local(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_some().cmp(&b.is_some());
    };
    let (mut a, mut b) = (a.split(|c| separator(*c)), b.split(|c| separator(*c)));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (digits::is_number(x), digits::is_number(y)) {
                (true, true) => digits::cmp(x, y),
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The old setuptools' key: numbers padded to eight digits, words marked with `*` so that they sort
/// first, and `*final` at the end.
fn legacy_key(v: &str) -> Vec<String> {
    let text = v.trim().to_lowercase();
    let mut parts: Vec<String> = Vec::new();
    let mut push = |part: String| {
        if part.starts_with('*') {
            if part.as_str() < "*final" {
                while parts.last().is_some_and(|p| p == "*final-") {
                    parts.pop();
                }
            }
            while parts.last().is_some_and(|p| p == "00000000") {
                parts.pop();
            }
        }
        parts.push(part);
    };
    let kind = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        '-' => 3,
        _ => 4,
    };
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let class = kind(first);
        let end = match class {
            2 | 3 => 1,
            _ => rest.find(|c| kind(c) != class).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(end);
        rest = tail;
        match (class, token) {
            (0, digits) => push(format!("{digits:0>8}")),
            (2, _) => {}
            (3, _) => push("*final-".to_owned()),
            (_, "pre" | "preview" | "rc") => push("*c".to_owned()),
            (_, "dev") => push("*@".to_owned()),
            (_, word) => push(format!("*{word}")),
        }
    }
    push("*final".to_owned());
    parts
}
