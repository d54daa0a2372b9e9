//! Which advisories a command judges by: a snapshot file, a directory of feeds (compiled once and kept in the cache),
//! or the data directory's current snapshot.
//!
//! A kept snapshot is named by its digest and known again (`proved.rs`), so that opening it costs nothing; a file of
//! the user's is hashed once, on a thread of its own while the image is asked for.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use layergate_advisory::{FORMAT_VERSION, Snapshot};
use layergate_disk::Access;
use layergate_feeds::{build_from_dir_with, directory_fingerprint};
use layergate_model::Digest;

use crate::{
    exit::Failure,
    places,
    progress::Spinner,
    proved,
    signature::{self, VerifyKey},
};

/// The name of the link that names the current snapshot.
const CURRENT: &str = "current";

/// Opens the snapshot that `--db` names, or the current one.
///
/// With a key, only a file with its signature is opened: what is compiled here from a directory has none.
pub(crate) fn open(db: Option<&Path>, key: Option<&VerifyKey>, quiet: bool) -> Result<Snapshot, Failure> {
    let path = match db {
        Some(path) if path.is_dir() => {
            signature::refuse_unsigned(key, path)?;
            return Ok(compiled(path, &places::cache_dir(), quiet)?);
        }
        Some(path) => path.to_owned(),
        None => current()?,
    };
    let snapshot = file(&path)?;
    if let Some(key) = key {
        key.check_file(&path, &snapshot.digest())?;
    }
    Ok(snapshot)
}

/// Opens a snapshot file.
pub(crate) fn file(path: &Path) -> Result<Snapshot> {
    let digest = digest_of_name(path);
    if let Some(digest) = &digest {
        proved::check(path, digest)?;
    }
    let snapshot = Snapshot::open(path).with_context(|| format!("the advisories {} cannot be used", path.display()))?;
    Ok(match digest {
        Some(digest) => snapshot.with_digest(digest),
        None => hashed(snapshot),
    })
}

/// The current snapshot, where there is one and it is what its name says.
pub(crate) fn sound() -> Result<Option<PathBuf>> {
    let sound = |path: &PathBuf| {
        let checked = digest_of_name(path).filter(|_| path.is_file()).map(|digest| proved::check(path, &digest));
        if let Some(Err(why)) = &checked {
            tracing::warn!("{why:#}");
        }
        checked.is_some_and(|c| c.is_ok())
    };
    Ok(current_path()?.filter(sound))
}

/// Has a snapshot's digest reckoned while other work is done; who needs it before waits.
fn hashed(snapshot: Snapshot) -> Snapshot {
    let wanted = snapshot.clone();
    // Without a thread whoever asks reckons it.
    let _ = std::thread::Builder::new().name("digest".into()).spawn(move || wanted.digest());
    snapshot
}

/// The snapshot that `--db` names as a file, a directory of feeds compiled first.
pub(crate) fn as_file(db: &Path, cache_dir: &Path) -> Result<PathBuf> {
    if !db.is_dir() {
        // Whoever publishes it finds out that it cannot be opened, not the fleet.
        file(db)?;
        return Ok(db.to_owned());
    }
    compiled(db, cache_dir, true)?;
    let kept = compiled_path(db, cache_dir)?;
    if kept.is_file() { Ok(kept) } else { bail!("{} cannot be written", kept.display()) }
}

/// Where the compiled form of a directory of feeds is kept.
fn compiled_path(feeds: &Path, cache_dir: &Path) -> Result<PathBuf> {
    let cannot = || format!("the advisory directory {} cannot be read", feeds.display());
    let fingerprint = directory_fingerprint(feeds).with_context(cannot)?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(cache_dir.join("compiled").join(format!("{}-{FORMAT_VERSION}-{version}.lgdb", &fingerprint.to_hex()[..32])))
}

/// Where `db update` keeps snapshots.
pub(crate) fn directory() -> PathBuf {
    places::data_dir().join("snapshots")
}

/// The path of the current snapshot, where there is one.
pub(crate) fn current_path() -> Result<Option<PathBuf>> {
    let link = directory().join(CURRENT);
    match fs::read_to_string(&link) {
        Ok(name) => {
            let name = name.trim();
            if name.is_empty() || name.contains(['/', '\\']) || name.contains("..") {
                bail!("{} does not name a snapshot; run `layergate db update`", link.display());
            }
            Ok(Some(directory().join(name)))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("{} cannot be read", link.display())),
    }
}

