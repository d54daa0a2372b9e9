//! Who waits for which layer: the one watch of a coordinator, fanned out to its jobs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use layergate_ports::{DoneEvent, values::LayerKey};

/// The jobs that wait, by layer; in an order, so that a simulation replays.
#[derive(Default)]
pub(super) struct Hub {
    waiters: Mutex<BTreeMap<LayerKey, Vec<Weak<Inbox>>>>,
}

#[derive(Default)]
struct Inbox {
    heard: Mutex<Heard>,
    wake: Notify,
}

/// What came since a job last looked.
#[derive(Default)]
pub(super) struct Heard {
    /// The events.
    pub(super) events: Vec<DoneEvent>,
    /// Whether the watch was interrupted: events may be missing, so that everything is looked up again.
    pub(super) interrupted: bool,
}

/// One job's place in the hub, given up when dropped.
pub(super) struct Waiting {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    keys: Vec<LayerKey>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// From now on, events of `keys` are kept for whoever holds the answer.
    pub(super) fn wait_for(self: &Arc<Self>, keys: Vec<LayerKey>) -> Waiting {
        let inbox = Arc::new(Inbox::default());
        let mut waiters = lock(&self.waiters);
        for key in &keys {
            waiters.entry(*key).or_default().push(Arc::downgrade(&inbox));
        }
        drop(waiters);
        Waiting { hub: self.clone(), inbox, keys }
    }

    /// Gives an event to the jobs that wait for its layer.
    pub(super) fn deliver(&self, event: &DoneEvent) {
        let waiters = lock(&self.waiters);
        for inbox in waiters.get(&event.key).into_iter().flatten().filter_map(Weak::upgrade) {
            lock(&inbox.heard).events.push(*event);
            inbox.wake.notify_one();
        }
    }

    /// The watch was interrupted: everybody looks again.
    pub(super) fn interrupted(&self) {
        for inbox in lock(&self.waiters).values().flatten().filter_map(Weak::upgrade) {
            lock(&inbox.heard).interrupted = true;
            inbox.wake.notify_one();
        }
    }

    /// Layers that somebody waits for.
    pub(super) fn len(&self) -> usize {
        lock(&self.waiters).len()
    }
}

impl Waiting {
    /// Waits until something came, and takes it.
    pub(super) async fn heard(&self) -> Heard {
        loop {
            let heard = std::mem::take(&mut *lock(&self.inbox.heard));
            if heard.interrupted || !heard.events.is_empty() {
                return heard;
            }
            self.inbox.wake.notified().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiters = lock(&self.hub.waiters);
        let own = Arc::downgrade(&self.inbox);
        for key in &self.keys {
            if let Some(list) = waiters.get_mut(key) {
                list.retain(|other| !other.ptr_eq(&own));
                if list.is_empty() {
                    waiters.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::{Digest, Limits};

    use super::*;
    use layergate_ports::{DoneOutcome, values::KeyScope};

    #[tokio::test]
    async fn events_reach_those_who_wait_and_nobody_is_kept() {
        let scope = KeyScope { namespace: Default::default(), analyzers: "a".into(), limits: Limits::default() };
        let key = |n: u8| scope.fingerprint().key(Digest::of(&[n]));
        let hub = Arc::new(Hub::default());
        let first = hub.wait_for(vec![key(1), key(2)]);
        let second = hub.wait_for(vec![key(2)]);
        let event = |n| DoneEvent { key: key(n), outcome: DoneOutcome::Stored };
        hub.deliver(&event(1));
        hub.deliver(&event(2));
        hub.deliver(&event(3));
        assert_eq!(first.heard().await.events, [event(1), event(2)]);
        assert_eq!(second.heard().await.events, [event(2)]);
        hub.interrupted();
        assert!(first.heard().await.interrupted);
        drop(first);
        assert_eq!(hub.len(), 1);
        drop(second);
        assert_eq!(hub.len(), 0);
    }
}
