//! The estate's store on JetStream: a record of a shard's log is a key `NN.PLACE` of a bucket, made only where it is not there
//! yet, so that of two writers at one place the server lets one through; blobs are a bucket of large values.
//!
//! Both buckets refuse what has no more room, for nothing in them may be lost.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use layergate_ports::{AppendError, BlobName, EstateStore, MAX_BLOB, MAX_RECORD, Record, Shard, StoreError};

use crate::{blobs::Blobs, bucket::Bucket, error::NatsError, link::Link, names::Kind};

/// Records that are asked for in one question: with the largest of them 24 MiB.
const AT_ONCE: usize = 32;

/// An estate's store on JetStream.
pub struct NatsEstate {
    log: Bucket,
    blobs: Blobs,
}

fn place(shard: Shard, sequence: u64) -> String {
    format!("{:02}.{sequence}", shard.number())
}

fn key(name: &BlobName) -> String {
    name.as_str().replace('/', ".")
}

impl NatsEstate {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { log: Bucket::new(link.clone(), Kind::EstateLog), blobs: Blobs::new(link, Kind::EstateBlobs) }
    }

    /// The place of a shard's last record, which is not before `from` where there is one at `from`.
    async fn last(&self, shard: Shard, from: u64) -> Result<u64, NatsError> {
        let mut last = from;
        loop {
            let names: Vec<String> = (last + 1..=last + AT_ONCE as u64).map(|n| place(shard, n)).collect();
            let found = self.log.get_many(&names).await?.iter().take_while(|value| value.is_some()).count();
            last += found as u64;
            if found < AT_ONCE {
                return Ok(last);
            }
        }
    }
}

#[async_trait]
impl EstateStore for NatsEstate {
    async fn append(&self, shard: Shard, after: u64, record: &[u8]) -> Result<u64, AppendError> {
        if record.len() > MAX_RECORD {
            return Err(AppendError::TooLarge(record.len()));
        }
        let store = |e: NatsError| AppendError::Store(e.into());
        let follows = after == 0 || self.log.get(&place(shard, after)).await.map_err(store)?.is_some();
        // An empty value would look like a deletion to NATS's own tools.
        let value = Bytes::from([&[1], record].concat());
        if follows && self.log.create(&place(shard, after + 1), &value, None).await.map_err(store)? {
            return Ok(after + 1);
        }
        let last = self.last(shard, if follows { after } else { 0 }).await.map_err(store)?;
        Err(AppendError::Conflict { shard: shard.number(), expected: after, last })
    }

    async fn read(&self, shard: Shard, after: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let many = limit.clamp(1, AT_ONCE) as u64;
        let sequences: Vec<u64> = (after + 1..=after + many).collect();
        let names: Vec<String> = sequences.iter().map(|n| place(shard, *n)).collect();
        let found = self.log.get_many(&names).await?;
        let records = sequences.into_iter().zip(found).map_while(|(sequence, value)| {
            let bytes = value?.get(1..)?.to_vec();
            Some(Record { sequence, bytes })
        });
        Ok(records.collect())
    }

    async fn put_blob(&self, name: &BlobName, bytes: Vec<u8>) -> Result<(), StoreError> {
        if bytes.len() > MAX_BLOB {
            let what = format!("{name} has {} bytes, more than {MAX_BLOB}", bytes.len());
            return Err(NatsError::new(self.blobs.bucket().place(), what).into());
        }
        Ok(self.blobs.put(&key(name), bytes.into()).await?)
    }

    async fn get_blob(&self, name: &BlobName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.blobs.get(&key(name), MAX_BLOB as u64).await?.map(Vec::from))
    }

    async fn remove_blob(&self, name: &BlobName) -> Result<(), StoreError> {
        Ok(self.blobs.remove(&key(name)).await?)
    }
}
