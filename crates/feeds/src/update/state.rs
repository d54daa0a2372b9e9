//! What is known of a downloaded file: its validators, size and digest, and those of a download that broke off.
//!
//! Kept under `.layergate/` of the mirror with the file's own path, so that a mirror holds feeds and nothing else. A
//! state that cannot be read is no state: the file is fetched anew.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use layergate_model::Digest;
use serde::{Deserialize, Serialize};

/// The folder of a mirror that holds no feeds.
pub(crate) const FOLDER: &str = ".layergate";

/// What a server calls one version of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

impl Validators {
    /// What may stand in `If-Range`: a strong tag, else a date.
    pub(crate) fn for_range(&self) -> Option<&str> {
        self.etag.as_deref().filter(|t| !t.starts_with("W/")).or(self.last_modified.as_deref())
    }
}

/// A download that broke off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broken {
    pub(crate) url: String,
    pub(crate) validators: Validators,
}

/// A file's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) validators: Validators,
    pub(crate) digest: Option<Digest>,
    #[serde(default)]
    pub(crate) bytes: u64,
    pub(crate) broken: Option<Broken>,
}

/// Where a file of a mirror, its state and its unfinished download lie.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) target: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) part: PathBuf,
}

impl Places {
    pub(crate) fn new(mirror: &Path, path: &Path) -> Self {
        let beside = mirror.join(FOLDER).join(path);
        let with = |ending: &str| {
            let mut name = beside.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Self { target: mirror.join(path), state: with(".state.json"), part: with(".part") }
    }

    pub(crate) fn make_folders(&self) -> io::Result<()> {
        for file in [&self.target, &self.state] {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
        }
        Ok(())
    }

    pub(crate) fn read(&self) -> State {
        fs::read(&self.state).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
    }

    /// The state, when the file that it speaks of is still there and has its size.
    pub(crate) fn read_present(&self) -> State {
        let state = self.read();
        let there = fs::metadata(&self.target).is_ok_and(|m| m.is_file() && m.len() == state.bytes);
        if there { state } else { State { broken: state.broken, ..State::default() } }
    }

    pub(crate) fn write(&self, state: &State) -> io::Result<()> {
        let text = serde_json::to_vec(state).map_err(io::Error::other)?;
        layergate_disk::replace(&self.state, &text, layergate_disk::Access::Ordinary)
    }
}
