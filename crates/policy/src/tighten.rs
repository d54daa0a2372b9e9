//! What the command line changes, here and against a server.
//!
//! Here `--fail-on` and `--only-fixed` replace the file's keys. Against a server they may only make the verdict
//! stricter: the client's rules become a second set beside the server's, and of two answers the stricter one counts.
//! So the result is at least as strict in every rule by construction, whatever rules are invented later. Exceptions
//! (and VEX) of a client are not taken over: they can only soften.

use crate::{FindingPatch, Policy, Rules, Threshold};

/// What a command line says about the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `--fail-on`
    pub fail_on: Option<Threshold>,
    /// `--only-fixed`
    pub only_fixed: Option<bool>,
    /// `--policy`: for a local run it is the policy, for [`Policy::tighten`] a second one beside the server's.
    pub policy: Option<Policy>,
}

impl Overrides {
    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn patch(&self) -> FindingPatch {
        FindingPatch { fail_on: self.fail_on, only_fixed: self.only_fixed, ..FindingPatch::default() }
    }
}

impl Policy {
    /// The policy of a local run: the file's, or `self` without one, with the flags over it.
    pub fn with_overrides(&self, overrides: &Overrides) -> Policy {
        let mut out = overrides.policy.as_ref().unwrap_or(self).clone();
        for set in &mut out.sets {
            overrides.patch().apply(&mut set.findings);
        }
        out
    }

    /// The server's policy `self`, made stricter by what a client asks for, never laxer.
    pub fn tighten(&self, client: &Overrides) -> Policy {
        let mut out = self.clone();
        if client.is_empty() {
            return out;
        }
        let patch = client.patch();
        let theirs = client.policy.as_ref().map_or(self.sets.as_slice(), |p| p.sets.as_slice());
        for set in theirs {
            let mut set: Rules = set.clone();
            patch.apply(&mut set.findings);
            if !out.sets.contains(&set) {
                out.sets.push(set);
            }
        }
        let dropped = client.policy.as_ref().map_or(0, |p| p.exceptions.len());
        if dropped > 0 {
            out.notes.push(format!(
                "{dropped} exception{} of the client's policy {} not taken over: a client may only make the server's policy stricter",
                if dropped == 1 { "" } else { "s" },
                if dropped == 1 { "was" } else { "were" },
            ));
        }
        out
    }
}
