//! Every message as bytes: what is written is read back the same, its bytes are those of the golden (a change of them
//! is a new version), and damage is an error, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use layergate_model::{Digest, Effect, FindingId, Gap, GapKind, PackageId, Reason, Verdict};
use layergate_nats::convert::*;
use layergate_ports::{
    conformance,
    values::{
        ErrorDetail, ImageLocator, ImageVerdict, JobError, Lane, LayerLocator, LocalBlob, MemberId, ReportKey,
        SourceError, SourceId, UploadedSbom, VerdictRecord,
    },
    *,
};

/// The bytes of every message, by name.
fn messages() -> Vec<(&'static str, Bytes)> {
    let source = SourceId::of(&conformance::locator(1, "app"));
    vec![
        ("job", job_to_wire(&conformance::job("one", Lane::Bulk, "team-a")).unwrap()),
        ("job-sbom", job_to_wire(&sbom_job()).unwrap()),
        ("layer-task", task_to_wire(&conformance::task(1)).unwrap()),
        ("second-look", task_to_wire(&conformance::second_look(1)).unwrap()),
        ("done-event", done_to_wire(&DoneEvent { key: conformance::key(1), outcome: DoneOutcome::Failed }).unwrap()),
        ("layer-failure-source", failure_to_wire(&failure(FailureKind::Source(source))).unwrap()),
        ("layer-failure-quarantined", failure_to_wire(&failure(FailureKind::Quarantined)).unwrap()),
        ("verdict-record", verdict_to_wire(&verdict(3)).unwrap()),
        ("verdict-record-error", verdict_to_wire(&no_image()).unwrap()),
        ("member", member_to_wire(&member()).unwrap()),
        ("drain-request", drain_to_wire(Some(&MemberId::new("w-1").unwrap()), at()).unwrap()),
        ("snapshot-announcement", announcement_to_wire(&Digest::of(b"snapshot")).unwrap()),
        ("blob-head", layergate_wire::encode(head()).unwrap()),
    ]
}

fn sbom_job() -> layergate_ports::values::Job {
    let sbom = UploadedSbom { digest: Digest::of(b"document"), name: "./b\u{f6}m.json".parse().unwrap() };
    layergate_ports::values::Job {
        image: ImageLocator::Sbom(sbom),
        ..conformance::job("one", Lane::Interactive, "team-a")
    }
}

fn head() -> layergate_wire::v1::BlobHead {
    layergate_wire::v1::BlobHead { size: 700_000, parts: 2, upload: "00ff".into(), ..Default::default() }
}

fn at() -> Timestamp {
    Timestamp::new(1_790_000_000, 123_456_789).unwrap()
}

fn failure(kind: FailureKind) -> LayerFailure {
    LayerFailure { kind, gap: GapKind::LayerUnavailable, detail: "404 \u{2013} not there".into() }
}

fn member() -> Member {
    Member {
        kind: MemberKind::Worker,
        id: MemberId::new("node-1").unwrap(),
        host: "node-1.example".into(),
        version: "0.1.0".into(),
        fingerprint: conformance::fingerprint("sample"),
        state: MemberState::Draining,
        since: at(),
        seen: at() + SignedDuration::from_secs(60),
        slots: 4,
        holding: vec![Holding { what: "a".into(), source: "b".into(), since: at(), bytes: 1, size: 2 }],
        done: 3,
        failed: 1,
        bytes: u64::MAX,
    }
}

fn verdict(ids: usize) -> VerdictRecord {
    let report = conformance::report("registry.example/team/app:v1");
    let package = PackageId::derive(&"pkg:deb/debian/x@1".parse().unwrap(), Some(0), "var/lib/dpkg/status");
    let finding_ids = (0..ids).map(|n| FindingId::derive(&package, &format!("CVE-{n}"))).collect();
    let mut record = conformance::verdict("one", Verdict::Fail);
    record.missing = vec![Gap::new(GapKind::LayerUnavailable, "sha256:…", "time")];
    record.images = vec![ImageVerdict {
        reference: report.image.reference.clone(),
        digest: Digest::of(b"manifest"),
        platform: Some("linux/arm64/v8".parse().unwrap()),
        verdict: Verdict::Fail,
        reasons: vec![Reason { rule: "severity".into(), effect: Effect::Fail, text: "3 high".into(), finding_ids }],
        summary: layergate_model::Summary { packages: 7, fixable: 1, ..report.summary },
        inputs: layergate_model::Inputs {
            snapshot: Some(Digest::of(b"snapshot")),
            snapshot_date: Some("2026-11-20".into()),
            vex: vec![Digest::of(b"vex")],
            ..report.inputs.clone()
        },
        report: ReportKey::of_job(&record.job, 0),
    }];
    record
}

