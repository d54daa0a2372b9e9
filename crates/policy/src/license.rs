//! Licenses against deny and allow lists. Expressions follow SPDX annex D (`OR`, `AND`, `WITH`, parentheses); what is
//! no expression is one license as written. A license that offers a choice is fine when one choice is.

use crate::glob::{Flavour, Glob};

const DEEPEST: u32 = 32;

/// Compiled lists.
#[derive(Clone, Debug)]
pub(crate) struct LicenseLists {
    deny: Vec<Glob>,
    allow: Vec<Glob>,
}

impl LicenseLists {
    pub(crate) fn new(deny: &[String], allow: &[String]) -> Self {
        let globs = |list: &[String]| list.iter().map(|t| Glob::new(&t.to_lowercase(), Flavour::Name)).collect();
        Self { deny: globs(deny), allow: globs(allow) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deny.is_empty() && self.allow.is_empty()
    }

    /// Whether the license expression may be used.
    pub(crate) fn accepts(&self, expression: &str) -> bool {
        let tokens = tokens(expression);
        let mut parser = Parser { tokens: &tokens, at: 0, lists: self };
        match parser.any(0) {
            Some(accepted) if parser.at == tokens.len() => accepted,
            _ => self.leaf(expression.trim(), None),
        }
    }

    fn leaf(&self, id: &str, exception: Option<&str>) -> bool {
        let id = id.to_lowercase();
        let modern = modern(&id);
        let whole = exception.map(|e| format!("{} with {}", modern.as_ref().unwrap_or(&id), e.to_lowercase()));
        let in_list = |list: &[Glob], text: &str| list.iter().any(|g| g.matches(text));
        let named = |list: &[Glob]| {
            let names = [Some(&id), modern.as_ref(), whole.as_ref()];
            names.into_iter().flatten().any(|name| in_list(list, name))
        };
        let expressly = whole.as_ref().is_some_and(|w| self.allow.iter().any(|g| g.as_str() == w));
        (expressly || !named(&self.deny)) && (self.allow.is_empty() || named(&self.allow))
    }
}

/// SPDX's newer spelling of a GNU license: `gpl-2.0` is `gpl-2.0-only`, `gpl-2.0+` is `gpl-2.0-or-later`.
fn modern(id: &str) -> Option<String> {
    let (family, version) = id.split_once('-').filter(|(f, _)| matches!(*f, "gpl" | "lgpl" | "agpl" | "gfdl"))?;
    let number = version.strip_suffix('+').unwrap_or(version);
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let suffix = if version.ends_with('+') { "or-later" } else { "only" };
    is_number.then(|| format!("{family}-{number}-{suffix}"))
}

fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_whitespace().take(4096) {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')']) {
            if at > 0 {
                out.push(&rest[..at]);
            }
            out.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    lists: &'a LicenseLists,
}

impl<'a> Parser<'a> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: u32) -> Option<bool> {
        let mut accepted = self.all(depth)?;
        while self.take("or") {
            accepted |= self.all(depth)?;
        }
        Some(accepted)
    }

    fn all(&mut self, depth: u32) -> Option<bool> {
        let mut accepted = self.one(depth)?;
        while self.take("and") {
            accepted &= self.one(depth)?;
        }
        Some(accepted)
    }

    fn one(&mut self, depth: u32) -> Option<bool> {
        if depth > DEEPEST {
            return None;
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            return self.take(")").then_some(inner);
        }
        let id = self.word()?;
        let exception = if self.take("with") { Some(self.word()?) } else { None };
        Some(self.lists.leaf(id, exception))
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = *self.tokens.get(self.at)?;
        let reserved = ["(", ")", "or", "and", "with"].iter().any(|r| word.eq_ignore_ascii_case(r));
        self.at += 1;
        (!reserved).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let deny = LicenseLists::new(&["GPL-*".into(), "AGPL-3.0-only".into()], &[]);
        let allow = LicenseLists::new(
            &["GPL-*".into()],
            &["MIT".into(), "Apache-2.0".into(), "GPL-2.0-only WITH Classpath-exception-2.0".into()],
        );
        for (expression, denied_only, allowed_only) in [
            ("MIT", true, true),
            ("mit", true, true),
            ("GPL-3.0-only", false, false),
            ("MIT OR GPL-3.0-only", true, true),
            ("MIT AND GPL-3.0-only", false, false),
            ("(MIT OR Apache-2.0) AND (GPL-2.0-only)", false, false),
            ("(MIT OR (GPL-2.0-only AND BSD-3-Clause))", true, true),
            ("GPL-2.0-only WITH Classpath-exception-2.0", false, true),
            ("BSD-3-Clause", true, false),
            ("Some home-made text", true, false),
            ("MIT OR", true, false),
            ("((((", true, false),
        ] {
            assert_eq!(deny.accepts(expression), denied_only, "deny: {expression}");
            assert_eq!(allow.accepts(expression), allowed_only, "allow: {expression}");
        }
        assert!(!allow.accepts(&"(".repeat(5000)));
    }
    #[test]
    fn old_and_new_spellings_are_one_license() {
        let deny = LicenseLists::new(&["GPL-2.0-or-later".into(), "LGPL-2.1-only".into()], &[]);
        for (expression, accepted) in [
            ("GPL-2.0+", false),
            ("GPL-2.0-or-later", false),
            ("GPL-2.0", true),
            ("GPL-2.0-only", true),
            ("LGPL-2.1", false),
            ("LGPL-2.1+", true),
            ("GPL-2.0+ WITH Classpath-exception-2.0", false),
            ("GPL-2.0+ OR MIT", true),
            ("GPL-", true),
        ] {
            assert_eq!(deny.accepts(expression), accepted, "{expression}");
        }
        let allow = LicenseLists::new(&[], &["GPL-2.0-only WITH Classpath-exception-2.0".into()]);
        assert!(allow.accepts("GPL-2.0 WITH Classpath-exception-2.0") && !allow.accepts("GPL-2.0"));
    }
}
