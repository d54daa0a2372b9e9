//! Declared licenses: SPDX expressions in canonical spelling where they can be read as such, else the words as written
//! (SPDX specification 2.3, annex D).
//!
//! Package managers write licenses in words of their own: Fedora's short names (`GPLv2+ and BSD`), R's ranges
//! (`GPL (>= 2)`), PyPI's classifiers, the full names in POMs. What stands in `license_names.rs` or on SPDX's list, by
//! identifier or full name, is put into SPDX's identifiers; `and`, `or`, `|` and `/` join them. Nothing is guessed:
//! when one part is not known, or says less than an identifier would (`BSD` alone), the whole stays as written.

use std::{collections::HashMap, sync::LazyLock};

use super::license_names::NAMES;

/// Characters of a license that is no SPDX expression which are kept; some packages put whole texts there.
const MAX_WORDS: usize = 200;
/// Longest text that is tried as an expression.
const MAX_EXPRESSION: usize = 2000;
/// Deepest nesting of parentheses that is tried.
const MAX_NESTING: usize = 32;

/// One declared license, as a list of none or one.
pub(crate) fn one(text: &str) -> Vec<String> {
    normal(text).into_iter().collect()
}

/// The license in canonical spelling; `None` for what says nothing.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || ["unknown", "none", "noassertion", "(none)"].iter().any(|n| text.eq_ignore_ascii_case(n)) {
        return None;
    }
    if text.len() <= MAX_EXPRESSION && text.matches('(').count() <= MAX_NESTING {
        if let Some(id) = spdx::license_id(text) {
            return Some(id.name.to_owned());
        }
        if spdx::Expression::parse(text).is_ok() {
            return Some(text.to_owned());
        }
        if let Some(expression) = named(text).map(str::to_owned).or_else(|| joined(text)) {
            return Some(expression);
        }
    }
    let first = text.lines().next().unwrap_or(text).trim_end();
    Some(first.chars().take(MAX_WORDS).collect())
}

/// Identifiers by what people write for them, in the form of [`plain`].
static KNOWN: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let listed = spdx::identifiers::LICENSES.iter();
    let mut known: HashMap<String, &'static str> = HashMap::new();
    // What is deprecated on the list gives way: "GNU General Public License v2.0 only" is two identifiers' name.
    for deprecated in [true, false] {
        let these =
            listed.clone().filter(|l| spdx::license_id(l.name).is_some_and(|id| id.is_deprecated()) == deprecated);
        known.extend(these.flat_map(|l| [(plain(l.full_name), l.name), (plain(l.name), l.name)]));
    }
    known.extend(NAMES.iter().map(|(name, id)| (plain(name), *id)));
    known
});

/// The identifier or expression that one name means.
fn named(name: &str) -> Option<&'static str> {
    KNOWN.get(plain(name).as_str()).copied()
}

/// Lower case, one space between words, without what people put around a name.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase().replace(['"', '\'', '“', '”'], "").replace(['_', ',', ';', ':'], " ");
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    if words.first() == Some(&"the") {
        words.remove(0);
    }
    words.join(" ")
}

/// Several names with words between them, as an expression; `None` when one of them is not known.
fn joined(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut name = String::new();
    let (mut names, mut depth) = (0, 0_i32);
    let close = |name: &mut String, out: &mut String, names: &mut usize| -> Option<()> {
        let text = std::mem::take(name);
        if text.trim().is_empty() {
            return Some(());
        }
        // R adds the file that it lies in.
        if matches!(plain(&text).as_str(), "file license" | "file licence") && out.ends_with(" AND ") {
            out.truncate(out.len() - " AND ".len());
            return Some(());
        }
        let known = named(&text)?;
        let compound = known.contains(' ');
        out.push_str(&if compound { format!("({known})") } else { known.to_owned() });
        *names += 1;
        Some(())
    };
    for piece in pieces(text) {
        let operator = match piece.to_ascii_lowercase().as_str() {
            "and" | "&" => Some(" AND "),
            "or" | "|" => Some(" OR "),
            "+" if names > 0 || !name.is_empty() => Some(" AND "),
            _ => None,
        };
        match (operator, piece) {
            (Some(operator), _) => {
                close(&mut name, &mut out, &mut names)?;
                out.push_str(operator);
            }
            // A parenthesis within a name is part of it: `GPL (>= 2)`.
            (None, "(") if name.is_empty() => {
                depth += 1;
                out.push('(');
            }
            (None, ")") if depth > 0 && !name.contains('(') => {
                close(&mut name, &mut out, &mut names)?;
                depth -= 1;
                out.push(')');
            }
            (None, word) => {
                if !name.is_empty() && word != ")" && !name.ends_with('(') {
                    name.push(' ');
                }
                name.push_str(word);
            }
        }
    }
    close(&mut name, &mut out, &mut names)?;
    // The grammar has the last word: `MIT OR`, `(MIT`, two names without a word between them.
    (names > 0 && spdx::Expression::parse(&out).is_ok()).then_some(out)
}

