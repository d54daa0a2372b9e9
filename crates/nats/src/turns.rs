//! Turns: work that one process of the fleet does for all of them, and not more often than is asked for.
//!
//! A turn is one key with a time to live. Whoever creates it has the turn and keeps the key alive while it works; after that the
//! key stands until the next turn may be taken. A process that dies at work lets it run out, and another takes it up. Two
//! that both work, because one of them was cut off, do the same twice: what is done in turns must bear that.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use layergate_ports::StoreError;

use crate::{bucket::Bucket, link::Link, names::Kind};

/// How long a turn outlives the last word of whoever has it.
const LEASE: Duration = Duration::from_secs(60);

/// Turns on JetStream.
pub struct NatsTurns {
    control: Bucket,
}

/// A turn that this process has.
pub struct Turn {
    control: Bucket,
    key: String,
    holder: Bytes,
}

impl NatsTurns {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { control: Bucket::new(link, Kind::Control) }
    }

    /// Takes the turn of `work`, unless another process has it, or had it not long ago.
    pub async fn take(&self, work: &str, holder: &str) -> Result<Option<Turn>, StoreError> {
        let turn = Turn {
            control: self.control.clone(),
            key: format!("turn.{work}"),
            holder: holder.as_bytes().to_vec().into(),
        };
        let taken = self.control.create(&turn.key, &turn.holder, Some(LEASE)).await?;
        Ok(taken.then_some(turn))
    }
}

impl Turn {
    /// Does the work of the turn and keeps the turn meanwhile.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LEASE / 3) => {
                    // A server that is away for longer than the lease lets another take the turn.
                    let _ = self.control.put(&self.key, &self.holder, Some(LEASE)).await;
                }
            }
        }
    }

    /// Ends the turn; nobody takes the next one before `rest` has passed (whole seconds, at least one).
    pub async fn end(self, rest: Duration) -> Result<(), StoreError> {
        Ok(self.control.put(&self.key, &self.holder, Some(rest)).await?)
    }
}
