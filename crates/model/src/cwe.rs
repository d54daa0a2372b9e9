//! A weakness by its number in MITRE's Common Weakness Enumeration (cwe.mitre.org): `CWE-79`.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A weakness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cwe(u16);

/// Why a text is no weakness: feeds also write `NVD-CWE-noinfo`, `unknown` and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not CWE- and a number from 1 to 65535")]
pub struct CweError;

impl Cwe {
    /// The weakness with this number; there is none with 0.
    pub const fn new(number: u16) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl FromStr for Cwe {
    type Err = CweError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (word, digits) = text.split_at_checked(4).ok_or(CweError)?;
        let plain = word.eq_ignore_ascii_case("CWE-") && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().and_then(Self::new).ok_or(CweError)
    }
}

impl fmt::Display for Cwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CWE-{}", self.0)
    }
}

impl fmt::Debug for Cwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Cwe {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cwe {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Cwe {
    fn schema_name() -> Cow<'static, str> {
        "Cwe".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^CWE-[1-9][0-9]*$",
            "description": "A weakness of MITRE's Common Weakness Enumeration.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, want) in [("CWE-79", 79), (" cwe-1321 ", 1321), ("CWE-065", 65)] {
            assert_eq!(text.parse::<Cwe>().map(Cwe::number), Ok(want), "{text}");
        }
        for bad in
            ["", "CWE", "CWE-", "CWE-0", "CWE-70000", "CWE-+7", "CWE-7x", "NVD-CWE-noinfo", "NVD-CWE-Other", "79"]
        {
            assert!(bad.parse::<Cwe>().is_err(), "{bad}");
        }
        assert_eq!(serde_json::to_string(&Cwe(79)).unwrap(), "\"CWE-79\"");
        assert_eq!(serde_json::from_str::<Vec<Cwe>>("[\"CWE-79\"]").unwrap(), [Cwe(79)]);
    }
}
