//! Image sources: OCI registries, archives, layouts, root file systems.
