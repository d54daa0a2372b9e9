//! A blob's asynchronous bytes as a blocking `Read`, through a bounded channel: at most about one mebibyte is held between
//! the socket and the thread that reads the layer, however fast either is.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use layergate_ports::{BlobStream, observe::Meter};

/// Chunks of the network (about 16 KiB) are sent together from this size on: every hand-over wakes a thread.
const BATCH: usize = 128 << 10;
/// Hand-overs that may wait. Each pins the buffers of the network that its chunks lie in, some 400 KiB.
const DEPTH: usize = 2;

enum Message {
    Bytes(Vec<Bytes>),
    Failed(io::Error),
    End,
}

/// The blocking end.
pub(crate) struct FeedReader {
    messages: mpsc::Receiver<Message>,
    batch: VecDeque<Bytes>,
    ended: bool,
    meter: Arc<Meter>,
}

/// The asynchronous end: [`Feed::pump`] must be polled for the reader to get anything.
pub(crate) struct Feed {
    blob: BlobStream,
    messages: mpsc::Sender<Message>,
}

/// Both ends. `meter` counts the bytes that the reader has taken.
pub(crate) fn feed(blob: BlobStream, meter: Arc<Meter>) -> (Feed, FeedReader) {
    let (sender, receiver) = mpsc::channel(DEPTH);
    let reader = FeedReader { messages: receiver, batch: VecDeque::new(), ended: false, meter };
    (Feed { blob, messages: sender }, reader)
}

impl Feed {
    /// Carries bytes over until the blob ends, fails, or nobody reads any more.
    pub(crate) async fn pump(mut self) {
        let mut batch: Vec<Bytes> = Vec::new();
        let mut size = 0;
        loop {
            // Whatever has arrived goes along; nobody waits for a batch to fill.
            let next = if batch.is_empty() {
                Some(self.blob.chunks.next().await)
            } else {
                self.blob.chunks.next().now_or_never()
            };
            let end = match next {
                Some(Some(Ok(chunk))) => {
                    size += chunk.len();
                    batch.push(chunk);
                    if size < BATCH {
                        continue;
                    }
                    None
                }
                None => None,
                Some(Some(Err(error))) => Some(Message::Failed(error)),
                Some(None) => Some(Message::End),
            };
            size = 0;
            let full = std::mem::take(&mut batch);
            if !full.is_empty() && self.messages.send(Message::Bytes(full)).await.is_err() {
                return;
            }
            if let Some(end) = end {
                // A reader that has gone needs no end.
                let _ = self.messages.send(end).await;
                return;
            }
        }
    }
}

impl Read for FeedReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(chunk) = self.batch.front_mut() {
                let taken = chunk.len().min(out.len());
                chunk.copy_to_slice(&mut out[..taken]);
                if chunk.is_empty() {
                    self.batch.pop_front();
                }
                if taken > 0 || out.is_empty() {
                    self.meter.add(taken as u64);
                    return Ok(taken);
                }
                continue;
            }
            if self.ended {
                return Ok(0);
            }
            match self.messages.blocking_recv() {
                Some(Message::Bytes(batch)) => self.batch = batch.into(),
                Some(Message::Failed(error)) => return Err(error),
                Some(Message::End) => self.ended = true,
                // Not an end of file: whoever pumped gave up, and half a layer is no layer.
                None => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the download was given up")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(chunks: Vec<io::Result<Bytes>>) -> BlobStream {
        BlobStream { length: None, chunks: Box::pin(futures::stream::iter(chunks)) }
    }

    async fn read(chunks: Vec<io::Result<Bytes>>) -> (io::Result<Vec<u8>>, u64) {
        let meter = Arc::new(Meter::default());
        let (feed, mut reader) = feed(stream(chunks), meter.clone());
        let thread = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        feed.pump().await;
        (thread.await.unwrap(), meter.bytes())
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_and_errors_are_errors() {
        let chunks: Vec<Bytes> = (0..200u32).map(|n| vec![n as u8; (n * 37) as usize].into()).collect();
        let want: Vec<u8> = chunks.iter().flatten().copied().collect();
        let (got, counted) = read(chunks.iter().cloned().map(Ok).collect()).await;
        assert_eq!((got.unwrap(), counted), (want.clone(), want.len() as u64));
        let broken = chunks.into_iter().map(Ok).chain([Err(io::Error::other("reset"))]).collect();
        assert_eq!(read(broken).await.0.unwrap_err().to_string(), "reset");
    }

    #[tokio::test]
    async fn a_pump_that_is_dropped_is_no_end_of_file() {
        let (feed, mut reader) = feed(stream(vec![Ok(Bytes::from_static(b"half"))]), Arc::default());
        drop(feed);
        let result = tokio::task::spawn_blocking(move || reader.read(&mut [0; 8])).await.unwrap();
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_reader_that_leaves_ends_the_pump() {
        let endless = futures::stream::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
        let (feed, reader) = feed(BlobStream { length: None, chunks: Box::pin(endless) }, Arc::default());
        drop(reader);
        feed.pump().await;
    }
}
