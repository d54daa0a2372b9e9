//! What a snapshot was asked, and a fingerprint of each answer: a result that was computed from a snapshot stays the same
//! under another one while every answer that it consulted is the same.
//!
//! Fingerprints are independent of the numbers of one file and of the process, so that they can be kept; another version of
//! this program may reckon them differently, which costs work and is never wrong.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use layergate_model::Digest;

use crate::{Entries, Namespace, Snapshot, Vulnerability};

/// A question about one package or namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Whether a namespace is covered, and whether in part only.
    Coverage(String),
    /// What there is on a package, by namespace and name.
    Package(String, String),
    /// What there is on all packages `group:artifact` of Maven with this artifact.
    Artifact(String),
    /// What there is on the vulnerabilities that an id names: how grave a bundle is follows from its CVEs.
    Vulnerability(String),
}

/// The questions that a snapshot was asked ([`Snapshot::noting`]).
#[derive(Debug, Default)]
pub struct Consulted(Mutex<BTreeSet<Question>>);

impl Consulted {
    pub(crate) fn note(&self, question: Question) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question);
    }

    /// The questions so far, sorted, and none afterwards.
    pub fn take(&self) -> BTreeSet<Question> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Snapshot {
    /// The fingerprint of the answer to a question.
    pub fn answer_print(&self, question: &Question) -> u64 {
        let mut hasher = Stable::default();
        match question {
            Question::Coverage(namespace) => {
                let coverage = Namespace::new(namespace).ok();
                let coverage = coverage.and_then(|n| self.manifest().coverage.get(&n));
                (coverage.is_some(), coverage.is_some_and(|c| c.partial().is_some())).hash(&mut hasher);
            }
            Question::Package(namespace, name) => self.hash_entries(self.lookup_text(namespace, name), &mut hasher),
            Question::Artifact(artifact) => {
                for name in self.names_of_artifact(artifact) {
                    name.hash(&mut hasher);
                    self.hash_entries(self.lookup_text("maven", name), &mut hasher);
                }
            }
            Question::Vulnerability(id) => {
                let named = self.vulnerabilities_named(id).into_iter().filter_map(|n| self.vulnerability(n));
                named.for_each(|vulnerability| hash_vulnerability(&vulnerability, &mut hasher));
            }
        }
        hasher.finish()
    }

    /// Everything about a package's entries that can change what is made of them.
    fn hash_entries(&self, entries: Entries<'_>, h: &mut impl Hasher) {
        for entry in entries {
            (self.feed_id(entry.feed), entry.id(), entry.status, entry.severity, entry.module).hash(h);
            entry.arches.for_each(|a| a.hash(h));
            0xa5u8.hash(h);
            entry.versions.for_each(|v| v.hash(h));
            0xa5u8.hash(h);
            entry.ranges.for_each(|r| (r.to_string(), matches!(r.end, crate::End::Before(_))).hash(h));
            self.vulnerability(entry.vulnerability).iter().for_each(|v| hash_vulnerability(v, h));
        }
    }
}

fn hash_vulnerability(vulnerability: &Vulnerability<'_>, h: &mut impl Hasher) {
    (vulnerability.id, vulnerability.malicious, vulnerability.title).hash(h);
    vulnerability.aliases.clone().for_each(|a| a.hash(h));
    0xa5u8.hash(h);
    vulnerability.ratings().for_each(|r| r.hash(h));
    0xa5u8.hash(h);
    vulnerability.cvss().for_each(|c| (c.source, c.version, c.vector, c.score_tenths).hash(h));
    0xa5u8.hash(h);
    vulnerability.cwes().for_each(|c| c.hash(h));
    vulnerability.signals().hash(h);
}

/// SHA-256 behind the standard library's trait: the same in every process.
#[derive(Default)]
struct Stable(Vec<u8>);

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = Digest::of(&self.0);
        digest.as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
