//! What an analyzer is: it says which files it is interested in, claims some of them by their path, and turns each
//! claimed file's bytes into values of a [`Section`].
//!
//! Analyzers are pure functions of one file. They need neither network nor file system, do not panic, do not recurse
//! without bound and do not trust a length field. What a file hides from them is an [`AnalyzeError`], which the driver
//! turns into a gap at the file's path.

use layergate_model::{AnalyzerId, EntryKind, GapKind, LayerPath, Limits, Section};

use crate::Spool;

/// Which files an analyzer wants to be asked about. The catalogue keeps them in an index, so that a layer of a million
/// entries costs a few look-ups each and not a walk over all analyzers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Exactly this path: `var/lib/dpkg/status`.
    Path(&'static str),
    /// Any file of this name: `package.json`.
    Name(&'static str),
    /// Any file whose name ends so, from its last dot on: `.jar`.
    Extension(&'static str),
    /// Any file below this directory: `var/lib/dpkg/info`.
    Below(&'static str),
    /// Any file with an execute bit, and any that looks like a shared library.
    Executable,
    /// Any regular file whose first bytes [`Analyzer::wants`], whatever it is called. Nothing is kept of the others.
    Content,
    /// Any regular file at all. Only for analyzers that are about content itself (secrets).
    AnyFile,
    /// Every entry of any kind, by [`Analyzer::observe`] alone: nothing is read for it.
    Metadata,
}

/// What is known of an entry before its content is read. It comes from the archive or from a stored path table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The path.
    pub path: &'a LayerPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Target of a link.
    pub target: &'a str,
}

/// A claimed file.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// The path.
    pub path: &'a LayerPath,
    /// Permission bits.
    pub mode: u16,
    /// The whole content: in memory, or a mapped temporary file when it is large.
    pub bytes: &'a [u8],
    /// The bounds that hold, for archives inside the file.
    pub limits: &'a Limits,
    /// Where the content is kept, when it is the whole of it.
    pub(crate) spool: Option<&'a Spool<'a>>,
}

/// Bytes of one window of [`File::windows`].
const WINDOW: usize = 1 << 20;

impl<'a> File<'a> {
    /// A file whose content is in memory.
    pub fn new(path: &'a LayerPath, mode: u16, bytes: &'a [u8], limits: &'a Limits) -> Self {
        Self { path, mode, bytes, limits, spool: None }
    }

    /// The content in windows, each beginning `overlap` bytes before the end of the one before it, for a search through
    /// large files. The memory behind a window is given back.
    pub fn windows(&self, overlap: usize) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, spool) = (self.bytes, self.spool);
        let step = WINDOW.saturating_sub(overlap).max(1);
        (0..bytes.len()).step_by(step).take_while(move |from| *from == 0 || from + overlap < bytes.len()).map(
            move |from| {
                if let Some(spool) = spool {
                    spool.release(0..from);
                }
                &bytes[from..(from + WINDOW).min(bytes.len())]
            },
        )
    }

    /// The content as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes))
    }
}

/// Why a claimed file could not be read, wholly or in part. What was already put into the section stays.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct AnalyzeError {
    /// The gap that it becomes.
    pub kind: GapKind,
    /// What is wrong, in words.
    pub detail: String,
}

impl AnalyzeError {
    /// One application's or package's file cannot be read.
    pub fn unreadable(detail: impl std::fmt::Display) -> Self {
        Self { kind: GapKind::UnreadableFile, detail: detail.to_string() }
    }

    /// A package database cannot be read, or only in part: an unknown number of packages is hidden.
    pub fn database(detail: impl std::fmt::Display) -> Self {
        Self { kind: GapKind::UnreadableDatabase, detail: detail.to_string() }
    }

    /// A bound was reached inside the file.
    pub fn limit(detail: impl std::fmt::Display) -> Self {
        Self { kind: GapKind::FileLimit, detail: detail.to_string() }
    }
}

/// One analyzer. To add one: a file under `analyzers/`, a line in the catalogue, a table test; see CONTRIBUTING.md.
pub trait Analyzer: Send + Sync {
    /// Its stable name.
    fn id(&self) -> AnalyzerId;

    /// Raised whenever the analyzer would answer differently for the same bytes: it is part of every layer's key.
    fn revision(&self) -> u32;

    /// What it wants to be asked about.
    fn interests(&self) -> &'static [Interest];

    /// Whether it claims this regular file, of which only path and mode are known yet. Asked for entries that one of
    /// its interests names.
    fn claims(&self, _entry: &Entry<'_>) -> bool {
        true
    }

    /// Whether it reads a file of this size. For analyzers that leave large files alone by rule; a file that should
    /// have been read and is too large is a gap, which the driver shows.
    fn wants_size(&self, _path: &LayerPath, _size: u64) -> bool {
        true
    }

    /// The largest file that it reads; a larger one that it claims and wants is a gap, and is not kept anywhere.
    fn max_bytes(&self) -> u64 {
        64 << 20
    }

    /// Whether it reads what a project declares or locks, and not what is installed: such a file in documentation or
    /// among examples says nothing of the image.
    fn reads_declarations(&self) -> bool {
        false
    }

    /// Whether it finds packages, so that it matters whether a distribution's package owns the files that it claims.
    fn finds_packages(&self) -> bool {
        true
    }

    /// Whether the first bytes (up to 1024) look like something it can read. Saves buffering what is not.
    fn wants(&self, _head: &[u8]) -> bool {
        true
    }

    /// Reads a claimed file.
    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError>;

    /// Sees an entry without content, for analyzers with [`Interest::Metadata`].
    fn observe(&self, _entry: &Entry<'_>, _out: &mut Section) {}

    /// Called once, after the layer's last entry, for analyzers that need several files to understand one: they keep
    /// [notes](layergate_model::Notes) in the section and settle them here.
    fn finish(&self, _out: &mut Section) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_and_cover_everything() {
        let (path, limits) = (LayerPath::root(), Limits::default());
        for (size, want) in [(0, 0), (1, 1), (WINDOW, 1), (WINDOW + 1, 2), (2 * WINDOW, 3)] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let windows: Vec<_> = File::new(&path, 0, &bytes, &limits).windows(100).collect();
            assert_eq!(windows.len(), want, "{size}");
            let mut whole: Vec<u8> = Vec::new();
            for window in windows {
                whole.truncate(whole.len().saturating_sub(100));
                whole.extend(window);
            }
            assert!(whole == bytes, "{size}");
        }
    }
}
