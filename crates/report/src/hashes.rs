//! Hashes as packages carry them (`sha256:hex`, or npm's `sha512-base64`), to algorithm and hexadecimal digits.

use base64::Engine as _;

/// An algorithm that both SBOM formats know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    const ALL: [(Self, &'static str, usize); 5] = [
        (Self::Md5, "MD5", 16),
        (Self::Sha1, "SHA-1", 20),
        (Self::Sha256, "SHA-256", 32),
        (Self::Sha384, "SHA-384", 48),
        (Self::Sha512, "SHA-512", 64),
    ];

    /// CycloneDX's word.
    pub(crate) fn cyclonedx(self) -> &'static str {
        Self::ALL.iter().find(|(a, ..)| *a == self).map_or("", |(_, word, _)| word)
    }

    /// SPDX's word.
    pub(crate) fn spdx(self) -> String {
        self.cyclonedx().replace("SHA-", "SHA")
    }
}

/// Reads one hash; `None` when it is not of a known algorithm and its length.
pub(crate) fn parse(text: &str) -> Option<(Algorithm, String)> {
    let (name, value, sri) = match text.split_once(':') {
        Some((name, value)) => (name, value, false),
        None => text.split_once('-').map(|(name, value)| (name, value, true))?,
    };
    let (algorithm, _, bytes) = *Algorithm::ALL.iter().find(|(_, word, _)| same_word(name, word))?;
    let raw = if sri {
        base64::engine::general_purpose::STANDARD.decode(value.split('?').next()?).ok()?
    } else {
        hex::decode(value).ok()?
    };
    (raw.len() == bytes).then(|| (algorithm, hex::encode(raw)))
}

/// Whether two words are the same, whatever their case and with or without the dash of `SHA-256`.
fn same_word(a: &str, b: &str) -> bool {
    fn halves(word: &str) -> (&str, &str) {
        match word.split_at_checked(4) {
            Some((head, tail)) if head.eq_ignore_ascii_case("sha-") => (&head[..3], tail),
            _ => word.split_at_checked(3).unwrap_or((word, "")),
        }
    }
    let ((a, b), (c, d)) = (halves(a), halves(b));
    a.eq_ignore_ascii_case(c) && b.eq_ignore_ascii_case(d)
}

/// The way back: an SBOM's algorithm and digits, as packages carry them.
pub(crate) fn join(algorithm: &str, hex: &str) -> Option<String> {
    let text = format!("{}:{}", algorithm.to_ascii_lowercase().replace("sha-", "sha"), hex.to_ascii_lowercase());
    parse(&text).map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_shapes_and_nothing_else() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(parse(&format!("sha256:{empty}")), Some((Algorithm::Sha256, empty.into())));
        assert_eq!(
            parse("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            Some((Algorithm::Sha256, empty.into()))
        );
        assert_eq!(parse("sha1:00").map(|h| h.1), None);
        for name in ["sha256", "SHA256", "sha-256", "Sha-256"] {
            assert_eq!(parse(&format!("{name}:{empty}")), Some((Algorithm::Sha256, empty.into())), "{name}");
        }
        for name in ["", "sha", "sh-a256", "sha--256", "sha25", "sha2566", "shä256"] {
            assert_eq!(parse(&format!("{name}:{empty}")), None, "{name}");
        }
        assert_eq!(parse("crc32:00000000"), None);
        assert_eq!(join("SHA-256", &empty.to_uppercase()), Some(format!("sha256:{empty}")));
    }
}
