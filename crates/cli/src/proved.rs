//! Whether a kept snapshot is still what its name says. A name proves nothing: a copy that was cut, or that a CI
//! system's cache brought from somewhere, would judge under the digest of another.
//!
//! Hashing hundreds of megabytes before every scan would cost more than the scan, so the file that was hashed is known
//! again by what the kernel says of it (device, inode, length, times of the last change of content and of itself, the
//! second of which nobody can set), noted in `FILE.proof`. Any other file is hashed. A note counts only where nobody
//! else can write.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use layergate_model::Digest;

/// Where it is noted that a snapshot was hashed.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".proof");
    name.into()
}

fn identity(path: &Path) -> Result<String> {
    let m = fs::metadata(path).with_context(|| format!("the advisories {} cannot be read", path.display()))?;
    Ok(format!(
        "{} {} {} {}.{} {}.{}\n",
        m.dev(),
        m.ino(),
        m.size(),
        m.mtime(),
        m.mtime_nsec(),
        m.ctime(),
        m.ctime_nsec()
    ))
}

/// Fails when the file does not have `digest`; such a file is removed, so that the next update gets it anew.
pub(crate) fn check(path: &Path, digest: &Digest) -> Result<()> {
    let (identity, note) = (identity(path)?, beside(path));
    let ours = |p: &Path| layergate_local::check_private(p).is_ok();
    let private = path.parent().is_some_and(ours) && ours(path) && ours(&note);
    if private && fs::read_to_string(&note).is_ok_and(|noted| noted == identity) {
        return Ok(());
    }
    let actual = File::open(path).and_then(Digest::of_reader);
    let actual = actual.with_context(|| format!("the advisories {} cannot be read", path.display()))?;
    if actual != *digest {
        // Where it cannot be removed it is refused again.
        let _ = fs::remove_file(path);
        bail!(
            "the advisories {} were changed or cut since they were made (they are {actual}) and are not used; run `layergate db update`",
            path.display()
        );
    }
    // Without the note the file is hashed again.
    let _ = layergate_disk::replace(&note, identity.as_bytes(), layergate_disk::Access::Private);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hashed_is_known_again_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.lgdb");
        let digest = Digest::of(b"advisories");
        fs::write(&file, "advisories").unwrap();
        check(&file, &digest).unwrap();
        assert!(check(&file, &Digest::of(b"others")).is_ok(), "known by its note, not hashed again");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        for changed in ["Advisories", "advisori", ""] {
            fs::write(&file, changed).unwrap();
            File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
            let error = check(&file, &digest).unwrap_err().to_string();
            assert!(error.contains("changed or cut") && !file.exists(), "{error}");
        }
        // A cache that was restored: the same bytes in another file.
        fs::write(&file, "advisories").unwrap();
        check(&file, &digest).unwrap();
        let noted = fs::read_to_string(beside(&file)).unwrap();
        fs::remove_file(&file).unwrap();
        fs::write(&file, "Advisories").unwrap();
        fs::write(beside(&file), noted).unwrap();
        assert!(check(&file, &digest).is_err(), "another's note");
    }
}
