//! One simulation, from a seed to its outcome: the members and their lives, who submits, what goes wrong when, and the
//! end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use layergate_fleet::{
    coordinator::{Coordinator, CoordinatorConfig, CoordinatorPorts},
    worker::{Worker, WorkerConfig, WorkerPorts},
};
use layergate_local::{LocalJobs, LocalLayers, MemoryCache, MemoryFailures, MemoryVerdicts};
use layergate_model::Limits;
use layergate_ports::{
    FailureStore, JobQueue, LayerCache, LayerQueue, Published, VerdictStore,
    values::{Fingerprint, Job, JobId, KeyScope, Lane, PolicyOverrides, Tenant},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::Catalogue,
    net::{Life, Link, Net, lock},
    oracle::{Bounds, Oracle, job_id},
    outcome::Outcome,
    plan::Plan,
    queues::{SimJobs, SimLayers},
    rng::Rng,
    stores::{SimCache, SimFailures, SimVerdicts},
    world::{self, OPENING, RATE, SimClock, SimEvaluator, SimObserver, SimReader, SimSource, wall},
};

const ACK_WAIT: Duration = Duration::from_secs(30);
const SLOTS: usize = 2;
const BYTE_BUDGET: u64 = 600 << 20;
/// Whoever submits has so many requests on their way.
const SUBMITTERS: usize = 64;
/// No verdict for so long while jobs are open is a hang.
const HANG: Duration = Duration::from_secs(40 * 60);
/// After the last verdict everything must be off the queues within this time.
const SETTLE: Duration = Duration::from_secs(20 * 60);
/// A tenth of the jobs are interactive, and one in fifty asks for an image that another one asks for.
const INTERACTIVE: f64 = 0.1;
const REPEATED: f64 = 0.02;
/// Every job's deadline.
const DEADLINE: Duration = Duration::from_secs(4 * 3600);

/// The process that runs in one place of the fleet now.
struct Place {
    life: Arc<Life>,
    stop: CancellationToken,
}

struct Sim {
    plan: Plan,
    fingerprint: Fingerprint,
    oracle: Arc<Oracle>,
    net: Arc<Net>,
    source: Arc<SimSource>,
    cache: Arc<dyn LayerCache>,
    layers: Arc<dyn LayerQueue>,
    jobs: Arc<dyn JobQueue>,
    failures: Arc<dyn FailureStore>,
    verdicts: Arc<dyn VerdictStore>,
    /// Coordinators first.
    places: Vec<Mutex<Place>>,
    speeds: Vec<f64>,
    skews: Vec<f64>,
    over: CancellationToken,
}

/// Runs a simulation in virtual time.
pub fn run(plan: &Plan) -> Result<Outcome, std::io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    // Made inside the runtime: outside of it time is not virtual.
    Ok(runtime.block_on(async { Sim::new(plan.clone()).play().await }))
}

impl Sim {
    fn new(plan: Plan) -> Arc<Self> {
        let catalogue = Arc::new(Catalogue::new(plan.seed, plan.images, plan.faults.poison));
        let limits = Limits::default();
        let scope = KeyScope { namespace: Default::default(), analyzers: "sim".into(), limits };
        let retry = layergate_fleet::decide::RetryPolicy::default();
        let bounds = Bounds {
            ack_wait: ACK_WAIT,
            byte_budget: BYTE_BUDGET,
            source_attempts: retry.source_attempts,
            quarantine_after: retry.quarantine_after,
            // Each coordinator fills the window by what it last heard; what workers lost comes back besides.
            waiting: (plan.coordinators * plan.workers + plan.workers * SLOTS) as u64,
            tardiness: Duration::from_secs(15 * 60),
            skew: plan.faults.skew,
        };
        let oracle = Oracle::new(catalogue, bounds);
        let server = Life::new(oracle.born());
        let clock = Arc::new(SimClock { oracle: oracle.clone(), life: server, skew: 0.0 });
        let members = plan.coordinators + plan.workers;
        // The last member of the network is whoever submits: it is never cut off for itself.
        let net = Net::new(plan.seed, plan.faults.clone(), members + 1);
        let mut rng = Rng::new(plan.seed, 3);
        let speeds = (0..members).map(|_| if rng.chance(plan.faults.stragglers) { 0.25 } else { 1.0 }).collect();
        let skew = plan.faults.skew.as_secs_f64();
        let skews = (0..members).map(|_| rng.between(-skew, skew)).collect();
        let place = || Mutex::new(Place { life: Life::new(0), stop: CancellationToken::new() });
        let room = 2 * plan.images + 10_000;
        let layers = || Arc::new(LocalLayers::new(clock.clone(), ACK_WAIT, room));
        let sabotage = plan.sabotage;
        Arc::new(Self {
            fingerprint: scope.fingerprint(),
            source: Arc::new(SimSource::new(oracle.clone(), net.clone())),
            cache: sabotage.cache(Arc::new(MemoryCache::new(u64::MAX))),
            layers: sabotage.layers(layers(), layers()),
            jobs: sabotage.jobs(Arc::new(LocalJobs::new(clock.clone(), ACK_WAIT, room))),
            failures: Arc::new(MemoryFailures::new(clock.clone())),
            verdicts: sabotage.verdicts(Arc::new(MemoryVerdicts::new(room, 10_000))),
            places: (0..members).map(|_| place()).collect(),
            over: CancellationToken::new(),
            speeds,
            skews,
            oracle,
            net,
            plan,
        })
    }

