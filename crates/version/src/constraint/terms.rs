//! The grammar that all languages of constraints share: alternatives, terms, operators.
//!
//! Alternatives are separated by `||`, `|` or `or`; terms by blanks, commas, `&&` or `and`; an operator may
//! stand apart from its version (`>= 1.2`), terms may stand without a gap (`>=1.2<2`), and `a - b` is a range.

use super::Why;

/// What stands in front of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// Nothing: each language means something else.
    Bare,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `^`
    Caret,
    /// `~`
    Tilde,
    /// `~>`
    Pessimistic,
    /// `~=`
    Compatible,
    /// `^>=`
    Major,
    /// The upper end of `a - b`.
    HyphenEnd,
    /// The lower end of `a - b`.
    HyphenStart,
}

/// The spellings, longest first.
const SPELLINGS: [(&str, Op); 16] = [
    ("===", Op::Eq),
    ("^>=", Op::Major),
    ("==", Op::Eq),
    ("!=", Op::Ne),
    ("<>", Op::Ne),
    ("/=", Op::Ne),
    ("<=", Op::Le),
    ("=<", Op::Le),
    (">=", Op::Ge),
    ("=>", Op::Ge),
    ("~>", Op::Pessimistic),
    ("~=", Op::Compatible),
    ("<", Op::Lt),
    (">", Op::Gt),
    ("=", Op::Eq),
    ("^", Op::Caret),
];

/// An operator and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term<'a> {
    pub(super) op: Op,
    pub(super) version: &'a str,
}

/// The alternatives of a constraint, at least one.
pub(super) fn alternatives(text: &str) -> impl Iterator<Item = &str> {
    text.split("||").flat_map(|part| part.split('|')).flat_map(|part| part.split(" or "))
}

/// The terms of one alternative.
pub(super) fn read(text: &str) -> Result<Vec<Term<'_>>, Why> {
    let mut out: Vec<Term<'_>> = Vec::new();
    let mut waiting: Option<Op> = None;
    let mut hyphen = false;
    let words = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'))
        .flat_map(|word| word.split("&&"))
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("and"));
    for word in words {
        if word == "-" {
            let Some(last) = out.last_mut().filter(|t| t.op == Op::Bare) else {
                return Err(Why::Text("a hyphen without a version before it"));
            };
            last.op = Op::HyphenStart;
            hyphen = true;
            continue;
        }
        let mut rest = word;
        while !rest.is_empty() {
            let (op, tail) = operator(rest);
            rest = tail;
            if op != Op::Bare && (waiting.is_some() || hyphen) {
                return Err(Why::Text("an operator without a version"));
            }
            if rest.is_empty() {
                waiting = Some(op);
                break;
            }
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(i, c)| match c {
                    '<' | '>' | '=' => true,
                    '!' => rest[i + 1..].starts_with('='),
                    _ => false,
                })
                .map_or(rest.len(), |(i, _)| i);
            let (version, tail) = rest.split_at(end);
            rest = tail;
            // Composer's stability flag says nothing about the version.
            let version = version.split_once('@').map_or(version, |(head, _)| head);
            let op = match (waiting.take(), op) {
                (Some(op), _) => op,
                (None, Op::Bare) if hyphen => Op::HyphenEnd,
                (None, op) => op,
            };
            hyphen = false;
            out.push(Term { op, version });
        }
    }
    if waiting.is_some() || hyphen {
        return Err(Why::Text("an operator without a version"));
    }
    Ok(out)
}

fn operator(text: &str) -> (Op, &str) {
    for (spelling, op) in SPELLINGS {
        if let Some(rest) = text.strip_prefix(spelling) {
            return (op, rest);
        }
    }
    match text.strip_prefix('~') {
        Some(rest) => (Op::Tilde, rest),
        None => (Op::Bare, text),
    }
}
