//! What an operator means in each language: the shorthands become intervals.
//!
//! Sources: node-semver's README (ranges, with `includePrerelease`), The Cargo Book ("specifying
//! dependencies"), `Gem::Requirement`, Composer's "versions and constraints", the Python version specifiers,
//! Cabal's `^>=`, NuGet's version ranges, Elixir's `Version`.

use super::Why;
use super::terms::{Op, Term};
use crate::digits;
use crate::{Interval, Scheme};

/// The numbers in front of a version, and what else was there.
struct Head<'a> {
    /// `1!` of a Python version, else empty.
    epoch: &'a str,
    numbers: Vec<&'a str>,
    /// A `*` or `x` stood behind the numbers.
    wildcard: bool,
    /// Whether anything else stood behind them.
    tail: bool,
}

fn head(version: &str) -> Head<'_> {
    let mut rest = match version.strip_prefix(['v', 'V']) {
        Some(tail) if tail.starts_with(|c: char| c.is_ascii_digit()) => tail,
        _ => version,
    };
    let mut epoch = "";
    if let Some((front, tail)) = rest.split_once('!')
        && digits::is_number(front.as_bytes())
    {
        epoch = &rest[..=front.len()];
        rest = tail;
    }
    let mut numbers = Vec::new();
    loop {
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 {
            // Everything behind the first star must be stars too.
            let wildcard = !rest.is_empty() && rest.split('.').all(|part| matches!(part, "*" | "x" | "X"));
            return Head { epoch, numbers, wildcard, tail: !wildcard && !rest.is_empty() };
        }
        let (number, tail) = rest.split_at(len);
        numbers.push(number);
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Head { epoch, numbers, wildcard: false, tail: !tail.is_empty() },
        }
    }
}

/// How a scheme writes the oldest version that belongs to a release.
fn floor(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Semver
        | Scheme::Npm
        | Scheme::Cargo
        | Scheme::Hex
        | Scheme::Swift
        | Scheme::Pub
        | Scheme::Go
        | Scheme::Nuget
        | Scheme::Conan => "-0",
        Scheme::Pep440 => ".dev0",
        Scheme::Packagist => "-dev",
        Scheme::RubyGems | Scheme::CocoaPods => ".A",
        _ => "",
    }
}

/// Schemes whose languages have wildcards; a distribution's version may end in an `x`.
fn has_wildcards(scheme: Scheme) -> bool {
    !matches!(scheme, Scheme::Dpkg | Scheme::Rpm | Scheme::Apk | Scheme::Alpm | Scheme::Portage | Scheme::Maven)
}

/// Schemes in which `1.2` in a comparison means all of `1.2.*`.
fn partial_is_wildcard(scheme: Scheme) -> bool {
    matches!(scheme, Scheme::Semver | Scheme::Npm | Scheme::Cargo | Scheme::Swift)
}

/// Schemes that need three numbers to make a version.
fn pads(scheme: Scheme) -> bool {
    partial_is_wildcard(scheme) || matches!(scheme, Scheme::Pub | Scheme::Hex | Scheme::Go | Scheme::Nuget)
}

impl Head<'_> {
    fn write(&self, scheme: Scheme, numbers: &[String], floored: bool) -> String {
        let mut numbers = numbers.to_vec();
        while numbers.is_empty() || (pads(scheme) && numbers.len() < 3) {
            numbers.push("0".to_owned());
        }
        format!("{}{}{}", self.epoch, numbers.join("."), if floored { floor(scheme) } else { "" })
    }

    /// The release itself, zeros filled in.
    fn start(&self, scheme: Scheme, floored: bool) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(|n| (*n).to_owned()).collect();
        self.write(scheme, &numbers, floored)
    }

    /// The oldest version of the release in which the number at `place` is one more.
    fn next(&self, scheme: Scheme, place: usize) -> String {
        let mut numbers: Vec<String> =
            (0..=place).map(|i| self.numbers.get(i).map_or_else(|| "0".to_owned(), |n| (*n).to_owned())).collect();
        if let Some(last) = numbers.last_mut() {
            *last = digits::increment(last);
        }
        self.write(scheme, &numbers, true)
    }
}