fn current() -> Result<PathBuf> {
    match current_path()? {
        Some(path) => Ok(path),
        None => Err(anyhow!(
            "there are no advisories in {}; run `layergate db update`, or name a snapshot or a directory of feeds with --db",
            directory().display()
        )),
    }
}

/// Makes a snapshot of the data directory, named by its digest, the current one. The switch is one rename: who fails
/// before it leaves the old one in force.
pub(crate) fn make_current(path: &Path) -> Result<()> {
    let directory = directory();
    let name = path.file_name().and_then(|n| n.to_str()).filter(|_| digest_of_name(path).is_some());
    let name = name.ok_or_else(|| anyhow!("{} is not a snapshot of {}", path.display(), directory.display()))?;
    Snapshot::open(path).context("the new snapshot cannot be opened; the old one stays")?;
    // Its age is the time since somebody found that it is the newest.
    File::options().append(true).open(path).and_then(|f| f.set_modified(std::time::SystemTime::now()))?;
    if let Some(digest) = digest_of_name(path) {
        proved::check(path, &digest)?;
    }
    layergate_disk::replace(&directory.join(CURRENT), name.as_bytes(), Access::Private)?;
    forget_old(&directory, name);
    Ok(())
}

/// Keeps the current snapshot and the one before it.
fn forget_old(directory: &Path, current: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut others: Vec<_> = entries
        .flatten()
        .filter(|e| digest_of_name(&e.path()).is_some() && e.file_name() != *current)
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    others.sort();
    others.pop();
    for (_, path) in others {
        // Whoever has it mapped keeps it; that it could not be removed only costs space.
        let _ = fs::remove_file(signature::beside(&path));
        let _ = fs::remove_file(proved::beside(&path));
        let _ = fs::remove_file(path);
    }
}

/// Compiles a directory of feeds, unless the cache has it already.
fn compiled(feeds: &Path, cache_dir: &Path, quiet: bool) -> Result<Snapshot> {
    let kept = compiled_path(feeds, cache_dir)?;
    let cache = cache_dir.join("compiled");
    let believed = [cache_dir, &cache, &kept].into_iter().try_for_each(layergate_local::check_private);
    match &believed {
        Ok(()) => {
            // A pipe in its place would be waited for.
            if kept.is_file()
                && let Ok(snapshot) = Snapshot::open(&kept)
            {
                return Ok(hashed(snapshot));
            }
        }
        Err(why) => tracing::warn!("{why}; the advisories are compiled anew"),
    }
    let build = |place: &Path| -> Result<()> {
        let spinner = Spinner::new(quiet, format!("compiling the advisories of {}", feeds.display()));
        let report = build_from_dir_with(feeds, place, &mut |p| spinner.say(&format!("{} records", p.records)))?;
        if report.problem_count > 0 {
            tracing::warn!(problems = report.problem_count, directory = %feeds.display(),
                "records could not be read; `layergate db build` lists them");
        }
        Ok(())
    };
    // A cache that cannot be written (a full disk, a read-only home) costs the next run the same work, nothing else.
    // Nor is one used that others can write: they could put another file in the place of what is being made.
    let usable =
        if believed.is_ok() { layergate_local::create_private(&cache) } else { Err(std::io::ErrorKind::Other.into()) };
    let incoming = usable
        .and_then(|()| tempfile::Builder::new().prefix(".incoming-").tempdir_in(&cache))
        .or_else(|_| tempfile::tempdir())
        .context("no directory can be made for the compiled advisories")?;
    let fresh = incoming.path().join("snapshot.lgdb");
    build(&fresh)?;
    let kept_now = match believed.is_ok() {
        // Under whatever umask: what others can write is not believed the next time.
        true => fs::set_permissions(&fresh, PermissionsExt::from_mode(0o600))
            .and_then(|()| layergate_disk::rename(&fresh, &kept)),
        false => Err(std::io::ErrorKind::Other.into()),
    };
    let snapshot = match kept_now {
        Ok(()) => Snapshot::open(&kept)?,
        // The mapping outlives the temporary directory.
        Err(_) => Snapshot::open(&fresh)?,
    };
    Ok(hashed(snapshot))
}

/// The digest in the name of a kept snapshot in the data directory; other files' names prove nothing.
fn digest_of_name(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    let hex = name.strip_prefix("sha256-")?.strip_suffix(".lgdb")?;
    (path.parent() == Some(directory().as_path())).then(|| format!("sha256:{hex}").parse().ok())?
}
