//! The real gate.

/// Placeholder until merge and judge exist.
pub struct StandardGate;
/// Placeholder.
pub struct StandardGateConfig;
