//! The distribution of an image, from its `os-release` (freedesktop.org os-release(5)) or an older file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The fields of one `os-release` file, or of an older file put into the same words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease(pub BTreeMap<String, String>);

impl OsRelease {
    /// Reads the shell-like assignments; what is not one is passed over. At most 64 fields of 1 KiB are kept.
    pub fn parse(text: &str) -> Self {
        let mut fields = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|l| !l.starts_with('#')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            let value = value
                .strip_prefix('"')
                .and_then(|v| v.strip_suffix('"'))
                .or_else(|| value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')))
                .unwrap_or(value);
            let mut plain = String::with_capacity(value.len());
            let mut escaped = false;
            for c in value.chars().take(1024) {
                if c == '\\' && !escaped {
                    escaped = true;
                } else {
                    escaped = false;
                    plain.push(c);
                }
            }
            if fields.len() < 64 {
                fields.insert(key.trim().to_owned(), plain);
            }
        }
        Self(fields)
    }

    /// One field, empty ones taken as absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// The distribution these fields name; `None` without an `ID`.
    pub fn distro(&self) -> Option<Distro> {
        let id = self.get("ID")?.to_ascii_lowercase();
        // openEuler's service packs, which have advisories of their own, stand in VERSION alone: `22.03 (LTS-SP3)`.
        let pack =
            self.get("VERSION").filter(|_| id == "openeuler").and_then(|v| v.split_once('(')?.1.strip_suffix(')'));
        let version = self.get("VERSION_ID").map(|v| pack.map_or_else(|| v.to_owned(), |pack| format!("{v}-{pack}")));
        Some(Distro {
            id,
            version,
            codename: self.get("VERSION_CODENAME").map(str::to_owned),
            like: self
                .get("ID_LIKE")
                .map(|l| l.split_whitespace().map(str::to_ascii_lowercase).collect())
                .unwrap_or_default(),
            name: self.get("PRETTY_NAME").map(str::to_owned),
            end_of_life: None,
        })
    }
}

/// The distribution that an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Distro {
    /// `ID`, lower case: `debian`, `alpine`, `almalinux`, …
    pub id: String,
    /// `VERSION_ID`, the most exact one that the image shows: `12.8`, `3.20.3`; `None` for rolling releases.
    pub version: Option<String>,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: Option<String>,
    /// `ID_LIKE`. Never used to guess whose advisories apply.
    #[serde(skip)]
    pub like: Vec<String>,
    /// `PRETTY_NAME`, for people.
    #[serde(skip)]
    pub name: Option<String>,
    /// The day (ISO 8601) after which nobody fixes this release any more, where the snapshot knows it.
    pub end_of_life: Option<String>,
}

impl Distro {
    /// The first `parts` numbers of the version: `3.20` of `3.20.3` with 2.
    pub fn release(&self, parts: usize) -> Option<String> {
        let version = self.version.as_deref()?;
        Some(version.split('.').take(parts).collect::<Vec<_>>().join("."))
    }

    pub(crate) fn purl_namespace(&self) -> &str {
        match self.id.as_str() {
            "rhel" => "redhat",
            "sles" | "sled" | "sle_hpc" => "suse",
            "ol" => "oracle",
            "amzn" => "amazon",
            id => id,
        }
    }

    pub(crate) fn purl_tag(&self) -> String {
        match &self.version {
            Some(version) => format!("{}-{version}", self.id),
            None => self.id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_pack_is_part_of_the_release() {
        for (text, want) in [
            ("ID=openEuler\nVERSION_ID=\"22.03\"\nVERSION=\"22.03 (LTS-SP3)\"", "22.03-LTS-SP3"),
            ("ID=openEuler\nVERSION_ID=\"23.09\"\nVERSION=\"23.09\"", "23.09"),
            ("ID=debian\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"", "12"),
        ] {
            assert_eq!(OsRelease::parse(text).distro().unwrap().version.as_deref(), Some(want));
        }
    }

    #[test]
    fn reads_quotes_comments_and_escapes() {
        let os = OsRelease::parse("# c\nID=\"Alpine\"\nVERSION_ID=3.20.3\nPRETTY_NAME='A \\$ b'\nEMPTY=\nnonsense\n");
        let distro = os.distro().unwrap();
        assert_eq!((distro.id.as_str(), distro.release(2).as_deref()), ("alpine", Some("3.20")));
        assert_eq!(distro.name.as_deref(), Some("A $ b"));
        assert_eq!(os.get("EMPTY"), None);
        assert!(OsRelease::parse("VERSION_ID=1").distro().is_none());
    }
}
