//! By which names a finding is taken out. A distribution's advisory may stand for several vulnerabilities
//! (`ALSA-2023:5453` for four CVEs): a word on one of them is none on the others.

use layergate_model::Finding;

/// The names of a finding.
pub(crate) struct FindingNames<'f> {
    /// Each of them means all of it.
    pub(crate) whole: Vec<&'f str>,
    /// The vulnerabilities that it stands for where they are several: all of them together mean all of it.
    pub(crate) parts: Vec<&'f str>,
}

impl<'f> FindingNames<'f> {
    pub(crate) fn of(finding: &'f Finding) -> Self {
        let is_cve = |id: &str| id.starts_with("CVE-");
        let ids = || std::iter::once(&finding.advisory).chain(&finding.aliases).map(String::as_str);
        // One that goes by a CVE itself is that one; other CVEs beside it are other names of it.
        if is_cve(&finding.advisory) || ids().filter(|id| is_cve(id)).count() < 2 {
            return Self { whole: ids().collect(), parts: Vec::new() };
        }
        let (parts, whole) = ids().partition(|id| is_cve(id));
        Self { whole, parts }
    }
}
