//! How each ecosystem orders its versions, and ranges over them.
//!
//! A [`Scheme`] is an ecosystem's way; [`Scheme::compare`] gives the order of two texts (for the distributions
//! and the semver family without allocating), [`Scheme::parse`] a checked [`Version`]. [`Ranges`] are the versions that
//! an advisory affects (OSV events, intervals, single versions), [`Constraint`] reads the native languages
//! (`^1.2 || 3.x`, `~> 1.2`, `[1,2)`), and both are made of [`Interval`]s. Matching uses
//! [`Scheme::compare_to_bound`].
//!
//! ```
//! use layergate_version::{Constraint, Event, Ranges, Scheme};
//! # fn main() -> Result<(), layergate_version::VersionError> {
//! let mut affected = Ranges::new(Scheme::Dpkg);
//! affected.add_events(&[Event::Introduced("0".into()), Event::Fixed("3.0.11-1~deb12u2".into())])?;
//! assert!(affected.contains("3.0.11-1~deb12u1")?);
//! assert!(!affected.contains("3.0.11-1")?);
//!
//! let patched = Constraint::parse_any(Scheme::RubyGems, ["~> 2.3.8", ">= 3.0.1"])?;
//! assert!(patched.matches("2.3.9")? && !patched.matches("2.4.0")?);
//! # Ok(())
//! # }
//! ```
//!
//! # Where an order is not the tool's
//! Every order is its tool's, checked against the tool itself where one exists (dpkg, rpm; by hand also
//! Maven 3.9.9, RubyGems 3.3, PHP 8.2, Python's `packaging`, npm's `semver`). The known differences, all
//! outside of what the ecosystem's repositories accept:
//! - **Apk**: text outside of the grammar (`1-r0-1`, `0..1`) is ordered by its rest; apk-tools 2 and 3 disagree
//!   with each other there.
//! - **Maven**: `1-ga-1` equals `1-1`, as the POM reference says and `ComparableVersion` does not.
//! - **Packagist**: a leading `v` is dropped (`version_compare` does not, Composer does), numbers do not overflow at 64
//!   bits, `#` equals any number, and text that ends in a separator is just older.
//! - **Conan**: a number is older than a word in the same place, because comparing them as text, as Conan
//!   does, is not transitive.
//! - **Alpm**: a missing release is older than any, because "equal to every release", as vercmp has it, is
//!   not transitive; [`Scheme::compare_to_bound`] has vercmp's rule.
//! - **Maven**'s and **Alpm**'s own orders, and **Packagist**'s with `#` in it, are not transitive for some texts
//!   that no release uses.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod candidate;
mod constraint;
mod digits;
mod error;
mod interval;
mod order;
mod ranges;
mod scheme;
mod version;

pub use candidate::Candidate;
pub use constraint::{Constraint, MAX_CONSTRAINT_LEN, MAX_TERMS};
pub use error::VersionError;
pub use interval::{Bound, Interval};
pub use ranges::{Event, Ranges};
pub use scheme::Scheme;
pub use version::Version;

/// The longest version that is read, in bytes.
pub const MAX_VERSION_LEN: usize = 1024;
