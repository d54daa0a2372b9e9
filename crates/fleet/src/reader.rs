//! From a blob's bytes to its inventory: the one step of a worker that costs CPU, on a thread of its own.
//!
//! A trait, because the simulation reads a hundred thousand layers that do not exist.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use layergate_inventory::{Catalogue, LayerError, inventory_layer, links, look_again};
use layergate_model::{Alias, LayerInventory, Limits};

use crate::feed::feed;
use layergate_ports::{BlobStream, observe::Meter, values::LayerTask};

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes did not arrive, or this machine failed: another try may succeed.
    #[error("{0}")]
    Bytes(String),
    /// Other bytes arrived than the manifest pins.
    #[error("{0}")]
    Mismatch(String),
    /// More bytes arrived than a layer may have.
    #[error("{0}")]
    TooLarge(String),
    /// The reading thread broke down.
    #[error("{0}")]
    Panicked(String),
}

/// Reads layers.
#[async_trait]
pub trait LayerReader: Send + Sync {
    /// Reads the blob of `task`; for these names alone, and under them, where there are any. `meter` advances with the bytes taken; `hold` is dropped when no thread is busy with
    /// the layer any more, which may be after the future was dropped.
    async fn read(
        &self,
        task: &LayerTask,
        names: &[Alias],
        blob: BlobStream,
        meter: Arc<Meter>,
        hold: Box<dyn Any + Send>,
    ) -> Result<LayerInventory, ReadError>;

    /// The names for which the layer, read once, is to be read again: those of its own hard links.
    fn names_within(&self, _inventory: &LayerInventory) -> Vec<Alias> {
        Vec::new()
    }
}

/// The real reader: the standard analyzers under the configured limits.
pub struct CatalogueReader {
    catalogue: Arc<Catalogue>,
    limits: Limits,
}

impl CatalogueReader {
    /// A reader with these analyzers and limits.
    pub fn new(catalogue: Arc<Catalogue>, limits: Limits) -> Self {
        Self { catalogue, limits }
    }
}

#[async_trait]
impl LayerReader for CatalogueReader {
    async fn read(
        &self,
        task: &LayerTask,
        names: &[Alias],
        blob: BlobStream,
        meter: Arc<Meter>,
        hold: Box<dyn Any + Send>,
    ) -> Result<LayerInventory, ReadError> {
        let (feed, reader) = feed(blob, meter);
        let (catalogue, limits) = (Arc::clone(&self.catalogue), self.limits.clone());
        let (blob, key) = (task.locator.digest(), task.key.digest);
        let (aliases, names) = (task.aliases.clone(), names.to_vec());
        let thread = tokio::task::spawn_blocking(move || {
            let _hold = hold;
            if !names.is_empty() {
                return look_again(reader, blob, &catalogue, &limits, &names, false);
            }
            if aliases.is_empty() {
                return inventory_layer(reader, blob, &catalogue, &limits);
            }
            let found = look_again(reader, blob, &catalogue, &limits, &aliases, true)?;
            Ok(LayerInventory { blob: key, ..found })
        });
        // Not a select: the thread may end first, and the pump ends as soon as nobody reads.
        let ((), result) = futures::join!(feed.pump(), thread);
        match result {
            Ok(Ok(inventory)) => Ok(inventory),
            Ok(Err(error @ LayerError::DigestMismatch { .. })) => Err(ReadError::Mismatch(error.to_string())),
            Ok(Err(error @ LayerError::TooLarge(_))) => Err(ReadError::TooLarge(error.to_string())),
            Ok(Err(LayerError::Io(error))) => Err(ReadError::Bytes(chain(&error))),
            Err(error) => Err(ReadError::Panicked(format!("the reading thread broke down: {error}"))),
        }
    }

    fn names_within(&self, inventory: &LayerInventory) -> Vec<Alias> {
        links::within(&self.catalogue, &inventory.paths)
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    text
}
