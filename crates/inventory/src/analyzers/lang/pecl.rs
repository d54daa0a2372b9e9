//! PHP's extensions from PECL: PEAR's registry below `php/.registry/.channel.pecl.php.net/NAME.reg`, a value of PHP's
//! `serialize` (php.net, "serialize"; wiki.php.net describes the form) whose outermost array has `name` and `version`.
//!
//! The text is walked over token by token; strings are skipped by their length where that is true, which the quote
//! after them shows. Depth is a number, so that nothing nests. PEAR's own libraries (other channels) are PHP code that
//! no advisory names by its registry.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads PECL's registry.
pub struct Pecl;

/// The largest one that is read; they list the extension's files.
const MAX_BYTES: usize = 4 << 20;

impl Analyzer for Pecl {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pecl")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".reg")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.parent().is_some_and(|d| d.ends_with("/.registry/.channel.pecl.php.net"))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let (mut name, mut version) = (None, None);
        // The key that each of the two outermost arrays stands at, and whether the next token is a value.
        let (mut keys, mut depth, mut is_value) = ([&b""[..]; 3], 0usize, false);
        for token in (Tokens { rest: file.bytes }) {
            let value = is_value;
            is_value = !is_value;
            match token {
                Token::Open => {
                    depth += 1;
                    is_value = false;
                }
                Token::Close => {
                    depth = depth.saturating_sub(1);
                    is_value = false;
                }
                Token::Text(text) if !value => keys[depth.min(2)] = text,
                Token::Text(text) if depth == 1 && keys[1] == b"name" => name = name.or(Some(text)),
                Token::Text(text) if depth == 1 && keys[1] == b"version" => version = version.or(Some(text)),
                Token::Text(text) if depth == 2 && keys[1] == b"version" && keys[2] == b"release" => {
                    version = version.or(Some(text));
                }
                Token::Other if !value => keys[depth.min(2)] = b"",
                _ => {}
            }
        }
        let (Some(name), Some(version)) = (name, version) else {
            return Err(AnalyzeError::unreadable("the registry's entry has no name or version"));
        };
        let text = |bytes| String::from_utf8_lossy(bytes);
        input::push(out, PackageKind::Pecl, &text(name), &text(version), file);
        Ok(())
    }
}

enum Token<'a> {
    Open,
    Close,
    Text(&'a [u8]),
    Other,
}

struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest;
        let (token, end) = match rest.first()? {
            b'}' => (Token::Close, 1),
            b'a' | b'O' => (Token::Open, rest.iter().position(|b| *b == b'{')? + 1),
            b's' => {
                let quote = rest.iter().take(24).position(|b| *b == b'"')? + 1;
                let digits = rest.get(2..quote.saturating_sub(2))?;
                let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
                let said =
                    rest.get(quote..quote.checked_add(length)?).filter(|_| rest.get(quote + length) == Some(&b'"'));
                // Somebody edited the text and not its length.
                let text = match said {
                    Some(text) => text,
                    None => &rest[quote..quote + memchr::memmem::find(&rest[quote..], b"\";")?],
                };
                (Token::Text(text), quote + text.len() + 2)
            }
            _ => (Token::Other, rest.iter().position(|b| *b == b';')? + 1),
        };
        self.rest = rest.get(end..).unwrap_or_default();
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const AT: &str = "usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg";

    #[test]
    fn entries() {
        for text in [
            r#"a:3:{s:7:"attribs";a:1:{s:4:"name";s:2:"no";}s:4:"name";s:5:"redis";s:7:"version";a:2:{s:7:"release";s:5:"5.3.7";s:3:"api";s:5:"5.3.0";}}"#,
            r#"a:4:{i:0;s:4:"name";s:4:"name";s:5:"redis";s:1:"n";N;s:7:"version";s:9:"5.3.7";}"#,
        ] {
            assert_eq!(packages(&Pecl, AT, text.as_bytes()), ["redis 5.3.7"], "{text}");
        }
        for bad in ["", "a:1:{s:4:\"name\";s:5:\"redis\";}", "a:1:{s:99999999999999999999:\"", "a:1"] {
            assert!(analyze(&Pecl, AT, bad.as_bytes()).1.is_err(), "{bad}");
        }
    }
}
