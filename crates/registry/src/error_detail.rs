//! Sentences for what goes wrong: what happened, where, and what to do about it.

use std::{io, path::Path};

use layergate_ports::values::{ErrorDetail, SourceError};

/// Nothing is there.
pub(crate) fn not_found(place: impl ToString, what: impl Into<String>, advice: impl Into<String>) -> SourceError {
    SourceError::NotFound(ErrorDetail::new(place.to_string(), what, advice))
}

/// Something is there, and it is not what it must be.
pub(crate) fn malformed(place: impl ToString, what: impl Into<String>) -> SourceError {
    SourceError::Malformed(ErrorDetail::new(place.to_string(), what, ""))
}

/// Another try may succeed.
pub(crate) fn unavailable(place: impl ToString, what: impl Into<String>, advice: impl Into<String>) -> SourceError {
    SourceError::Unavailable { trouble: ErrorDetail::new(place.to_string(), what, advice), retry_after: None }
}

/// Credentials are missing or refused.
pub(crate) fn unauthorized(place: impl ToString, what: impl Into<String>, advice: impl Into<String>) -> SourceError {
    SourceError::Unauthorized(ErrorDetail::new(place.to_string(), what, advice))
}

/// A kind that is refused.
pub(crate) fn unsupported(place: impl ToString, what: impl Into<String>, advice: impl Into<String>) -> SourceError {
    SourceError::Unsupported(ErrorDetail::new(place.to_string(), what, advice))
}

/// Another thing than an image.
pub(crate) fn not_an_image(place: impl ToString, what: impl Into<String>) -> SourceError {
    SourceError::NotAnImage(ErrorDetail::new(place.to_string(), what, "only container images can be scanned"))
}

/// ErrorDetail with a local file.
pub(crate) fn file(path: &Path, error: &io::Error) -> SourceError {
    let place = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => not_found(place, "there is no such file or directory", ""),
        io::ErrorKind::PermissionDenied => {
            unauthorized(place, "permission denied", "make it readable for the user that runs layergate")
        }
        io::ErrorKind::StorageFull => {
            unavailable(place, "the disk is full", "make room, or set TMPDIR to a directory on a larger disk")
        }
        _ => unavailable(place, error.to_string(), ""),
    }
}

/// Text from a server or a file, made fit for one line of a message.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    layergate_model::one_line(text.trim(), limit).trim().to_owned()
}
