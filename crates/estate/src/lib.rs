//! The estate: every image that an organization has, what is in it, and what is known against it.
//!
//! An inventory does not change, so a change of advisories can change only the verdicts of images that hold an affected
//! package. Everything here is a function over values: [`State`] follows from [`Event`]s, [`Index`] from kept images,
//! [`Judgement`] from index and pins. `docs/estate.md` is the map.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod catalogue;
mod cause;
mod event;
mod flip;
mod index;
mod judgement;
mod kept;
mod ledger;
mod notice;
mod open;
mod outline;
mod pins;
mod pool;
pub mod question;
mod state;
mod stored;

pub use catalogue::{Found, Past, Standing, TagEntry, Unit, UnitVerdict};
pub use cause::{Cause, CauseKind};
pub use event::{Batch, BatchError, Event, RunId, RunIdError, RunKind};
pub use flip::Flip;
pub use index::{Entry, Index};
pub use judgement::{Judgement, Touched, UnitKey};
pub use kept::{ImageKey, KeptImage};
pub use ledger::{Ledger, NOT_AN_IMAGE};
pub use notice::{Notice, Team, notices};
pub use open::{EstateError, Judged, OpenEstate};
pub use outline::{FindingOutline, GapOutline, Outline};
pub use pins::Pins;
pub use state::{InUse, Run, State};
pub use stored::{Unreadable, pack, unpack};
