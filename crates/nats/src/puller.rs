//! Pulling messages on demand from one or many consumers of a work queue, taking turns between those that have
//! something.
//!
//! A message is asked for only while somebody waits for one, for a message in the hand of a busy process is a message
//! that nobody works on. Every consumer that was last seen empty has one standing request, so that what arrives is here
//! at once; consumers that have more are asked in turns. Since a request cannot be taken back, a message may come when
//! nobody waits any more: it is kept for the next caller, and handed back after a second.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_nats::{
    StatusCode,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, pull},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{error::NatsError, link::Link};

/// How long the server keeps a request. One that it forgot without a word costs at most this.
const EXPIRES: Duration = Duration::from_secs(10);
/// How long a message that nobody waits for is kept.
const KEEP: Duration = Duration::from_secs(1);
/// A consumer that answered with an error is left alone for this long.
const REST: Duration = Duration::from_millis(200);
/// Messages that may be in hand at one time: every worker's slots and every coordinator's places, and then some. Far
/// above what a fleet holds, yet a bound on what the server keeps in memory for a consumer.
const MAX_ACK_PENDING: i64 = 65_536;
/// Requests that may stand at one consumer.
const MAX_WAITING: i64 = 16_384;

/// A consumer and the subject that it serves.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    /// Its durable name.
    pub(crate) name: String,
    /// Which messages it serves.
    pub(crate) filter: String,
}

/// Pulls from the consumers of a stream.
pub(crate) struct Puller {
    shared: Arc<Shared>,
    _stop: DropGuard,
}

struct Shared {
    ready: Mutex<Ready>,
    arrived: Notify,
    wanted: AtomicUsize,
    more: Notify,
}

#[derive(Default)]
struct Ready {
    messages: VecDeque<(Instant, jetstream::Message)>,
    failure: Option<NatsError>,
}

impl Shared {
    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller that waits.
struct Wanting<'a>(&'a Shared);

impl<'a> Wanting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.wanted.fetch_add(1, Ordering::SeqCst);
        shared.more.notify_one();
        Self(shared)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.wanted.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Puller {
    /// Pulls from `consumers` of `stream`, at most `ahead` messages more than somebody waits for.
    pub(crate) fn new(link: Arc<Link>, stream: String, consumers: Vec<Consumer>, ahead: usize) -> Self {
        let shared = Arc::new(Shared {
            ready: Mutex::default(),
            arrived: Notify::new(),
            wanted: AtomicUsize::new(0),
            more: Notify::new(),
        });
        let stop = CancellationToken::new();
        let actor = Actor {
            inbox: link.client.new_inbox(),
            by_name: consumers.iter().enumerate().map(|(n, consumer)| (consumer.name.clone(), n)).collect(),
            consumers: consumers.into_iter().map(State::new).collect(),
            turn: 0,
            shared: shared.clone(),
            link,
            stream,
            ahead,
        };
        tokio::spawn(actor.run(stop.clone()));
        Self { shared, _stop: stop.drop_guard() }
    }

    /// The next message. A caller that goes away takes none with it.
    pub(crate) async fn next(&self) -> Result<jetstream::Message, NatsError> {
        let _wanting = Wanting::new(&self.shared);
        loop {
            let arrived = self.shared.arrived.notified();
            {
                let mut ready = self.shared.ready();
                if let Some((_, message)) = ready.messages.pop_front() {
                    return Ok(message);
                }
                if let Some(failure) = ready.failure.take() {
                    return Err(failure);
                }
            }
            arrived.await;
        }
    }
}

/// What is known of a consumer.
struct State {
    consumer: Consumer,
    /// Whether the consumer is known to be there.
    made: bool,
    /// When the requests that stand end.
    asked: VecDeque<Instant>,
    /// What waits in it, as the last message said.
    pending: u64,
    rest: Option<Instant>,
}

impl State {
    fn new(consumer: Consumer) -> Self {
        Self { consumer, made: false, asked: VecDeque::new(), pending: 0, rest: None }
    }
}

struct Actor {
    link: Arc<Link>,
    stream: String,
    inbox: String,
    consumers: Vec<State>,
    by_name: HashMap<String, usize>,
    turn: usize,
    ahead: usize,
    shared: Arc<Shared>,
}

