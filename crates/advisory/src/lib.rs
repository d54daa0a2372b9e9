//! The snapshot: one immutable memory-mapped advisory file.
