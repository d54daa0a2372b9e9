//! The network between a member and the server, and the life of a member: every call of every port goes through here and is
//! late, lost, doubled or cut off as the seed says.
//!
//! A crash is an unwinding: from the moment that a member is dead, each of its futures that waits in a port unwinds (which
//! drops it, with all that it holds), and none gets through to the server any more. A request that is on its way arrives
//! all the same. Between two calls of ports a member changes nothing outside itself, so that this is a crash at any
//! await point.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use layergate_ports::{CacheError, QueueError, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{faults::Faults, rng::Rng};

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run of one process.
pub(crate) struct Life {
    /// Unique in the simulation.
    pub(crate) id: u32,
    dead: AtomicBool,
    killed: CancellationToken,
}

impl Life {
    pub(crate) fn new(id: u32) -> Arc<Self> {
        Arc::new(Self { id, dead: AtomicBool::new(false), killed: CancellationToken::new() })
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.killed.cancel();
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) async fn killed(&self) {
        self.killed.cancelled().await;
    }

    /// Goes on only with the living.
    pub(crate) fn check(&self) {
        if self.is_dead() {
            // Not a panic: no hook is called, nothing is printed; the executor drops the task.
            std::panic::resume_unwind(Box::new("killed"));
        }
    }

    /// Waits for something, unless the member is killed meanwhile.
    pub(crate) async fn live<T>(&self, what: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.killed() => {}
            value = what => return value,
        }
        self.check();
        std::future::pending().await
    }
}

/// No answer came in time; whether the request arrived nobody knows.
#[derive(Debug)]
pub(crate) struct Lost;

impl From<Lost> for CacheError {
    fn from(_: Lost) -> Self {
        Self { place: "server".into(), what: "no answer".into() }
    }
}

impl From<Lost> for StoreError {
    fn from(_: Lost) -> Self {
        Self { place: "server".into(), what: "no answer".into(), full: false }
    }
}

impl From<Lost> for QueueError {
    fn from(_: Lost) -> Self {
        Self::Unavailable { place: "server".into(), what: "no answer".into() }
    }
}

enum Fate {
    Clean { there: Duration, back: Duration, again: Option<Duration> },
    LostThere,
    LostBack { there: Duration },
    Late { there: Duration },
}

/// What becomes of something that the server sends of its own accord.
pub(crate) enum Sent {
    Arrives,
    Late(Duration),
    Twice(Duration),
    Lost,
    /// The connection is gone.
    Cut,
}

struct State {
    rng: Rng,
    /// Until when each member is cut off.
    cut: Vec<Instant>,
    gone: Instant,
    messages: u64,
    faults: u64,
}

/// The network.
pub(crate) struct Net {
    pub(crate) faults: Faults,
    quiet: AtomicBool,
    state: Mutex<State>,
}

