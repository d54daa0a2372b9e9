//! The catalogue: every tag that was ever seen, what it points at, and how it stands.

use jiff::{Timestamp, civil::Date};
use layergate_model::{Digest, FindingCounts, Verdict};
use serde::{Deserialize, Serialize};

use crate::{ImageKey, Outline};

/// How a reference stands. Nothing ever leaves the catalogue in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Seen for the first time in the last enumeration of its repository.
    New,
    /// As it was.
    Current,
    /// The tag points at another image than before.
    Moved,
    /// It is not listed any more.
    Gone,
    /// It is there and left alone, with the reason.
    Unwatched(String),
    /// It is no image, but this.
    NotAnImage(String),
    /// It could not be read, with the reason.
    Unreadable(String),
}

impl Standing {
    /// The word in lists: `new`, `current`, `moved`, `gone`, `unwatched`, `not-an-image`, `unreadable`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Current => "current",
            Self::Moved => "moved",
            Self::Gone => "gone",
            Self::Unwatched(_) => "unwatched",
            Self::NotAnImage(_) => "not-an-image",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// What is shown beside the word.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unwatched(text) | Self::NotAnImage(text) | Self::Unreadable(text) => Some(text),
            Self::New | Self::Current | Self::Moved | Self::Gone => None,
        }
    }

    /// Whether its images are watched: they have verdicts that a rescan keeps right.
    pub const fn is_watched(&self) -> bool {
        matches!(self, Self::New | Self::Current | Self::Moved)
    }
}

/// What an enumeration found behind a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Images, one for each platform that was asked for.
    Images(Vec<Unit>),
    /// Something else, of this kind.
    NotAnImage(String),
    /// Nothing that could be read, for this reason.
    Unreadable(String),
    /// It is left alone, for this reason.
    Unwatched(String),
    /// Nothing: it is not listed any more.
    Gone,
}

/// One image under a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The kept image.
    pub key: ImageKey,
    /// The manifest's digest.
    pub digest: Digest,
    /// The platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Whether all of it was read. What was not is tried again at the next sync.
    pub complete: bool,
    /// The analyzers and limits that read it, as a short name.
    pub read_by: String,
    /// The day on which it was first judged under this reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// Its verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<UnitVerdict>,
}

/// What was made of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitVerdict {
    /// The outcome.
    pub verdict: Verdict,
    /// Unsuppressed findings by severity.
    pub findings: FindingCounts,
    /// Those with a fix.
    pub fixable: u32,
    /// Findings that VEX or an exception took out.
    pub suppressed: u32,
}

impl UnitVerdict {
    /// What an outline comes to.
    pub fn of(outline: &Outline) -> Self {
        let Outline { counts, fixable, suppressed, .. } = outline;
        Self { verdict: outline.verdict(), findings: *counts, fixable: *fixable, suppressed: *suppressed }
    }

    /// Findings that count.
    pub const fn total(&self) -> u32 {
        let f = &self.findings;
        f.critical + f.high + f.medium + f.low + f.negligible + f.unknown
    }
}

/// A reference of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagEntry {
    /// How it stands.
    pub standing: Standing,
    /// The digest that it points at, or pointed at when it was last there.
    pub root: Option<Digest>,
    /// The platforms that were asked for.
    pub platforms: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it came to stand so.
    pub since: Timestamp,
    /// Its images, by platform.
    pub units: Vec<Unit>,
    /// What it pointed at before, oldest first, each with when that ended and the verdict that it had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Past>,
}

/// What a tag pointed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The digest.
    pub root: Digest,
    /// Until when.
    pub until: Timestamp,
    /// The worst verdict of its images then.
    pub verdict: Option<Verdict>,
}

/// So many former targets of one tag are kept.
pub(crate) const MOST_HISTORY: usize = 100;

impl TagEntry {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            standing: Standing::New,
            root: None,
            platforms: String::new(),
            first_seen: at,
            since: at,
            units: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The worst verdict of its images.
    pub fn verdict(&self) -> Option<Verdict> {
        self.units.iter().filter_map(|u| u.verdict.as_ref()).map(|v| v.verdict).max()
    }

    /// Takes in what an enumeration found.
    pub(crate) fn seen(&mut self, at: Timestamp, root: Option<Digest>, platforms: String, found: Found, first: bool) {
        self.platforms = platforms;
        let moved = root.is_some() && self.root.is_some() && root != self.root;
        if let (true, Some(old)) = (moved, self.root) {
            self.history.push(Past { root: old, until: at, verdict: self.verdict() });
            let over = self.history.len().saturating_sub(MOST_HISTORY);
            self.history.drain(..over);
        }
        let standing = match found {
            Found::Images(mut units) => {
                for unit in &mut units {
                    if let Some(known) = self.units.iter().find(|u| u.key == unit.key) {
                        unit.since = known.since;
                        unit.verdict = unit.verdict.take().or_else(|| known.verdict.clone());
                    }
                }
                self.units = units;
                match (first, moved) {
                    (true, _) => Standing::New,
                    (false, true) => Standing::Moved,
                    (false, false) => Standing::Current,
                }
            }
            Found::NotAnImage(kind) => {
                self.units.clear();
                Standing::NotAnImage(kind)
            }
            Found::Unreadable(why) => {
                if moved {
                    self.units.clear();
                }
                Standing::Unreadable(why)
            }
            Found::Unwatched(why) => Standing::Unwatched(why),
            Found::Gone => Standing::Gone,
        };
        self.root = root.or(self.root);
        if standing != self.standing {
            self.since = at;
        }
        self.standing = standing;
    }
}
