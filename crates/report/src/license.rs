//! Licenses for SBOMs: an SPDX expression where the text is one, a name where it is not (spdx.org/licenses, annex D).

/// What a declared license turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum License<'a> {
    /// One identifier of SPDX's list.
    Id(&'static str),
    /// A compound expression, or one with `LicenseRef-`.
    Expression(&'a str),
    /// Anything else.
    Name(&'a str),
}

/// Licenses longer than this are texts, not names; the expression parser is not asked about them.
const LONGEST: usize = 1024;

pub(crate) fn read(text: &str) -> License<'_> {
    let text = text.trim();
    if let Some(id) = spdx::license_id(text).filter(|id| id.name == text) {
        return License::Id(id.name);
    }
    // `OpenSSL+` is good grammar, but SPDX's own tools refuse a plus on most identifiers.
    match text.len() <= LONGEST && !text.contains('+') && spdx::Expression::parse(text).is_ok() {
        true => License::Expression(text),
        false => License::Name(text),
    }
}

/// Licenses that hold together, as one expression; `None` where one of them is no expression.
pub(crate) fn together(all: &[License<'_>]) -> Option<String> {
    let mut parts = Vec::new();
    for license in all {
        let part = match license {
            License::Id(id) => (*id).to_owned(),
            License::Expression(text) if all.len() > 1 => format!("({text})"),
            License::Expression(text) => (*text).to_owned(),
            License::Name(_) => return None,
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_them_apart() {
        for (text, want) in [
            ("MIT", License::Id("MIT")),
            ("GPL-2.0-or-later AND MIT", License::Expression("GPL-2.0-or-later AND MIT")),
            ("LicenseRef-x", License::Expression("LicenseRef-x")),
            ("mit", License::Name("mit")),
            ("OpenSSL+", License::Name("OpenSSL+")),
            ("GPLv2+ and MIT", License::Name("GPLv2+ and MIT")),
            ("", License::Name("")),
        ] {
            assert_eq!(read(text), want);
        }
        assert!(matches!(read(&"(".repeat(5000)), License::Name(_)));
    }
    #[test]
    fn all_together() {
        let both = |all: &[&str]| together(&all.iter().map(|l| read(l)).collect::<Vec<_>>());
        for (all, want) in [
            (&["MIT", "GPL-2.0-only"][..], Some("MIT AND GPL-2.0-only")),
            (&["MIT OR Apache-2.0", "Zlib"], Some("(MIT OR Apache-2.0) AND Zlib")),
            (&["MIT OR Apache-2.0"], Some("MIT OR Apache-2.0")),
            (&["MIT", "MIT"], Some("MIT")),
            (&["MIT", "home-made"], None),
            (&[], None),
        ] {
            assert_eq!(both(all).as_deref(), want, "{all:?}");
        }
    }
}
