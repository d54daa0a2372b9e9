//! What a coordinator and a worker have in common: the connection to NATS, the probes, the membership, and how they
//! stop.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, anyhow};
use futures::StreamExt;
use jiff::Timestamp;
use layergate_nats::{Fleet, NatsOptions};
use layergate_ports::{
    Holding, Member, MemberKind, MemberState, Membership,
    observe::{Event, LayerEnd, Meter, Observer},
    values::{Fingerprint, Job, JobId, LayerKey, LayerTask, MemberId},
};
use layergate_server::Metrics;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    args::NatsArgs,
    exit::{Failure, usage},
    telemetry,
};

/// How often a process shows that it lives, and after how long it is forgotten.
const HEARTBEAT: Duration = Duration::from_secs(2);
const HEARTBEAT_TTL: Duration = Duration::from_secs(15);
/// Entries of the membership; what more is held is counted by the metrics.
const MOST_HELD: usize = 64;

/// A certificate and its key: both or neither. Without the check, half of a pair from a configuration file would be a
/// service without TLS.
pub(crate) fn pair(
    first: &str,
    certificate: &Option<PathBuf>,
    second: &str,
    key: &Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate.clone(), key.clone()))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(usage(anyhow!("`{first}` is given without `{second}`"))),
        (None, Some(_)) => Err(usage(anyhow!("`{second}` is given without `{first}`"))),
    }
}

/// Connects to NATS.
pub(crate) async fn connect(args: &NatsArgs, what: &str) -> Result<Fleet, Failure> {
    let options = NatsOptions {
        urls: args.nats.clone(),
        credentials: args.nats_creds.clone(),
        nkey: args.nats_nkey.clone(),
        ca: args.nats_ca.clone(),
        client_certificate: pair("nats-cert", &args.nats_cert, "nats-key", &args.nats_key)?,
        name: format!("layergate {what} {}", env!("CARGO_PKG_VERSION")),
        replicas: args.nats_replicas,
        ack_wait: args.nats_ack_wait,
        storage: args.nats_storage,
        ..NatsOptions::default()
    };
    options.check().map_err(usage)?;
    Fleet::connect(options).await.context("the fleet's NATS cannot be used").map_err(Failure::from)
}

/// Reads a bearer token from a file.
pub(crate) fn token(path: &std::path::Path) -> Result<String, Failure> {
    let text = crate::bounded::text(path)
        .with_context(|| format!("the token file {} cannot be read", path.display()))
        .map_err(usage)?;
    Ok(text.trim().to_owned())
}

/// Whether only this machine reaches the address.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}

/// A token that is cancelled when the process is asked to stop. A second request ends it at once.
pub(crate) fn stop_on_signal() -> Result<CancellationToken, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let reported = stop.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first {
                tracing::info!("asked to stop: finishing what is in hand; ask again to stop at once");
                reported.cancel();
            } else {
                // Whatever is held comes back to the queue when its ack wait is over.
                std::process::exit(3);
            }
        }
    });
    Ok(stop)
}

