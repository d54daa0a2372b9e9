//! A layer task, and the word that a layer is done.

use bytes::Bytes;
use layergate_model::{Alias, LayerPath};
use layergate_ports::{
    DoneEvent, DoneOutcome,
    values::{LayerKey, LayerLocator, LayerTask, RegistryBlob},
};
use layergate_wire::{WireError, v1};

use super::parts::{self, Reader};

const READ: Reader = Reader("a layer task");

/// The message of a task; its trace context travels beside it.
pub fn task_to_wire(task: &LayerTask) -> Result<Bytes, WireError> {
    let LayerLocator::Registry(blob) = &task.locator else {
        return Err(READ.bad("blob", format!("{} is local; only blobs in registries travel", task.locator)));
    };
    layergate_wire::encode(v1::LayerTask {
        version: 0,
        key: task.key.to_string(),
        blob: Some(v1::RegistryBlob {
            registry: blob.registry.to_string(),
            repository: blob.repository.to_string(),
            digest: parts::digest(&blob.digest),
            media_type: blob.media_type.clone(),
            size: blob.size,
            credential: parts::text(blob.credential.as_ref()),
        }),
        lane: parts::lane(task.lane),
        tenant: task.tenant.to_string(),
        aliases: task
            .aliases
            .iter()
            .map(|a| v1::Alias { name: a.name.to_string(), path: a.path.to_string() })
            .collect(),
    })
}

/// Reads the message of the layer `key` (its subject says so).
pub fn task_from_wire(bytes: Bytes, key: &LayerKey, trace: Option<String>) -> Result<LayerTask, WireError> {
    let wire: v1::LayerTask = layergate_wire::decode(bytes)?;
    if READ.parse::<LayerKey>("key", &wire.key)? != *key {
        return Err(READ.bad("key", format!("{} under the subject of {key}", wire.key)));
    }
    let blob = READ.required("blob", wire.blob)?;
    let digest = READ.digest("digest", &blob.digest)?;
    let path = |field: &str, text: &str| LayerPath::normalise(text).map_err(|e| READ.bad(field, e));
    let aliases = wire.aliases.iter().map(|a| Ok(Alias { name: path("name", &a.name)?, path: path("path", &a.path)? }));
    let aliases = aliases.collect::<Result<Vec<_>, WireError>>()?;
    let of = if aliases.is_empty() { digest } else { Alias::digest(&digest, &aliases) };
    if of != key.digest {
        return Err(READ.bad("digest", format!("{digest} under the key of {}", key.digest)));
    }
    Ok(LayerTask {
        key: *key,
        locator: LayerLocator::Registry(RegistryBlob {
            registry: layergate_model::Registry::new(&blob.registry).map_err(|e| READ.bad("registry", e))?,
            repository: layergate_model::RepoPath::new(&blob.repository).map_err(|e| READ.bad("repository", e))?,
            digest,
            media_type: blob.media_type,
            size: blob.size,
            credential: READ.optional("credential", &blob.credential)?,
        }),
        aliases,
        lane: READ.lane(wire.lane)?,
        tenant: READ.parse("tenant", &wire.tenant)?,
        trace,
    })
}

/// The value of a finished layer.
pub fn done_to_wire(event: &DoneEvent) -> Result<Bytes, WireError> {
    use v1::done_event::Outcome;
    let outcome = match event.outcome {
        DoneOutcome::Stored => Outcome::Stored,
        DoneOutcome::Failed => Outcome::Failed,
    };
    layergate_wire::encode(v1::DoneEvent { version: 0, outcome: outcome.into() })
}

/// How a layer ended.
pub fn done_from_wire(bytes: Bytes) -> Result<DoneOutcome, WireError> {
    use v1::done_event::Outcome;
    let wire: v1::DoneEvent = layergate_wire::decode(bytes)?;
    match Outcome::try_from(wire.outcome) {
        Ok(Outcome::Stored) => Ok(DoneOutcome::Stored),
        Ok(Outcome::Failed) => Ok(DoneOutcome::Failed),
        _ => Err(WireError::field("a done event", "outcome", wire.outcome)),
    }
}
