//! One vulnerability, one entry: which ids are names of the same vulnerability.
//!
//! Ids are joined when a record names them as aliases of each other, under one rule that keeps bundles apart: a joined
//! group never holds two CVEs. A record that itself names several CVEs (a DSA, an ALSA, some Go reports) is a bundle:
//! it is a vulnerability of its own, and the CVEs are listed as its aliases without being joined to it.

/// Groups of string numbers.
pub(crate) struct Groups {
    parent: Vec<u32>,
    /// At a group's root: its CVE, or `NONE`.
    cve: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// Whether an id is a CVE.
pub(crate) fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// Whether an id shows a vulnerability from every other one. FriendsOfPHP calls some files by their day (`2014-05-20`).
pub(crate) fn is_name(id: &str) -> bool {
    !id.starts_with(|c: char| c.is_ascii_digit())
}

impl Groups {
    /// Every string alone; `cve(n)` shows whether string `n` is a CVE id.
    pub(crate) fn new(len: usize, cve: impl Fn(u32) -> bool) -> Self {
        let len = len as u32;
        Self { parent: (0..len).collect(), cve: (0..len).map(|n| if cve(n) { n } else { NONE }).collect() }
    }

    /// The group of a string.
    pub(crate) fn root(&mut self, mut n: u32) -> u32 {
        while self.parent[n as usize] != n {
            let up = self.parent[self.parent[n as usize] as usize];
            self.parent[n as usize] = up;
            n = up;
        }
        n
    }

    /// The CVE of the group, where it has one.
    pub(crate) fn cve(&mut self, n: u32) -> Option<u32> {
        let root = self.root(n);
        Some(self.cve[root as usize]).filter(|&c| c != NONE)
    }

    /// Joins the ids of one record, unless that would put two CVEs together.
    pub(crate) fn join(&mut self, id: u32, aliases: &[u32], cve: impl Fn(u32) -> bool) {
        let cves = std::iter::once(&id).chain(aliases).filter(|n| cve(**n)).count();
        if cves > 1 {
            return;
        }
        for &alias in aliases {
            let (a, b) = (self.root(id), self.root(alias));
            let (ca, cb) = (self.cve[a as usize], self.cve[b as usize]);
            if a == b || (ca != NONE && cb != NONE) {
                continue;
            }
            self.parent[b as usize] = a;
            self.cve[a as usize] = if ca != NONE { ca } else { cb };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_no_name() {
        for (id, want) in [("CVE-2014-1", true), ("SS-2018-017-1", true), ("2014-05-20", false), ("201710-01", false)] {
            assert_eq!(is_name(id), want, "{id}");
        }
    }

    #[test]
    fn never_two_cves_in_a_group() {
        let names = ["CVE-1", "CVE-2", "GHSA-1", "PYSEC-1", "DSA-1"];
        let cve = |n: u32| is_cve(names[n as usize]);
        let mut groups = Groups::new(names.len(), cve);
        groups.join(2, &[0], cve);
        groups.join(3, &[2, 1], cve); // names GHSA-1, which is CVE-1's, and CVE-2: only one of the two can be right
        groups.join(4, &[0, 1], cve); // a bundle
        assert_eq!(groups.cve(3), Some(0));
        assert_eq!(groups.cve(2), Some(0));
        assert_eq!(groups.cve(1), Some(1));
        assert_eq!(groups.cve(4), None);
    }
}
