//! Small values to store and send; numbered, so that a test says which it means.

use std::sync::Arc;

use jiff::Timestamp;
use layergate_model::{
    AnalyzerId, Digest, EntryKind, Inputs, LayerInventory, LayerPath, Limits, Package, PackageKind, PathTableBuilder,
    REPORT_SCHEMA, Report, ReportImage, Section, Verdict,
};

use super::Holds;
use crate::values::{
    Fingerprint, ImageLocator, Job, JobId, KeyScope, Lane, LayerKey, LayerLocator, LayerTask, Namespace,
    PlatformSelection, PolicyOverrides, RegistryBlob, Tenant, VerdictRecord,
};

/// The fingerprint of a made-up analyzer set.
pub fn fingerprint(analyzers: &str) -> Fingerprint {
    let scope = KeyScope { namespace: Namespace::default(), analyzers: analyzers.into(), limits: Limits::default() };
    scope.fingerprint()
}

/// The key of layer number `n`.
pub fn key(n: u32) -> LayerKey {
    fingerprint("sample").key(Digest::of(&n.to_le_bytes()))
}

/// The inventory of layer number `n`: a package, and a path table of `n % 100 + 1` entries.
pub fn inventory(n: u32) -> Arc<LayerInventory> {
    let path = LayerPath::normalise("var/lib/dpkg/status").holds("a path");
    let package = Package::new(PackageKind::Deb, format!("package-{n}"), "1.0-1", &path);
    let section = Section { revision: 1, packages: vec![package], ..Section::default() };
    let mut paths = PathTableBuilder::default();
    for entry in 0..n % 100 + 1 {
        let path = LayerPath::normalise(&format!("usr/share/{n}/{entry}")).holds("a path");
        paths.push(&path, EntryKind::File, 0o644, "");
    }
    Arc::new(LayerInventory {
        blob: key(n).digest,
        size: u64::from(n),
        unpacked: u64::from(n) * 3,
        sections: [(AnalyzerId::new("dpkg"), section)].into(),
        gaps: Vec::new(),
        paths: paths.finish(),
    })
}

/// Where the blob of layer number `n` is, in the repository `team/repo`.
pub fn locator(n: u32, repo: &str) -> LayerLocator {
    LayerLocator::Registry(RegistryBlob {
        registry: layergate_model::Registry::new("registry.example:5000").holds("a registry"),
        repository: layergate_model::RepoPath::new(&format!("team/{repo}")).holds("a repository"),
        digest: key(n).digest,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        size: 1000 + u64::from(n),
        credential: None,
    })
}

/// The task of layer number `n`.
pub fn task(n: u32) -> LayerTask {
    LayerTask {
        key: key(n),
        locator: locator(n, "app"),
        aliases: Vec::new(),
        lane: Lane::Interactive,
        tenant: Tenant::default(),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

/// The task of a second look at layer number `n`.
pub fn second_look(n: u32) -> LayerTask {
    let path = |text: &str| layergate_model::LayerPath::normalise(text).holds("a path");
    let alias = |name, of| layergate_model::Alias { name: path(name), path: path(of) };
    let aliases = vec![alias("var/lib/dpkg", "opt/d"), alias("app/node_modules/a/package.json", "opt/blob")];
    let digest = layergate_model::Alias::digest(&key(n).digest, &aliases);
    LayerTask { key: key(n).fingerprint.key(digest), aliases, ..task(n) }
}

/// Job `id` of `tenant`.
pub fn job(id: &str, lane: Lane, tenant: &str) -> Job {
    let submitted_at = Timestamp::from_second(1_790_000_000).holds("a time");
    Job {
        id: JobId::new(id).holds("a job id"),
        image: ImageLocator::Registry("registry.example:5000/team/app:v1".parse().holds("a reference")),
        platforms: PlatformSelection::List(vec!["linux/arm64/v8".parse().holds("a platform")]),
        credential: Some("robot".parse().holds("a name")),
        policy: PolicyOverrides { fail_on: Some(layergate_model::Severity::Low), ..PolicyOverrides::default() },
        lane,
        tenant: tenant.parse().holds("a tenant"),
        idempotency_key: Some("build-17".parse().holds("a key")),
        snapshot: Some(Digest::of(b"snapshot")),
        as_of: "2026-11-21".into(),
        submitted_at,
        deadline: submitted_at + jiff::SignedDuration::from_secs(600),
        trace: None,
    }
}

/// A verdict on job `id`.
pub fn verdict(id: &str, verdict: Verdict) -> VerdictRecord {
    let job = job(id, Lane::Interactive, "team-a");
    VerdictRecord {
        reference: job.image.to_string(),
        job: job.id,
        tenant: job.tenant,
        lane: job.lane,
        verdict,
        images: Vec::new(),
        error: None,
        missing: Vec::new(),
        unknown: Vec::new(),
        submitted_at: job.submitted_at,
        finished_at: job.deadline,
    }
}

/// A report on the image `reference`.
pub fn report(reference: &str) -> Arc<Report> {
    Arc::new(Report {
        schema: REPORT_SCHEMA.into(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        image: ReportImage {
            reference: reference.into(),
            digest: Some(Digest::of(reference.as_bytes())),
            index_digest: None,
            platform: Some(layergate_model::Platform::linux_amd64()),
            layers: Vec::new(),
            distro: None,
            base: None,
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        },
        inputs: Inputs {
            snapshot: None,
            snapshot_date: None,
            policy: Digest::of(b"policy"),
            exceptions: Digest::of(b"exceptions"),
            vex: Vec::new(),
            limits: Limits::default().fingerprint(),
            analyzers: "sample".into(),
            judge: "1".into(),
            as_of: "2026-11-21".into(),
        },
        summary: Default::default(),
        packages: Vec::new(),
        findings: Vec::new(),
        checks: Vec::new(),
        secrets: Vec::new(),
        gaps: Vec::new(),
        sources: Vec::new(),
    })
}