/// Counts, shows the membership and joins traces.
pub(crate) struct NodeObserver {
    metrics: Arc<Metrics>,
    kind: MemberKind,
    layers: Mutex<HashMap<LayerKey, (Holding, Arc<Meter>)>>,
    jobs: Mutex<HashMap<JobId, Holding>>,
    done: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl NodeObserver {
    pub(crate) fn new(kind: MemberKind, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            metrics,
            kind,
            layers: Mutex::default(),
            jobs: Mutex::default(),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    fn holding(&self) -> Vec<Holding> {
        let mut held: Vec<Holding> = match self.kind {
            MemberKind::Worker => lock(&self.layers)
                .values()
                .map(|(holding, meter)| Holding { bytes: meter.bytes(), ..holding.clone() })
                .collect(),
            MemberKind::Coordinator => lock(&self.jobs).values().cloned().collect(),
        };
        held.sort_by_key(|h| h.since);
        held
    }

    fn count(&self, ok: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if !ok {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Observer for NodeObserver {
    fn event(&self, event: &Event<'_>) {
        self.metrics.event(event);
        match event {
            Event::JobStarted { job, .. } => {
                let holding = Holding {
                    what: job.image.to_string(),
                    source: job.lane.as_str().to_owned(),
                    since: Timestamp::now(),
                    bytes: 0,
                    size: 0,
                };
                lock(&self.jobs).insert(job.id.clone(), holding);
            }
            Event::JobFinished { record, took } => {
                lock(&self.jobs).remove(&record.job);
                self.count(record.error.is_none());
                tracing::info!(job = %record.job, image = %record.reference, verdict = record.verdict.as_str(),
                    milliseconds = took.as_millis() as u64, "verdict");
            }
            Event::JobHandedBack { job, why } => {
                lock(&self.jobs).remove(*job);
                tracing::info!(job = %job, why = *why, "job handed back");
            }
            Event::LayerStarted { task, meter, .. } => {
                let holding = Holding {
                    what: task.key.digest.to_string(),
                    source: task.locator.to_string(),
                    since: Timestamp::now(),
                    bytes: 0,
                    size: task.locator.size(),
                };
                lock(&self.layers).insert(task.key, (holding, Arc::clone(meter)));
            }
            Event::LayerFinished { key, end, bytes, took, detail } => {
                lock(&self.layers).remove(key);
                self.bytes.fetch_add(*bytes, Ordering::Relaxed);
                let ok = matches!(end, LayerEnd::Stored | LayerEnd::AlreadyThere);
                self.count(ok);
                let (layer, end, milliseconds) = (key.digest, end.as_str(), took.as_millis() as u64);
                if ok {
                    tracing::info!(%layer, end, bytes, milliseconds, "layer");
                } else {
                    tracing::warn!(%layer, end, bytes, milliseconds, why = *detail, "layer");
                }
            }
            _ => {}
        }
    }

    fn job_span(&self, job: &Job) -> Span {
        let span = tracing::info_span!("job", job = %job.id, image = %job.image, lane = job.lane.as_str());
        telemetry::continue_trace(&span, job.trace.as_deref());
        span
    }

    fn layer_span(&self, task: &LayerTask) -> Span {
        let span = tracing::info_span!("layer", layer = %task.key.digest, source = %task.locator);
        telemetry::continue_trace(&span, task.trace.as_deref());
        span
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        telemetry::traceparent(span)
    }
}

/// One process's place in the membership.
pub(crate) struct Presence {
    pub(crate) membership: Arc<dyn Membership>,
    pub(crate) observer: Arc<NodeObserver>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) slots: usize,
    pub(crate) stop: CancellationToken,
}

impl Presence {
    /// Shows that the process lives until it stops; `stop` is cancelled when somebody drains it. `each` runs at every
    /// heartbeat with everybody who is there.
    pub(crate) async fn keep(self, mut each: impl FnMut(&[Member])) {
        let Self { membership, observer, fingerprint, slots, stop } = self;
        let (kind, id, since) = (observer.kind, MemberId::random(&host_name()), Timestamp::now());
        let host = host_name();
        let drained = async {
            loop {
                // A membership out of reach hides the process, nothing else: ask again.
                match membership.watch_drain(kind, &id).await {
                    Ok(mut asked) => {
                        if asked.next().await.is_some() {
                            tracing::info!("drained: finishing what is in hand");
                            return;
                        }
                    }
                    Err(error) => tracing::debug!(%error, "the membership cannot be watched"),
                }
                tokio::time::sleep(HEARTBEAT).await;
            }
        };
        let heartbeats = async {
            let mut clock = tokio::time::interval(HEARTBEAT);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                let holding = observer.holding();
                let state = if stop.is_cancelled() { MemberState::Draining } else { MemberState::Running };
                let oldest = holding.first().map(|h| Timestamp::now().duration_since(h.since).as_secs_f64());
                observer.metrics.set_oldest(oldest.unwrap_or(0.0));
                let member = Member {
                    kind,
                    id: id.clone(),
                    host: host.clone(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    fingerprint,
                    state,
                    since,
                    seen: Timestamp::now(),
                    slots: u32::try_from(slots).unwrap_or(u32::MAX),
                    holding: holding.into_iter().take(MOST_HELD).collect(),
                    done: observer.done.load(Ordering::Relaxed),
                    failed: observer.failed.load(Ordering::Relaxed),
                    bytes: observer.bytes.load(Ordering::Relaxed),
                };
                let reported = async {
                    membership.heartbeat(&member, HEARTBEAT_TTL).await?;
                    membership.members().await
                };
                match reported.await {
                    Ok(members) => each(&members),
                    Err(error) => tracing::debug!(%error, "the membership cannot be reached"),
                }
            }
        };
        tokio::select! {
            () = drained => stop.cancel(),
            () = heartbeats => {}
        }
        // Drained, but still holding: go on precise until the caller drops this.
        let mut clock = tokio::time::interval(HEARTBEAT);
        loop {
            clock.tick().await;
            if observer.holding().is_empty() {
                // A membership that does not hear it forgets the process by itself.
                let _ = membership.deregister(kind, &id).await;
                return;
            }
        }
    }
}

fn host_name() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    let name =
        std::env::var("HOSTNAME").ok().or_else(|| read("/proc/sys/kernel/hostname")).or_else(|| read("/etc/hostname"));
    name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
