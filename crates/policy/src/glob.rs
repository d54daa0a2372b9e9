//! Wildcards of policies, as an automaton over bytes: time is pattern length times text length, whatever the pattern.
//!
//! In names (`Flavour::Name`) `*` stands for any characters. In paths (`Flavour::Path`) `*` stops at `/`, `**` does
//! not, and `**/` also stands for nothing (`**/node_modules/**` holds `node_modules/x`).

/// How `*` treats `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `*` stands for anything.
    Name,
    /// `*` stays inside one directory.
    Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any run without `/`.
    Segment,
    /// Any run.
    Anything,
    /// Either the next two tokens (`**` and `/`) or neither.
    OptionalTree,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    text: String,
    tokens: Vec<Token>,
    literal: bool,
}

impl Glob {
    /// Compiles `text`.
    pub(crate) fn new(text: &str, flavour: Flavour) -> Self {
        let bytes = text.as_bytes();
        let mut tokens = Vec::with_capacity(bytes.len() + 2);
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte != b'*' {
                tokens.push(Token::Byte(byte));
                at += 1;
                continue;
            }
            let stars = bytes[at..].iter().take_while(|b| **b == b'*').count();
            let starts_segment = at == 0 || bytes[at - 1] == b'/';
            at += stars;
            match flavour {
                Flavour::Path if stars == 1 => tokens.push(Token::Segment),
                Flavour::Path if starts_segment && bytes.get(at) == Some(&b'/') => {
                    tokens.extend([Token::OptionalTree, Token::Anything, Token::Byte(b'/')]);
                    at += 1;
                }
                _ => tokens.push(Token::Anything),
            }
        }
        let literal = tokens.iter().all(|t| matches!(t, Token::Byte(_)));
        Self { text: text.to_owned(), tokens, literal }
    }

    /// The pattern as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern has no wildcard.
    pub(crate) fn is_literal(&self) -> bool {
        self.literal
    }

    /// Whether the whole of `text` fits.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.literal {
            return self.text == text;
        }
        let end = self.tokens.len();
        let mut now = vec![false; end + 1];
        now[0] = true;
        self.close(&mut now);
        let mut next = vec![false; end + 1];
        for &byte in text.as_bytes() {
            next.fill(false);
            for (i, token) in self.tokens.iter().enumerate().filter(|(i, _)| now[*i]) {
                match token {
                    Token::Byte(b) if *b == byte => next[i + 1] = true,
                    Token::Segment if byte != b'/' => next[i] = true,
                    Token::Anything => next[i] = true,
                    _ => {}
                }
            }
            std::mem::swap(&mut now, &mut next);
            self.close(&mut now);
        }
        now[end]
    }

    /// Adds the states that are reached without reading a byte; all lead forward, so one sweep is enough.
    fn close(&self, states: &mut [bool]) {
        for (i, token) in self.tokens.iter().enumerate() {
            if !states[i] {
                continue;
            }
            match token {
                Token::Segment | Token::Anything => states[i + 1] = true,
                Token::OptionalTree => {
                    states[i + 1] = true;
                    states[i + 3] = true;
                }
                Token::Byte(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        for (pattern, text, name, path) in [
            ("abc", "abc", true, true),
            ("a*", "abc", true, true),
            ("a*", "a/b", true, false),
            ("a/**", "a/b/c", true, true),
            ("**/node_modules/**", "node_modules/x", false, true),
            ("**/node_modules/**", "srv/app/node_modules/x/y", true, true),
            ("**/node_modules/**", "my_node_modules/x", false, false),
            ("usr/*/x", "usr/a/b/x", true, false),
            ("*", "", true, true),
            ("", "", true, true),
            ("", "a", false, false),
            ("*a*b*", "xxaxxbxx", true, true),
            ("*a*b", "xxaxxbx", false, false),
        ] {
            assert_eq!(Glob::new(pattern, Flavour::Name).matches(text), name, "name {pattern} {text}");
            assert_eq!(Glob::new(pattern, Flavour::Path).matches(text), path, "path {pattern} {text}");
        }
        let stars = "*a".repeat(200);
        assert!(!Glob::new(&stars, Flavour::Name).matches(&"a".repeat(4000).replace('a', "ab")));
    }
}