impl Actor {
    async fn run(mut self, stop: CancellationToken) {
        let mut answers = loop {
            match self.link.client.subscribe(format!("{}.*", self.inbox)).await {
                Ok(answers) => break answers,
                // Only a client that was shut down refuses.
                Err(error) => self.failure(NatsError::new(&self.stream, error)),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
        };
        let mut connections = self.link.connections();
        loop {
            self.hand_back(Some(Instant::now())).await;
            let wake = self.ask().await;
            tokio::select! {
                () = stop.cancelled() => break,
                answer = answers.next() => match answer {
                    Some(answer) => self.take(answer),
                    None => return self.failure(NatsError::new(&self.stream, "the connection is closed")),
                },
                () = self.shared.more.notified() => {}
                _ = connections.changed() => {
                    // The server has forgotten our requests, perhaps the consumers too.
                    for state in &mut self.consumers {
                        state.asked.clear();
                        state.made = false;
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        // Nothing comes any more once nobody listens; what is here goes back.
        let _ = answers.unsubscribe().await;
        while let Some(answer) = answers.next().await {
            self.take(answer);
        }
        self.hand_back(None).await;
    }

    fn failure(&self, failure: NatsError) {
        self.shared.ready().failure = Some(failure);
        self.shared.arrived.notify_one();
    }

    fn take(&mut self, answer: async_nats::Message) {
        if let Some(status) = answer.status {
            let number = answer.subject.rsplit('.').next().and_then(|n| n.parse::<usize>().ok());
            let Some(state) = number.and_then(|n| self.consumers.get_mut(n)) else { return };
            match status {
                StatusCode::IDLE_HEARTBEAT => return,
                StatusCode::NOT_FOUND | StatusCode::TIMEOUT => state.pending = 0,
                // Nobody there, or the consumer was deleted, or its leader moved.
                _ => {
                    tracing::debug!(consumer = state.consumer.name, %status, reason = answer.description, "a pull ended");
                    state.made = false;
                    state.rest = Some(Instant::now() + REST.mul_f64(rand::random_range(0.5..1.0)));
                }
            }
            state.asked.pop_front();
            return;
        }
        let message = jetstream::Message { message: answer, context: self.link.jetstream.clone() };
        if let Ok(info) = message.info()
            && let Some(state) = self.by_name.get(info.consumer).and_then(|n| self.consumers.get_mut(*n))
        {
            state.asked.pop_front();
            state.pending = info.pending;
        }
        self.shared.ready().messages.push_back((Instant::now(), message));
        self.shared.arrived.notify_one();
    }

    /// Asks for what is wanted; when to look again.
    async fn ask(&mut self) -> Instant {
        let now = Instant::now();
        for state in &mut self.consumers {
            state.asked.retain(|ends| *ends > now);
            state.rest = state.rest.filter(|until| *until > now);
        }
        let wanted = self.shared.wanted.load(Ordering::SeqCst);
        let ready = self.shared.ready().messages.len();
        if wanted > ready {
            // What is still to come from consumers that have something; the standing requests of empty ones do not
            // count.
            let coming: usize = self.consumers.iter().filter(|d| d.pending > 0).map(|d| d.asked.len()).sum();
            let mut want = (wanted + self.ahead).saturating_sub(ready + coming);
            if self.consumers.len() == 1 {
                // One consumer: empty or not, as many requests as callers.
                want = (wanted - ready).saturating_sub(self.consumers[0].asked.len());
            }
            self.ask_consumers(want).await;
        }
        let mut wake = now + Duration::from_secs(1);
        for state in &self.consumers {
            wake = state.asked.iter().copied().chain(state.rest).fold(wake, Instant::min);
        }
        wake.max(now + Duration::from_millis(10))
    }

    async fn ask_consumers(&mut self, mut want: usize) {
        self.make_consumers().await;
        let count = self.consumers.len();
        // One round over the consumers, beginning behind the one that was asked last.
        let first = self.turn;
        for step in 0..count {
            let at = (first + step) % count;
            let state = &self.consumers[at];
            if state.rest.is_some() {
                continue;
            }
            let empty = state.pending == 0;
            let requests = match (count, empty) {
                (1, _) => want,
                (_, true) => usize::from(state.asked.is_empty()),
                (_, false) => usize::from(want > 0 && (state.asked.len() as u64) < state.pending),
            };
            for _ in 0..requests {
                if let Err(error) = self.request(at).await {
                    self.consumers[at].rest = Some(Instant::now() + REST);
                    self.failure(error);
                    break;
                }
            }
            if !empty && requests > 0 {
                want = want.saturating_sub(requests);
                self.turn = (at + 1) % count;
            }
        }
    }

    /// Makes the consumers that are not known to be there, several at once: a lane has one for each shard.
    async fn make_consumers(&mut self) {
        let missing: Vec<usize> = (0..self.consumers.len()).filter(|at| !self.consumers[*at].made).collect();
        let (link, stream) = (&self.link, &self.stream);
        let making = missing.into_iter().map(|at| {
            let consumer = self.consumers[at].consumer.clone();
            async move { (at, make(link, stream, &consumer).await) }
        });
        let made: Vec<_> = futures::stream::iter(making).buffer_unordered(16).collect().await;
        for (at, made) in made {
            match made {
                Ok(()) => self.consumers[at].made = true,
                Err(error) => {
                    self.consumers[at].rest = Some(Instant::now() + REST);
                    self.failure(error);
                }
            }
        }
    }

    async fn request(&mut self, at: usize) -> Result<(), NatsError> {
        let state = &self.consumers[at];
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.stream, state.consumer.name);
        let question = if self.consumers.len() > 1 && state.pending > 0 {
            // Another process may have emptied it meanwhile: then the answer is no, at once, and another's turn comes.
            json!({ "batch": 1, "no_wait": true })
        } else {
            json!({ "batch": 1, "expires": EXPIRES.as_nanos() as u64 })
        };
        let question = question.to_string();
        let sent = self.link.client.publish_with_reply(subject, format!("{}.{at}", self.inbox), question.into()).await;
        sent.map_err(|e| NatsError::new(&self.stream, e))?;
        self.consumers[at].asked.push_back(Instant::now() + EXPIRES + Duration::from_millis(500));
        Ok(())
    }

    /// Hands back what nobody waits for: what is too old by `now`, or everything.
    async fn hand_back(&mut self, now: Option<Instant>) {
        let old: Vec<_> = {
            let mut ready = self.shared.ready();
            let keep = |arrived: Instant| now.is_some_and(|now| now < arrived + KEEP);
            let old = ready.messages.iter().take_while(|(arrived, _)| !keep(*arrived)).count();
            ready.messages.drain(..old).collect()
        };
        for (_, message) in old {
            if let Some(reply) = &message.reply {
                // If the server does not hear it, the ack wait brings the message back.
                let _ = self.link.client.publish(reply.clone(), Bytes::from(AckKind::Nak(None))).await;
            }
        }
    }
}

/// Makes a consumer, or makes sure that the one there will do.
pub(crate) async fn make(link: &Link, stream: &str, consumer: &Consumer) -> Result<(), NatsError> {
    let config = pull::Config {
        durable_name: Some(consumer.name.clone()),
        filter_subject: consumer.filter.clone(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: link.options.ack_wait,
        // Unlimited: at a limit, the server would keep the message for ever and refuse its subject. Who is given a
        // message too often says so.
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
        max_waiting: MAX_WAITING,
        ..pull::Config::default()
    };
    let place = format!("{stream}/{}", consumer.name);
    let mut tries = link.tries();
    loop {
        // Most often it is there.
        let there = link.jetstream.get_consumer_from_stream::<pull::Config, _, _>(&consumer.name, stream).await;
        if let Ok(there) = there {
            let there = &there.cached_info().config;
            if there.ack_wait != config.ack_wait {
                let (there, wanted) = (there.ack_wait, config.ack_wait);
                let what = format!("its ack wait is {there:?}, this process was given {wanted:?}; they must agree");
                return Err(NatsError::new(place, what));
            }
            if (&there.filter_subject, there.max_deliver, there.ack_policy)
                != (&config.filter_subject, config.max_deliver, config.ack_policy)
            {
                return Err(NatsError::new(place, "the consumer there is not ours; delete it, and it is made anew"));
            }
            return Ok(());
        }
        // Strictly: had somebody made another one meanwhile, it would be changed under their hands.
        match link.jetstream.create_consumer_strict_on_stream(config.clone(), stream.to_owned()).await {
            Ok(_) => return Ok(()),
            Err(error) => tries.again(&place, error).await?,
        }
    }
}
