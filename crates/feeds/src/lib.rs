//! Upstream advisory feeds to a snapshot.
