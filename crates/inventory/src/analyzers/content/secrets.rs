//! Secrets in files: tokens, keys and passwords that somebody built into the image.
//!
//! Which files are read is `secret_scope.rs`, what is looked for is `secret_rules.rs`. One pass of an Aho-Corasick
//! automaton over a file says which rules can match at all; those few patterns then run over it. A match counts when it
//! is random enough for its rule and is no example (`AKIAIOSFODNN7EXAMPLE`, `xxxx`, `${TOKEN}`). The secret itself is
//! cut here, at the source: a section, a cache or a report never holds more than its first four and last two
//! characters.
//!
//! Bounds: the sizes of `secret_scope.rs`; [`MAX_OF_FILE`] of one file, [`MAX_OF_LAYER`] of one layer, and a gap that
//! says so when there are more. Patterns run in linear time, whatever the file says.

use std::{
    ops::Range,
    sync::{LazyLock, OnceLock},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use layergate_model::{AnalyzerId, LayerPath, Secret, Section};
use regex::bytes::{Regex, RegexBuilder};

use super::{
    secret_rules::{In, RULES, SecretRule},
    secret_scope::{INTERESTS, MAX_BYTES, MAX_NAMED_BYTES, Sort, sort_of},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Secrets of one file that are reported.
const MAX_OF_FILE: usize = 100;
/// Secrets of one layer that are reported.
const MAX_OF_LAYER: usize = 1000;

/// Finds secrets in settings, key files and sources.
pub struct Secrets;

impl Analyzer for Secrets {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("secrets")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn max_bytes(&self) -> u64 {
        MAX_NAMED_BYTES
    }

    fn interests(&self) -> &'static [Interest] {
        INTERESTS
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        sort_of(entry.path).is_some()
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn wants_size(&self, path: &LayerPath, size: u64) -> bool {
        // A file that is named for its credentials is read, or it is a gap that it was not.
        size <= MAX_BYTES || sort_of(path) == Some(Sort::Named)
    }

    fn wants(&self, head: &[u8]) -> bool {
        !head.is_empty() && memchr::memchr(0, head).is_none()
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let sort = sort_of(file.path).unwrap_or(Sort::Source);
        let mut hits = search(file.bytes, file.path.file_name(), sort);
        let room = MAX_OF_FILE.min(MAX_OF_LAYER.saturating_sub(out.secrets.len()));
        let more = hits.len().saturating_sub(room);
        hits.truncate(room);
        let (mut line, mut counted) = (1u32, 0);
        for hit in hits {
            line = line.saturating_add(memchr::memchr_iter(b'\n', &file.bytes[counted..hit.start]).count() as u32);
            counted = hit.start;
            out.secrets.push(Secret {
                rule: hit.rule.id.to_owned(),
                title: hit.rule.title.to_owned(),
                severity: hit.rule.severity,
                path: file.path.as_str().to_owned(),
                line,
                redacted: redact(&file.bytes[hit.secret]),
            });
        }
        if more > 0 {
            return Err(AnalyzeError::unreadable(format!(
                "{more} or more further secrets of this file are not reported one by one (at most {MAX_OF_FILE} of a file \
                 and {MAX_OF_LAYER} of a layer are)"
            )));
        }
        Ok(())
    }
}

/// One match that counts.
struct Hit {
    rule: &'static SecretRule,
    /// Where the whole match begins.
    start: usize,
    /// The secret within the file.
    secret: Range<usize>,
}

/// All keywords, and the rule of each.
static KEYWORDS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let words = RULES.iter().enumerate().flat_map(|(rule, r)| r.keywords.iter().map(move |word| (rule, *word)));
    let (rules, words): (Vec<_>, Vec<_>) = words.unzip();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words);
    automaton.ok().map(|automaton| (automaton, rules))
});

/// The rules' patterns, each compiled when it is first needed.
static PATTERNS: LazyLock<Vec<OnceLock<Option<Regex>>>> =
    LazyLock::new(|| RULES.iter().map(|_| OnceLock::new()).collect());

fn pattern(rule: usize) -> Option<&'static Regex> {
    let compiled = || RegexBuilder::new(RULES[rule].pattern).unicode(false).build().ok();
    PATTERNS[rule].get_or_init(compiled).as_ref()
}

/// All that counts in `bytes`, by place; at most a few more than can be reported.
fn search(bytes: &[u8], name: &str, sort: Sort) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let possible = possible_rules(bytes);
    for (index, rule) in RULES.iter().enumerate() {
        let here = match rule.scope {
            In::Any => true,
            In::Settings => sort != Sort::Source,
            In::Named(names) => names.contains(&name),
        };
        if !here || !possible[index] {
            continue;
        }
        let Some(pattern) = pattern(index) else { continue };
        for found in pattern.captures_iter(bytes) {
            let Some(whole) = found.get(0) else { continue };
            let secret = found.get(1).unwrap_or(whole);
            let taken = |hit: &Hit| hit.secret.start < secret.end() && secret.start() < hit.secret.end;
            if is_example(secret.as_bytes()) || entropy(secret.as_bytes()) < rule.entropy || hits.iter().any(taken) {
                continue;
            }
            hits.push(Hit { rule, start: whole.start(), secret: secret.range() });
            if hits.len() > MAX_OF_FILE {
                break;
            }
        }
        // Each rule looks, even when an earlier one has found too much; none may look for ever.
        if hits.len() > 2 * MAX_OF_FILE {
            break;
        }
    }
    hits.sort_by_key(|hit| hit.start);
    hits
}

/// Which rules can match at all: those of which a keyword is there, and those without keywords.
fn possible_rules(bytes: &[u8]) -> Vec<bool> {
    let mut possible: Vec<bool> = RULES.iter().map(|rule| rule.keywords.is_empty()).collect();
    let Some((automaton, rules)) = KEYWORDS.as_ref() else { return vec![true; RULES.len()] };
    for found in automaton.find_overlapping_iter(bytes) {
        possible[rules[found.pattern().as_usize()]] = true;
    }
    possible
}

/// Words that stand in examples, masks and references, and in no random token of usual length.
const EXAMPLES: [&[u8]; 10] = [
    b"example",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"your-",
    b"your_",
    b"dummy",
    b"xxxxxx",
    b"******",
    b"redacted",
];

fn is_example(secret: &[u8]) -> bool {
    let lower = secret.to_ascii_lowercase();
    let reference = lower.starts_with(b"$") || lower.starts_with(b"{{") || lower.starts_with(b"%(");
    reference
        || matches!(lower.as_slice(), b"password" | b"passwd" | b"secret" | b"pass" | b"none" | b"null")
        || EXAMPLES.iter().any(|word| lower.windows(word.len()).any(|w| w == *word))
}

/// Shannon entropy in bits a byte.
fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let total = bytes.len().max(1) as f32;
    counts.iter().filter(|n| **n > 0).map(|n| *n as f32 / total).map(|p| -p * p.log2()).sum()
}

/// First four and last two characters with a mask of fixed length between them; of a short secret nothing.
fn redact(secret: &[u8]) -> String {
    const MASK: &str = "******";
    if secret.len() < 16 {
        return MASK.to_owned();
    }
    let shown = |part: &[u8]| -> String {
        part.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect()
    };
    format!("{}{MASK}{}", shown(&secret[..4]), shown(&secret[secret.len() - 2..]))
}

#[cfg(test)]
mod tests;
