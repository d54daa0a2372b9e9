//! Politeness: how many blobs of one registry are read at a time, and how long it asked to be left alone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use layergate_ports::Clock;

/// Hosts remembered; beyond it the idle ones are forgotten.
const MAX_HOSTS: usize = 1024;

struct Host {
    slots: Arc<Semaphore>,
    /// On the monotonic clock.
    not_before: Duration,
}

/// The registries that a worker talks to.
pub(super) struct Hosts {
    clock: Arc<dyn Clock>,
    slots: usize,
    hosts: std::sync::Mutex<HashMap<String, Host>>,
}

impl Hosts {
    pub(super) fn new(clock: Arc<dyn Clock>, slots: usize) -> Self {
        Self { clock, slots: slots.max(1), hosts: Default::default() }
    }

    fn with<T>(&self, host: &str, then: impl FnOnce(&mut Host) -> T) -> T {
        let mut hosts = self.hosts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if hosts.len() >= MAX_HOSTS && !hosts.contains_key(host) {
            let now = self.clock.monotonic();
            hosts.retain(|_, h| h.not_before > now || h.slots.available_permits() < self.slots);
        }
        let new = || Host { slots: Arc::new(Semaphore::new(self.slots)), not_before: Duration::ZERO };
        then(hosts.entry(host.to_owned()).or_insert_with(new))
    }

    /// A place among the readers of `host`, after the time that it asked for.
    pub(super) async fn enter(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let slots = self.with(host, |h| h.slots.clone());
        let permit = slots.acquire_owned().await.ok();
        loop {
            let wait = self.with(host, |h| h.not_before).saturating_sub(self.clock.monotonic());
            if wait.is_zero() {
                return permit;
            }
            self.clock.sleep(wait).await;
        }
    }

    /// The host asked to be left alone for this long.
    pub(super) fn rest(&self, host: &str, pause: Duration) {
        let until = self.clock.monotonic() + pause;
        self.with(host, |h| h.not_before = h.not_before.max(until));
    }
}
