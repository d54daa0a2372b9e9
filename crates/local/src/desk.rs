//! A queue in memory with leases: one message for each key at a time, handed out in turns between tenants, handed out again
//! when its holder neither acks nor reports progress within the ack wait. What both local queues are made of.
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

enum Place {
    /// In its queue.
    Waiting,
    /// With somebody, or resting, until then (on the monotonic clock); `hold` tells one hold from another and `timer`
    /// is its entry among the timers.
    Away { hold: u64, timer: (Duration, u64) },
}

struct Message<Q, T> {
    /// Tells this message from earlier and later ones of the same key: a late ack must not take off its successor.
    number: u64,
    queue: Q,
    tenant: Tenant,
    value: T,
    deliveries: u64,
    place: Place,
}

/// The waiting messages of one sub-queue. Keys of messages that are gone or away may still stand in it: they are passed
/// over, so that taking one out of the middle costs nothing.
struct Turns<K> {
    order: VecDeque<Tenant>,
    lines: HashMap<Tenant, VecDeque<K>>,
    waiting: u64,
    arrived: Arc<Notify>,
}

struct State<Q, K, T> {
    messages: HashMap<K, Message<Q, T>>,
    queues: HashMap<Q, Turns<K>>,
    /// When messages that are away come back.
    timers: BTreeMap<(Duration, u64), K>,
    count: u64,
}

/// The queue; `Q` names a sub-queue, `K` a message.
pub(crate) struct Desk<Q, K, T> {
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

impl<Q, K, T> Desk<Q, K, T>
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
        let message = Message { number, queue, tenant: tenant_of, value, deliveries: 0, place: Place::Waiting };
        state.messages.insert(key.clone(), message);
        state.line_up(queue, tenant, key.clone());
        Published::Queued
    }

    /// Waits for a message of a sub-queue: its hold, value and number of deliveries.
    pub(crate) async fn next(&self, queue: Q) -> Result<(Hold<K>, T, u64), QueueError> {
        loop {
            let now = self.clock.monotonic();
            let (arrived, soonest) = {
                let mut state = lock(&self.state);
                state.bring_back(now);
                if let Some(taken) = state.take(queue, now + self.ack_wait) {
                    return Ok(taken);
                }
                let soonest = state.timers.first_key_value().map(|((until, _), _)| *until);
                (state.turns(queue).arrived.clone(), soonest)
            };
            // What arrives between the lock and here has left its word in `arrived`.
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

    pub(crate) fn waiting(&self, queue: Q) -> u64 {
        let now = self.clock.monotonic();
        let mut state = lock(&self.state);
        state.bring_back(now);
        state.turns(queue).waiting
    }

    /// The message is done with, one way or another. A holder whose time ran out may still be right that the work is done.
    pub(crate) fn remove(&self, hold: &Hold<K>) {
        let mut state = lock(&self.state);
        if state.messages.get(&hold.key).is_none_or(|message| message.number != hold.message) {
            return;
        }
        let Some(message) = state.messages.remove(&hold.key) else { return };
        match message.place {
            Place::Waiting => state.turns(message.queue).waiting -= 1,
            Place::Away { timer, .. } => drop(state.timers.remove(&timer)),
        }
    }

    /// The message rests for `pause` and is handed out again, if the hold still stands.
    pub(crate) fn hand_back(&self, hold: &Hold<K>, pause: Duration) {
        let now = self.clock.monotonic();
        let mut state = lock(&self.state);
        state.away(hold, now + pause, false);
        // At once, or for a waiter to wait for.
        state.bring_back(now);
        if let Some(queue) = state.messages.get(&hold.key).map(|m| m.queue) {
            state.turns(queue).arrived.notify_one();
        }
    }

    /// The hold begins anew, if it still stands.
    pub(crate) fn progress(&self, hold: &Hold<K>) {
        let until = self.clock.monotonic() + self.ack_wait;
        lock(&self.state).away(hold, until, true);
    }
}

impl<Q: Copy + Eq + Hash, K: Clone + Eq + Hash, T: Clone> State<Q, K, T> {
    fn turns(&mut self, queue: Q) -> &mut Turns<K> {
        self.queues.entry(queue).or_insert_with(|| Turns {
            order: VecDeque::new(),
            lines: HashMap::new(),
            waiting: 0,
            arrived: Arc::default(),
        })
    }

    fn line_up(&mut self, queue: Q, tenant: &Tenant, key: K) {
        let turns = self.turns(queue);
        let line = turns.lines.entry(tenant.clone()).or_default();
        if line.is_empty() {
            turns.order.push_back(tenant.clone());
        }
        line.push_back(key);
        turns.waiting += 1;
        turns.arrived.notify_one();
    }

    fn away(&mut self, hold: &Hold<K>, until: Duration, keep: bool) {
        self.count += 1;
        let fresh = self.count;
        let Some(message) = self.messages.get_mut(&hold.key) else { return };
        let Place::Away { hold: current, timer } = &mut message.place else { return };
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

    /// Puts messages whose time away is over back into their queues.
    fn bring_back(&mut self, now: Duration) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let key = entry.remove();
            let Some(message) = self.messages.get_mut(&key) else { continue };
            message.place = Place::Waiting;
            let (queue, tenant) = (message.queue, message.tenant.clone());
            self.line_up(queue, &tenant, key);
        }
    }

    fn take(&mut self, queue: Q, until: Duration) -> Option<(Hold<K>, T, u64)> {
        self.count += 1;
        let hold = self.count;
        let turns = self.queues.get_mut(&queue)?;
        loop {
            let tenant = turns.order.pop_front()?;
            let line = turns.lines.get_mut(&tenant)?;
            let key = line.pop_front()?;
            if line.is_empty() {
                turns.lines.remove(&tenant);
            } else {
                turns.order.push_back(tenant);
            }
            let Some(message) = self.messages.get_mut(&key) else { continue };
            if !matches!(message.place, Place::Waiting) || message.queue != queue {
                continue;
            }
            let timer = (until, hold);
            message.deliveries += 1;
            message.place = Place::Away { hold, timer };
            self.timers.insert(timer, key.clone());
            turns.waiting -= 1;
            if turns.waiting > 0 {
                // The next waiter may have been told of a message that this one took.
                turns.arrived.notify_one();
            }
            let hold = Hold { key, message: message.number, hold };
            return Some((hold, message.value.clone(), message.deliveries));
        }
    }
}