fn no_image() -> VerdictRecord {
    let trouble = ErrorDetail::new("registry.example", "503", "try again later");
    let retry_after = Some(std::time::Duration::from_millis(1500));
    VerdictRecord {
        error: Some(JobError::Source(SourceError::Unavailable { trouble, retry_after })),
        ..conformance::verdict("two", Verdict::Error)
    }
}

#[test]
fn bytes_are_those_of_the_goldens() {
    for (name, bytes) in messages() {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}-v1.bin"));
        // What was stored once is never written again: a changed form is a new version with a golden of its own.
        if std::env::var_os("UPDATE_GOLDEN").is_some() && !file.exists() {
            std::fs::write(&file, &bytes).unwrap();
        }
        let golden = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(golden, bytes, "{name}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let job = conformance::job("one", Lane::Bulk, "team-a");
    let trace = Some("00-11-22-01".to_owned());
    let read = job_from_wire(job_to_wire(&job).unwrap(), &job.id, trace.clone()).unwrap();
    assert_eq!(read, layergate_ports::values::Job { trace: trace.clone(), ..job.clone() });
    let sbom = sbom_job();
    assert_eq!(job_from_wire(job_to_wire(&sbom).unwrap(), &sbom.id, None).unwrap(), sbom);
    // Two things to be judged in one job.
    let mut both: layergate_wire::v1::Job = layergate_wire::decode(job_to_wire(&sbom).unwrap()).unwrap();
    both.reference = "registry.example/a:1".into();
    assert!(job_from_wire(layergate_wire::encode(both).unwrap(), &sbom.id, None).is_err());
    for task in [conformance::task(1), conformance::second_look(1)] {
        let read = task_from_wire(task_to_wire(&task).unwrap(), &task.key, task.trace.clone()).unwrap();
        assert_eq!(read, task);
    }
    // Other names than the key's.
    let mut other = conformance::second_look(1);
    other.aliases.pop();
    assert!(task_from_wire(task_to_wire(&other).unwrap(), &other.key, None).is_err());
    for record in [verdict(0), verdict(50), no_image(), conformance::verdict("x", Verdict::Pass)] {
        assert_eq!(verdict_from_wire(verdict_to_wire(&record).unwrap(), &record.job).unwrap(), record);
    }
    let errors = [JobError::Judge("a".into()), JobError::Deadline("b".into()), JobError::Abandoned("c".into())];
    let trouble = || ErrorDetail::new("a", "b", "");
    let sources = [
        SourceError::NotFound(trouble()),
        SourceError::Unauthorized(trouble()),
        SourceError::NotAnImage(trouble()),
        SourceError::Unsupported(trouble()),
        SourceError::Unavailable { trouble: trouble(), retry_after: None },
        SourceError::Malformed(trouble()),
    ];
    for error in errors.into_iter().chain(sources.map(JobError::Source)) {
        let record = VerdictRecord { error: Some(error), ..no_image() };
        assert_eq!(verdict_from_wire(verdict_to_wire(&record).unwrap(), &record.job).unwrap(), record);
    }
    let source = SourceId::of(&conformance::locator(1, "app"));
    for (kind, of) in [(FailureKind::Source(source), Some(source)), (FailureKind::Quarantined, None)] {
        assert_eq!(failure_from_wire(failure_to_wire(&failure(kind)).unwrap(), of).unwrap(), failure(kind));
    }
    assert_eq!(member_from_wire(member_to_wire(&member()).unwrap()).unwrap(), member());
    assert_eq!(drain_from_wire(drain_to_wire(None, at()).unwrap()).unwrap(), None);
}

/// A fleet is upgraded process by process: the older ones read what the newer ones write.
#[test]
fn what_a_newer_version_says_is_carried_as_unknown_and_never_passes() {
    use layergate_wire::v1;
    type Change = fn(&mut v1::VerdictRecord);
    let rows: [(&str, Change, &str, &str); 8] = [
        ("lane", |r| r.lane = 9, "lane 9", "fail"),
        ("verdict", |r| r.verdict = 9, "verdict 9", "error"),
        ("an image's verdict", |r| r.images[0].verdict = 9, "verdict 9", "fail"),
        ("effect", |r| r.images[0].reasons[0].effect = 9, "effect 9", "fail"),
        ("a gap", |r| r.missing[0].kind = "moon_phase".into(), "gap \"moon_phase\" at sha256:\u{2026}: time", "fail"),
        ("the error", |r| r.error = Some(v1::JobError { kind: None }), "error", "fail"),
        ("the source's error", |r| r.error = Some(source(9)), "source error 9", "fail"),
        ("a field", |_| (), "", "fail"),
    ];
    fn source(kind: i32) -> v1::JobError {
        let error = v1::SourceError { kind, place: "a".into(), what: "b".into(), ..Default::default() };
        v1::JobError { kind: Some(v1::job_error::Kind::Source(error)) }
    }
    for (what, change, reported, outcome) in rows {
        let record = verdict(1);
        let mut wire: v1::VerdictRecord = layergate_wire::decode(verdict_to_wire(&record).unwrap()).unwrap();
        change(&mut wire);
        let read = verdict_from_wire(layergate_wire::encode(wire).unwrap(), &record.job).unwrap();
        assert_eq!(read.unknown.join(", "), reported, "{what}");
        assert_eq!(read.verdict.as_str(), outcome, "{what}");
        assert_ne!(read.images[0].verdict, Verdict::Pass, "{what}");
        assert_eq!(read.reference, record.reference, "{what}");
        if let Some(error) = &read.error {
            assert!(matches!(error, JobError::Unknown(_)), "{what}: {error:?}");
        }
    }
    // An unspecified value is damage.
    let changes: [Change; 4] =
        [|r| r.lane = 0, |r| r.verdict = 0, |r| r.images[0].reasons[0].effect = 0, |r| r.error = Some(source(0))];
    for change in changes {
        let record = verdict(1);
        let mut wire: v1::VerdictRecord = layergate_wire::decode(verdict_to_wire(&record).unwrap()).unwrap();
        change(&mut wire);
        assert!(verdict_from_wire(layergate_wire::encode(wire).unwrap(), &record.job).is_err());
    }
    // A layer that a newer worker could not read is still one that is not to be had.
    let mut wire: v1::LayerFailure =
        layergate_wire::decode(failure_to_wire(&failure(FailureKind::Quarantined)).unwrap()).unwrap();
    wire.gap = "moon_phase".into();
    let read = failure_from_wire(layergate_wire::encode(wire).unwrap(), None).unwrap();
    assert_eq!(read.gap, GapKind::LayerUnavailable);
    assert!(read.detail.contains("moon_phase"), "{}", read.detail);
}

#[test]
fn what_stands_under_another_name_is_not_believed() {
    let job = conformance::job("one", Lane::Bulk, "a");
    let other = conformance::job("two", Lane::Bulk, "a").id;
    assert!(job_from_wire(job_to_wire(&job).unwrap(), &other, None).is_err());
    assert!(task_from_wire(task_to_wire(&conformance::task(1)).unwrap(), &conformance::key(2), None).is_err());
    assert!(verdict_from_wire(verdict_to_wire(&verdict(1)).unwrap(), &other).is_err());
    let source = SourceId::of(&conformance::locator(1, "app"));
    let stored = failure_to_wire(&failure(FailureKind::Source(source))).unwrap();
    assert!(failure_from_wire(stored, None).is_err());
}

#[test]
fn local_sources_do_not_travel() {
    let local = ImageLocator::Local("dir:/etc".into());
    let job = layergate_ports::values::Job { image: local, ..conformance::job("one", Lane::Bulk, "a") };
    assert!(job_to_wire(&job).unwrap_err().to_string().contains("local"));
    let blob = LocalBlob { source: "/a".into(), entry: None, digest: conformance::key(1).digest, size: 1 };
    let task = layergate_ports::values::LayerTask { locator: LayerLocator::Local(blob), ..conformance::task(1) };
    assert!(task_to_wire(&task).is_err());
}

#[test]
fn a_huge_verdict_is_stored_without_the_ids_of_its_findings() {
    let record = verdict(100_000);
    let read = verdict_from_wire(verdict_to_wire(&record).unwrap(), &record.job).unwrap();
    assert_eq!(read.images[0].reasons[0].finding_ids, record.images[0].reasons[0].finding_ids[..100]);
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let job = conformance::job("one", Lane::Bulk, "a").id;
    for (name, bytes) in messages() {
        let read = |bytes: Bytes| {
            let _ = job_from_wire(bytes.clone(), &job, None);
            let _ = task_from_wire(bytes.clone(), &conformance::key(1), None);
            let _ = done_from_wire(bytes.clone());
            let _ = failure_from_wire(bytes.clone(), None);
            let _ = verdict_from_wire(bytes.clone(), &job);
            let _ = member_from_wire(bytes.clone());
            let _ = drain_from_wire(bytes.clone());
            let _ = announcement_from_wire(bytes);
        };
        for at in 0..bytes.len() {
            read(bytes.slice(..at));
            for bit in 0..8 {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= 1 << bit;
                read(damaged.into());
            }
        }
        // No message holds anything that looks like a secret.
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in ["password", "secret", "token", "bearer"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}
