//! A path inside a layer: relative, with `/` between its parts, never leaving the root.
//!
//! Tar members name themselves `./usr/bin`, `/usr/bin` or `usr/bin`; all three are `usr/bin` here. A member's name is cleaned
//! as containerd cleans it ([`LayerPath::cleaned`]); elsewhere a text with a `..` part is refused. Lengths are checked by
//! whoever reads the archive. Bytes that are not UTF-8 are kept readable and distinct as `\xNN` ([`readable`]).

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

/// A normalised path inside a layer, without a leading slash; the root itself is the empty path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerPath(Arc<str>);

/// Why a member's name is not a path inside the layer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PathError {
    /// A part of it is `..`.
    #[error("the path {0:?} leaves the layer's root")]
    Escapes(String),
    /// It contains a NUL byte.
    #[error("the path {0:?} has a NUL byte in it")]
    Nul(String),
}

impl LayerPath {
    /// The root of the layer.
    pub fn root() -> Self {
        Self("".into())
    }

    /// Normalises the name of a tar member.
    pub fn from_bytes(name: &[u8]) -> Result<Self, PathError> {
        let text = readable(name);
        Self::normalise(&text)
    }

    /// The path at which containerd unpacks a tar member: cleaned by its text alone, `..` parts included, and kept below
    /// the root. Also whether it would have left the root.
    pub fn cleaned(name: &[u8]) -> Result<(Self, bool), PathError> {
        let text = readable(name);
        match Self::normalise(&text) {
            Err(PathError::Escapes(_)) => {}
            other => return other.map(|path| (path, false)),
        }
        let (mut parts, mut escapes) = (Vec::new(), false);
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => escapes |= parts.pop().is_none(),
                part => parts.push(part),
            }
        }
        // path.Clean takes the `..` of an absolute path for the root itself.
        Ok((Self(parts.join("/").into()), escapes && !text.starts_with('/')))
    }

    /// Normalises a textual path; `/a/./b/` is `a/b`.
    pub fn normalise(text: &str) -> Result<Self, PathError> {
        if text.contains('\0') {
            return Err(PathError::Nul(text.chars().take(200).collect()));
        }
        // The usual case is already normal; only the leading "./" or "/" differs.
        let trimmed = text.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
        if !trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) || trimmed.is_empty() {
            return Ok(Self(trimmed.into()));
        }
        let mut normal = String::with_capacity(trimmed.len());
        for part in trimmed.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(PathError::Escapes(text.chars().take(200).collect())),
                part => {
                    if !normal.is_empty() {
                        normal.push('/');
                    }
                    normal.push_str(part);
                }
            }
        }
        Ok(Self(normal.into()))
    }

    /// Whether [`LayerPath::normalise`] would take the text; nothing is allocated unless it would not.
    pub(crate) fn check(text: &str) -> Result<(), PathError> {
        let bytes = text.as_bytes();
        let odd = bytes.contains(&0) || bytes.windows(2).any(|two| two == b"..");
        if odd { Self::normalise(text).map(drop) } else { Ok(()) }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or("")
    }

    /// The path of the containing directory; `None` for the root.
    pub fn parent(&self) -> Option<LayerPath> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or("", |(parent, _)| parent).into()))
    }

    /// Appends `name` (one or several parts, taken as they are).
    pub fn join(&self, name: &str) -> LayerPath {
        if self.0.is_empty() { Self(name.into()) } else { Self(format!("{}/{name}", self.0).into()) }
    }

    /// Whether `self` is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &str) -> bool {
        ancestor.is_empty()
            || self.0.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The name of a tar member, or the target of a link, as text. No two names are one text, so that a whiteout of `a\xe4`
/// (five characters) hides no file whose name has that byte: where a name has bytes that are not UTF-8, something that
/// reads as `\x`, or a `!` (which divides an archive's path from its member's in a location), those and its backslashes
/// stand as `\xNN`.
pub fn readable(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !bytes.contains(&b'!')
        && !text.contains("\\x")
    {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    let escape = |out: &mut String, byte: u8| out.push_str(&format!("\\x{byte:02x}"));
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '!' | '\\' => escape(&mut out, c as u8),
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| escape(&mut out, *byte));
    }
    out.into()
}

impl Deref for LayerPath {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for LayerPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for LayerPath {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LayerPath {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::normalise(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for LayerPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LayerPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A path inside the image, without a leading slash"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_names_become_one_path() {
        for (raw, want) in [
            ("./usr/bin/", "usr/bin"),
            ("/usr//bin", "usr/bin"),
            ("usr/./bin", "usr/bin"),
            ("./", ""),
            ("/", ""),
            ("", ""),
            ("..a/b..", "..a/b.."),
        ] {
            assert_eq!(LayerPath::from_bytes(raw.as_bytes()).unwrap().as_str(), want, "{raw}");
        }
        for bad in ["..", "../etc/passwd", "a/../../b", "/..", "./.."] {
            assert!(matches!(LayerPath::from_bytes(bad.as_bytes()), Err(PathError::Escapes(_))), "{bad}");
        }
        assert_eq!(LayerPath::from_bytes(b"a/\xff\xfe").unwrap().as_str(), "a/\\xff\\xfe");
        let texts: std::collections::BTreeSet<_> = NAMES.iter().map(|n| readable(n)).collect();
        assert_eq!(texts.len(), NAMES.len(), "two names are one text: {texts:?}");
        assert!(texts.iter().all(|t| !t.contains('!')));
        assert_eq!(readable(b"usr/a\\b"), "usr/a\\b");
        assert!(LayerPath::from_bytes(b"a\0b").is_err());
    }

    const NAMES: [&[u8]; 9] =
        [b"a\xe4", b"a\\xe4", b"a\\x5cxe4", b"a\\\xe4", b"a!", b"a\\x21", b"a\\x5cx21", b"a\\!", b"a\\"];

    #[test]
    fn cleaned_as_containerd_cleans() {
        for (raw, want, escapes) in [
            ("./usr/bin/", "usr/bin", false),
            ("usr/lib/../bin/x", "usr/bin/x", false),
            ("a/../../b", "b", true),
            ("../../etc/x", "etc/x", true),
            ("/../etc/x", "etc/x", false),
            ("a/..", "", false),
            ("..", "", true),
            ("././././a", "a", false),
            ("a////b", "a/b", false),
            ("..a/b..", "..a/b..", false),
        ] {
            assert_eq!(LayerPath::cleaned(raw.as_bytes()), Ok((LayerPath(want.into()), escapes)), "{raw}");
        }
        assert!(LayerPath::cleaned(b"a/../b\0").is_err());
    }

    #[test]
    fn within_is_by_parts() {
        let path = LayerPath::normalise("usr/lib/x").unwrap();
        assert!(path.is_within("usr/lib") && path.is_within("") && path.is_within("usr/lib/x"));
        assert!(!path.is_within("usr/li") && !path.is_within("usr/lib/x/y"));
    }
}
