//! Helpers of the end-to-end tests: images from readable recipes, real servers on free loopback ports, the binary.
#![allow(clippy::expect_used, clippy::panic)]

pub mod chance;
pub mod fake;
pub mod files;
pub mod fleet;
pub mod images;
pub mod jetstream;
pub mod layout;
pub mod program;
pub mod proxy;
pub mod rawtar;
pub mod recipe;
pub mod rpm;
pub mod servers;
