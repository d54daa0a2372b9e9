//! Advisory snapshots: published once under their digest, fetched by everybody into a local directory, and verified there
//! before they get their name. Which one is current is one key, which everybody watches.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use layergate_disk::{Access, NewFile};
use layergate_model::Digest;
use layergate_ports::{SnapshotError, SnapshotStore, SnapshotStream};
use sha2::Digest as _;
use tokio::sync::Mutex;

use crate::{
    blobs::Blobs,
    bucket::{Bucket, From},
    convert,
    error::NatsError,
    link::Link,
    names::Kind,
};

/// The key that names the current snapshot.
const CURRENT: &str = "snapshot";

/// Snapshots on JetStream, with a local directory of those that were fetched.
pub struct NatsSnapshots {
    store: Blobs,
    control: Bucket,
    dir: PathBuf,
    /// The copies whose bytes this process has hashed. One download at a time: the second who asks for the same one
    /// finds it.
    fetching: Mutex<HashSet<Digest>>,
    /// Those of which this process has seen that the fleet has them. A replica that is asked a moment later may not have
    /// heard of them yet.
    published: Mutex<HashSet<Digest>>,
}

impl NatsSnapshots {
    /// The directory is made when the first one is fetched.
    pub(crate) fn new(link: Arc<Link>, dir: PathBuf) -> Self {
        Self {
            store: Blobs::new(link.clone(), Kind::Snapshots),
            control: Bucket::new(link, Kind::Control),
            dir,
            fetching: Mutex::default(),
            published: Mutex::default(),
        }
    }

    /// Whether the fleet has the snapshot.
    pub async fn holds(&self, digest: &Digest) -> Result<bool, SnapshotError> {
        Ok(self.store.contains(&digest.to_hex()).await?)
    }

    /// Deletes all snapshots but these.
    pub async fn forget_others(&self, keep: &[Digest]) -> Result<(), SnapshotError> {
        self.published.lock().await.retain(|digest| keep.contains(digest));
        let keep: Vec<String> = keep.iter().map(Digest::to_hex).collect();
        for (key, _) in self.store.bucket().list("*").await? {
            if !keep.contains(&key) {
                self.store.remove(&key).await?;
            }
        }
        Ok(())
    }

    fn on_disk(&self, what: &'static str) -> impl FnOnce(std::io::Error) -> SnapshotError {
        let place = self.dir.display().to_string();
        move |e| SnapshotError::Unavailable { place, what: format!("{what}: {e}") }
    }

    async fn download(&self, digest: &Digest, file: &Path) -> Result<(), SnapshotError> {
        let key = digest.to_hex();
        let parts = self.store.stream(&key).await?.ok_or(SnapshotError::NotFound(*digest))?;
        let mut parts = std::pin::pin!(parts);
        let copy = NewFile::in_directory(&self.dir, Access::Private);
        let mut copy = copy.map_err(self.on_disk("no room for a snapshot"))?;
        let mut hasher = sha2::Sha256::new();
        while let Some(part) = parts.try_next().await? {
            // Not whole: it was replaced or evicted while we read.
            let part = part.ok_or(SnapshotError::NotFound(*digest))?;
            hasher.update(&part);
            let written = tokio::task::spawn_blocking(move || copy.write_all(&part).map(|()| copy)).await;
            let written = written.map_err(std::io::Error::other).and_then(|w| w);
            copy = written.map_err(self.on_disk("a snapshot cannot be written"))?;
        }
        let actual = Digest::from_bytes(hasher.finalize().into());
        if actual != *digest {
            return Err(SnapshotError::Mismatch { expected: *digest, actual });
        }
        copy.sync().map_err(self.on_disk("a snapshot cannot be written"))?;
        copy.name(file).map_err(self.on_disk("a snapshot cannot be named"))
    }
}

/// The digest of a file, read in pieces.
fn digest_of(file: &Path) -> std::io::Result<Digest> {
    let mut hasher = sha2::Sha256::new();
    let mut file = std::fs::File::open(file)?;
    let mut piece = vec![0; 256 << 10];
    loop {
        match std::io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            n => hasher.update(&piece[..n]),
        }
    }
}

#[async_trait]
impl SnapshotStore for NatsSnapshots {
    async fn current(&self) -> Result<Option<Digest>, SnapshotError> {
        let value = self.control.get(CURRENT).await?;
        let read = |value| convert::announcement_from_wire(value).map_err(|e| NatsError::new(self.control.place(), e));
        Ok(value.map(read).transpose()?)
    }

    async fn fetch(&self, digest: &Digest) -> Result<PathBuf, SnapshotError> {
        let file = self.dir.join(format!("{}.snapshot", digest.to_hex()));
        let mut proved = self.fetching.lock().await;
        if proved.contains(digest) && file.is_file() {
            return Ok(file);
        }
        // A name proves nothing: a copy that was cut, or changed by somebody, would judge under the right digest. It is
        // read once by each process; what does not hold is fetched again.
        let (copy, wanted) = (file.clone(), *digest);
        let holds = tokio::task::spawn_blocking(move || digest_of(&copy).is_ok_and(|found| found == wanted)).await;
        if !holds.unwrap_or(false) {
            if file.exists() {
                tracing::warn!(file = %file.display(), "a copy of a snapshot is not what its name says and is fetched again");
            }
            std::fs::create_dir_all(&self.dir).map_err(self.on_disk("cannot be made"))?;
            self.download(digest, &file).await?;
        }
        proved.insert(*digest);
        Ok(file)
    }

    async fn publish(&self, file: &Path) -> Result<Digest, SnapshotError> {
        let place = file.display().to_string();
        let unreadable = |e: std::io::Error| SnapshotError::Unavailable { place: place.clone(), what: e.to_string() };
        let path = file.to_owned();
        let digest = tokio::task::spawn_blocking(move || digest_of(&path)).await;
        let digest = digest.map_err(std::io::Error::other).and_then(|d| d).map_err(unreadable)?;
        let key = digest.to_hex();
        if !self.store.contains(&key).await? {
            // Should the file change under our hands, whoever fetches it finds that it is not what its name says.
            let mut from = tokio::fs::File::open(file).await.map_err(unreadable)?;
            self.store.put_from(&key, &mut from).await?;
        }
        self.published.lock().await.insert(digest);
        Ok(digest)
    }

    async fn announce(&self, digest: &Digest) -> Result<(), SnapshotError> {
        let published = self.published.lock().await.contains(digest);
        if !published && !self.store.contains(&digest.to_hex()).await? {
            return Err(SnapshotError::NotFound(*digest));
        }
        let value = convert::announcement_to_wire(digest).map_err(|e| NatsError::new(self.control.place(), e))?;
        Ok(self.control.put(CURRENT, &value, None).await?)
    }

    async fn watch(&self) -> Result<SnapshotStream, SnapshotError> {
        let entries = self.control.watch(CURRENT, From::Current).await?;
        let digests = entries.filter_map(async |entry| convert::announcement_from_wire(entry.value?).ok());
        Ok(digests.boxed())
    }
}
