//! Which packages an SBOM lists: each once. A well-known program that a package of the distribution installed is that
//! package; listed beside it, readers that know nothing of owners would judge it a second time, by its makers' versions
//! instead of the distribution's. It stays where a finding speaks of it. Language packages stay too, with their owner's
//! name: their ecosystem knows them by another one than the distribution.

use std::collections::HashSet;

use layergate_model::{PackageId, PackageKind, Report, ReportPackage};

/// The packages in the order of the report.
pub(crate) fn packages(report: &Report) -> Vec<&ReportPackage> {
    let with_findings: HashSet<&PackageId> = report.findings.iter().map(|f| &f.package).collect();
    let known: HashSet<&PackageId> = report.packages.iter().map(|p| &p.id).collect();
    let owned = |p: &ReportPackage| p.owned_by.as_ref().is_some_and(|owner| *owner != p.id && known.contains(owner));
    let mut once = HashSet::new();
    report
        .packages
        .iter()
        .filter(|p| p.kind != PackageKind::Generic || !owned(p) || with_findings.contains(&p.id))
        .filter(|p| once.insert(&p.id))
        .collect()
}
