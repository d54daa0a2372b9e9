//! `layergate worker`: layer tasks in, inventories out, over NATS.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use layergate_fleet::{
    reader::CatalogueReader,
    worker::{Worker, WorkerConfig, WorkerPorts},
};
use layergate_inventory::Catalogue;
use layergate_local::{MemoryCache, SledCache, SystemClock, TieredCache};
use layergate_ports::{LayerCache, MemberKind, values::KeyScope};
use layergate_registry::{SourceOptions, Sources, credentials::CredentialSources};
use layergate_server::{Metrics, Readiness, health_router, serve};

use crate::{
    args::WorkerArgs,
    exit::{Failure, Outcome},
    node, places,
};

/// Bytes of inventories that a worker keeps on its own disk.
const OWN_CACHE: u64 = 2 << 30;

pub(crate) async fn run(args: WorkerArgs) -> Result<Outcome, Failure> {
    let limits = args.limits.limits();
    let catalogue = Arc::new(Catalogue::standard());
    let scope = KeyScope { namespace: Default::default(), analyzers: catalogue.fingerprint(), limits: limits.clone() };
    let fingerprint = scope.fingerprint();
    let slots = args.tasks.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from)).max(1);
    let stop = node::stop_on_signal()?;
    let fleet = node::connect(&args.nats, "worker").await?;

    let own = places::worker_cache_dir();
    let near: Arc<dyn LayerCache> = match SledCache::open(own.join("layers"), OWN_CACHE) {
        Ok(cache) => Arc::new(cache),
        Err(error) => {
            // Everything in it can be made again; a worker without one only asks the fleet more often.
            tracing::warn!(%error, "no cache of its own");
            Arc::new(MemoryCache::new(64 << 20))
        }
    };
    let metrics = Arc::new(Metrics::new(MemberKind::Worker, env!("CARGO_PKG_VERSION")));
    let observer = node::NodeObserver::new(MemberKind::Worker, metrics.clone());
    let sources = Sources::new(SourceOptions {
        plain_http: args.source.plain_http.unwrap_or(false),
        local: false,
        concurrency: args.per_registry,
        credentials: CredentialSources::from_environment(args.credentials_dir.clone()),
        limits: limits.clone(),
        ..SourceOptions::default()
    });
    let worker = Worker::new(
        WorkerPorts {
            source: Arc::new(sources),
            cache: Arc::new(TieredCache::for_sharing(near, fleet.cache.clone())),
            queue: fleet.layers.clone(),
            failures: fleet.failures.clone(),
            clock: Arc::new(SystemClock::default()),
            reader: Arc::new(CatalogueReader::new(catalogue, limits)),
            observer: observer.clone(),
        },
        WorkerConfig {
            slots,
            byte_budget: byte_budget(),
            per_host: args.per_registry,
            grace: args.grace,
            ack_wait: args.nats.nats_ack_wait,
            ..WorkerConfig::new(fingerprint)
        },
    );
    let ready = Readiness::default();
    if let Some(address) = args.metrics_listen {
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))?;
        serve(listener, None, health_router(ready.clone(), metrics))?;
    }
    let presence =
        node::Presence { membership: fleet.membership.clone(), observer, fingerprint, slots, stop: stop.clone() };
    let present = tokio::spawn(presence.keep(|_| {}));
    let link = {
        let (fleet, ready) = (fleet.clone(), ready.clone());
        tokio::spawn(async move {
            loop {
                ready.set(fleet.is_ready());
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        })
    };
    tracing::info!(slots, nats = fleet.server_version(), %fingerprint, "worker");
    worker.run(stop).await;
    present.abort();
    link.abort();
    Ok(Outcome::Done)
}

/// Compressed bytes in hand at a time: reading costs little memory, so that this bounds the disk and the network more
/// than the memory; an eighth of what is free, between 1 and 16 GiB.
fn byte_budget() -> u64 {
    let free = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    (free.unwrap_or(0) * 1024 / 8).clamp(1 << 30, 16 << 30)
}
