//! Licences for SBOMs: an SPDX expression where the text is one, a name where it is not (spdx.org/licenses, annex D).

/// What a declared licence turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Licence<'a> {
    /// One identifier of SPDX's list.
    Id(&'static str),
    /// A compound expression, or one with `LicenseRef-`.
    Expression(&'a str),
    /// Anything else.
    Name(&'a str),
}

/// Licences longer than this are texts, not names; the expression parser is not asked about them.
const LONGEST: usize = 1024;

pub(crate) fn read(text: &str) -> Licence<'_> {
    let text = text.trim();
    if let Some(id) = spdx::license_id(text).filter(|id| id.name == text) {
        return Licence::Id(id.name);
    }
    // `OpenSSL+` is good grammar, but SPDX's own tools refuse a plus on most identifiers.
    match text.len() <= LONGEST && !text.contains('+') && spdx::Expression::parse(text).is_ok() {
        true => Licence::Expression(text),
        false => Licence::Name(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_them_apart() {
        for (text, want) in [
            ("MIT", Licence::Id("MIT")),
            ("GPL-2.0-or-later AND MIT", Licence::Expression("GPL-2.0-or-later AND MIT")),
            ("LicenseRef-x", Licence::Expression("LicenseRef-x")),
            ("mit", Licence::Name("mit")),
            ("OpenSSL+", Licence::Name("OpenSSL+")),
            ("GPLv2+ and MIT", Licence::Name("GPLv2+ and MIT")),
            ("", Licence::Name("")),
        ] {
            assert_eq!(read(text), want);
        }
        assert!(matches!(read(&"(".repeat(5000)), Licence::Name(_)));
    }
}