    async fn play(self: Arc<Self>) -> Outcome {
        let asked = self.asked();
        let (ideal, layers) = self.ideal(asked.iter().map(|(image, _)| *image));
        for place in 0..self.places.len() {
            tokio::spawn(self.clone().live(place));
        }
        self.clone().trouble();
        self.clone().submit_all(&asked, ideal);
        let mut violated = false;
        loop {
            sleep(Duration::from_secs(1)).await;
            let (open, last) = self.oracle.open();
            if open == 0 || self.oracle.has_violations() {
                break;
            }
            if self.oracle.now() > last + HANG {
                let some = self.oracle.some_open().join(", ");
                self.oracle.accuse(format!("{open} jobs hang: no verdict since {last:?}; {some}"));
                violated = true;
                break;
            }
        }
        self.net.calm_down();
        let (interactive, bulk, last, sound) = if violated || self.oracle.has_violations() {
            Default::default()
        } else {
            self.settle().await;
            self.oracle.close(self.plan.images)
        };
        self.over.cancel();
        let at = |times: &[Duration], q: f64| {
            let at = (times.len() as f64 * q) as usize;
            times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default().as_secs_f64()
        };
        let (messages, faulty_messages) = self.net.counts();
        let references: usize = self.oracle.catalogue.images.iter().map(|i| i.layers.len()).sum();
        Outcome {
            violations: self.oracle.violations(),
            trace: format!("{:016x}", self.oracle.trace()),
            layers,
            layers_per_image: references as f64 / self.plan.images.max(1) as f64,
            ideal: ideal.as_secs_f64(),
            makespan: at(&sound, 1.0),
            nearly_all: at(&sound, 0.999),
            makespan_with_poison: last.as_secs_f64(),
            ratio: at(&sound, 1.0) / ideal.as_secs_f64().max(1e-9),
            interactive: [at(&interactive, 0.5), at(&interactive, 0.99)],
            bulk: [at(&bulk, 0.5), at(&bulk, 0.99)],
            messages,
            faulty_messages,
            counts: self.oracle.counts(),
        }
    }

    /// Each layer once, on sound workers, perfectly balanced; or the longest reading, if that takes longer.
    fn ideal(&self, images: impl Iterator<Item = usize>) -> (Duration, u64) {
        let wanted = self.oracle.catalogue.wanted(images);
        let all = wanted.iter().map(|n| self.oracle.catalogue.layers[*n as usize]);
        let times = || {
            let readable = all.clone().filter(|layer| layer.nature.is_readable());
            readable.map(|layer| OPENING.as_secs_f64() + layer.size as f64 / RATE)
        };
        let balanced = times().sum::<f64>() / (self.plan.workers * SLOTS).max(1) as f64;
        let longest = times().fold(0.0, f64::max);
        (Duration::from_secs_f64(balanced.max(longest)), wanted.len() as u64)
    }

