//! The accounts of an image as far as checks ask: `etc/shadow` and `etc/passwd` (shadow(5), passwd(5)). An empty second
//! field is an empty password; `x`, `*` and `!` are none. A file that does not look like one shows nothing: no package
//! hides in it.

use layergate_model::{AnalyzerId, CheckFact, FactKind, Section};

use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads accounts.
pub struct Accounts;

impl Analyzer for Accounts {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("accounts")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Path("etc/shadow"), Interest::Path("etc/passwd")]
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let accounts = || {
            text.lines().filter(|l| !l.starts_with(['#', '+', '-'])).filter_map(|line| {
                let mut fields = line.split(':');
                Some((fields.next().filter(|n| !n.is_empty())?, fields.next()?, fields.next()?))
            })
        };
        let mut show = |kind| out.facts.push(CheckFact { kind, path: file.path.clone() });
        if accounts().any(|(_, password, _)| password.is_empty()) {
            show(FactKind::EmptyPassword);
        }
        if file.path.file_name() == "passwd" && accounts().any(|(name, _, number)| number == "0" && name != "root") {
            show(FactKind::SecondRoot);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn passwords_and_numbers() {
        use FactKind::{EmptyPassword, SecondRoot};
        for (path, text, want) in [
            ("etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:!:19000::::::\n", &[][..]),
            ("etc/shadow", "root:::0:::::\n", &[EmptyPassword]),
            ("etc/shadow", "root:$6$x$y:19000::::::\napp::19000::::::\n", &[EmptyPassword]),
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", &[]),
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n", &[SecondRoot]),
            ("etc/passwd", "root::0:0::/:/bin/sh\n", &[EmptyPassword]),
            ("etc/passwd", "# root::0\n+::::::\nnonsense\n\n", &[]),
        ] {
            let (section, result) = analyze(&Accounts, path, text.as_bytes());
            result.unwrap();
            assert_eq!(section.facts.iter().map(|f| f.kind).collect::<Vec<_>>(), want, "{text:?}");
        }
    }
}