impl Net {
    pub(crate) fn new(seed: u64, faults: Faults, members: usize) -> Arc<Self> {
        let now = Instant::now();
        let state = State { rng: Rng::new(seed, 2), cut: vec![now; members], gone: now, messages: 0, faults: 0 };
        Arc::new(Self { faults, quiet: AtomicBool::new(false), state: Mutex::new(state) })
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm_down(&self) {
        self.quiet.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.gone = now;
        state.cut.fill(now);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    pub(crate) fn cut(&self, member: usize, time: Duration) {
        lock(&self.state).cut[member] = Instant::now() + time;
    }

    pub(crate) fn server_gone(&self, time: Duration) {
        lock(&self.state).gone = Instant::now() + time;
    }

    /// Messages so far, and how many of them met a fault.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.messages, state.faults)
    }

    /// A fault of this probability, drawn now.
    pub(crate) fn strikes(&self, probability: f64) -> bool {
        !self.is_quiet() && lock(&self.state).rng.chance(probability)
    }

    pub(crate) fn between(&self, low: f64, high: f64) -> f64 {
        lock(&self.state).rng.between(low, high)
    }

    pub(crate) fn is_cut(&self, member: usize) -> bool {
        let state = lock(&self.state);
        state.cut[member].max(state.gone) > Instant::now()
    }

    fn fate(&self, member: usize) -> Fate {
        let now = Instant::now();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.messages += 2;
        let there = Duration::from_secs_f64(state.rng.between(0.000_3, 0.001_5));
        let back = Duration::from_secs_f64(state.rng.between(0.000_2, 0.001_0));
        if self.is_quiet() {
            return Fate::Clean { there, back, again: None };
        }
        let faults = &self.faults;
        let latest = faults.latest.as_secs_f64();
        let fate = if state.cut[member].max(state.gone) > now || state.rng.chance(faults.lost) {
            Fate::LostThere
        } else if state.rng.chance(faults.lost) {
            Fate::LostBack { there }
        } else if state.rng.chance(faults.late) {
            Fate::Late { there: Duration::from_secs_f64(state.rng.between(0.01, latest)) }
        } else if state.rng.chance(faults.twice) {
            let again = Some(Duration::from_secs_f64(state.rng.between(0.0, latest)));
            Fate::Clean { there, back, again }
        } else {
            return Fate::Clean { there, back, again: None };
        };
        state.faults += 1;
        fate
    }

    /// What becomes of an event on its way to a member.
    pub(crate) fn event(&self, member: usize) -> Sent {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.messages += 1;
        if self.is_quiet() {
            return Sent::Arrives;
        }
        if state.cut[member].max(state.gone) > Instant::now() {
            return Sent::Cut;
        }
        let rate = self.faults.event;
        if !state.rng.chance(3.0 * rate) {
            return Sent::Arrives;
        }
        state.faults += 1;
        let late = Duration::from_secs_f64(state.rng.between(0.0, self.faults.latest.as_secs_f64()));
        match state.rng.below(3) {
            0 => Sent::Lost,
            1 => Sent::Late(late),
            _ => Sent::Twice(late),
        }
    }

    /// What becomes of a delivery on its way to a member.
    pub(crate) fn delivery(&self, member: usize) -> Sent {
        let mut state = lock(&self.state);
        state.messages += 1;
        let time = Duration::from_secs_f64(state.rng.between(0.000_2, 0.001_0));
        if self.is_quiet() {
            return Sent::Late(time);
        }
        if state.cut[member].max(state.gone) > Instant::now() || state.rng.chance(self.faults.delivery_lost) {
            state.faults += 1;
            return Sent::Lost;
        }
        Sent::Late(time)
    }
}

/// A member's way to the server.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) net: Arc<Net>,
    pub(crate) member: usize,
    pub(crate) life: Arc<Life>,
}

impl Link {
    /// A request: `effect` is what the server does when it arrives, however often it does.
    pub(crate) async fn call<T, F, R>(&self, effect: F) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = T> + Send + 'static,
    {
        self.life.check();
        let answer = match self.net.fate(self.member) {
            Fate::Clean { there, back, again } => {
                sleep(there).await;
                self.life.check();
                let answer = effect().await;
                if let Some(again) = again {
                    tokio::spawn(async move {
                        sleep(again).await;
                        effect().await;
                    });
                }
                sleep(back).await;
                Ok(answer)
            }
            Fate::LostThere => {
                self.life.live(sleep(TIMEOUT)).await;
                Err(Lost)
            }
            Fate::LostBack { there } => {
                sleep(there).await;
                self.life.check();
                effect().await;
                self.life.live(sleep(TIMEOUT)).await;
                Err(Lost)
            }
            Fate::Late { there } => {
                let arriving = tokio::spawn(async move {
                    sleep(there).await;
                    effect().await
                });
                match self.life.live(tokio::time::timeout(TIMEOUT, arriving)).await {
                    Ok(Ok(answer)) => Ok(answer),
                    _ => Err(Lost),
                }
            }
        };
        self.life.check();
        answer
    }

    /// For long polls: an error after a while when there is no connection.
    pub(crate) async fn connected(&self) -> Result<(), Lost> {
        self.life.check();
        if self.net.is_cut(self.member) {
            self.life.live(sleep(TIMEOUT)).await;
            return Err(Lost);
        }
        Ok(())
    }
}
