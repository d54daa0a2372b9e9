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
    /// Get the newest advisories and make them the current snapshot
    Update(UpdateArgs),
    /// Download the feeds themselves to a directory, for closed networks
    Mirror(MirrorArgs),
    /// Put a snapshot into an OCI registry
    Push(PushArgs),
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
    /// An Ed25519 key (PKCS#8 PEM, `openssl genpkey -algorithm ed25519`); the signature goes to FILE.sig
    #[arg(long, value_name = "PEM")]
    pub(crate) sign_key: Option<PathBuf>,
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

#[derive(Debug, Default, Args)]
pub(crate) struct UpdateArgs {
    /// A prebuilt snapshot: oci://registry/repository[:tag]; otherwise the feeds' own places
    #[arg(long = "db-from", alias = "from", env = "LAYERGATE_DB_FROM", value_name = "URL")]
    pub(crate) from: Option<String>,
    /// Take only a snapshot that this Ed25519 key signed (PEM, `openssl pkey -pubout`)
    #[arg(long, env = "LAYERGATE_VERIFY_KEY", value_name = "PEM")]
    pub(crate) verify_key: Option<PathBuf>,
    /// Take an update even where a feed that was full has lost most of its records
    #[arg(long)]
    pub(crate) force: bool,
    /// Speak plain HTTP to the registry of --db-from
    #[arg(long)]
    pub(crate) plain_http: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// Where the feeds go; `db build --from` and `scan --db` read it
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// oci://registry/repository[:tag]
    pub(crate) to: String,
    /// A snapshot file; otherwise the current one
    #[arg(long, value_name = "PATH")]
    pub(crate) db: Option<PathBuf>,
    /// Speak plain HTTP
    #[arg(long)]
    pub(crate) plain_http: bool,
}
