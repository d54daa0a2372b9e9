//! A layer's bytes from a registry, through cuts.
//!
//! A connection that breaks, or a server that is busy, is tried again from the byte that was reached (`Range`, RFC 9110
//! 14.2). A server that answers 200 to a range starts anew, and what was handed out before is skipped; a 206 must begin
//! where it was asked to. More bytes than the manifest says are refused, fewer are a cut. The tries are counted anew
//! whenever bytes arrive. Whether the bytes are the right ones is for the reader, who hashes them all.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::{StatusCode, header};
use layergate_http::{Error, Pauses, Response, range_start, shown};
use layergate_ports::{
    BlobStream,
    values::{RegistryBlob, SourceError},
};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::{repository::Repository, retry, transport};
use crate::error_detail::malformed;

type Chunks = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

struct Download {
    repository: Arc<Repository>,
    url: Url,
    size: u64,
    /// Bytes handed out.
    reached: u64,
    /// Bytes of the present answer that were handed out before.
    skip: u64,
    chunks: Option<Chunks>,
    waits: Pauses,
    _slot: OwnedSemaphorePermit,
}

impl Repository {
    /// The bytes of a blob. The first answer has come when this returns, so that a missing blob is an error here.
    pub(crate) async fn open(self: &Arc<Self>, blob: &RegistryBlob) -> Result<BlobStream, SourceError> {
        let url = self.blob_url(&blob.digest)?;
        let slot = self.blob_slot().await?;
        let answer = retry::run(self.retry, || self.get(&url, None, None)).await?;
        if let Some(length) = answer.content_length()
            && answer.status() == StatusCode::OK
            && length != blob.size
        {
            return Err(wrong_length(&url, blob.size, length));
        }
        let mut download = Download {
            repository: Arc::clone(self),
            url,
            size: blob.size,
            reached: 0,
            skip: 0,
            chunks: None,
            waits: self.retry.pauses(),
            _slot: slot,
        };
        download.begin(answer).map_err(|e| malformed(shown(&download.url), e.to_string()))?;
        let chunks = stream::unfold(Some(download), |state| async {
            let mut download = state?;
            match download.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(download))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(BlobStream { length: Some(blob.size), chunks: Box::pin(chunks) })
    }
}

fn wrong_length(url: &Url, want: u64, found: u64) -> SourceError {
    malformed(shown(url), format!("the registry has {found} bytes where the manifest says {want}"))
}

impl Download {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                self.reopen().await?;
                continue;
            };
            match chunks.next().await {
                Some(Ok(bytes)) => {
                    let Some(fresh) = self.fresh(bytes) else { continue };
                    self.reached += fresh.len() as u64;
                    if self.reached > self.size {
                        return Err(io::Error::new(
                            io::ErrorKind::InvalidData,
                            format!("{}: more than the {} bytes that the manifest says", shown(&self.url), self.size),
                        ));
                    }
                    self.waits = self.repository.retry.pauses();
                    return Ok(Some(fresh));
                }
                None if self.reached == self.size => return Ok(None),
                // Everything is there; that the connection then broke says nothing.
                Some(Err(_)) if self.reached == self.size => return Ok(None),
                Some(Err(error)) => {
                    let why = transport::request_failed(&self.url, &error).to_string();
                    self.wait(why, None).await?;
                }
                None => {
                    let why = format!("{}: ended after {} of {} bytes", shown(&self.url), self.reached, self.size);
                    self.wait(why, None).await?;
                }
            }
        }
    }

    /// What of a piece was not handed out before.
    fn fresh(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        let old = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= old as u64;
        let fresh = bytes.split_off(old);
        (!fresh.is_empty()).then_some(fresh)
    }

    async fn reopen(&mut self) -> io::Result<()> {
        let from = (self.reached > 0).then_some(self.reached);
        match self.repository.get(&self.url, None, from).await {
            Ok(answer) => self.begin(answer),
            Err(error) if error.is_transient() => {
                let asked = error.retry_after();
                self.wait(error.to_string(), asked).await
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn begin(&mut self, answer: Response) -> io::Result<()> {
        self.skip = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.headers().get(header::CONTENT_RANGE).and_then(|h| h.to_str().ok());
                if range.and_then(range_start) != Some(self.reached) {
                    let text = format!("{}: a part was asked for, and another one came", shown(&self.url));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                0
            }
            _ => self.reached,
        };
        self.chunks = Some(Box::pin(answer.bytes_stream()));
        Ok(())
    }

    /// Waits for the next try; an error when there is none.
    async fn wait(&mut self, why: String, asked: Option<std::time::Duration>) -> io::Result<()> {
        self.chunks = None;
        let Some(wait) = self.waits.next(asked) else {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        };
        tracing::debug!(why, ?wait, reached = self.reached, "blob is taken up again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
