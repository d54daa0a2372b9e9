//! Verdicts: created once under the job's id, so that the first stands, whoever finishes second; reports beside them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use layergate_model::Report;
use layergate_ports::{
    StoreError, VerdictStore, VerdictStream, codec,
    values::{IdempotencyKey, JobId, ReportKey, VerdictRecord},
};

use crate::{
    blobs::Blobs,
    bucket::{Bucket, From},
    convert,
    error::NatsError,
    link::Link,
    names::Kind,
};

/// A stored report is at most this large: what is larger was not written by us.
const MAX_REPORT: u64 = 256 << 20;

/// Verdicts on JetStream.
pub struct NatsVerdicts {
    records: Bucket,
    reports: Blobs,
    claims: Bucket,
}

impl NatsVerdicts {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            records: Bucket::new(link.clone(), Kind::Verdicts),
            reports: Blobs::new(link.clone(), Kind::Reports),
            claims: Bucket::new(link, Kind::Claims),
        }
    }

    fn read(&self, job: &JobId, value: Bytes) -> Result<VerdictRecord, NatsError> {
        // A verdict that cannot be read is an error, never "none yet": the job would be judged again and its verdict lost.
        convert::verdict_from_wire(value, job).map_err(|e| NatsError::new(self.records.place(), e))
    }
}

#[async_trait]
impl VerdictStore for NatsVerdicts {
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError> {
        let value = convert::verdict_to_wire(record).map_err(|e| NatsError::new(self.records.place(), e))?;
        let stands = self.records.first(record.job.as_str(), &value).await?;
        if stands == value {
            return Ok(record.clone());
        }
        Ok(self.read(&record.job, stands)?)
    }

    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError> {
        let found = self.records.get(job.as_str()).await?;
        Ok(found.map(|value| self.read(job, value)).transpose()?)
    }

    async fn watch(&self) -> Result<VerdictStream, StoreError> {
        let entries = self.records.watch(">", From::Now).await?;
        let records = entries.filter_map(async |entry| {
            let job = JobId::new(&entry.key).ok()?;
            match convert::verdict_from_wire(entry.value?, &job) {
                Ok(record) => Some(record),
                Err(error) => {
                    tracing::warn!(%job, %error, "a verdict cannot be read");
                    None
                }
            }
        });
        Ok(records.boxed())
    }

    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError> {
        let place = self.reports.bucket().place();
        let report = report.clone();
        let packed = tokio::task::spawn_blocking(move || codec::encode_report(&report)).await;
        let packed = packed.map_err(|e| NatsError::new(place, e))?.map_err(|e| NatsError::new(place, e))?;
        Ok(self.reports.put(&key.to_string(), packed.into()).await?)
    }

    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError> {
        let Some(stored) = self.reports.get(&key.to_string(), MAX_REPORT).await? else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || codec::decode_report(&stored)).await;
        match read.map_err(|e| NatsError::new(self.reports.bucket().place(), e))? {
            Ok(report) => Ok(Some(Arc::new(report))),
            Err(error) => {
                tracing::warn!(%key, %error, "a stored report cannot be read");
                Ok(None)
            }
        }
    }

    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError> {
        let value = Bytes::copy_from_slice(job.as_str().as_bytes());
        let bound = self.claims.first(key.as_str(), &value).await?;
        let text = std::str::from_utf8(&bound).map_err(|e| NatsError::new(self.claims.place(), e))?;
        Ok(JobId::new(text).map_err(|e| NatsError::new(self.claims.place(), e))?)
    }
}
