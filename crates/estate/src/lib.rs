//! Which images hold which packages: ledger, delta rescan, flips.
