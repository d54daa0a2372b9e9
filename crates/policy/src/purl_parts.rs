//! A package URL taken apart for comparison: the parts decoded, the qualifiers as pairs. Patterns and VEX statements
//! compare parts, never texts: one writer encodes `+` and another does not.

use layergate_model::Purl;

/// The parts of a package URL, percent-decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurlParts {
    /// `pkg:type/namespace/name`.
    pub base: String,
    /// The version, empty where there is none.
    pub version: String,
    /// The qualifiers in their order.
    pub qualifiers: Vec<(String, String)>,
}

impl PurlParts {
    /// The parts of a canonical package URL.
    pub fn of(purl: &Purl) -> Self {
        Self::split(purl.as_str())
    }

    /// The parts of a text that may be no canonical package URL (`pkg:npm/@scope/name`, a pattern with `*`);
    /// `None` when it does not start with `pkg:`.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("pkg:")) {
            return None;
        }
        match text.parse::<Purl>() {
            Ok(purl) => Some(Self::of(&purl)),
            Err(_) => Some(Self::split(text)),
        }
    }

    fn split(text: &str) -> Self {
        let text = text.split('#').next().unwrap_or(text);
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let (base, version) = match path.rsplit_once('@') {
            Some((base, version)) if !version.contains('/') && base.contains('/') && !base.ends_with('/') => {
                (base, version)
            }
            _ => (path, ""),
        };
        let qualifiers = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_ascii_lowercase(), decode(value)))
            .collect();
        Self { base: decode(base), version: decode(version), qualifiers }
    }

    /// The value of one qualifier.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The type: `deb`, `npm`, `oci`, …
    pub fn kind(&self) -> &str {
        self.base.strip_prefix("pkg:").and_then(|rest| rest.split('/').next()).unwrap_or_default()
    }

    /// The last part of the name.
    pub fn name(&self) -> &str {
        self.base.rsplit('/').next().unwrap_or_default()
    }

    /// Everything before the last part of the name.
    pub fn parent(&self) -> &str {
        self.base.rsplit_once('/').map_or("", |(parent, _)| parent)
    }
}

/// Percent-decoding; a broken escape stays as it is.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart() {
        for (text, base, version) in [
            ("pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64", "pkg:deb/debian/libstdc++6", "12.2.0-14"),
            ("pkg:npm/%40babel/core@7.0.0", "pkg:npm/@babel/core", "7.0.0"),
            ("pkg:npm/@babel/core", "pkg:npm/@babel/core", ""),
            ("pkg:npm/@babel/core@7.0.0", "pkg:npm/@babel/core", "7.0.0"),
            ("pkg:deb/debian/*", "pkg:deb/debian/*", ""),
            ("pkg:oci/app@sha256%3Aab?repository_url=ghcr.io/x/app", "pkg:oci/app", "sha256:ab"),
            ("pkg:a%", "pkg:a%", ""),
        ] {
            let parts = PurlParts::read(text).unwrap();
            assert_eq!((parts.base.as_str(), parts.version.as_str()), (base, version), "{text}");
        }
        assert_eq!(PurlParts::read("openssl"), None);
        assert_eq!(PurlParts::read("pkg:rpm/x?epoch=1&arch=src").unwrap().qualifier("arch"), Some("src"));
    }
}
