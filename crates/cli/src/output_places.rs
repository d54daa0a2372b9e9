//! Where documents go, looked at before anything is scanned: each to a place of its own that can be written and that is
//! nothing that the run reads.

use std::{
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use layergate_disk::{behind_links, directory, link_target, probe};

use crate::{
    args::OutputSpec,
    exit::{Failure, usage},
};

/// Whether a path names this process's standard output: what the shell has put behind it (a log that is appended to) is
/// not ours to replace.
pub(crate) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|p| path == Path::new(p))
}

/// Whether a path names a file that this process was given open.
pub(crate) fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"].iter().any(|dir| path.parent() == Some(Path::new(dir)))
}

/// A file by whatever name: device and number of its inode.
type Identity = (u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| (m.dev(), m.ino()))
}

/// The file that the shell has put behind standard output.
fn behind_stdout() -> Option<Identity> {
    let file = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned().ok()?);
    file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| (m.dev(), m.ino()))
}

/// Refuses outputs that cannot be written, two documents in one place, and one in the place of what is read.
pub(crate) fn check(outputs: &[OutputSpec], template: bool, inputs: &[&Path]) -> Result<(), Failure> {
    let mut places: Vec<(Option<PathBuf>, Option<Identity>)> = Vec::new();
    let stdout = || (None, behind_stdout());
    if template {
        places.push(stdout());
    }
    for output in outputs {
        let place = match output.file.as_deref().filter(|path| !is_stdout(path)) {
            Some(path) => {
                let real = writable(path)?;
                let file = identity(&real);
                if let Some(input) = inputs.iter().find(|input| file.is_some() && identity(input) == file) {
                    return Err(usage(anyhow!(
                        "the report cannot be written to {}: this run reads {}; name another file",
                        path.display(),
                        input.display()
                    )));
                }
                (Some(real), file)
            }
            None => stdout(),
        };
        let discarded = place.0.as_deref() == Some(Path::new("/dev/null"));
        let taken = places.iter().any(|(path, file)| *path == place.0 || file.is_some() && *file == place.1);
        if taken && !discarded {
            let place = place.0.map_or_else(|| "standard output".to_owned(), |p| p.display().to_string());
            return Err(usage(anyhow!("two documents go to {place}: name a file for each (-o FORMAT=FILE)")));
        }
        places.push(place);
    }
    Ok(())
}

/// Where a file really lies, when it can be written there.
fn writable(path: &Path) -> Result<PathBuf, Failure> {
    let refused = |what: &str| Err(usage(anyhow!("the report cannot be written to {}: {what}", path.display())));
    if path.is_dir() {
        return refused("it is a directory");
    }
    if path.exists() && !path.is_file() {
        // A pipe or a device (`>(command)` is a pipe without a name) is opened once, when it is written to: to whoever
        // reads a pipe the first end is the end.
        return Ok(behind_links(path));
    }
    if let Ok(real) = path.canonicalize() {
        let open = std::fs::File::options().append(true).open(&real);
        return match open {
            Ok(_) => Ok(real),
            Err(error) => match probe(&real) {
                Ok(()) => Ok(real),
                Err(_) => refused(&error.to_string()),
            },
        };
    }
    let target = link_target(path);
    let (Some(name), directory) = (target.file_name(), directory(&target)) else { return refused("it names no file") };
    match probe(&target) {
        Ok(()) => Ok(directory.canonicalize().unwrap_or_else(|_| directory.to_owned()).join(name)),
        Err(error) => refused(&error.to_string()),
    }
}
