//! Between messages and values, checked in both directions: what cannot be said is not sent, and what was not said right is
//! not believed. Every reader gives an error with the message and the field; none panics.

mod failure;
mod job;
mod member;
mod parts;
mod task;
mod verdict;

pub use failure::{failure_from_wire, failure_to_wire};
pub use job::{job_from_wire, job_to_wire};
pub use member::{
    announcement_from_wire, announcement_to_wire, drain_from_wire, drain_to_wire, member_from_wire, member_to_wire,
};
pub use task::{done_from_wire, done_to_wire, task_from_wire, task_to_wire};
pub use verdict::{verdict_from_wire, verdict_to_wire};
