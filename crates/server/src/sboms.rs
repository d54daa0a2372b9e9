//! `POST /api/v1/sboms`: an SBOM that a client wants judged. The body is the document; the answer is the digest that a
//! submission then names.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Body, extract::State, http::StatusCode};
use futures::StreamExt;
use layergate_model::Digest;
use layergate_ports::MAX_SBOM_BYTES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Api, ApiError};

/// A body that takes longer gives its place up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The answer to an upload.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UploadedDigest {
    /// The digest of the bytes that arrived.
    pub digest: Digest,
}

pub(crate) async fn upload(
    State(api): State<Arc<Api>>,
    body: Body,
) -> Result<(StatusCode, Json<UploadedDigest>), ApiError> {
    let _place = api.uploads.acquire().await;
    let document = tokio::time::timeout(PATIENCE, read(body)).await.map_err(|_| {
        let what = format!("the SBOM did not arrive within {} s", PATIENCE.as_secs());
        ApiError::of(StatusCode::REQUEST_TIMEOUT, what)
    })??;
    let digest = api.sboms.put(document.into()).await.map_err(ApiError::store)?;
    Ok((StatusCode::CREATED, Json(UploadedDigest { digest })))
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut chunks = body.into_data_stream();
    let mut document = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::bad(format!("the SBOM did not arrive: {error}")))?;
        if document.len() + chunk.len() > MAX_SBOM_BYTES {
            let what = format!(
                "an SBOM of more than {MAX_SBOM_BYTES} bytes is not taken; judge it where it lies, without --server"
            );
            return Err(ApiError::of(StatusCode::PAYLOAD_TOO_LARGE, what));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}
