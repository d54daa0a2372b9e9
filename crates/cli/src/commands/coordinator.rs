//! `layergate coordinator`: jobs in, verdicts out, over NATS, with an HTTP API.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use futures::StreamExt;
use layergate_advisory::Snapshot;
use layergate_fleet::{
    coordinator::{Coordinator, CoordinatorConfig, CoordinatorPorts},
    evaluator::{Snapshots, StandardEvaluator, StandardEvaluatorConfig},
    manifests::RememberingSource,
};
use layergate_inventory::Catalogue;
use layergate_local::{MemoryCache, SystemClock, TieredCache};
use layergate_model::Digest;
use layergate_nats::NatsSnapshots;
use layergate_ports::{
    Clock, JobQueue, MemberKind, SnapshotError, SnapshotStore,
    values::{KeyScope, Lane},
};
use layergate_registry::{SourceOptions, Sources, UploadedSboms, credentials::CredentialSources};
use layergate_server::{Api, Metrics, Readiness, SnapshotStatus, Token, health_router, router, serve};
use tokio::sync::watch;

use super::renewal::Renewer;
use crate::{
    args::{CoordinatorArgs, UpdateArgs},
    exit::{Failure, Outcome, usage},
    judge, node, places,
    signature::{self, VerifyKey},
    snapshot,
};

/// Unpacked inventories that a coordinator keeps between jobs.
const NEAR_CACHE: u64 = 64 << 20;
/// Images by digest whose manifests are remembered, and for how long.
const MANIFESTS: (usize, Duration) = (20_000, Duration::from_secs(600));

