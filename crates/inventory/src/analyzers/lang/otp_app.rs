//! Erlang and Elixir applications as they are installed: `ebin/NAME.app` (erlang.org, "Application resource file"), a term
//! `{application, Name, [{vsn, "1.2.3"}, …]}.` with comments.
//!
//! Only the name and the literal version are read, by walking over the text outside of comments: the term may be of any
//! size, and no more of it matters. A file whose version is still a variable of its build (`%VSN%`) is no application yet.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `*.app`.
pub struct OtpApp;

/// The largest one that is read; they list modules and little else.
const MAX_BYTES: usize = 4 << 20;

impl Analyzer for OtpApp {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("otp-app")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".app")]
    }

    fn wants(&self, head: &[u8]) -> bool {
        matches!(head.trim_ascii_start().first(), Some(b'%' | b'{'))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let text = file.text();
        let mut tokens = Tokens { rest: &text };
        // Another program's file of that name says nothing to us.
        let begin = [tokens.next(), tokens.next(), tokens.next(), tokens.next()];
        let [Some("{"), Some("application"), Some(","), Some(name)] = begin else { return Ok(()) };
        let name = name.trim_matches('\'');
        let mut last = ["", "", ""];
        while let Some(token) = tokens.next() {
            if let (["{", "vsn", ","], Some(version)) = (last, token.strip_prefix('"')) {
                let version = version.strip_suffix('"').unwrap_or(version);
                if !version.contains(['%', '\\']) {
                    input::push(out, PackageKind::Hex, name, version, file);
                }
                return Ok(());
            }
            last = [last[1], last[2], token];
        }
        Err(AnalyzeError::unreadable("the application's file has no version that can be read"))
    }
}

/// The term's brackets, commas, words, quoted atoms and strings; comments and blanks between them are passed over.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix('%') {
                Some(comment) => self.rest = &comment[comment.find('\n').unwrap_or(comment.len())..],
                None => break,
            }
        }
        let first = self.rest.chars().next()?;
        let end = match first {
            '"' | '\'' => {
                let mut escaped = false;
                let close = self.rest[1..].find(|c| {
                    let closes = c == first && !escaped;
                    escaped = c == '\\' && !escaped;
                    closes
                });
                close.map_or(self.rest.len(), |at| at + 2)
            }
            c if word(c) => self.rest.find(|c| !word(c)).unwrap_or(self.rest.len()),
            c => c.len_utf8(),
        };
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(token)
    }
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn applications() {
        for (text, want) in [
            (
                "%% {vsn, \"0\"} in a comment\n{application, ssl,\n [{description, \"a \\\"b\\\" {vsn,\"},\n  {vsn, \"10.8.7\"}]}.",
                &["ssl 10.8.7"][..],
            ),
            ("{application,'Elixir.x',[{vsn,\"1.0.0-rc.1\"},{modules,[]}]}.", &["Elixir.x 1.0.0-rc.1"]),
            ("{application, x, [{vsn, \"%VSN%\"}]}.", &[]),
            ("{\"json\": 1}", &[]),
            ("% only a comment", &[]),
        ] {
            assert_eq!(packages(&OtpApp, "usr/lib/erlang/lib/x/ebin/x.app", text.as_bytes()), want, "{text}");
        }
        for bad in ["{application, x, [{vsn, variable}]}.", "{application, x, [{description, \"open"] {
            assert!(analyze(&OtpApp, "x.app", bad.as_bytes()).1.is_err(), "{bad}");
        }
        assert!(!OtpApp.wants(b"\x7fELF") && OtpApp.wants(b"\n  {application"));
    }
}
