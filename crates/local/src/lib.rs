//! The ports in one process: bounded channels, a file cache, sled.
