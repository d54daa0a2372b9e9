//! Analyzers that are about what files say and not about packages.

mod secret_rules;
mod secret_scope;
pub mod secrets;
