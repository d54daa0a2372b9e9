//! Names of streams, buckets and subjects, all of them under the fleet's own prefix.
//!
//! Streams are `<fleet>-layers`, buckets `KV_<fleet>-done` with subjects `$KV.<fleet>-done.<key>` (NATS's own
//! convention, so that `nats kv` can look into them); queue subjects are `<fleet>.layers.<fingerprint>.<digest>` and
//! `<fleet>.jobs.<lane>.<shard>.<id>`.

use layergate_model::Digest;
use layergate_ports::values::{Fingerprint, Job, JobId, Lane, LayerKey, Tenant};

/// Tenants are hashed to this many shards, between which turns are taken. Two tenants that share one (1 in 64) share
/// turns.
pub(crate) const SHARDS: usize = 64;

/// The buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Done,
    Inventories,
    Reports,
    Sboms,
    Snapshots,
    Verdicts,
    Failures,
    Claims,
    Membership,
    Control,
    EstateLog,
    EstateBlobs,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Inventories,
        Self::Reports,
        Self::Sboms,
        Self::Snapshots,
        Self::Verdicts,
        Self::Failures,
        Self::Claims,
        Self::Membership,
        Self::Control,
        Self::EstateLog,
        Self::EstateBlobs,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Inventories => "inventories",
            Self::Reports => "reports",
            Self::Sboms => "sboms",
            Self::Snapshots => "snapshots",
            Self::Verdicts => "verdicts",
            Self::Failures => "failures",
            Self::Claims => "claims",
            Self::Membership => "roster",
            Self::Control => "control",
            Self::EstateLog => "estate-log",
            Self::EstateBlobs => "estate",
        }
    }
}

/// The names of one fleet.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    fleet: String,
}

impl Names {
    pub(crate) fn new(fleet: &str) -> Self {
        Self { fleet: fleet.to_owned() }
    }

    pub(crate) fn bucket_stream(&self, kind: Kind) -> String {
        format!("KV_{}-{}", self.fleet, kind.as_str())
    }

    /// What the keys of a bucket stand behind.
    pub(crate) fn bucket_prefix(&self, kind: Kind) -> String {
        format!("$KV.{}-{}.", self.fleet, kind.as_str())
    }

    pub(crate) fn layers_stream(&self) -> String {
        format!("{}-layers", self.fleet)
    }

    pub(crate) fn layers_subjects(&self) -> String {
        format!("{}.layers.>", self.fleet)
    }

    pub(crate) fn layer(&self, key: &LayerKey) -> String {
        format!("{}.layers.{key}", self.fleet)
    }

    pub(crate) fn layers_of(&self, fingerprint: &Fingerprint) -> String {
        format!("{}.layers.{fingerprint}.*", self.fleet)
    }

    /// The layer that a subject is about.
    pub(crate) fn layer_of(&self, subject: &str) -> Option<LayerKey> {
        subject.strip_prefix(&self.fleet)?.strip_prefix(".layers.")?.parse().ok()
    }

    pub(crate) fn jobs_stream(&self) -> String {
        format!("{}-jobs", self.fleet)
    }

    pub(crate) fn jobs_subjects(&self) -> String {
        format!("{}.jobs.>", self.fleet)
    }

    pub(crate) fn job(&self, job: &Job) -> String {
        format!("{}.jobs.{}.{:02}.{}", self.fleet, job.lane.as_str(), shard(&job.tenant), job.id)
    }

    pub(crate) fn jobs_of(&self, lane: Lane, shard: usize) -> String {
        format!("{}.jobs.{}.{shard:02}.*", self.fleet, lane.as_str())
    }

    /// The job, on whatever lane and of whatever tenant.
    pub(crate) fn job_anywhere(&self, job: &JobId) -> String {
        format!("{}.jobs.*.*.{job}", self.fleet)
    }

    /// The job that a subject is about.
    pub(crate) fn job_of(&self, subject: &str) -> Option<JobId> {
        let rest = subject.strip_prefix(&self.fleet)?.strip_prefix(".jobs.")?;
        JobId::new(rest.splitn(3, '.').nth(2)?).ok()
    }
}

/// Where a tenant's jobs wait. The same for ever: it is part of subjects that outlive this program.
pub(crate) fn shard(tenant: &Tenant) -> usize {
    usize::from(Digest::of(tenant.as_str().as_bytes()).as_bytes()[0]) % SHARDS
}

#[cfg(test)]
mod tests {
    use layergate_ports::conformance;

    use super::*;

    #[test]
    fn subjects_say_what_they_are_about() {
        let names = Names::new("gate");
        let key = conformance::key(1);
        assert_eq!(names.layer(&key), format!("gate.layers.{key}"));
        assert_eq!(names.layer_of(&names.layer(&key)), Some(key));
        let job = conformance::job("build-1", Lane::Bulk, "team-a");
        assert_eq!(names.job(&job), "gate.jobs.bulk.22.build-1");
        assert_eq!(names.job_of(&names.job(&job)), Some(job.id));
        for other in ["", "gate", "other.layers.x", "gate.layers.x", "gate.jobs.bulk.22", "gate.jobs.bulk.22.a.b"] {
            assert_eq!((names.layer_of(other), names.job_of(other)), (None, None), "{other}");
        }
        assert_eq!(names.bucket_stream(Kind::Done), "KV_gate-done");
        assert_eq!(names.bucket_prefix(Kind::Done), "$KV.gate-done.");
    }
}
