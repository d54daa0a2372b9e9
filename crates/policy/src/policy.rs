//! A policy: one or more sets of rules of which the strictest answer counts, and the exceptions.

use layergate_model::Digest;
use serde::Serialize;

use crate::{Exception, PolicyError, Rules, file};

/// A policy. More than one set of rules is there only after [`Policy::tighten`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policy {
    pub(crate) sets: Vec<Rules>,
    #[serde(skip)]
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) notes: Vec<String>,
}

impl Default for Policy {
    /// The policy without a file: fail on critical and high findings that have a fix, on anything known to be
    /// exploited and on malicious packages; error on gaps that hide packages; warn on the rest.
    fn default() -> Self {
        Self { sets: vec![Rules::default()], exceptions: Vec::new(), notes: Vec::new() }
    }
}

impl Policy {
    /// Reads a policy file; `path` is what errors call it, its last part what reports call it.
    pub fn parse(text: &str, path: &str) -> Result<Self, PolicyError> {
        let (rules, exceptions) = file::parse(text, path)?;
        Ok(Self { sets: vec![rules], exceptions, notes: Vec::new() })
    }

    /// A policy of these rules.
    pub fn new(rules: Rules, exceptions: Vec<Exception>) -> Self {
        Self { sets: vec![rules], exceptions, notes: Vec::new() }
    }

    /// The rules; of several sets the strictest answer counts.
    pub fn rules(&self) -> &[Rules] {
        &self.sets
    }

    /// The exceptions.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The same with more exceptions.
    #[must_use]
    pub fn with_exceptions(mut self, more: impl IntoIterator<Item = Exception>) -> Self {
        self.exceptions.extend(more);
        self
    }

    /// What was not taken over from a client, to be reported.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Days after which a VEX statement no longer counts: the strictest set's.
    pub fn vex_max_age_days(&self) -> Option<u32> {
        self.sets.iter().filter_map(|s| s.vex_max_age_days).min()
    }

    /// The digest of the rules in canonical form: comments, order of keys and spaces do not count.
    pub fn digest(&self) -> Digest {
        canonical("layergate-policy/1", self)
    }

    /// The digest of the exceptions. File name and line are part of it, for reports name them.
    pub fn exceptions_digest(&self) -> Digest {
        canonical("layergate-exceptions/1", &self.exceptions)
    }
}

/// Struct fields are serialized in their declared order and maps are sorted, so equal values give equal bytes.
fn canonical(format: &str, value: &impl Serialize) -> Digest {
    let mut bytes = format.as_bytes().to_vec();
    bytes.push(b'\n');
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        // Plain structs, strings and numbers cannot fail; if they did, the digest would still name the policy.
        bytes.extend_from_slice(format!("{error}\n{:?}", bytes.len()).as_bytes());
    }
    Digest::of(&bytes)
}