pub(crate) async fn run(args: CoordinatorArgs) -> Result<Outcome, Failure> {
    let token = check_exposure(&args)?;
    let tls = node::pair("tls-cert", &args.tls_cert, "tls-key", &args.tls_key)?;
    let policy = judge::local_policy(&args.judge)?;
    let vex = judge::vex(&args.judge.vex)?;
    let key = args.judge.verify_key.as_deref().map(VerifyKey::read).transpose()?;
    if let Some(db) = args.judge.db.as_deref().filter(|db| !db.exists()) {
        return Err(usage(anyhow!("the advisories {} are not there", db.display())));
    }
    if args.renew.is_some() && key.is_some() && args.db_from.is_none() {
        return Err(usage(anyhow!(
            "--renew with --verify-key needs --db-from: only a prebuilt snapshot has a signature"
        )));
    }
    let limits = args.limits.limits();
    let catalogue = Catalogue::standard();
    let scope = KeyScope { namespace: Default::default(), analyzers: catalogue.fingerprint(), limits: limits.clone() };
    let fingerprint = scope.fingerprint();
    let cache_dir = places::cache_dir();
    let stop = node::stop_on_signal()?;

    // The port is taken first: two coordinators on one address must not both join the fleet.
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", args.listen))?;
    let fleet = node::connect(&args.nats, "coordinator").await?;
    let snapshots = fleet.snapshots(cache_dir.join("fleet-snapshots"));
    // A file of the day of the last roll-out must not take the place of what was renewed since.
    let given = match args.renew {
        Some(_) => snapshots.current().await.context("the fleet's advisories cannot be asked for")?.is_some(),
        None => false,
    };
    if let Some(db) = args.judge.db.as_deref().filter(|_| !given) {
        publish(db, &cache_dir, key.as_ref(), snapshots.as_ref()).await?;
    }

    let metrics = Arc::new(Metrics::new(MemberKind::Coordinator, env!("CARGO_PKG_VERSION")));
    let observer = node::NodeObserver::new(MemberKind::Coordinator, metrics.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let sources = Sources::new(SourceOptions {
        plain_http: args.source.plain_http.unwrap_or(false),
        local: false,
        credentials: CredentialSources::from_environment(args.credentials_dir.clone()),
        limits: limits.clone(),
        ..SourceOptions::default()
    });
    let images = RememberingSource::new(Arc::new(sources), clock.clone(), MANIFESTS.0, MANIFESTS.1);
    let source = UploadedSboms::new(Arc::new(images), fleet.sboms.clone());
    let evaluator = StandardEvaluator::new(StandardEvaluatorConfig {
        snapshots: Snapshots::Store(snapshots.clone()),
        policy,
        vex,
        limits: limits.clone(),
        analyzers: scope.analyzers.clone(),
    });
    let coordinator = Coordinator::new(
        CoordinatorPorts {
            source: Arc::new(source),
            cache: Arc::new(TieredCache::for_reading(Arc::new(MemoryCache::new(NEAR_CACHE)), fleet.cache.clone())),
            layers: fleet.layers.clone(),
            jobs: fleet.jobs.clone(),
            verdicts: fleet.verdicts.clone(),
            failures: fleet.failures.clone(),
            clock: clock.clone(),
            evaluator: Arc::new(evaluator),
            observer: observer.clone(),
        },
        CoordinatorConfig {
            interactive_jobs: args.jobs,
            bulk_jobs: args.jobs,
            ack_wait: args.nats.nats_ack_wait,
            ..CoordinatorConfig::new(fingerprint, limits)
        },
    );

    let ready = Readiness::default();
    let ports = (fleet.jobs.clone(), fleet.verdicts.clone(), fleet.membership.clone(), fleet.sboms.clone());
    let (shown, snapshot) = watch::channel(None);
    let api = Api::new(ports.0, ports.1, ports.2, ports.3, clock, snapshot).await?;
    let routes = router(api, token).merge(health_router(ready.clone(), metrics.clone()));
    let tls = tls.map(|(certificate, key)| tls_config(&certificate, &key)).transpose()?;
    serve(listener, tls, routes)?;

    let presence = node::Presence {
        membership: fleet.membership.clone(),
        observer,
        fingerprint,
        slots: args.jobs,
        stop: stop.clone(),
    };
    let steered = coordinator.clone();
    let mut alone = false;
    let slots_shown = metrics.clone();
    let present = tokio::spawn(presence.keep(move |members| {
        let workers = members.iter().filter(|m| m.kind == MemberKind::Worker && m.fingerprint == fingerprint);
        let slots: u64 = workers.map(|w| u64::from(w.slots)).sum();
        // About one waiting task for each place: an interactive layer is never far from the front.
        steered.set_bulk_window(slots.max(1));
        slots_shown.set_worker_slots(slots);
        if (slots == 0) != alone {
            alone = slots == 0;
            if alone {
                tracing::warn!(%fingerprint, "no worker with this version's analyzers and these limits is in the fleet: layers wait");
            } else {
                tracing::info!(slots, "workers are in the fleet");
            }
        }
    }));
    let depths = tokio::spawn(watch_depths(fleet.jobs.clone(), metrics.clone()));
    let renewed = args.renew.map(|every| {
        let plain_http = args.source.plain_http.unwrap_or(false);
        let from = UpdateArgs { from: args.db_from.clone(), plain_http, ..UpdateArgs::default() };
        let (store, locks, metrics) = (snapshots.clone(), fleet.locks.clone(), metrics.clone());
        tokio::spawn(Renewer { every, from, key, store, locks, metrics }.keep())
    });
    let advisories = tokio::spawn(watch_snapshot(snapshots.clone(), metrics, shown));
    let kept = tokio::spawn(keep_snapshot(snapshots));
    let link = tokio::spawn(watch_link(fleet.clone(), ready.clone(), stop.clone()));

    tracing::info!(listen = %args.listen, nats = fleet.server_version(), %fingerprint, "coordinator");
    let result = coordinator.run(stop).await;
    ready.set(false);
    for task in [present, depths, advisories, kept, link].into_iter().chain(renewed) {
        task.abort();
    }
    result.context("the coordinator cannot work")?;
    Ok(Outcome::Done)
}

/// A port that others reach asks for a token and speaks TLS, unless somebody says otherwise out loud.
fn check_exposure(args: &CoordinatorArgs) -> Result<Option<Token>, Failure> {
    let token = args
        .api_token_file
        .as_ref()
        .map(|path| {
            let text = node::token(path)?;
            Token::new(&text)
                .ok_or_else(|| usage(anyhow!("the token in {} has fewer than 16 characters", path.display())))
        })
        .transpose()?;
    let open = !node::is_loopback(&args.listen) && !args.insecure_api;
    if open && token.is_none() {
        return Err(usage(anyhow!(
            "{} is reached by others: give a token (--api-token-file), or say --insecure-api where something in front authenticates",
            args.listen
        )));
    }
    if open && args.tls_cert.is_none() {
        return Err(usage(anyhow!(
            "{} is reached by others: give a certificate (--tls-cert, --tls-key), or say --insecure-api where something in front speaks TLS",
            args.listen
        )));
    }
    Ok(token)
}

fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Failure> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| usage(anyhow!("the certificate {} cannot be used: {e}", certificate.display())))?;
    let key_file = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| usage(anyhow!("the key {} cannot be used: {e}", key.display())))?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key_file)
        .context("certificate and key do not belong together")
        .map_err(usage)?;
    Ok(Arc::new(config))
}