pub(super) fn expand(scheme: Scheme, term: &Term<'_>) -> Result<Vec<Interval>, Why> {
    let version = term.version;
    if term.op == Op::Bare && matches!(version, "*" | "x" | "X" | "any" | "-any") {
        return Ok(vec![Interval::all()]);
    }
    let mut head = head(version);
    if head.wildcard && !has_wildcards(scheme) {
        (head.wildcard, head.tail) = (false, true);
    }
    let op = match (term.op, scheme) {
        (Op::Bare, Scheme::Cargo) if !head.wildcard => Op::Caret,
        (Op::Bare, Scheme::Nuget) if !head.wildcard => Op::Ge,
        (Op::Bare, _) => Op::Eq,
        (Op::Tilde, Scheme::Packagist) => Op::Compatible,
        (Op::Pessimistic, Scheme::Npm | Scheme::Semver | Scheme::Cargo) => Op::Tilde,
        (Op::Pessimistic, _) => Op::Compatible,
        (op, _) => op,
    };
    let short = !head.numbers.is_empty() && head.numbers.len() < 3 && !head.tail && !head.wildcard;
    let hyphen = matches!(op, Op::HyphenEnd | Op::HyphenStart);
    let wild = head.wildcard || (short && (partial_is_wildcard(scheme) || hyphen && scheme == Scheme::Packagist));
    let op = match op {
        Op::HyphenStart => Op::Ge,
        Op::HyphenEnd => Op::Le,
        op => op,
    };
    if matches!(op, Op::Caret | Op::Tilde | Op::Compatible | Op::Major) {
        return shorthand(scheme, op, &head, version, wild);
    }
    if wild { Ok(wildcard(scheme, op, &head)) } else { Ok(plain(op, version)) }
}

fn plain(op: Op, version: &str) -> Vec<Interval> {
    match op {
        Op::Ne => vec![Interval::all().before(version), Interval::after(version)],
        Op::Lt => vec![Interval::all().before(version)],
        Op::Le => vec![Interval::all().up_to(version)],
        Op::Gt => vec![Interval::after(version)],
        Op::Ge => vec![Interval::at_least(version)],
        _ => vec![Interval::exactly(version)],
    }
}

/// Comparisons with a whole family of versions, `1.2.*`.
fn wildcard(scheme: Scheme, op: Op, head: &Head<'_>) -> Vec<Interval> {
    let Some(last) = head.numbers.len().checked_sub(1) else {
        return match op {
            Op::Ne | Op::Lt | Op::Gt => Vec::new(),
            _ => vec![Interval::all()],
        };
    };
    // Cargo's `>= 1.2` is `>= 1.2.0`, npm's takes the pre-releases with it.
    let floored = scheme != Scheme::Cargo || head.wildcard;
    let start = head.start(scheme, floored);
    let next = head.next(scheme, last);
    match op {
        Op::Ne => vec![Interval::all().before(&start), Interval::at_least(&next)],
        Op::Lt => vec![Interval::all().before(&start)],
        Op::Le => vec![Interval::all().before(&next)],
        Op::Gt => vec![Interval::at_least(&next)],
        Op::Ge => vec![Interval::at_least(&start)],
        _ => vec![Interval::at_least(&start).before(&next)],
    }
}

/// `^`, `~`, `~>`, `~=` and `^>=`: from the version to the next one that may break things.
fn shorthand(scheme: Scheme, op: Op, head: &Head<'_>, version: &str, wild: bool) -> Result<Vec<Interval>, Why> {
    let Some(last) = head.numbers.len().checked_sub(1) else {
        return if head.wildcard { Ok(vec![Interval::all()]) } else { Err(Why::Text("no number to count from")) };
    };
    let place = match op {
        Op::Caret => head.numbers.iter().position(|n| !digits::is_zero(n.as_bytes())).unwrap_or(last),
        Op::Tilde => last.min(1),
        Op::Major => 1,
        // `~> 1.2.*` counts the star as a place.
        _ if head.wildcard => last,
        _ => last.saturating_sub(1),
    };
    let npm = matches!(scheme, Scheme::Npm | Scheme::Semver);
    let start = if wild {
        head.start(scheme, npm && op == Op::Caret)
    } else if pads(scheme) && head.numbers.len() < 3 && !head.tail {
        head.start(scheme, false)
    } else {
        version.to_owned()
    };
    Ok(vec![Interval::at_least(&start).before(&head.next(scheme, place))])
}
