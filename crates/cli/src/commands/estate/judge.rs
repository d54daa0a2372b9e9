//! What a run judges by, read from files once.

use layergate_advisory::Snapshot;
use layergate_estate::Pins;
use layergate_model::Limits;
use layergate_policy::{Policy, VexDocument};

use crate::{args::RunArgs, commands::update, exit::Failure, judge};

/// Everything that [`Pins`] borrow.
pub(super) struct Rules {
    snapshot: Snapshot,
    policy: Policy,
    vex: Vec<VexDocument>,
    pub(super) limits: Limits,
    analyzers: String,
    pub(super) read_by: String,
    pub(super) as_of: jiff::civil::Date,
}

impl Rules {
    pub(super) async fn read(args: &RunArgs, quiet: bool) -> Result<Self, Failure> {
        let limits = args.limits.limits();
        let (analyzers, read_by) = super::read::read_by(&limits);
        let policy = judge::local_policy(&args.judge)?;
        let vex = judge::vex(&args.judge.vex)?;
        let snapshot = update::snapshot_for(&args.judge, &args.refresh, quiet).await?;
        let as_of = args.as_of.unwrap_or_else(judge::today);
        Ok(Self { snapshot, policy, vex, limits, analyzers, read_by, as_of })
    }

    pub(super) fn pins(&self) -> Pins<'_> {
        let Self { snapshot, policy, vex, limits, analyzers, as_of, .. } = self;
        Pins { snapshot, policy, vex, limits, analyzers, as_of: *as_of }
    }
}
