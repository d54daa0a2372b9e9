//! Arguments of `layergate db …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct DbArgs {
    #[command(subcommand)]
    pub(crate) command: DbCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Compile a directory of advisory feeds to a snapshot
    Build(BuildArgs),
    /// What the current snapshot is made of, and how old it is
    Status {
        /// A snapshot file; otherwise the current one
        #[arg(long, value_name = "PATH")]
        db: Option<PathBuf>,
    },
    /// What the snapshot knows of an advisory or a package
    Show(ShowArgs),
    /// Which packages' advisories changed between two snapshots
    Diff(DiffArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Directory of feeds; each is recognised by its content
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The snapshot to write
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// CVE-…, GHSA-…, or a package URL
    pub(crate) what: String,
    /// A snapshot file or directory of feeds; otherwise the current snapshot
    #[arg(long, value_name = "PATH")]
    pub(crate) db: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The older snapshot
    pub(crate) old: PathBuf,
    /// The newer snapshot
    pub(crate) new: PathBuf,
}
