//! A mirror brought up to date, and a snapshot of it.
//!
//! Nothing that is in force is touched before the new snapshot is whole, opened and compared with the old one; who
//! fails before leaves the old one alone, and switching to the new one is its caller's single rename. A source that
//! fails is reported and does not stop the others: its older files go on being used, and a distribution that has none
//! is a gap to the judge.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use layergate_advisory::{FORMAT_VERSION, Manifest, Snapshot};
use layergate_model::Digest;
use serde::{Deserialize, Serialize};

use super::{
    check::{Regression, regressions},
    error::UpdateError,
    event::{Event, EventSink},
    lock::Lock,
    mirror::{MirrorReport, fetch_all},
    options::UpdateOptions,
    state::FOLDER,
};
use crate::{BuildReport, CATALOGUE_REVISION, build_from_dir_with};

/// A finished update.
#[derive(Clone, Debug)]
pub struct UpdateReport {
    /// The snapshot to use from now on.
    pub snapshot: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// Whether it is another one than before.
    pub changed: bool,
    /// What came.
    pub mirror: MirrorReport,
    /// How it was built; `None` when nothing had changed.
    pub build: Option<BuildReport>,
    /// What was lost and taken nevertheless, because it was forced.
    pub regressions: Vec<Regression>,
}

/// What the last snapshot of a mirror was made from.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Built {
    contents: Digest,
    revision: u32,
    format: u32,
    program: String,
    snapshot: Digest,
}

/// Fetches, builds, compares.
pub async fn update(options: &UpdateOptions, sink: EventSink) -> Result<UpdateReport, UpdateError> {
    let _lock = Lock::take(&options.mirror, options.wait_for_others, &sink).await?;
    let mirror = fetch_all(options, &sink).await?;
    if mirror.nothing_came() {
        let first = mirror.failures().next().map(|(_, f)| f.why.clone());
        return Err(UpdateError::NothingCame(first.unwrap_or_else(|| "no source is configured".into())));
    }
    let built = Built {
        contents: mirror.contents.unwrap_or(Digest::of(b"")),
        revision: CATALOGUE_REVISION,
        format: FORMAT_VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        snapshot: Digest::of(b""),
    };
    let record = options.mirror.join(FOLDER).join("built.json");
    if let Some((snapshot, digest)) = still_good(options, &record, &built) {
        return Ok(UpdateReport { snapshot, digest, changed: false, mirror, build: None, regressions: Vec::new() });
    }

    let place = |name: &str| options.snapshots.join(name);
    let fresh = place(&format!(".building-{}", std::process::id()));
    fs::create_dir_all(&options.snapshots).map_err(at(&options.snapshots))?;
    let result = make(options, &fresh, &sink).await;
    if result.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    let (build, regressions) = result?;
    let digest = build.digest.unwrap_or(Digest::of(b""));
    let snapshot = place(&format!("sha256-{}.lgdb", digest.to_hex()));
    layergate_disk::rename(&fresh, &snapshot).map_err(at(&snapshot))?;
    let text = serde_json::to_vec(&Built { snapshot: digest, ..built }).unwrap_or_default();
    // Without it the next update builds once more, nothing else.
    let _ = layergate_disk::replace(&record, &text, layergate_disk::Access::Ordinary);
    let changed = options.current.as_deref() != Some(snapshot.as_path());
    Ok(UpdateReport { snapshot, digest, changed, mirror, build: Some(build), regressions })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> UpdateError {
    let path = path.to_owned();
    move |source| UpdateError::Disk { path, source }
}

/// The snapshot in force, when it was made from exactly these files by this program.
fn still_good(options: &UpdateOptions, record: &Path, now: &Built) -> Option<(PathBuf, Digest)> {
    let before: Built = serde_json::from_slice(&fs::read(record).ok()?).ok()?;
    let snapshot = options.snapshots.join(format!("sha256-{}.lgdb", before.snapshot.to_hex()));
    let same = Built { snapshot: now.snapshot, ..before };
    (same == *now && options.current.as_deref() == Some(snapshot.as_path())).then_some(())?;
    Snapshot::open(&snapshot).ok()?;
    Some((snapshot, before.snapshot))
}

async fn make(
    options: &UpdateOptions,
    fresh: &Path,
    sink: &EventSink,
) -> Result<(BuildReport, Vec<Regression>), UpdateError> {
    let (mirror, output, sink) = (options.mirror.clone(), fresh.to_owned(), Arc::clone(sink));
    let build = move || build_from_dir_with(&mirror, &output, &mut |p| sink(Event::Building(p)));
    let build = tokio::task::spawn_blocking(build).await.map_err(io::Error::other).map_err(at(fresh))??;
    let new = Snapshot::open(fresh)?;
    // An old snapshot that cannot be opened is no measure.
    let old: Option<Manifest> =
        options.current.as_deref().and_then(|p| Snapshot::open(p).ok()).map(|s| s.manifest().clone());
    let regressions = old.map(|old| regressions(&old, new.manifest())).unwrap_or_default();
    if !regressions.is_empty() && !options.force {
        return Err(UpdateError::Regressed(regressions));
    }
    Ok((build, regressions))
}
