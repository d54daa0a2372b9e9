//! A queue in memory with leases: one message for each key at a time, handed out in turns between tenants, handed out
//! again when its holder neither acks nor reports progress within the ack wait. What both local queues are made of.
//!
//! Every operation costs logarithmic time in the number of messages: the simulation holds a hundred thousand.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};

use layergate_ports::{Clock, Published, QueueError, values::Tenant};
use tokio::sync::Notify;

use crate::lock;

enum Delivery {
    /// In its queue.
    Waiting,
    /// Held, or resting after a nak, until then (on the monotonic clock); `hold` shows one hold from another and
    /// `timer` is its entry among the timers.
    InFlight { hold: u64, timer: (Duration, u64) },
}

struct Message<Q, T> {
    /// Shows this message from earlier and later ones of the same key: a late ack must not take off its successor.
    number: u64,
    queue: Q,
    tenant: Tenant,
    value: T,
    deliveries: u64,
    delivery: Delivery,
}

/// The waiting messages of one sub-queue. Keys of messages that are gone or in flight may still stand in it: they are
/// passed over, so that taking one out of the middle costs nothing.
struct FairQueue<K> {
    order: VecDeque<Tenant>,
    by_tenant: HashMap<Tenant, VecDeque<K>>,
    waiting: u64,
    arrived: Arc<Notify>,
}

struct State<Q, K, T> {
    messages: HashMap<K, Message<Q, T>>,
    queues: HashMap<Q, FairQueue<K>>,
    /// When messages in flight are delivered again.
    timers: BTreeMap<(Duration, u64), K>,
    count: u64,
}

/// The queue; `Q` names a sub-queue, `K` a message.
pub(crate) struct LeaseQueue<Q, K, T> {
    state: Mutex<State<Q, K, T>>,
    clock: Arc<dyn Clock>,
    ack_wait: Duration,
    capacity: usize,
}

/// One hold on a message.
pub(crate) struct Hold<K> {
    pub(crate) key: K,
    message: u64,
    hold: u64,
}

impl<Q, K, T> LeaseQueue<Q, K, T>
where
    Q: Copy + Eq + Hash,
    K: Clone + Eq + Hash,
    T: Clone,
{
    pub(crate) fn new(clock: Arc<dyn Clock>, ack_wait: Duration, capacity: usize) -> Self {
        let state = State { messages: HashMap::new(), queues: HashMap::new(), timers: BTreeMap::new(), count: 0 };
        Self { state: Mutex::new(state), clock, ack_wait, capacity }
    }

    pub(crate) fn publish(&self, queue: Q, tenant: &Tenant, key: &K, value: &T) -> Published {
        let mut state = lock(&self.state);
        if state.messages.contains_key(key) {
            return Published::InFlight;
        }
        if state.messages.len() >= self.capacity {
            return Published::Full;
        }
        state.count += 1;
        let (number, tenant_of, value) = (state.count, tenant.clone(), value.clone());
        let message = Message { number, queue, tenant: tenant_of, value, deliveries: 0, delivery: Delivery::Waiting };
        state.messages.insert(key.clone(), message);
        state.enqueue(queue, tenant, key.clone());
        Published::Queued
    }

    /// Waits for a message of a sub-queue: its hold, value and number of deliveries.
    pub(crate) async fn next(&self, queue: Q) -> Result<(Hold<K>, T, u64), QueueError> {
        loop {
            let now = self.clock.monotonic();
            let (arrived, soonest) = {
                let mut state = lock(&self.state);
                state.return_expired(now);
                if let Some(taken) = state.take(queue, now + self.ack_wait) {
                    return Ok(taken);
                }
                let soonest = state.timers.first_key_value().map(|((until, _), _)| *until);
                (state.queue_of(queue).arrived.clone(), soonest)
            };
            // What arrives between the lock and here has left a permit in `arrived`.
            match soonest {
                None => arrived.notified().await,
                Some(then) => tokio::select! {
                    biased;
                    () = arrived.notified() => {}
                    () = self.clock.sleep(then.saturating_sub(now)) => {}
                },
            }
        }
    }

    /// Whether a message of the key is queued or in flight.
    pub(crate) fn holds(&self, key: &K) -> bool {
        lock(&self.state).messages.contains_key(key)
    }

    pub(crate) fn waiting(&self, queue: Q) -> u64 {
        let now = self.clock.monotonic();
        let mut state = lock(&self.state);
        state.return_expired(now);
        state.queue_of(queue).waiting
    }

    /// The message is done with, one way or another. A holder whose time ran out may still be right that the work is
    /// done.
    pub(crate) fn remove(&self, hold: &Hold<K>) {
        let mut state = lock(&self.state);
        if state.messages.get(&hold.key).is_none_or(|message| message.number != hold.message) {
            return;
        }
        let Some(message) = state.messages.remove(&hold.key) else { return };
        match message.delivery {
            Delivery::Waiting => state.queue_of(message.queue).waiting -= 1,
            Delivery::InFlight { timer, .. } => drop(state.timers.remove(&timer)),
        }
    }

    /// The message rests for `pause` and is handed out again, if the hold still stands.
    pub(crate) fn hand_back(&self, hold: &Hold<K>, pause: Duration) {
        let now = self.clock.monotonic();
        let mut state = lock(&self.state);
        state.renew(hold, now + pause, false);
        // At once, or for a waiter to wait for.
        state.return_expired(now);
        if let Some(queue) = state.messages.get(&hold.key).map(|m| m.queue) {
            state.queue_of(queue).arrived.notify_one();
        }
    }

    /// The hold begins anew, if it still stands.
    pub(crate) fn progress(&self, hold: &Hold<K>) {
        let until = self.clock.monotonic() + self.ack_wait;
        lock(&self.state).renew(hold, until, true);
    }
}

