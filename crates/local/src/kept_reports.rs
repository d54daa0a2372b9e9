//! Reports kept between commands: an image that was judged under the same pins is not judged again.
//!
//! A report's key names the image and everything that its judgement depends on (`ReportKey::pinned`: snapshot, policy, VEX,
//! limits, analyzers, judge, day), and the directory the code that judged, so that a kept report is the one that would be
//! made (invariant 2). `DIR/<edition>/<key>`: `b"LGR"`, a format byte, a seal of 32 bytes over the key and the rest, and
//! the stored form of a report. The seal is keyed: a report is believed only where the secret is at hand that lies outside
//! the directory, for a directory may be restored from somewhere that others can write (a CI system's cache). What does
//! not fit is a miss. A report with a gap that another day may fill is not kept (invariant 3).

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use layergate_model::{Digest, Report};
use layergate_ports::{
    StoreError, VerdictStore, VerdictStream, codec,
    values::{IdempotencyKey, JobId, ReportKey, VerdictRecord},
};

use crate::{MemoryVerdicts, bounded_dir::BoundedDir};

const MAGIC: &[u8; 4] = b"LGR\x02";
const SEAL: usize = 32;
const HEAD: usize = MAGIC.len() + SEAL;

/// A directory of reports.
#[derive(Clone)]
pub struct KeptReports {
    dir: Arc<BoundedDir>,
    edition: String,
    secret: [u8; SEAL],
}

impl KeptReports {
    /// The reports in `dir`, kept within about `budget` bytes. `edition` names the code that judges: reports of another
    /// one are not seen. `secret` seals what is kept and must not lie in `dir`.
    pub fn new(dir: impl Into<PathBuf>, budget: u64, edition: &str, secret: [u8; SEAL]) -> Self {
        Self { dir: Arc::new(BoundedDir::new(dir.into(), budget, "reports")), edition: edition.to_owned(), secret }
    }

    fn place(&self, key: &ReportKey) -> PathBuf {
        PathBuf::from(&self.edition).join(key.to_string())
    }

    /// Keyed twice, inside and outside, so that nothing can be appended.
    fn seal(&self, key: &ReportKey, packed: &[u8]) -> [u8; SEAL] {
        let inner = Digest::of(&[&self.secret[..], key.to_string().as_bytes(), packed].concat());
        *Digest::of(&[&self.secret[..], &inner.as_bytes()[..]].concat()).as_bytes()
    }

    fn put(&self, key: &ReportKey, report: &Report) {
        if !report.gaps.iter().all(|gap| gap.kind.is_deterministic()) {
            return;
        }
        // Only the next command's time is lost with it.
        let Ok(packed) = codec::encode_report(report) else { return };
        let mut stored = Vec::with_capacity(HEAD + packed.len());
        stored.extend_from_slice(MAGIC);
        stored.extend_from_slice(&self.seal(key, &packed));
        stored.extend_from_slice(&packed);
        self.dir.write(&self.place(key), &stored);
    }

    fn get(&self, key: &ReportKey) -> Option<Report> {
        let place = self.place(key);
        let stored = self.dir.read(&place)?;
        let report = stored.split_at_checked(HEAD).and_then(|(head, packed)| {
            let sealed = head.strip_prefix(MAGIC).is_some_and(|s| *s == self.seal(key, packed));
            sealed.then(|| codec::decode_report(packed).ok())?
        });
        if report.is_none() {
            tracing::warn!(report = %key, "a kept report is damaged and thrown away");
            self.dir.remove(&place);
        }
        report
    }
}

/// Verdicts of one process in memory, their reports also in a directory.
pub(crate) struct KeepingVerdicts {
    pub(crate) memory: MemoryVerdicts,
    pub(crate) kept: KeptReports,
}

#[async_trait]
impl VerdictStore for KeepingVerdicts {
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError> {
        self.memory.put(record).await
    }

    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError> {
        self.memory.get(job).await
    }

    async fn watch(&self) -> Result<VerdictStream, StoreError> {
        self.memory.watch().await
    }

    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError> {
        self.memory.put_report(key, report).await?;
        let (kept, key, report) = (self.kept.clone(), *key, report.clone());
        // A report that was not kept is made again.
        let _ = tokio::task::spawn_blocking(move || kept.put(&key, &report)).await;
        Ok(())
    }

    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError> {
        if let Some(report) = self.memory.get_report(key).await? {
            return Ok(Some(report));
        }
        let (kept, wanted) = (self.kept.clone(), *key);
        let found = tokio::task::spawn_blocking(move || kept.get(&wanted)).await.ok().flatten().map(Arc::new);
        if let Some(report) = &found {
            self.memory.put_report(key, report).await?;
        }
        Ok(found)
    }

    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError> {
        self.memory.claim(key, job).await
    }
}
