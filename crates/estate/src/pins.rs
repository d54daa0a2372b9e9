//! What a run judges by.

use jiff::civil::Date;
use layergate_advisory::Snapshot;
use layergate_judge::JUDGE_VERSION;
use layergate_model::{Inputs, Limits};
use layergate_policy::{Policy, VexDocument};

/// Everything that verdicts depend on besides the images.
#[derive(Clone, Copy)]
pub struct Pins<'a> {
    /// The advisories.
    pub snapshot: &'a Snapshot,
    /// The rules.
    pub policy: &'a Policy,
    /// The VEX documents.
    pub vex: &'a [VexDocument],
    /// The limits under which layers are read.
    pub limits: &'a Limits,
    /// The fingerprint of the analyzers that read them.
    pub analyzers: &'a str,
    /// The day (UTC).
    pub as_of: Date,
}

impl Pins<'_> {
    /// The pins as reports name them.
    pub fn inputs(&self) -> Inputs {
        let mut vex: Vec<_> = self.vex.iter().map(|d| d.digest).collect();
        vex.sort();
        vex.dedup();
        Inputs {
            snapshot: Some(self.snapshot.digest()),
            snapshot_date: self.snapshot.newest().map(str::to_owned),
            policy: self.policy.digest(),
            exceptions: self.policy.exceptions_digest(),
            vex,
            limits: self.limits.fingerprint(),
            analyzers: self.analyzers.to_owned(),
            judge: JUDGE_VERSION.to_owned(),
            as_of: self.as_of.to_string(),
        }
    }
}
