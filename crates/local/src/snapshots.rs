//! Advisory snapshots in a directory: `<digest>.snapshot` files and a file `current` that names one of them. Shared by any
//! number of processes; files arrive by rename and are never changed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use layergate_disk::{Access, NewFile};
use layergate_model::Digest;
use layergate_ports::{SnapshotError, SnapshotStore, SnapshotStream};
use tokio::sync::broadcast;

/// Snapshots in a directory.
pub struct DirSnapshots {
    dir: PathBuf,
    announced: broadcast::Sender<Digest>,
}

impl DirSnapshots {
    /// The snapshots of `dir`, which is made if it is not there.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, SnapshotError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(|e| unavailable(&dir, "cannot be made", &e))?;
        Ok(Self { dir, announced: broadcast::channel(64).0 })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}.snapshot", digest.to_hex()))
    }
}

fn unavailable(place: &Path, what: &str, error: &io::Error) -> SnapshotError {
    SnapshotError::Unavailable { place: place.display().to_string(), what: format!("{what}: {error}") }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, SnapshotError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| SnapshotError::Unavailable { place: "the snapshot directory".into(), what: e.to_string() })?
}

#[async_trait]
impl SnapshotStore for DirSnapshots {
    async fn current(&self) -> Result<Option<Digest>, SnapshotError> {
        let file = self.dir.join("current");
        match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().map(Some).map_err(|e| SnapshotError::Unavailable {
                place: file.display().to_string(),
                what: format!("it names no snapshot: {e}"),
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unavailable(&file, "cannot be read", &e)),
        }
    }

    async fn fetch(&self, digest: &Digest) -> Result<PathBuf, SnapshotError> {
        let file = self.path(digest);
        if file.is_file() { Ok(file) } else { Err(SnapshotError::NotFound(*digest)) }
    }

    async fn publish(&self, file: &Path) -> Result<Digest, SnapshotError> {
        let (dir, file) = (self.dir.clone(), file.to_owned());
        let digest = blocking(move || {
            let into = |e: io::Error| unavailable(&dir, "cannot take a snapshot", &e);
            let mut copy = NewFile::in_directory(&dir, Access::Private).map_err(into)?;
            let mut from = fs::File::open(&file).map_err(|e| unavailable(&file, "cannot be read", &e))?;
            io::copy(&mut from, &mut copy).map_err(into)?;
            copy.sync().map_err(into)?;
            // Of the copy: the file may change under our hands.
            let digest = fs::File::open(copy.path()).and_then(Digest::of_reader).map_err(into)?;
            copy.name(&dir.join(format!("{}.snapshot", digest.to_hex()))).map_err(into)?;
            Ok(digest)
        });
        digest.await
    }

    async fn announce(&self, digest: &Digest) -> Result<(), SnapshotError> {
        self.fetch(digest).await?;
        let (dir, text) = (self.dir.clone(), digest.to_string());
        blocking(move || {
            let into = |e: io::Error| unavailable(&dir, "cannot take a snapshot", &e);
            layergate_disk::replace(&dir.join("current"), text.as_bytes(), Access::Private).map_err(into)
        })
        .await?;
        // Nobody may be watching.
        let _ = self.announced.send(*digest);
        Ok(())
    }

    async fn watch(&self) -> Result<SnapshotStream, SnapshotError> {
        let announced = self.announced.subscribe();
        let current = self.current().await?;
        let new = stream::unfold(announced, |mut announced| async move {
            loop {
                match announced.recv().await {
                    Ok(digest) => return Some((digest, announced)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        Ok(stream::iter(current).chain(new).boxed())
    }
}
