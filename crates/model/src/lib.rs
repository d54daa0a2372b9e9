//! The values everyone speaks: digests, references, packages, inventories, findings, verdicts.
