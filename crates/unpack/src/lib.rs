//! Compressed layer bytes to a bounded, verified stream of tar entries.
