//! Every adapter passes the suite of its port, over a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::sync::Arc;

use layergate_nats::NatsOptions;
use layergate_ports::{LayerCache, conformance};

use crate::support::{Server, connect};

#[tokio::test(flavor = "multi_thread")]
async fn layers() {
    let Some(server) = Server::start().await else { return };
    conformance::layer_queue(async |ack_wait| connect(&NatsOptions { ack_wait, ..server.options() }).await.layers as _)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs() {
    let Some(server) = Server::start().await else { return };
    conformance::job_queue(async |ack_wait| connect(&NatsOptions { ack_wait, ..server.options() }).await.jobs as _)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caches() {
    let Some(server) = Server::start().await else { return };
    conformance::layer_cache(async || server.fleet().await.cache as _).await;
    conformance::shared_layer_cache(async || {
        let options = server.options();
        let (one, other) = (connect(&options).await, connect(&options).await);
        (one.cache as Arc<dyn LayerCache>, other.cache as Arc<dyn LayerCache>)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures() {
    let Some(server) = Server::start().await else { return };
    conformance::failure_store(async || server.fleet().await.failures as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts() {
    let Some(server) = Server::start().await else { return };
    conformance::verdict_store(async || server.fleet().await.verdicts as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sboms() {
    let Some(server) = Server::start().await else { return };
    conformance::sbom_store(async || server.fleet().await.sboms as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots() {
    let Some(server) = Server::start().await else { return };
    let dir = server.scratch().join("snapshots");
    conformance::snapshot_store(server.scratch(), async || server.fleet().await.snapshots(dir.clone()) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn membership() {
    let Some(server) = Server::start().await else { return };
    conformance::membership(async || server.fleet().await.membership as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn estate() {
    let Some(server) = Server::start().await else { return };
    // The same fleet each time, as another process would find it.
    let options = server.options();
    conformance::estate_store(async || connect(&options).await.estate as _).await;
}
