//! The stores as a member sees them: the local ones are the server, the network is between. The cache forgets.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_model::{LayerInventory, Report};
use layergate_ports::{
    CacheError, FailureStore, LayerCache, LayerFailure, StoreError, VerdictStore, VerdictStream,
    values::{IdempotencyKey, JobId, LayerKey, ReportKey, SourceId, VerdictRecord},
};

use crate::{
    catalogue,
    net::{Link, Lost, Net},
    oracle::Oracle,
};

/// A member's way to the layer cache.
pub(crate) struct SimCache {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn LayerCache>,
    pub(crate) oracle: Arc<Oracle>,
}

/// A member's way to the failure records.
pub(crate) struct SimFailures {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn FailureStore>,
    pub(crate) oracle: Arc<Oracle>,
}

/// A member's way to the verdicts.
pub(crate) struct SimVerdicts {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn VerdictStore>,
    pub(crate) oracle: Arc<Oracle>,
}

/// A store that has a bad moment.
fn refuses<E: From<Lost>>(net: &Net) -> Result<(), E> {
    if net.strikes(net.faults.refuses) { Err(Lost.into()) } else { Ok(()) }
}

#[async_trait]
impl LayerCache for SimCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let (inner, net, keys) = (self.inner.clone(), self.link.net.clone(), Arc::<[_]>::from(keys));
        let effect = move || {
            let (inner, net, keys) = (inner.clone(), net.clone(), keys.clone());
            async move {
                refuses::<CacheError>(&net)?;
                inner.get_many(&keys).await
            }
        };
        self.link.call(effect).await?
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        let (inner, net, keys) = (self.inner.clone(), self.link.net.clone(), Arc::<[_]>::from(keys));
        let effect = move || {
            let (inner, net, keys) = (inner.clone(), net.clone(), keys.clone());
            async move {
                refuses::<CacheError>(&net)?;
                inner.contains_many(&keys).await
            }
        };
        self.link.call(effect).await?
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let (inner, oracle, net) = (self.inner.clone(), self.oracle.clone(), self.link.net.clone());
        let (key, inventory) = (*key, inventory.clone());
        let effect = move || {
            let (inner, oracle, net, inventory) = (inner.clone(), oracle.clone(), net.clone(), inventory.clone());
            async move {
                refuses::<CacheError>(&net)?;
                inner.put(&key, &inventory).await?;
                // The book of what is stored goes by what can be had, not by what the store says.
                if inner.contains_many(&[key]).await? == [true] {
                    oracle.stored(&inventory);
                }
                if net.strikes(net.faults.forgets)
                    && let Some(layer) = oracle.forget(net.between(0.0, 1.0))
                {
                    inner.remove(&key.fingerprint.key(catalogue::digest(layer))).await?;
                }
                Ok(())
            }
        };
        self.link.call(effect).await?
    }

    /// One request, judged where the value is, when it arrives: a late one finds what came meanwhile.
    async fn invalidate_if_absent(&self, key: &LayerKey) -> Result<(), CacheError> {
        let (inner, oracle, key) = (self.inner.clone(), self.oracle.clone(), *key);
        let effect = move || {
            let (inner, oracle) = (inner.clone(), oracle.clone());
            async move {
                oracle.removed(catalogue::number(&key.digest));
                inner.invalidate_if_absent(&key).await
            }
        };
        self.link.call(effect).await?
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        let (inner, oracle, key) = (self.inner.clone(), self.oracle.clone(), *key);
        let effect = move || {
            let (inner, oracle) = (inner.clone(), oracle.clone());
            async move {
                oracle.removed(catalogue::number(&key.digest));
                inner.remove(&key).await
            }
        };
        self.link.call(effect).await?
    }
}

#[async_trait]
impl FailureStore for SimFailures {
    async fn record(&self, key: &LayerKey, failure: &LayerFailure, ttl: Duration) -> Result<(), StoreError> {
        let (inner, oracle, net) = (self.inner.clone(), self.oracle.clone(), self.link.net.clone());
        let (key, failure) = (*key, Arc::new(failure.clone()));
        let effect = move || {
            let (inner, oracle, net, failure) = (inner.clone(), oracle.clone(), net.clone(), failure.clone());
            async move {
                refuses::<StoreError>(&net)?;
                oracle.failure(catalogue::number(&key.digest), &failure);
                inner.record(&key, &failure, ttl).await
            }
        };
        self.link.call(effect).await?
    }

    async fn look_up(&self, layers: &[(LayerKey, SourceId)]) -> Result<Vec<Option<LayerFailure>>, StoreError> {
        let (inner, net, layers) = (self.inner.clone(), self.link.net.clone(), Arc::<[_]>::from(layers));
        let effect = move || {
            let (inner, net, layers) = (inner.clone(), net.clone(), layers.clone());
            async move {
                refuses::<StoreError>(&net)?;
                inner.look_up(&layers).await
            }
        };
        self.link.call(effect).await?
    }
}

#[async_trait]
impl VerdictStore for SimVerdicts {
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError> {
        let (inner, oracle, net) = (self.inner.clone(), self.oracle.clone(), self.link.net.clone());
        let record = Arc::new(record.clone());
        let effect = move || {
            let (inner, oracle, net, record) = (inner.clone(), oracle.clone(), net.clone(), record.clone());
            async move {
                refuses::<StoreError>(&net)?;
                let before = inner.get(&record.job).await?;
                let said = inner.put(&record).await?;
                let stands = inner.get(&record.job).await?;
                oracle.verdict(&record, before.as_ref(), stands.as_ref().unwrap_or(&said));
                Ok(said)
            }
        };
        self.link.call(effect).await?
    }

    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError> {
        let (inner, net, job) = (self.inner.clone(), self.link.net.clone(), job.clone());
        let effect = move || {
            let (inner, net, job) = (inner.clone(), net.clone(), job.clone());
            async move {
                refuses::<StoreError>(&net)?;
                inner.get(&job).await
            }
        };
        self.link.call(effect).await?
    }

    async fn watch(&self) -> Result<VerdictStream, StoreError> {
        self.inner.watch().await
    }

    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError> {
        let (inner, key, report) = (self.inner.clone(), *key, report.clone());
        let effect = move || {
            let (inner, report) = (inner.clone(), report.clone());
            async move { inner.put_report(&key, &report).await }
        };
        self.link.call(effect).await?
    }

    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError> {
        let (inner, key) = (self.inner.clone(), *key);
        let effect = move || {
            let inner = inner.clone();
            async move { inner.get_report(&key).await }
        };
        self.link.call(effect).await?
    }

    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError> {
        self.inner.claim(key, job).await
    }
}
