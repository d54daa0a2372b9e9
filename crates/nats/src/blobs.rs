//! Values larger than a message: a head under the key, with the value itself when it is small, else with the name of an
//! upload whose parts lie beside it. The head is written last, so that whoever finds it finds the parts, and every upload has
//! its own name, so that two writers of one key never mix; the parts of an upload that was replaced are deleted.
//!
//! When a bucket is full the oldest messages go, heads or parts: a value that is not whole is a miss. (The client library's
//! object store waits for the answer to each chunk before it reads the next, in chunks of whatever size a read gave; this one
//! keeps several on the way and has one code path for a few hundred bytes and a few hundred megabytes.)

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use layergate_wire::v1;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{bucket::Bucket, error::NatsError, link::Link, names::Kind};

/// A part; a server's limit is 1 MiB unless somebody lowered it.
const PART: usize = 512 << 10;
/// Parts on the way at one time.
const AT_A_TIME: usize = 4;
/// A value has at most this many parts (8 GiB): a head that claims more is damaged.
const MAX_PARTS: u32 = 16_384;
/// Beyond the value itself a head is small.
const HEAD: usize = PART + 4096;

/// A bucket of large values.
#[derive(Clone)]
pub(crate) struct Blobs {
    bucket: Bucket,
    part: usize,
}

impl Blobs {
    pub(crate) fn new(link: Arc<Link>, kind: Kind) -> Self {
        let part = PART.min(link.client.max_payload().saturating_sub(8192).max(1024));
        Self { bucket: Bucket::new(link, kind), part }
    }

    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn error(&self, what: impl ToString) -> NatsError {
        NatsError::new(self.bucket.place(), what)
    }

    /// Stores a value that is in memory.
    pub(crate) async fn put(&self, key: &str, value: Bytes) -> Result<(), NatsError> {
        if value.len() <= self.part {
            let old = self.bucket.get(key).await?;
            let size = value.len() as u64;
            self.head(key, v1::BlobHead { size, inline: value, ..Default::default() }).await?;
            return self.clean(key, old, "").await;
        }
        self.put_from(key, &mut &value[..]).await.map(drop)
    }

    /// Stores what `from` gives; how many bytes.
    pub(crate) async fn put_from(
        &self,
        key: &str,
        from: &mut (impl AsyncRead + Unpin + Send),
    ) -> Result<u64, NatsError> {
        let old = self.bucket.get(key).await?;
        let upload = format!("{:032x}", rand::random::<u128>());
        let mut sending = stream::FuturesUnordered::new();
        let (mut size, mut parts) = (0u64, 0u32);
        loop {
            let mut part = BytesMut::with_capacity(self.part);
            while part.len() < self.part {
                let room = (self.part - part.len()) as u64;
                let read = (&mut *from).take(room).read_buf(&mut part).await;
                if read.map_err(|e| self.error(format!("reading what is to be stored as {key}: {e}")))? == 0 {
                    break;
                }
            }
            if part.is_empty() {
                break;
            }
            if parts >= MAX_PARTS {
                return Err(self.error(format!("{key} has more than {MAX_PARTS} parts")));
            }
            size += part.len() as u64;
            let (name, part) = (format!("{key}.{upload}.{parts}"), part.freeze());
            sending.push(async move { self.bucket.put(&name, &part, None).await });
            parts += 1;
            if sending.len() >= AT_A_TIME {
                sending.next().await.transpose()?;
            }
        }
        while sending.next().await.transpose()?.is_some() {}
        let kept = upload.clone();
        self.head(key, v1::BlobHead { size, parts, upload, ..Default::default() }).await?;
        self.clean(key, old, &kept).await?;
        Ok(size)
    }

    async fn head(&self, key: &str, head: v1::BlobHead) -> Result<(), NatsError> {
        let head = layergate_wire::encode_bounded(head, HEAD).map_err(|e| self.error(e))?;
        self.bucket.put(key, &head, None).await
    }

    /// Deletes the parts of the upload that a head was of.
    async fn clean(&self, key: &str, old: Option<Bytes>, kept: &str) -> Result<(), NatsError> {
        if let Some(old) = old.and_then(read_head)
            && old.parts > 0
            && old.upload != kept
        {
            self.bucket.purge(&format!("{key}.{}.>", old.upload)).await?;
        }
        Ok(())
    }

    /// The whole value, if it is there, whole, and of at most `limit` bytes.
    pub(crate) async fn get(&self, key: &str, limit: u64) -> Result<Option<Bytes>, NatsError> {
        let Some(head) = self.bucket.get(key).await?.and_then(read_head) else { return Ok(None) };
        if head.parts == 0 {
            return Ok(Some(head.inline));
        }
        if head.size > limit {
            return Ok(None);
        }
        let size = head.size;
        let mut value = BytesMut::new();
        let mut parts = std::pin::pin!(self.parts(key, head));
        while let Some(part) = parts.try_next().await? {
            match part {
                Some(part) if (value.len() + part.len()) as u64 <= size => value.extend_from_slice(&part),
                _ => return Ok(None),
            }
        }
        Ok((value.len() as u64 == size).then(|| value.freeze()))
    }

    /// The value piece by piece, if its head is there; `None` among the pieces where one is missing.
    pub(crate) async fn stream(
        &self,
        key: &str,
    ) -> Result<Option<impl Stream<Item = Result<Option<Bytes>, NatsError>> + Send + '_>, NatsError> {
        let head = self.bucket.get(key).await?.and_then(read_head);
        Ok(head.map(|head| {
            let inline = (head.parts == 0).then(|| Ok(Some(head.inline.clone())));
            stream::iter(inline).chain(self.parts(key, head))
        }))
    }

    fn parts(&self, key: &str, head: v1::BlobHead) -> impl Stream<Item = Result<Option<Bytes>, NatsError>> + Send + '_ {
        let key = key.to_owned();
        stream::iter(0..head.parts)
            .map(move |n| {
                let name = format!("{key}.{}.{n}", head.upload);
                async move { self.bucket.get(&name).await }
            })
            .buffered(AT_A_TIME)
    }

    /// Whether a head is there.
    pub(crate) async fn contains(&self, key: &str) -> Result<bool, NatsError> {
        Ok(self.bucket.get(key).await?.and_then(read_head).is_some())
    }

    /// Deletes a value and all its parts.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), NatsError> {
        self.bucket.purge(key).await?;
        self.bucket.purge(&format!("{key}.>")).await.map(drop)
    }
}

/// A head that can be read.
fn read_head(bytes: Bytes) -> Option<v1::BlobHead> {
    let head: v1::BlobHead = layergate_wire::decode_bounded(bytes, HEAD).ok()?;
    let plain = head.upload.bytes().all(|b| b.is_ascii_hexdigit());
    (head.parts <= MAX_PARTS && plain && (head.parts == 0 || !head.upload.is_empty())).then_some(head)
}
