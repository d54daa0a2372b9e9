//! Match an image inventory against a snapshot, apply the policy, explain.
