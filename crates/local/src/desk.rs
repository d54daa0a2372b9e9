//! A queue in memory with leases: one message for each key at a time, handed out in turns between tenants, handed out again
//! when its holder neither acks nor reports progress within the ack wait. What both local queues are made of.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};

use layergate_fleet::{
    ports::{Clock, Published, QueueError},
    values::Tenant,
};
use tokio::sync::Notify;

use crate::lock;

enum Place {
    /// In its queue.
    Waiting,
    /// With somebody, or resting, until then (on the monotonic clock); `turn` tells one hold from another.
    Away { until: Duration, turn: u64 },
}

struct Message<Q, T> {
    queue: Q,
    tenant: Tenant,
    value: T,
    deliveries: u64,
    place: Place,
}

struct Turns<K> {
    order: VecDeque<Tenant>,
    waiting: HashMap<Tenant, VecDeque<K>>,
}

struct State<Q, K, T> {
    messages: HashMap<K, Message<Q, T>>,
    queues: HashMap<Q, Turns<K>>,
    turn: u64,
}

/// The queue; `Q` names a sub-queue, `K` a message.
pub(crate) struct Desk<Q, K, T> {
    state: Mutex<State<Q, K, T>>,
    clock: Arc<dyn Clock>,
    ack_wait: Duration,
    capacity: usize,
    arrived: Notify,
}

/// One hold on a message.
pub(crate) struct Hold<K> {
    pub(crate) key: K,
    turn: u64,
}

impl<Q, K, T> Desk<Q, K, T>
where
    Q: Copy + Eq + Hash,
    K: Clone + Eq + Hash,
    T: Clone,
{
    pub(crate) fn new(clock: Arc<dyn Clock>, ack_wait: Duration, capacity: usize) -> Self {
        let state = State { messages: HashMap::new(), queues: HashMap::new(), turn: 0 };
        Self { state: Mutex::new(state), clock, ack_wait, capacity, arrived: Notify::new() }
    }

    pub(crate) fn publish(&self, queue: Q, tenant: &Tenant, key: &K, value: &T) -> Published {
        let mut state = lock(&self.state);
        if state.messages.contains_key(key) {
            return Published::InFlight;
        }
        if state.messages.len() >= self.capacity {
            return Published::Full;
        }
        let message =
            Message { queue, tenant: tenant.clone(), value: value.clone(), deliveries: 0, place: Place::Waiting };
        state.messages.insert(key.clone(), message);
        state.line_up(queue, tenant, key.clone());
        drop(state);
        self.arrived.notify_waiters();
        Published::Queued
    }

    /// Waits for a message of a sub-queue: its hold, value and number of deliveries.
    pub(crate) async fn next(&self, queue: Q) -> Result<(Hold<K>, T, u64), QueueError> {
        loop {
            let arrived = self.arrived.notified();
            let mut arrived = std::pin::pin!(arrived);
            arrived.as_mut().enable();
            let now = self.clock.monotonic();
            let soonest = {
                let mut state = lock(&self.state);
                let soonest = state.bring_back(now);
                if let Some(taken) = state.take(queue, now + self.ack_wait) {
                    return Ok(taken);
                }
                soonest
            };
            match soonest {
                None => arrived.await,
                Some(then) => tokio::select! {
                    () = arrived => {}
                    () = self.clock.sleep(then.saturating_sub(now)) => {}
                },
            }
        }
    }

    pub(crate) fn waiting(&self, queue: Q) -> u64 {
        let mut state = lock(&self.state);
        state.bring_back(self.clock.monotonic());
        state.queues.get(&queue).map_or(0, |t| t.waiting.values().map(|k| k.len() as u64).sum())
    }

    /// The message is done with, one way or another.
    pub(crate) fn remove(&self, hold: &Hold<K>) {
        let mut state = lock(&self.state);
        // A holder whose time ran out may still be right that the work is done; a message that waits again then goes.
        if let Some(message) = state.messages.remove(&hold.key)
            && matches!(message.place, Place::Waiting)
        {
            state.leave(message.queue, &message.tenant, &hold.key);
        }
    }

    /// The message rests for `pause` and is handed out again, if the hold still stands.
    pub(crate) fn hand_back(&self, hold: &Hold<K>, pause: Duration) {
        self.away(hold, pause, false);
        self.arrived.notify_waiters();
    }

    /// The hold begins anew, if it still stands.
    pub(crate) fn progress(&self, hold: &Hold<K>) {
        self.away(hold, self.ack_wait, true);
    }

    fn away(&self, hold: &Hold<K>, pause: Duration, keep: bool) {
        let then = self.clock.monotonic() + pause;
        let mut state = lock(&self.state);
        state.turn += 1;
        let fresh = state.turn;
        if let Some(message) = state.messages.get_mut(&hold.key)
            && let Place::Away { until, turn } = &mut message.place
            && *turn == hold.turn
        {
            *until = then;
            if !keep {
                *turn = fresh;
            }
        }
    }
}

impl<Q: Copy + Eq + Hash, K: Clone + Eq + Hash, T: Clone> State<Q, K, T> {
    fn line_up(&mut self, queue: Q, tenant: &Tenant, key: K) {
        let turns =
            self.queues.entry(queue).or_insert_with(|| Turns { order: VecDeque::new(), waiting: HashMap::new() });
        let waiting = turns.waiting.entry(tenant.clone()).or_default();
        if waiting.is_empty() {
            turns.order.push_back(tenant.clone());
        }
        waiting.push_back(key);
    }

    fn leave(&mut self, queue: Q, tenant: &Tenant, key: &K) {
        let Some(turns) = self.queues.get_mut(&queue) else { return };
        if let Some(waiting) = turns.waiting.get_mut(tenant) {
            waiting.retain(|k| k != key);
            if waiting.is_empty() {
                turns.waiting.remove(tenant);
                turns.order.retain(|t| t != tenant);
            }
        }
    }

    /// Puts messages whose time away is over back into their queues; when the next one's is.
    fn bring_back(&mut self, now: Duration) -> Option<Duration> {
        let mut soonest: Option<Duration> = None;
        let mut back = Vec::new();
        for (key, message) in &mut self.messages {
            if let Place::Away { until, .. } = message.place {
                if until <= now {
                    message.place = Place::Waiting;
                    back.push((message.queue, message.tenant.clone(), key.clone()));
                } else {
                    soonest = Some(soonest.map_or(until, |s| s.min(until)));
                }
            }
        }
        for (queue, tenant, key) in back {
            self.line_up(queue, &tenant, key);
        }
        soonest
    }

    fn take(&mut self, queue: Q, until: Duration) -> Option<(Hold<K>, T, u64)> {
        let turns = self.queues.get_mut(&queue)?;
        let tenant = turns.order.pop_front()?;
        let waiting = turns.waiting.get_mut(&tenant)?;
        let key = waiting.pop_front()?;
        if waiting.is_empty() {
            turns.waiting.remove(&tenant);
        } else {
            turns.order.push_back(tenant);
        }
        self.turn += 1;
        let message = self.messages.get_mut(&key)?;
        message.deliveries += 1;
        message.place = Place::Away { until, turn: self.turn };
        Some((Hold { key, turn: self.turn }, message.value.clone(), message.deliveries))
    }
}
