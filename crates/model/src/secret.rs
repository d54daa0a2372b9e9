//! A secret that lies in a layer or in a config; its text is redacted before it becomes a value.

use serde::{Deserialize, Serialize};

use crate::Severity;

/// A token, key or password where none should be. The secret itself is never kept: only its first and last characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Secret {
    /// The rule that found it, for example `aws-access-key-id`.
    pub rule: String,
    /// What sort of secret it is, for people.
    pub title: String,
    /// How bad it is that it lies here.
    pub severity: Severity,
    /// The file, or `config.Env` and the like.
    pub path: String,
    /// The line in the file, from 1; 0 where there are none.
    pub line: u32,
    /// The first and last characters, the middle replaced by asterisks of a fixed number.
    pub redacted: String,
}