impl<Q: Copy + Eq + Hash, K: Clone + Eq + Hash, T: Clone> State<Q, K, T> {
    fn queue_of(&mut self, queue: Q) -> &mut FairQueue<K> {
        self.queues.entry(queue).or_insert_with(|| FairQueue {
            order: VecDeque::new(),
            by_tenant: HashMap::new(),
            waiting: 0,
            arrived: Arc::default(),
        })
    }

    fn enqueue(&mut self, queue: Q, tenant: &Tenant, key: K) {
        let waiting_line = self.queue_of(queue);
        let line = waiting_line.by_tenant.entry(tenant.clone()).or_default();
        if line.is_empty() {
            waiting_line.order.push_back(tenant.clone());
        }
        line.push_back(key);
        waiting_line.waiting += 1;
        waiting_line.arrived.notify_one();
    }

    fn renew(&mut self, hold: &Hold<K>, until: Duration, keep: bool) {
        self.count += 1;
        let fresh = self.count;
        let Some(message) = self.messages.get_mut(&hold.key) else { return };
        let Delivery::InFlight { hold: current, timer } = &mut message.delivery else { return };
        if *current != hold.hold {
            return;
        }
        self.timers.remove(timer);
        *timer = (until, fresh);
        self.timers.insert(*timer, hold.key.clone());
        if !keep {
            *current = fresh;
        }
    }

    /// Puts messages whose lease has run out back into their queues.
    fn return_expired(&mut self, now: Duration) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let key = entry.remove();
            let Some(message) = self.messages.get_mut(&key) else { continue };
            message.delivery = Delivery::Waiting;
            let (queue, tenant) = (message.queue, message.tenant.clone());
            self.enqueue(queue, &tenant, key);
        }
    }

    fn take(&mut self, queue: Q, until: Duration) -> Option<(Hold<K>, T, u64)> {
        self.count += 1;
        let hold = self.count;
        let waiting_line = self.queues.get_mut(&queue)?;
        loop {
            let tenant = waiting_line.order.pop_front()?;
            let line = waiting_line.by_tenant.get_mut(&tenant)?;
            let key = line.pop_front()?;
            if line.is_empty() {
                waiting_line.by_tenant.remove(&tenant);
            } else {
                waiting_line.order.push_back(tenant);
            }
            let Some(message) = self.messages.get_mut(&key) else { continue };
            if !matches!(message.delivery, Delivery::Waiting) || message.queue != queue {
                continue;
            }
            let timer = (until, hold);
            message.deliveries += 1;
            message.delivery = Delivery::InFlight { hold, timer };
            self.timers.insert(timer, key.clone());
            waiting_line.waiting -= 1;
            if waiting_line.waiting > 0 {
                // The next waiter may have been reported of a message that this one took.
                waiting_line.arrived.notify_one();
            }
            let hold = Hold { key, message: message.number, hold };
            return Some((hold, message.value.clone(), message.deliveries));
        }
    }
}
