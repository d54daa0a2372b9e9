//! The routes: `POST /api/v1/jobs`, `GET /api/v1/jobs/{id}[?wait=SECONDS]`, `GET /api/v1/jobs/{id}/reports`; what
//! belongs to SBOMs and to the fleet stands in files of its own.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode},
    middleware,
    routing::{get, post},
};
use layergate_model::Report;
use layergate_ports::values::JobId;
use serde::Deserialize;

use crate::{
    JobAnswer, Submission, Submitted, Token,
    api::{Api, ApiError},
    auth, fleet, sboms,
};

/// A submission with a policy in it; more is refused before it is read.
const MAX_BODY: usize = 1 << 20;
/// How long one request may wait for a verdict, in seconds; a client asks again.
const LONGEST_WAIT: u64 = 60;

#[derive(Debug, Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

/// The routes, behind the token where there is one.
pub fn router(api: Arc<Api>, token: Option<Token>) -> Router {
    let routes = Router::new()
        .route("/api/v1/jobs", post(submit))
        .route("/api/v1/jobs/{id}", get(job))
        .route("/api/v1/jobs/{id}/reports", get(reports))
        .route("/api/v1/sboms", post(sboms::upload))
        .route("/api/v1/fleet", get(fleet::status))
        .route("/api/v1/fleet/drain", post(fleet::drain))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(api);
    match token {
        Some(token) => routes.layer(middleware::from_fn_with_state(token, auth::check)),
        None => routes,
    }
}

async fn submit(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, Json<Submitted>), ApiError> {
    let trace = headers.get("traceparent").and_then(|v| v.to_str().ok()).filter(|v| v.len() <= 128);
    let job = api.submit(submission, trace.map(str::to_owned)).await?;
    Ok((StatusCode::ACCEPTED, Json(Submitted { job })))
}

async fn job(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<JobAnswer>, ApiError> {
    let job: JobId = id.parse().map_err(ApiError::bad)?;
    // Most are asked for after their end: that is one look, and only what has not ended is looked for further.
    if let Some(verdict) = api.verdicts.get(&job).await.map_err(ApiError::unavailable)? {
        return Ok(Json(JobAnswer { job, verdict: Some(verdict.into()) }));
    }
    if !api.is_known(&job).await? {
        return Err(ApiError::of(
            StatusCode::NOT_FOUND,
            format!("job {job} is not known: it was never submitted here, or its verdict is no longer kept"),
        ));
    }
    let verdict = api.wait(&job, Duration::from_secs(wait.min(LONGEST_WAIT))).await?;
    Ok(Json(JobAnswer { job, verdict: verdict.map(Into::into) }))
}

async fn reports(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Result<Json<Vec<Arc<Report>>>, ApiError> {
    let id: JobId = id.parse().map_err(ApiError::bad)?;
    let missing = |what: String| ApiError::of(StatusCode::NOT_FOUND, what);
    let record = api.verdicts.get(&id).await.map_err(ApiError::unavailable)?;
    let record = record.ok_or_else(|| missing(format!("job {id} has no verdict yet, or is not known")))?;
    let mut reports = Vec::with_capacity(record.images.len());
    for image in &record.images {
        let report = api.verdicts.get_report(&image.report).await.map_err(ApiError::unavailable)?;
        // What lies in its place now may be another's.
        let report = report.filter(|report| image.is_of(report));
        reports.push(report.ok_or_else(|| missing(format!("the report on {} is no longer kept", image.reference)))?);
    }
    Ok(Json(reports))
}
