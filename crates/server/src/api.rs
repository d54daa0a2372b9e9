//! What the API does: queue a submission, find its job and its verdict. The routes stand in `routes.rs`.
//!
//! Any coordinator answers for any job: verdicts lie in the shared store, so a client whose coordinator died asks the
//! next one.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use layergate_model::Digest;
use layergate_ports::{
    Clock, JobQueue, Membership, Published, SbomStore, StoreError, VerdictStore,
    values::{IdempotencyKey, Job, JobId, VerdictRecord},
};
use tokio::sync::{Semaphore, broadcast, watch};

use crate::{ErrorAnswer, SnapshotStatus, Submission};

/// SBOMs that are taken at a time; each is in memory whole. Further ones wait before their bodies are read.
const UPLOADS: usize = 4;
/// How often a waiting request looks into the store besides listening: a lost event delays, it does not hang.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long a verdict may be on its way to a replica that does not have it yet, before a job counts as unknown.
const REPLICA_LAG: Duration = Duration::from_secs(1);

/// What the routes need.
pub struct Api {
    pub(crate) jobs: Arc<dyn JobQueue>,
    pub(crate) verdicts: Arc<dyn VerdictStore>,
    pub(crate) membership: Arc<dyn Membership>,
    pub(crate) sboms: Arc<dyn SbomStore>,
    /// Places for SBOMs on their way in.
    pub(crate) uploads: Semaphore,
    clock: Arc<dyn Clock>,
    /// The fleet's current advisories, as whoever watches them says.
    pub(crate) snapshot: watch::Receiver<Option<SnapshotStatus>>,
    finished: broadcast::Sender<JobId>,
}

/// The key under which the parts are bound together; hashed, so that no part can be read into another.
fn scoped(parts: &[&str]) -> Result<IdempotencyKey, layergate_ports::values::NameError> {
    IdempotencyKey::new(&Digest::of(parts.join("\n").as_bytes()).to_hex())
}

impl Api {
    /// Begins to listen for verdicts; one watch serves all requests.
    pub async fn new(
        jobs: Arc<dyn JobQueue>,
        verdicts: Arc<dyn VerdictStore>,
        membership: Arc<dyn Membership>,
        sboms: Arc<dyn SbomStore>,
        clock: Arc<dyn Clock>,
        snapshot: watch::Receiver<Option<SnapshotStatus>>,
    ) -> Result<Arc<Self>, layergate_ports::StoreError> {
        let (finished, _) = broadcast::channel(4096);
        let uploads = Semaphore::new(UPLOADS);
        let api = Arc::new(Self { jobs, verdicts, membership, sboms, uploads, clock, snapshot, finished });
        let mut watch = api.verdicts.watch().await?;
        let weak = Arc::downgrade(&api);
        tokio::spawn(async move {
            while let Some(record) = watch.next().await {
                let Some(api) = weak.upgrade() else { return };
                // Nobody may be waiting.
                let _ = api.finished.send(record.job);
            }
        });
        Ok(api)
    }

    /// Queues a submission; the job that stands for it.
    pub(crate) async fn submit(&self, submission: Submission, trace: Option<String>) -> Result<JobId, ApiError> {
        let body = submission.digest();
        let mut job = submission.job(JobId::random(), self.clock.now(), trace).map_err(ApiError::bad)?;
        if let Some(key) = job.idempotency_key.clone() {
            // A key is its tenant's, and stands for one body: first it is bound to the body, then the two to a job.
            let bound = scoped(&[job.tenant.as_str(), key.as_str()]).map_err(ApiError::unavailable)?;
            let reported = JobId::new(&body.to_hex()).map_err(ApiError::unavailable)?;
            if self.verdicts.claim(&bound, &reported).await.map_err(ApiError::store)? != reported {
                return Err(ApiError(
                    StatusCode::CONFLICT,
                    format!("the idempotency key {key} stands for another submission: use a key for each"),
                ));
            }
            let key = scoped(&[job.tenant.as_str(), key.as_str(), &body.to_hex()]).map_err(ApiError::unavailable)?;
            let standing = self.verdicts.claim(&key, &job.id).await.map_err(ApiError::store)?;
            // A claim whose submission was lost on the way is completed by whoever comes again.
            if self.verdicts.get(&standing).await.map_err(ApiError::unavailable)?.is_some() {
                return Ok(standing);
            }
            job.id = standing;
        }
        self.queue(&job).await?;
        Ok(job.id)
    }

    async fn queue(&self, job: &Job) -> Result<(), ApiError> {
        match self.jobs.submit(job).await.map_err(ApiError::unavailable)? {
            Published::Queued | Published::InFlight => Ok(()),
            Published::Full => Err(ApiError(
                StatusCode::TOO_MANY_REQUESTS,
                "the fleet's queue is full; submit again in a while".to_owned(),
            )),
        }
    }

    /// Whether the job is queued, in flight or judged.
    pub(crate) async fn is_known(&self, id: &JobId) -> Result<bool, ApiError> {
        // A job leaves the queue after its verdict is stored: asked in this order, it is seen in one of the two.
        for look in 0..2 {
            if self.jobs.holds(id).await.map_err(ApiError::unavailable)?
                || self.verdicts.get(id).await.map_err(ApiError::unavailable)?.is_some()
            {
                return Ok(true);
            }
            if look == 0 {
                tokio::time::sleep(REPLICA_LAG).await;
            }
        }
        Ok(false)
    }

    /// The verdict, when it is there or comes within `patience`.
    pub(crate) async fn wait(&self, id: &JobId, patience: Duration) -> Result<Option<VerdictRecord>, ApiError> {
        let end = tokio::time::Instant::now() + patience;
        // Listening begins before the look, or an end between the two would be missed.
        let mut finished = self.finished.subscribe();
        loop {
            if let Some(record) = self.verdicts.get(id).await.map_err(ApiError::unavailable)? {
                return Ok(Some(record));
            }
            let next_look = (tokio::time::Instant::now() + LOOK_AGAIN).min(end);
            loop {
                match tokio::time::timeout_at(next_look, finished.recv()).await {
                    Ok(Ok(done)) if done != *id => {}
                    Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => break,
                    Ok(Err(broadcast::error::RecvError::Closed)) | Err(_) => break,
                }
            }
            if tokio::time::Instant::now() >= end {
                return self.verdicts.get(id).await.map_err(ApiError::unavailable);
            }
        }
    }
}

/// An answer that is not what was asked for.
pub(crate) struct ApiError(StatusCode, String);

impl ApiError {
    pub(crate) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }

    /// A full store is answered as a full queue is: again in a while.
    pub(crate) fn store(error: StoreError) -> Self {
        match error.full {
            true => Self(
                StatusCode::TOO_MANY_REQUESTS,
                format!("the fleet's disk is full; submit again in a while ({error})"),
            ),
            false => Self::unavailable(error),
        }
    }

    pub(crate) fn of(status: StatusCode, what: String) -> Self {
        Self(status, what)
    }

    pub(crate) fn bad(error: impl std::fmt::Display) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(ErrorAnswer { error: self.1 })).into_response()
    }
}
