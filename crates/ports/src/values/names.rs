//! Names that people and machines give: of jobs, tenants, credentials. Each is short, printable and safe in a subject, a file
//! name and a log line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

/// The text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what} (1 to {limit} letters, digits and - _ characters)")]
pub struct NameError {
    what: &'static str,
    limit: usize,
    text: String,
}

macro_rules! name {
    ($name:ident, $what:literal, $limit:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Reads the name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
                if !text.is_empty() && text.len() <= $limit && text.bytes().all(plain) {
                    Ok(Self(text.into()))
                } else {
                    let text = text.chars().take(100).collect();
                    Err(NameError { what: $what, limit: $limit, text })
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(JobId, "job id", 64, "The id of a job, unique in the organization.");
name!(MemberId, "member id", 64, "A coordinator or a worker, for as long as it runs.");
name!(Tenant, "tenant", 64, "Who asked: fairness and isolation are between tenants.");
name!(CredentialName, "credential name", 64, "The name of a registry credential; the secret stays where it is.");
name!(IdempotencyKey, "idempotency key", 128, "What a client calls a submission, so that sending it twice is one job.");
name!(
    Namespace,
    "cache namespace",
    64,
    "Who shares a layer cache: the organization, or one tenant where isolation is asked for."
);

impl JobId {
    /// A new id: 128 random bits in hexadecimal.
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }
}

impl MemberId {
    /// A new id that begins with what of the host's name is plain.
    pub fn random(host: &str) -> Self {
        let plain: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        Self(format!("{plain}-{:08x}", rand::random::<u32>()).trim_start_matches('-').into())
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self("default".into())
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert_eq!(Tenant::new("team-a_1").unwrap().to_string(), "team-a_1");
        for bad in ["", "a.b", "a b", "a/b", "a*", ">", "é", &"x".repeat(65)] {
            assert!(Tenant::new(bad).is_err(), "{bad}");
        }
        assert_ne!(JobId::random(), JobId::random());
        for host in ["node-1.example", "", "\u{e9}", &"x".repeat(99)] {
            let id = MemberId::random(host);
            assert_eq!(MemberId::new(id.as_str()).unwrap(), id);
        }
        assert!(serde_json::from_str::<Tenant>("\"a.b\"").is_err());
    }
}
