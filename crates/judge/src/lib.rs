//! Match an image inventory against a snapshot, apply VEX, exceptions and the policy, and explain the verdict.
//!
//! Pure: no clock, no network, no file. The same input gives the same report, byte for byte (design, invariant 8);
//! the day for which expiries and ages are reckoned is an argument.
//!
//! `matching/` finds which advisories affect which packages; [`assess_matches`] does all the rest.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod assess;
mod dependencies;
mod findings;
mod freshness;
mod input;
mod items;
pub mod matching;
mod reasons;
mod rejudge;
mod text;

pub use assess::{assess, assess_matches};
pub use input::{AssessInput, JUDGE_VERSION, Matches};
pub use matching::match_image;
pub use rejudge::rejudge;
