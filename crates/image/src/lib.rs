//! Ordered layer inventories to one image inventory: overlay, ownership, provenance.