/// Publishes the snapshot that `--db` names and makes it current.
async fn publish(
    db: &Path,
    cache_dir: &Path,
    key: Option<&VerifyKey>,
    store: &dyn SnapshotStore,
) -> Result<(), Failure> {
    if let Some(key) = key {
        signature::refuse_unsigned(db.is_dir().then_some(key), db)?;
        let read = File::open(db).and_then(Digest::of_reader);
        let digest = read.with_context(|| format!("the advisories {} cannot be read", db.display()))?;
        key.check_file(db, &digest)?;
    }
    let file = snapshot::as_file(db, cache_dir)?;
    let digest = store.publish(&file).await.context("the snapshot cannot be given to the fleet")?;
    store.announce(&digest).await.context("the snapshot cannot be made current")?;
    tracing::info!(%digest, "snapshot published");
    Ok(())
}

/// Gives the fleet its advisories back, from the copy that is here, when the buckets with them were deleted.
async fn keep_snapshot(store: Arc<NatsSnapshots>) {
    let look = async |last: &mut Option<Digest>| -> Result<(), SnapshotError> {
        let current = store.current().await?;
        let Some(digest) = current.or(*last) else { return Ok(()) };
        *last = Some(digest);
        if current.is_some() && store.holds(&digest).await? {
            return Ok(());
        }
        let copy = store.fetch(&digest).await?;
        store.publish(&copy).await?;
        if current.is_none() {
            store.announce(&digest).await?;
        }
        tracing::warn!(%digest, "the fleet's advisories were gone and are published again");
        Ok(())
    };
    let (mut last, mut reported) = (None, String::new());
    loop {
        match look(&mut last).await {
            Ok(()) => reported.clear(),
            Err(error) => {
                let error = error.to_string();
                if error != reported {
                    tracing::warn!(%error, "the fleet's advisories cannot be looked for");
                    reported = error;
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Shows which advisories are current, in the log, in `fleet status` and in the metrics.
async fn watch_snapshot(
    store: Arc<dyn SnapshotStore>,
    metrics: Arc<Metrics>,
    shown: watch::Sender<Option<SnapshotStatus>>,
) {
    let status = async |digest: &Digest| -> anyhow::Result<SnapshotStatus> {
        let path = store.fetch(digest).await?;
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::open(&path)).await??;
        Ok(SnapshotStatus {
            digest: digest.to_string(),
            newest: snapshot.newest().map(str::to_owned),
            vulnerabilities: snapshot.manifest().vulnerabilities,
            namespaces: snapshot.manifest().coverage.len() as u64,
        })
    };
    loop {
        if let Ok(mut digests) = store.watch().await {
            while let Some(digest) = digests.next().await {
                match status(&digest).await {
                    Ok(status) => {
                        let newest = status.newest.as_deref().unwrap_or("undated");
                        tracing::info!(%digest, newest, vulnerabilities = status.vulnerabilities, "advisories");
                        metrics.set_snapshot(&status);
                        shown.send_replace(Some(status));
                    }
                    Err(why) => {
                        tracing::warn!(%digest, why = format!("{why:#}"), "the current advisories cannot be looked into");
                        // Begun anew, the watch names it again.
                        break;
                    }
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

async fn watch_depths(jobs: Arc<dyn JobQueue>, metrics: Arc<Metrics>) {
    loop {
        for lane in Lane::ALL {
            // Out of reach for a moment: the last figure stands.
            if let Ok(waiting) = jobs.waiting(lane).await {
                metrics.set_depth(lane, waiting);
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Ready means connected, and not about to stop.
async fn watch_link(fleet: layergate_nats::Fleet, ready: Readiness, stop: tokio_util::sync::CancellationToken) {
    loop {
        ready.set(fleet.is_ready() && !stop.is_cancelled());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
