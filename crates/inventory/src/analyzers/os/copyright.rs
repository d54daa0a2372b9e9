//! Licenses of Debian packages: `usr/share/doc/PACKAGE/copyright`, either machine-readable (DEP-5, `License:` fields of
//! its paragraphs) or free text that refers to `/usr/share/common-licenses`.
//!
//! Debian's short names are put into SPDX's words where they mean the same; alternatives and sums stay together as an
//! expression. Free text is only read for its references: which license a sentence means is not guessed.

use std::collections::BTreeSet;

use layergate_model::{AnalyzerId, LicenseFact, Section};

use super::stanza::stanzas;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads the copyright files of Debian packages.
pub struct Copyright;

/// Different licenses of one package that are kept.
const MAX_LICENSES: usize = 64;

impl Analyzer for Copyright {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("copyright")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("copyright")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.strip_prefix("usr/share/doc/").is_some_and(|rest| rest.matches('/').count() == 1)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let package = file.path.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let text = file.text();
        let mut licenses = BTreeSet::new();
        let mut first = true;
        for stanza in stanzas(&text) {
            if std::mem::take(&mut first) && stanza.get("Format").is_none() {
                break;
            }
            licenses.extend(stanza.all("License").filter_map(|l| spdx_words(l.lines().next().unwrap_or_default())));
            if licenses.len() >= MAX_LICENSES {
                break;
            }
        }
        if licenses.is_empty() {
            licenses = references(&text);
        }
        if !licenses.is_empty() {
            let licenses = licenses.into_iter().take(MAX_LICENSES).collect();
            out.licenses.push(LicenseFact { evidence: file.path.clone(), package, licenses });
        }
        Ok(())
    }
}

/// The files of common-licenses that a text names.
fn references(text: &str) -> BTreeSet<String> {
    const PLACE: &str = "/usr/share/common-licenses/";
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(PLACE) {
        rest = &rest[at + PLACE.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c))).unwrap_or(rest.len());
        found.extend(spdx_words(rest[..end].trim_end_matches(['.', '-'])));
        if found.len() >= MAX_LICENSES {
            break;
        }
    }
    found
}

/// `GPL-2+ or Artistic` as `GPL-2.0-or-later OR Artistic-1.0-Perl`; what has no SPDX name stays as written.
fn spdx_words(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(',');
    if text.is_empty() || text.len() > 500 {
        return None;
    }
    let words: Vec<_> = text.split_whitespace().map(|w| w.trim_end_matches(',')).collect();
    let spdx: Vec<_> = words
        .iter()
        .map(|word| match word.to_ascii_lowercase().as_str() {
            "and" => "AND".to_owned(),
            "or" => "OR".to_owned(),
            "with" => "WITH".to_owned(),
            _ => debian_name(word).map_or_else(|| (*word).to_owned(), str::to_owned),
        })
        .collect();
    let expression = spdx.join(" ");
    if spdx::Expression::parse(&expression).is_ok() { Some(expression) } else { license::normal(text) }
}

/// DEP-5 "short names" and the files of common-licenses whose SPDX name differs.
fn debian_name(word: &str) -> Option<&'static str> {
    let known = [
        ("GPL", "GPL-1.0-or-later"),
        ("GPL-1", "GPL-1.0-only"),
        ("GPL-1+", "GPL-1.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("GPL-3+", "GPL-3.0-or-later"),
        ("LGPL", "LGPL-2.0-or-later"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("LGPL-2+", "LGPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPL-3", "LGPL-3.0-only"),
        ("LGPL-3+", "LGPL-3.0-or-later"),
        ("GFDL-1.2", "GFDL-1.2-only"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("GFDL-1.3+", "GFDL-1.3-or-later"),
        ("Expat", "MIT"),
        ("Artistic", "Artistic-1.0-Perl"),
        ("BSD", "BSD-3-Clause"),
        ("BSD-2-clause", "BSD-2-Clause"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("BSD-4-clause", "BSD-4-Clause"),
        ("Apache-2", "Apache-2.0"),
        ("MPL-1.1", "MPL-1.1"),
        ("MPL-2", "MPL-2.0"),
        ("CC0", "CC0-1.0"),
        ("ZLIB", "Zlib"),
        ("Boost-1.0", "BSL-1.0"),
        ("Python", "Python-2.0"),
    ];
    known.iter().find(|(debian, _)| debian.eq_ignore_ascii_case(word)).map(|(_, spdx)| *spdx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn machine_readable_and_free_text() {
        let dep5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+ or Artistic\n text\n\n\
            Files: x\nLicense: Expat\n\nLicense: public-domain\n words\n";
        let free =
            "It can be found in `/usr/share/common-licenses/LGPL-2.1'.\nAlso /usr/share/common-licenses/GPL-2.\n";
        for (text, want) in [
            (dep5, &["GPL-2.0-or-later OR Artistic-1.0-Perl", "MIT", "public-domain"][..]),
            (free, &["GPL-2.0-only", "LGPL-2.1-only"][..]),
            ("License: nothing that can be trusted\n", &[]),
            ("\0\u{fffd}", &[]),
        ] {
            let (section, result) = analyze(&Copyright, "usr/share/doc/a/copyright", text.as_bytes());
            result.unwrap();
            let found: Vec<_> = section.licenses.iter().flat_map(|l| l.licenses.clone()).collect();
            assert_eq!(found, want, "{text}");
            assert!(section.licenses.iter().all(|l| l.package == "a"));
        }
    }
}
