//! Thousands of workers, faults and a virtual clock in one seeded process.
