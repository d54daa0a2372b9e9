//! A kept report under another policy or on another day, without the image and without the advisories.
//!
//! A policy edit repeats only this step (design, section 5); `policy test` and `policy what-if` stand on it. What VEX
//! took out stays out: the documents are pinned in the report and belong to it, not to the policy.

use jiff::civil::Date;
use layergate_model::{Gap, GapKind, ImageInventory, ImagePackage, Inputs, Package, Report, ReportPackage};
use layergate_policy::Policy;

use crate::{
    JUDGE_VERSION, Matches,
    assess::{Facts, decide},
    freshness,
};

/// Judges `report` again under `policy` on the day `as_of` (the report's own where `None` or unreadable).
pub fn rejudge(report: &Report, policy: &Policy, as_of: Option<Date>) -> Report {
    let as_of = as_of.or_else(|| report.inputs.as_of.parse().ok()).unwrap_or(Date::MAX);
    let inventory = ImageInventory {
        distro: report.image.distro.clone(),
        packages: report.packages.iter().map(package).collect(),
        secrets: report.secrets.clone(),
        checks: report.checks.clone(),
        gaps: report
            .gaps
            .iter()
            .filter(|g| !reckoned_again(report, g.kind, &g.place))
            .map(|g| Gap::new(g.kind, g.place.clone(), g.detail.clone()))
            .collect(),
        base: report.image.base.clone(),
        // Asked in matching only, which is done.
        repositories: Vec::new(),
    };
    let inputs = Inputs {
        policy: policy.digest(),
        exceptions: policy.exceptions_digest(),
        judge: JUDGE_VERSION.to_owned(),
        as_of: as_of.to_string(),
        ..report.inputs.clone()
    };
    let facts = Facts { image: report.image.clone(), inventory: &inventory, inputs, policy, vex: &[], as_of };
    let upgrades = report.packages.iter().filter_map(|p| Some((p.id.clone(), p.upgrade_to.clone()?))).collect();
    let mut out = decide(
        facts,
        Matches { findings: report.findings.clone(), gaps: Vec::new(), upgrades, sources: report.sources.clone() },
    );
    for (new, old) in out.packages.iter_mut().zip(&report.packages) {
        if new.id == old.id {
            new.depends_on.clone_from(&old.depends_on);
        }
    }
    out
}

/// Gaps that follow from the day and are found anew.
fn reckoned_again(report: &Report, kind: GapKind, place: &str) -> bool {
    match kind {
        GapKind::StaleAdvisories => place == freshness::PLACE || report.sources.iter().any(|s| s.of == place),
        GapKind::RuleWithoutFeed => true,
        GapKind::NoAdvisories => place == freshness::PLACE && report.inputs.snapshot.is_none(),
        GapKind::EndOfLife => report.image.distro.as_ref().is_some_and(|d| d.end_of_life.is_some()),
        _ => false,
    }
}

fn package(p: &ReportPackage) -> ImagePackage {
    ImagePackage {
        id: p.id.clone(),
        purl: p.purl.clone(),
        package: Package {
            kind: p.kind,
            name: p.name.clone(),
            version: p.version.clone(),
            arch: None,
            source: p.source.clone(),
            module: p.module.clone(),
            uuid: None,
            vendor: p.vendor.clone(),
            licenses: p.licenses.clone(),
            scope: p.scope,
            provenance: p.provenance,
            hashes: p.hashes.clone(),
            dependencies: Vec::new(),
            locations: p.locations.clone(),
        },
        layer: p.layer,
        origin: p.origin,
        owned_by: p.owned_by.clone(),
    }
}
