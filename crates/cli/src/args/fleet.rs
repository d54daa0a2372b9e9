//! Arguments of the fleet's commands.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{JudgeArgs, LimitArgs, OutputArgs, SourceArgs};
use crate::settings::{duration, storage};

/// How NATS is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct NatsArgs {
    /// NATS server, several separated by commas: nats://host:4222 or tls://host:4222
    #[arg(long, env = "LAYERGATE_NATS", value_name = "URL[,URL…]", value_delimiter = ',', required = true)]
    pub(crate) nats: Vec<String>,
    /// NATS credentials file (JWT and seed)
    #[arg(long, env = "LAYERGATE_NATS_CREDS", value_name = "FILE")]
    pub(crate) nats_creds: Option<PathBuf>,
    /// File with an nkey seed
    #[arg(long, env = "LAYERGATE_NATS_NKEY", value_name = "FILE")]
    pub(crate) nats_nkey: Option<PathBuf>,
    /// CA certificates (PEM) to trust for NATS
    #[arg(long, env = "LAYERGATE_NATS_CA", value_name = "FILE")]
    pub(crate) nats_ca: Option<PathBuf>,
    /// Client certificate (PEM) for NATS
    #[arg(long, env = "LAYERGATE_NATS_CERT", value_name = "FILE", requires = "nats_key")]
    pub(crate) nats_cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, env = "LAYERGATE_NATS_KEY", value_name = "FILE", requires = "nats_cert")]
    pub(crate) nats_key: Option<PathBuf>,
    /// Replicas of streams and buckets: 1 for one server, 3 for a cluster
    #[arg(long, env = "LAYERGATE_NATS_REPLICAS", default_value_t = 1, value_name = "N")]
    pub(crate) nats_replicas: usize,
    /// How long the work of a process that died lies still before another takes it up; the same for the whole fleet
    #[arg(long, env = "LAYERGATE_NATS_ACK_WAIT", default_value = "30s", value_name = "DURATION", value_parser = duration)]
    pub(crate) nats_ack_wait: Duration,
    /// Disk (16GiB) that the fleet reserves on the NATS server, which gives away three quarters of what is free
    #[arg(long, env = "LAYERGATE_NATS_STORAGE", default_value = "4GiB", value_name = "SIZE", value_parser = storage)]
    pub(crate) nats_storage: u64,
}

/// What is reported of the work.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TelemetryArgs {
    /// Log lines as JSON
    #[arg(long, env = "LAYERGATE_LOG_JSON")]
    pub(crate) log_json: bool,
    /// OTLP endpoint (HTTP) for traces: http://collector:4318
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) nats: NatsArgs,
    /// Address of the HTTP API; beyond loopback it needs --api-token-file
    #[arg(long, env = "LAYERGATE_LISTEN", default_value = "127.0.0.1:8465", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// File with the bearer token that clients must show
    #[arg(long, env = "LAYERGATE_API_TOKEN_FILE", value_name = "FILE")]
    pub(crate) api_token_file: Option<PathBuf>,
    /// Certificate chain (PEM) of the HTTP API
    #[arg(long, env = "LAYERGATE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the certificate (PEM)
    #[arg(long, env = "LAYERGATE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve beyond loopback without token or TLS: only behind something that authenticates and encrypts
    #[arg(long)]
    pub(crate) insecure_api: bool,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// Renew the fleet's advisories this often (6h): one coordinator does it for all. With it, --db is
    /// only the first snapshot of a fleet that has none
    #[arg(long, env = "LAYERGATE_RENEW", value_name = "DURATION", value_parser = duration)]
    pub(crate) renew: Option<Duration>,
    /// Where --renew gets them: oci://registry/repository[:tag] with a prebuilt snapshot; otherwise the feeds' own places
    #[arg(long, env = "LAYERGATE_DB_FROM", value_name = "URL")]
    pub(crate) db_from: Option<String>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Directory of registry credentials by name (a Docker config.json in each NAME/)
    #[arg(long, env = "LAYERGATE_CREDENTIALS_DIR", value_name = "DIR")]
    pub(crate) credentials_dir: Option<PathBuf>,
    /// Jobs at once
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(crate) jobs: usize,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) nats: NatsArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Directory of registry credentials by name (a Docker config.json in each NAME/)
    #[arg(long, env = "LAYERGATE_CREDENTIALS_DIR", value_name = "DIR")]
    pub(crate) credentials_dir: Option<PathBuf>,
    /// Layers at once; otherwise one for each core
    #[arg(long, value_name = "N")]
    pub(crate) tasks: Option<usize>,
    /// Downloads at once from one registry
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub(crate) per_registry: usize,
    /// How long a layer may be finished after SIGTERM
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration)]
    pub(crate) grace: Duration,
    /// Address of /metrics and /healthz; none without it
    #[arg(long, env = "LAYERGATE_METRICS_LISTEN", value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// How a coordinator is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// URL of a coordinator, several separated by commas
    #[arg(long, env = "LAYERGATE_SERVER", value_name = "URL[,URL…]", value_delimiter = ',', required = true)]
    pub(crate) server: Vec<String>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// What a client shows a coordinator.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ApiArgs {
    /// File with the coordinator's bearer token
    #[arg(long, env = "LAYERGATE_API_TOKEN_FILE", value_name = "FILE")]
    pub(crate) api_token_file: Option<PathBuf>,
    /// CA certificates (PEM) to trust for the coordinator
    #[arg(long, env = "LAYERGATE_API_CA", value_name = "FILE")]
    pub(crate) api_ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// Registry references
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Nobody waits: the bulk lane
    #[arg(long)]
    pub(crate) bulk: bool,
    /// Who asks
    #[arg(long, env = "LAYERGATE_TENANT", value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// The name of the registry credential
    #[arg(long, value_name = "NAME")]
    pub(crate) credential: Option<String>,
    /// Platform, repeatable, or "all"
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub(crate) platforms: Vec<String>,
    /// End as error when it takes longer
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Job ids, as submit printed them
    #[arg(required = true, value_name = "JOB")]
    pub(crate) jobs: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Give up waiting (exit 3) after this
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    #[command(subcommand)]
    pub(crate) command: FleetCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Lanes, depths, workers, snapshot: once
    Status {
        #[command(flatten)]
        server: ServerArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// The same, live
    Top {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask a worker (or all) to finish what it holds and stop
    Drain {
        #[command(flatten)]
        server: ServerArgs,
        /// The worker's id as status shows it; all workers without one
        worker: Option<String>,
    },
}
