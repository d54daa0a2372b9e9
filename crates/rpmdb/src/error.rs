//! What goes wrong with a database: errors when nothing can be read, damages when a part cannot.

use std::fmt;

/// The bytes cannot be read as a package database at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpmDbError {
    /// A file of no bytes.
    #[error("the rpm database is empty (0 bytes)")]
    Empty,
    /// None of the known formats.
    #[error("not an rpm database: it starts with {start:02x?}")]
    Unrecognized {
        /// The first bytes, zeros where the file is shorter.
        start: [u8; 16],
    },
    /// A file that lies beside the packages, or that rpm would not keep them in.
    #[error("not the rpm package table but {found}")]
    NotPackages {
        /// What it is instead.
        found: &'static str,
    },
    /// The format is known, this variant of it is not read.
    #[error("unsupported {format} database: {what}")]
    Unsupported {
        /// The container.
        format: &'static str,
        /// The variant.
        what: String,
    },
    /// The file's own header is cut off or contradicts itself.
    #[error("damaged {format} database header: {what}")]
    BadHeader {
        /// The container.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// The kind of a [`Damage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// The file is shorter than it says.
    Truncated,
    /// A page or slot of the container is not what it must be.
    Container,
    /// A page is used twice: a cycle, or two records that share one.
    Cycle,
    /// A package header could not be read, or not completely.
    Header,
    /// A package's file list contradicts itself; the package is there, some of its files are not.
    Files,
    /// The records claim more bytes than the file has; reading stopped.
    Excess,
    /// Stands for further damages that are not listed one by one.
    More,
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What kind of damage.
    pub kind: DamageKind,
    /// Where in the main file, as near as it is known.
    pub offset: u64,
    /// For people.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (near byte {})", self.detail, self.offset)
    }
}