    /// Once every job has its verdict, nothing may be left in the queues.
    async fn settle(&self) {
        let begun = self.oracle.now();
        loop {
            let mut left = self.layers.waiting(&self.fingerprint).await.unwrap_or(u64::MAX);
            for lane in Lane::ALL {
                left += self.jobs.waiting(lane).await.unwrap_or(u64::MAX);
            }
            // What is held and not acked comes back within an ack wait.
            if left == 0 && self.oracle.now() > begun + 2 * ACK_WAIT {
                return;
            }
            if self.oracle.now() > begun + SETTLE {
                return self.oracle.accuse(format!("{left} messages are left in the queues"));
            }
            sleep(Duration::from_secs(5)).await;
        }
    }

    /// The lives of one place, one after the other.
    async fn live(self: Arc<Self>, place: usize) {
        let mut rng = Rng::new(self.plan.seed, 1000 + place as u64);
        while !self.over.is_cancelled() {
            let life = Life::new(self.oracle.born());
            let stop = CancellationToken::new();
            *lock(&self.places[place]) = Place { life: life.clone(), stop: stop.clone() };
            let process = self.start(place, life.clone(), stop);
            tokio::select! {
                biased;
                () = self.over.cancelled() => return life.kill(),
                () = life.killed() => {}
                _ = process => {}
            }
            let crashed = life.is_dead();
            self.oracle.died(life.id, crashed);
            // Whatever of it still runs after a stop in good order has let go of everything.
            life.kill();
            sleep(Duration::from_secs_f64(rng.between(0.5, 15.0))).await;
        }
    }

    fn start(&self, place: usize, life: Arc<Life>, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
        let link = Link { net: self.net.clone(), member: place, life: life.clone() };
        let (oracle, net) = (self.oracle.clone(), self.net.clone());
        let clock = Arc::new(SimClock { oracle: oracle.clone(), life: life.clone(), skew: self.skews[place] });
        let cache = Arc::new(SimCache { link: link.clone(), inner: self.cache.clone(), oracle: oracle.clone() });
        let layers = Arc::new(SimLayers { link: link.clone(), inner: self.layers.clone(), oracle: oracle.clone() });
        let failures =
            Arc::new(SimFailures { link: link.clone(), inner: self.failures.clone(), oracle: oracle.clone() });
        let observer = Arc::new(SimObserver(oracle.clone()));
        if place < self.plan.coordinators {
            let ports = CoordinatorPorts {
                source: self.source.clone(),
                cache,
                layers,
                jobs: Arc::new(SimJobs { link: link.clone(), inner: self.jobs.clone(), oracle: oracle.clone() }),
                verdicts: Arc::new(SimVerdicts { link, inner: self.verdicts.clone(), oracle: oracle.clone() }),
                failures,
                clock,
                evaluator: Arc::new(SimEvaluator { oracle }),
                observer,
            };
            let mut config = CoordinatorConfig::new(self.fingerprint, Limits::default());
            config.ack_wait = ACK_WAIT;
            config.bulk_window = self.plan.workers as u64;
            let coordinator = Coordinator::new(ports, config);
            return tokio::spawn(async move {
                loop {
                    // A coordinator that cannot even begin to watch ends, and is started again as by systemd.
                    match coordinator.run(stop.clone()).await {
                        Ok(()) => return,
                        Err(_) => sleep(Duration::from_secs(1)).await,
                    }
                }
            });
        }
        let reader = Arc::new(SimReader { oracle: oracle.clone(), net, life: life.clone(), speed: self.speeds[place] });
        let ports =
            WorkerPorts { source: self.source.clone(), cache, queue: layers, failures, clock, reader, observer };
        let mut config = WorkerConfig::new(self.fingerprint);
        config.ack_wait = ACK_WAIT;
        config.slots = SLOTS;
        config.byte_budget = BYTE_BUDGET;
        let worker = Worker::new(ports, config);
        tokio::spawn(async move { worker.run(stop).await })
    }

