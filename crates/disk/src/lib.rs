//! Files that appear whole or not at all: written beside their place, then renamed.
//!
//! A reader, and a process that starts after a crash, sees the old file or the whole new one. What was being written when
//! the process died begins with [`UNFINISHED`]; it is of no use to anybody.
//!
//! - [`replace`] and [`NewFile`] replace whatever has the name, a link too: for files of our own.
//! - [`overwrite`] is for files that a user names: it goes through links, keeps the permissions, and writes in place where a
//!   file cannot be replaced (a mount point, a directory that is not ours to write in, a pipe).
//!
//! ```
//! let home = tempfile::tempdir()?;
//! let place = home.path().join("report.json");
//! layergate_disk::replace(&place, b"{}", layergate_disk::Access::Ordinary)?;
//! assert_eq!(std::fs::read(&place)?, b"{}");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// How the name of an unfinished file begins.
pub const UNFINISHED: &str = ".tmp-";

/// Links that are followed, as many as Linux does.
const MAX_LINKS: usize = 40;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone.
    Private,
    /// Whoever the umask lets.
    Ordinary,
}

/// A file that has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct NewFile {
    file: tempfile::NamedTempFile,
}

impl NewFile {
    /// A new, empty file in the directory where it will have its name.
    pub fn in_directory(directory: &Path, access: Access) -> io::Result<Self> {
        let mode = match access {
            Access::Private => 0o600,
            Access::Ordinary => 0o666,
        };
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(UNFINISHED).permissions(Permissions::from_mode(mode)).tempfile_in(directory)?;
        Ok(Self { file })
    }

    /// The file, to be written by those who need more than [`Write`].
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it lies now.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Waits until the bytes are on the disk, so that a power cut after [`NewFile::name`] does not leave an empty file.
    pub fn sync(&self) -> io::Result<()> {
        self.file.as_file().sync_all()
    }

    /// Gives it its name, in the directory that it was made in; what had the name is replaced.
    pub fn name(self, place: &Path) -> io::Result<()> {
        self.file.persist(place).map(drop).map_err(|e| e.error)
    }

    /// The same, unless something has the name already: `AlreadyExists`.
    pub fn name_new(self, place: &Path) -> io::Result<()> {
        self.file.persist_noclobber(place).map(drop).map_err(|e| e.error)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file of our own. Not synced: after a power cut it may be empty, which its reader must notice.
pub fn replace(place: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut file = NewFile::in_directory(directory(place), access)?;
    file.write_all(bytes)?;
    file.name(place)
}

/// Moves a finished file to its place on the same file system; what had the name is replaced.
pub fn rename(from: &Path, place: &Path) -> io::Result<()> {
    fs::rename(from, place)
}

/// Writes a file that a user named.
pub fn overwrite(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let place = behind_links(place);
    // A device or pipe cannot be replaced; what is written to it goes on.
    if place.exists() && !place.is_file() {
        return fs::write(place, bytes);
    }
    let beside = || {
        let mut file = NewFile::in_directory(directory(&place), Access::Ordinary)?;
        file.write_all(bytes)?;
        if let Ok(old) = fs::metadata(&place) {
            file.as_file().set_permissions(Permissions::from_mode(old.permissions().mode() & 0o777))?;
        }
        file.name(&place)
    };
    match beside() {
        // Whole or not at all cannot be had here.
        Err(_) if place.exists() => fs::write(&place, bytes),
        result => result,
    }
}

/// Whether a file can be made in the directory of `place`.
pub fn probe(place: &Path) -> io::Result<()> {
    NewFile::in_directory(directory(place), Access::Private).map(drop)
}

/// The file behind links; of a link that leads nowhere yet what it names.
pub fn behind_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| link_target(path))
}

/// What a link that leads nowhere yet names; the path itself otherwise.
pub fn link_target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match path.read_link().ok().filter(|_| !path.exists()) {
            Some(to) => path = directory(&path).join(to),
            None => break,
        }
    }
    path
}

/// The directory that a file lies in.
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("a");
        fs::write(&place, "old").unwrap();
        let mut file = NewFile::in_directory(home.path(), Access::Private).unwrap();
        file.write_all(b"new").unwrap();
        assert!(names(home.path())[0].starts_with(UNFINISHED));
        assert_eq!(fs::read(&place).unwrap(), b"old");
        drop(file);
        assert_eq!(names(home.path()), ["a"], "what was given up lies about");
        replace(&place, b"new", Access::Private).unwrap();
        assert_eq!((fs::read(&place).unwrap(), mode(&place)), (b"new".to_vec(), 0o600));
        let second = NewFile::in_directory(home.path(), Access::Private).unwrap();
        assert_eq!(second.name_new(&place).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        // A file of our own that is a link is replaced, and what it led to stays.
        symlink(&place, home.path().join("link")).unwrap();
        replace(&home.path().join("link"), b"other", Access::Private).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"new");
    }

    #[test]
    fn what_a_user_names_stays_what_it_is() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        fs::create_dir(place("far")).unwrap();
        fs::write(place("far/report"), "old").unwrap();
        fs::set_permissions(place("far/report"), Permissions::from_mode(0o640)).unwrap();
        symlink("far/report", place("link")).unwrap();
        symlink("far/later", place("dangling")).unwrap();
        for (name, ends_at) in [("link", "far/report"), ("dangling", "far/later"), ("plain", "plain")] {
            overwrite(&place(name), name.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(place(ends_at)).unwrap(), name);
        }
        assert_eq!(mode(&place("far/report")), 0o640);
        assert!(fs::symlink_metadata(place("link")).unwrap().is_symlink());
        assert_eq!(names(&place("far")), ["later", "report"]);
        // Neither a device nor a directory can be replaced.
        overwrite(Path::new("/dev/null"), b"x").unwrap();
        assert!(overwrite(&place("far"), b"x").is_err());
        assert!(overwrite(&place("none/report"), b"x").is_err());
        assert!(probe(&place("x")).is_ok() && probe(&place("none/x")).is_err());
    }
}
