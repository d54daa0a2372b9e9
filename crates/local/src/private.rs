//! Whether what lies in a directory can be believed: only where nobody but this user (and root) can put things.
//!
//! A verdict rests on what a cache says of a layer. A directory that belongs to somebody else, or that others may
//! write, is not used, and who asks is reported what to do. Writing by a group is borne where the group is the user's
//! own (its number is the user's, as distributions make them).

use std::{
    fs::{self, DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::Path,
    sync::OnceLock,
};

/// The number of the user that this process is; `None` where it cannot be found out.
pub fn user() -> Option<u32> {
    static USER: OnceLock<Option<u32>> = OnceLock::new();
    *USER.get_or_init(|| {
        let own = tempfile::tempfile().and_then(|file| file.metadata());
        own.or_else(|_| fs::metadata("/proc/self")).ok().map(|m| m.uid())
    })
}

/// Whether nobody else can have written it, and nobody else can.
pub(crate) fn is_ours(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    let group = mode & 0o020 != 0 && metadata.gid() != metadata.uid();
    user() == Some(metadata.uid()) && mode & 0o002 == 0 && !group
}

/// Refuses a directory that is there and that others can write, with what to do about it.
pub fn check(dir: &Path) -> Result<(), String> {
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("the cache directory {} cannot be used: {error}", dir.display())),
    };
    if is_ours(&metadata) {
        return Ok(());
    }
    let shown = dir.display();
    Err(if user() != Some(metadata.uid()) {
        format!(
            "the cache directory {shown} belongs to another user and is not believed: name one of your own (--cache-dir)"
        )
    } else {
        format!(
            "the cache directory {shown} can be written by others and is not believed: `chmod go-w {shown}`, or name another (--cache-dir)"
        )
    })
}

/// Refuses a directory in which others could put another in the place of one of ours. Where everybody may write, the
/// sticky bit keeps what is ours (`/tmp`).
pub(crate) fn check_around(dir: &Path) -> Result<(), String> {
    let Ok(metadata) = fs::metadata(dir) else { return check(dir) };
    let owner = metadata.uid() == 0 || user() == Some(metadata.uid());
    let kept = metadata.mode() & 0o1000 != 0 || metadata.mode() & 0o022 == 0;
    if owner && kept { Ok(()) } else { check(dir) }
}

/// Makes a directory, and those above it, for this user alone.
pub fn create(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_what_others_cannot_write_is_believed() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("cache/layers");
        assert!(check(&dir).is_ok(), "what is not there yet is no danger");
        create(&dir).unwrap();
        for (mode, good) in [(0o700, true), (0o755, true), (0o777, false), (0o1777, false), (0o702, false)] {
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
            let checked = check(&dir);
            assert_eq!(checked.is_ok(), good, "{mode:o}");
            assert!(checked.err().is_none_or(|why| why.contains("chmod go-w")), "{mode:o}");
            let around = good || mode == 0o1777;
            assert_eq!(check_around(&dir).is_ok(), around, "{mode:o}");
        }
    }
}
