//! Read rpm package databases from bytes: Berkeley DB hash, NDB and SQLite, distinguished by content.
//!
//! The input is a whole database file in memory, written by an adversary. No file is opened here, no
//! length field is believed, every page is visited at most once, and the work and memory are bounded
//! by the input's size. What could be read is returned beside the [`Damage`]s that were met, so that
//! a caller can carry a gap; a file that is no package database at all is an [`RpmDbError`].
//!
//! ```
//! # fn scan(bytes: &[u8]) -> Result<(), layergate_rpmdb::RpmDbError> {
//! let database = layergate_rpmdb::read(bytes)?;
//! for package in database.packages.iter().filter(|package| !package.is_pubkey()) {
//!     println!("{} {} with {} files", package.name, package.evr(), package.files().count());
//! }
//! # Ok(()) }
//! ```
//!
//! Limits: a rollback journal (`-journal`) beside an SQLite database is not applied (rpm uses WAL);
//! encrypted and checksummed Berkeley databases are refused (rpm writes neither).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bdb;
mod bytes;
mod collect;
mod error;
mod header;
mod ndb;
mod nevra;
mod package;
mod sqlite;
mod strings;
mod wal;

pub use error::{Damage, DamageKind, RpmDbError};
pub use header::{Entry, Header, HeaderError};
pub use nevra::{Nevra, Nvr, parse_nevra, parse_source_rpm};
pub use package::{FileFlags, FilePath, RpmPackage};

use collect::Collector;

/// The container that the headers were found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Berkeley DB hash: `Packages` of rpm 3 to 4.15 (RHEL up to 8, Amazon Linux 2).
    BerkeleyDb,
    /// rpm's own format: `Packages.db` (SUSE, openSUSE).
    Ndb,
    /// SQLite: `rpmdb.sqlite` (Fedora, RHEL 9 and later, Azure Linux).
    Sqlite,
}

/// What one database file holds, and what of it could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// The container's format.
    pub format: Format,
    /// The installed packages in the order they were met, `gpg-pubkey` pseudo packages included.
    pub packages: Vec<RpmPackage>,
    /// What was unreadable. When this is not empty, `packages` may be incomplete.
    pub damages: Vec<Damage>,
}

/// Reads a package database of any of the three formats.
pub fn read(bytes: &[u8]) -> Result<Database, RpmDbError> {
    read_with_wal(bytes, None)
}

/// Reads a package database; `wal` is the content of the `-wal` file beside an SQLite database.
///
/// Committed transactions of the log are applied over the main file, as SQLite would do on opening it.
/// A log beside another format is ignored.
pub fn read_with_wal(main: &[u8], wal: Option<&[u8]>) -> Result<Database, RpmDbError> {
    let wal = wal.unwrap_or_default();
    let format = detect(main, wal)?;
    let mut out = Collector::new(main.len().saturating_add(wal.len()));
    match format {
        Format::BerkeleyDb => bdb::read(main, &mut out)?,
        Format::Ndb => ndb::read(main, &mut out)?,
        Format::Sqlite => sqlite::read(main, wal, &mut out)?,
    }
    Ok(out.finish(format))
}

fn detect(main: &[u8], wal: &[u8]) -> Result<Format, RpmDbError> {
    if main.starts_with(sqlite::MAGIC) {
        return Ok(Format::Sqlite);
    }
    if main.is_empty() {
        // SQLite creates the file before the first checkpoint fills it.
        return if wal::is_log(wal) { Ok(Format::Sqlite) } else { Err(RpmDbError::Empty) };
    }
    if main.starts_with(ndb::MAGIC) {
        return Ok(Format::Ndb);
    }
    if main.starts_with(ndb::INDEX_MAGIC) {
        return Err(RpmDbError::NotPackages { found: "an NDB index (Index.db)" });
    }
    match bdb::sniff(main) {
        Some((bdb::Method::Hash, _)) => Ok(Format::BerkeleyDb),
        Some((method, _)) => Err(RpmDbError::NotPackages { found: method.name() }),
        None => {
            let mut start = [0; 16];
            for (to, from) in start.iter_mut().zip(main) {
                *to = *from;
            }
            Err(RpmDbError::Unrecognized { start })
        }
    }
}
