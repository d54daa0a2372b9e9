//! Verdicts and reports in memory, for one process: the oldest go when there are too many.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::StreamExt;
use layergate_model::Report;
use layergate_ports::{
    StoreError, VerdictStore, VerdictStream,
    values::{IdempotencyKey, JobId, ReportKey, VerdictRecord},
};
use tokio::sync::broadcast;

use crate::lock;

/// A map that forgets what was put in first.
struct Bounded<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
    limit: usize,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    fn new(limit: usize) -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), limit: limit.max(1) }
    }

    fn put(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.values.len() > self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.values.remove(&oldest);
        }
    }
}

struct State {
    records: Bounded<JobId, VerdictRecord>,
    reports: Bounded<ReportKey, Arc<Report>>,
    claims: Bounded<IdempotencyKey, JobId>,
}

/// Verdicts and reports in memory.
pub struct MemoryVerdicts {
    state: Mutex<State>,
    stored: broadcast::Sender<VerdictRecord>,
}

impl MemoryVerdicts {
    /// Keeps the last `records` verdicts and the last `reports` reports.
    pub fn new(records: usize, reports: usize) -> Self {
        let state =
            State { records: Bounded::new(records), reports: Bounded::new(reports), claims: Bounded::new(records) };
        Self { state: Mutex::new(state), stored: broadcast::channel(1024).0 }
    }
}

#[async_trait]
impl VerdictStore for MemoryVerdicts {
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError> {
        let mut state = lock(&self.state);
        if let Some(stands) = state.records.values.get(&record.job) {
            return Ok(stands.clone());
        }
        state.records.put(record.job.clone(), record.clone());
        drop(state);
        // Nobody may be watching.
        let _ = self.stored.send(record.clone());
        Ok(record.clone())
    }

    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError> {
        Ok(lock(&self.state).records.values.get(job).cloned())
    }

    async fn watch(&self) -> Result<VerdictStream, StoreError> {
        let records = futures::stream::unfold(self.stored.subscribe(), |mut records| async move {
            loop {
                match records.recv().await {
                    Ok(record) => return Some((record, records)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        Ok(records.boxed())
    }

    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError> {
        lock(&self.state).reports.put(*key, report.clone());
        Ok(())
    }

    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError> {
        Ok(lock(&self.state).reports.values.get(key).cloned())
    }

    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError> {
        let mut state = lock(&self.state);
        if let Some(bound) = state.claims.values.get(key) {
            return Ok(bound.clone());
        }
        state.claims.put(key.clone(), job.clone());
        Ok(job.clone())
    }
}
