//! Misconfiguration of an image: what a layer's files or the image's config do that they should not.

use serde::{Deserialize, Serialize};

use crate::{Effect, LayerPath, Severity};

/// One check that an image did not pass (CIS Docker Benchmark section 4 and practice).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// The check's stable id, for example `root-user`.
    pub id: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// Why it matters, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the policy makes of it.
    pub effect: Effect,
    /// What to do about it.
    pub remediation: String,
    /// A path, or the part of the config (`config.User`, `history[3]`).
    pub location: String,
}

/// A sort of file that a check of the whole image asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A file with the setuid or setgid bit.
    Setuid,
    /// A file or directory that everybody may write (a directory without the sticky bit).
    WorldWritable,
    /// A cache that a package manager left.
    PackageCache,
    /// An SSH daemon.
    SshDaemon,
    /// A private host key of SSH.
    SshHostKey,
    /// A shell.
    Shell,
    /// A list of accounts, one of which has an empty password.
    EmptyPassword,
    /// A list of accounts, one of which has root's number and another name.
    SecondRoot,
    /// The history of a project (`.git`).
    VersionControl,
}

/// A file of a layer that a check may be about; a check is made once the layers lie upon each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckFact {
    /// What it is.
    pub kind: FactKind,
    /// Where it is.
    pub path: LayerPath,
}