/// Words, and each parenthesis and bar by itself.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = match rest.find(['(', ')', '|']) {
                Some(0) => 1,
                Some(end) => end,
                None => rest.len(),
            };
            let (piece, after) = rest.split_at(end);
            rest = after;
            Some(piece)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_words_and_nothing() {
        for (text, want) in [
            ("MIT", Some("MIT")),
            (" MIT OR Apache-2.0 ", Some("MIT OR Apache-2.0")),
            ("Some license\nand its whole text", Some("Some license")),
            ("UNKNOWN", None),
            ("", None),
        ] {
            assert_eq!(normal(text).as_deref(), want, "{text}");
        }
        assert!(normal(&"(".repeat(100_000)).is_some_and(|l| l.len() == MAX_WORDS));
    }

    #[test]
    fn words_of_package_managers() {
        for (text, want) in [
            // SPDX's own, in another case, or by the full name.
            ("mit", "MIT"),
            ("APACHE-2.0", "Apache-2.0"),
            ("Apache License 2.0", "Apache-2.0"),
            ("GNU General Public License v2.0 only", "GPL-2.0-only"),
            ("BSD 3-Clause \"New\" or \"Revised\" License", "BSD-3-Clause"),
            // Fedora's.
            ("GPLv2+", "GPL-2.0-or-later"),
            ("LGPLv2+ and GPLv3", "LGPL-2.0-or-later AND GPL-3.0-only"),
            ("(GPL+ or Artistic) and zlib", "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND Zlib"),
            ("ASL 2.0 and MIT", "Apache-2.0 AND MIT"),
            ("GPLv2+ and BSD", "GPLv2+ and BSD"),
            ("GPLv3+ and GPLv3+ with exceptions", "GPLv3+ and GPLv3+ with exceptions"),
            ("Public Domain", "Public Domain"),
            // R's.
            ("GPL (>= 2)", "GPL-2.0-or-later"),
            ("GPL-2 | GPL-3", "GPL-2.0-only OR GPL-3.0-only"),
            ("LGPL (>= 2.1) | MIT + file LICENSE", "LGPL-2.1-or-later OR MIT"),
            ("MIT + file LICENCE", "MIT"),
            ("BSD_3_clause + file LICENSE", "BSD-3-Clause"),
            ("file LICENSE", "file LICENSE"),
            // PyPI's, Maven's and everybody's.
            ("MIT License", "MIT"),
            ("The MIT License (MIT)", "MIT"),
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
            ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
            ("Apache 2.0 or MIT", "Apache-2.0 OR MIT"),
            ("CDDL + GPLv2 with classpath exception", "CDDL + GPLv2 with classpath exception"),
            ("BSD", "BSD"),
            ("Proprietary", "Proprietary"),
            ("see LICENSE (MIT", "see LICENSE (MIT"),
            ("MIT or", "MIT or"),
        ] {
            let got = normal(text).unwrap();
            assert_eq!(got, want, "{text}");
            assert_eq!(normal(&got).as_deref(), Some(want), "{text}: twice is once");
        }
    }

    #[test]
    fn every_name_leads_to_an_expression() {
        let mut seen = std::collections::HashSet::new();
        for (name, id) in NAMES {
            assert!(spdx::Expression::parse(id).is_ok(), "{name}: {id}");
            assert!(seen.insert(plain(name)), "{name} twice");
        }
    }
}
