//! What goes wrong, and how often: named sets of rates.

use std::time::Duration;

/// Rates of faults. Probabilities are for each message; intervals are means, for each member, of exponential
/// distributions. `None` is never.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// The set's name, as the command line has it.
    pub name: &'static str,
    /// A request or its answer is lost; each.
    pub lost: f64,
    /// A request is late, by up to [`Faults::latest`].
    pub late: f64,
    /// How late.
    pub latest: Duration,
    /// A request arrives twice, the second time late.
    pub twice: f64,
    /// A delivery of a task or job is lost on its way to whoever pulled it.
    pub delivery_lost: f64,
    /// The word that a layer is done is lost, late (so that it overtakes or is overtaken), or comes twice; each.
    pub event: f64,
    /// When a value is stored the cache loses another one, whichever.
    pub forgets: f64,
    /// A store refuses.
    pub refuses: f64,
    /// A registry does not answer this time; half of these say when to come again. At most twice for one layer or
    /// image.
    pub source: f64,
    /// A layer is read at a tenth of the speed.
    pub slow: f64,
    /// Workers that do everything at a quarter of the speed.
    pub stragglers: f64,
    /// A worker is killed.
    pub worker_killed: Option<Duration>,
    /// A worker is asked to stop, and started again.
    pub worker_stopped: Option<Duration>,
    /// A coordinator is killed.
    pub coordinator_killed: Option<Duration>,
    /// A coordinator is asked to stop, and started again.
    pub coordinator_stopped: Option<Duration>,
    /// A worker is cut off for a while.
    pub worker_cut: Option<Duration>,
    /// A coordinator is cut off for a while.
    pub coordinator_cut: Option<Duration>,
    /// The server is gone for some seconds.
    pub server_gone: Option<Duration>,
    /// Clocks of members differ by up to this, either way.
    pub skew: Duration,
    /// Layers that cannot be read are among the others.
    pub poison: bool,
}

const NONE: Faults = Faults {
    name: "none",
    lost: 0.0,
    late: 0.0,
    latest: Duration::from_secs(20),
    twice: 0.0,
    delivery_lost: 0.0,
    event: 0.0,
    forgets: 0.0,
    refuses: 0.0,
    source: 0.0,
    slow: 0.0,
    stragglers: 0.0,
    worker_killed: None,
    worker_stopped: None,
    coordinator_killed: None,
    coordinator_stopped: None,
    worker_cut: None,
    coordinator_cut: None,
    server_gone: None,
    skew: Duration::ZERO,
    poison: false,
};

const LIGHT: Faults = Faults {
    name: "light",
    lost: 0.000_5,
    late: 0.000_5,
    twice: 0.000_5,
    delivery_lost: 0.000_2,
    event: 0.001,
    forgets: 0.001,
    refuses: 0.000_2,
    source: 0.002,
    slow: 0.001,
    stragglers: 0.01,
    worker_killed: Some(Duration::from_secs(120 * 60)),
    worker_stopped: Some(Duration::from_secs(120 * 60)),
    coordinator_killed: Some(Duration::from_secs(60 * 60)),
    coordinator_stopped: None,
    worker_cut: Some(Duration::from_secs(240 * 60)),
    coordinator_cut: None,
    server_gone: None,
    skew: Duration::from_millis(100),
    poison: true,
    ..NONE
};

const STANDARD: Faults = Faults {
    name: "standard",
    lost: 0.003,
    late: 0.003,
    twice: 0.003,
    delivery_lost: 0.002,
    event: 0.01,
    forgets: 0.01,
    refuses: 0.001,
    source: 0.01,
    slow: 0.005,
    stragglers: 0.03,
    worker_killed: Some(Duration::from_secs(15 * 60)),
    worker_stopped: Some(Duration::from_secs(20 * 60)),
    coordinator_killed: Some(Duration::from_secs(4 * 60)),
    coordinator_stopped: Some(Duration::from_secs(8 * 60)),
    worker_cut: Some(Duration::from_secs(30 * 60)),
    coordinator_cut: Some(Duration::from_secs(5 * 60)),
    server_gone: Some(Duration::from_secs(5 * 60)),
    skew: Duration::from_secs(2),
    poison: true,
    ..NONE
};

const HEAVY: Faults = Faults {
    name: "heavy",
    lost: 0.02,
    late: 0.02,
    twice: 0.02,
    delivery_lost: 0.02,
    event: 0.1,
    forgets: 0.05,
    refuses: 0.01,
    source: 0.05,
    slow: 0.02,
    stragglers: 0.1,
    worker_killed: Some(Duration::from_secs(3 * 60)),
    worker_stopped: Some(Duration::from_secs(5 * 60)),
    coordinator_killed: Some(Duration::from_secs(60)),
    coordinator_stopped: Some(Duration::from_secs(3 * 60)),
    worker_cut: Some(Duration::from_secs(4 * 60)),
    coordinator_cut: Some(Duration::from_secs(2 * 60)),
    server_gone: Some(Duration::from_secs(2 * 60)),
    ..STANDARD
};

impl Faults {
    /// All sets, the mildest first.
    pub const ALL: &'static [Self] = &[NONE, LIGHT, STANDARD, HEAVY];

    /// The set of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|faults| faults.name == name).cloned()
    }
}