    /// Everything that goes wrong by itself, each kind in a loop of its own.
    fn trouble(self: Arc<Self>) {
        let faults = &self.plan.faults;
        let coordinators = 0..self.plan.coordinators;
        let workers = self.plan.coordinators..self.places.len();
        let kill = |sim: &Self, place: usize, _: &mut Rng| lock(&sim.places[place]).life.kill();
        let stop = |sim: &Self, place: usize, _: &mut Rng| lock(&sim.places[place]).stop.cancel();
        let cut = |sim: &Self, place: usize, rng: &mut Rng| {
            sim.net.cut(place, Duration::from_secs_f64(rng.between(1.0, 90.0)));
        };
        let gone = |sim: &Self, _: usize, rng: &mut Rng| {
            sim.net.server_gone(Duration::from_secs_f64(rng.between(1.0, 12.0)));
        };
        type Strike = fn(&Sim, usize, &mut Rng);
        let troubles: [(Option<Duration>, std::ops::Range<usize>, Strike); 7] = [
            (faults.worker_killed, workers.clone(), kill),
            (faults.worker_stopped, workers.clone(), stop),
            (faults.worker_cut, workers, cut),
            (faults.coordinator_killed, coordinators.clone(), kill),
            (faults.coordinator_stopped, coordinators.clone(), stop),
            (faults.coordinator_cut, coordinators, cut),
            (faults.server_gone, 0..1, gone),
        ];
        for (n, (every, places, strike)) in troubles.into_iter().enumerate() {
            let Some(every) = every else { continue };
            let sim = self.clone();
            let mut rng = Rng::new(self.plan.seed, 100 + n as u64);
            tokio::spawn(async move {
                loop {
                    // So many members, so much sooner one of them.
                    let mean = every.as_secs_f64() / places.len() as f64;
                    sleep(Duration::from_secs_f64(rng.exponential(mean))).await;
                    if sim.net.is_quiet() {
                        return;
                    }
                    let place = places.start + rng.below(places.len());
                    strike(&sim, place, &mut rng);
                }
            });
        }
    }

    /// Each job's image and lane.
    fn asked(&self) -> Vec<(usize, Lane)> {
        let mut rng = Rng::new(self.plan.seed, 4);
        let jobs = (0..self.plan.images).map(|n| {
            let image = if n > 0 && rng.chance(REPEATED) { rng.below(n) } else { n };
            (image, if rng.chance(INTERACTIVE) { Lane::Interactive } else { Lane::Bulk })
        });
        jobs.collect()
    }

    /// Bulk jobs at once, interactive ones evenly over the time that an ideal fleet would need.
    fn submit_all(self: Arc<Self>, asked: &[(usize, Lane)], ideal: Duration) {
        let mut lanes: [Vec<(usize, usize)>; 2] = Default::default();
        for (n, (image, lane)) in asked.iter().enumerate() {
            self.oracle.job(*image, *lane, DEADLINE);
            lanes[usize::from(*lane == Lane::Bulk)].push((n, *image));
        }
        for (lane, jobs) in Lane::ALL.into_iter().zip(lanes) {
            let pause = if lane == Lane::Interactive { ideal / jobs.len().max(1) as u32 } else { Duration::ZERO };
            let jobs = Arc::new((jobs, AtomicUsize::new(0)));
            for submitter in 0..SUBMITTERS {
                let (sim, jobs) = (self.clone(), jobs.clone());
                tokio::spawn(async move {
                    sleep(pause * submitter as u32).await;
                    loop {
                        let next = jobs.1.fetch_add(1, Ordering::Relaxed);
                        let Some((n, image)) = jobs.0.get(next) else { return };
                        sim.submit(*n, *image, lane).await;
                        sleep(pause * SUBMITTERS as u32).await;
                    }
                });
            }
        }
    }

    async fn submit(&self, n: usize, image: usize, lane: Lane) {
        let app = self.oracle.catalogue.images[image].app;
        let (Some(locator), Ok(id)) = (world::locator(image, app), JobId::new(&job_id(n))) else {
            return self.oracle.accuse(format!("image {image} has no name"));
        };
        let tenant = Tenant::new(&format!("team{}", app % 7)).unwrap_or_default();
        let job = Job {
            id,
            image: locator,
            platforms: Default::default(),
            credential: None,
            policy: PolicyOverrides::default(),
            lane,
            tenant,
            idempotency_key: None,
            snapshot: None,
            as_of: String::new(),
            submitted_at: wall(self.oracle.now(), 0.0),
            deadline: wall(DEADLINE, 0.0),
            trace: None,
        };
        let life = Life::new(0);
        let link = Link { net: self.net.clone(), member: self.places.len(), life };
        let queue = SimJobs { link, inner: self.jobs.clone(), oracle: self.oracle.clone() };
        self.oracle.submitted(n);
        // A submission that was not confirmed is sent again; the job's id makes it one job.
        while !matches!(queue.submit(&job).await, Ok(Published::Queued | Published::InFlight)) {
            sleep(Duration::from_millis(500)).await;
        }
    }
}
