//! The least that a whole copy of a feed has. Which floors there are is for whoever reads feeds.

/// What a floor counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FloorOf {
    /// All records of the feed.
    Feed,
    /// Those on any release of a family together (`rhel`); they count for each release on which it has any.
    Family(String),
    /// Those on each release of a family by itself (`alpine:*`).
    EachRelease(String),
}

/// A whole copy of a feed has at least so many records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Floor {
    /// The feed, by id.
    pub feed: String,
    /// Which of them count.
    pub of: FloorOf,
    /// The least that there can be.
    pub at_least: u64,
    /// Whether the feed describes only what has been fixed.
    pub fixed_only: bool,
}

/// The floor of a whole feed.
pub(crate) fn of_feed(floors: &[Floor], feed: &str) -> Option<u64> {
    floors.iter().find(|f| f.feed == feed && f.of == FloorOf::Feed).map(|f| f.at_least)
}
