//! Findings: duplicates collapsed, then VEX, exceptions and the policy applied.

use std::cmp::Reverse;

use layergate_model::{Effect, Finding, Gap, ImageInventory, ImagePackage, PackageId, Severity, Status, Suppression};
use layergate_policy::{Exception, FindingRule, PolicyView, PurlParts, VexIndex, has_fix};
use rustc_hash::FxHashMap;

/// A finding with the rule that decided about it.
pub(crate) struct Judged<'a> {
    pub(crate) finding: Finding,
    pub(crate) package: Option<&'a ImagePackage>,
    pub(crate) rule: FindingRule,
    /// The severity that it counted as.
    pub(crate) counted: Severity,
    /// Exceptions that would have covered it before they expired.
    pub(crate) expired: Vec<&'a Exception>,
}

impl Judged<'_> {
    pub(crate) fn suppressed(&self) -> bool {
        self.finding.suppressed_by.is_some()
    }

    pub(crate) fn fixable(&self) -> bool {
        has_fix(&self.finding)
    }

    pub(crate) fn package_name(&self) -> &str {
        self.package.map_or("a package that is not in the inventory", |p| p.package.name.as_str())
    }
}

/// The packages by id, with their place in the report.
pub(crate) struct Packages<'a>(FxHashMap<&'a PackageId, (usize, &'a ImagePackage)>);

impl<'a> Packages<'a> {
    /// `order` holds the inventory's packages as the report lists them.
    pub(crate) fn new(order: &[&'a ImagePackage]) -> Self {
        Self(order.iter().enumerate().map(|(place, p)| (&p.id, (place, *p))).collect())
    }

    fn place(&self, id: &PackageId) -> usize {
        self.0.get(id).map_or(usize::MAX, |(place, _)| *place)
    }

    pub(crate) fn get(&self, id: &PackageId) -> Option<&'a ImagePackage> {
        self.0.get(id).map(|(_, p)| *p)
    }
}

/// The packages in the order of the report.
pub(crate) fn report_order(inventory: &ImageInventory) -> Vec<&ImagePackage> {
    let mut order: Vec<&ImagePackage> = inventory.packages.iter().collect();
    order.sort_by(|a, b| {
        let key = |p: &'_ ImagePackage| (p.package.kind, p.layer);
        (key(a).0, &a.package.name, &a.package.version, key(a).1, &a.package.locations, &a.id).cmp(&(
            key(b).0,
            &b.package.name,
            &b.package.version,
            key(b).1,
            &b.package.locations,
            &b.id,
        ))
    });
    order
}

/// Sorts by package and advisory and makes one of several findings of the same advisory on the same package.
pub(crate) fn collapse(mut findings: Vec<Finding>, packages: &Packages<'_>) -> Vec<Finding> {
    // The order among duplicates decides which one leads, so it must not depend on the order of their arrival.
    findings.sort_by(|a, b| {
        packages
            .place(&a.package)
            .cmp(&packages.place(&b.package))
            .then_with(|| a.package.cmp(&b.package))
            .then_with(|| a.advisory.cmp(&b.advisory))
            .then_with(|| Reverse(has_fix(a)).cmp(&Reverse(has_fix(b))))
            .then_with(|| Reverse(a.severity).cmp(&Reverse(b.severity)))
            .then_with(|| a.evidence.feed.cmp(&b.evidence.feed))
            .then_with(|| a.evidence.range.cmp(&b.evidence.range))
            .then_with(|| a.fixed_versions.cmp(&b.fixed_versions))
            .then_with(|| a.remediation.cmp(&b.remediation))
    });
    let mut out: Vec<Finding> = Vec::with_capacity(findings.len());
    for mut finding in findings {
        finding.aliases.retain(|a| *a != finding.advisory);
        finding.aliases.sort();
        finding.aliases.dedup();
        match out.last_mut().filter(|l| l.package == finding.package && l.advisory == finding.advisory) {
            Some(lead) => merge(lead, finding),
            None => out.push(finding),
        }
    }
    out
}

/// What a duplicate knows more than the finding that leads.
fn merge(lead: &mut Finding, other: Finding) {
    lead.aliases.extend(other.aliases);
    lead.aliases.sort();
    lead.aliases.dedup();
    for cvss in other.cvss {
        if !lead.cvss.contains(&cvss) {
            lead.cvss.push(cvss);
        }
    }
    if other.severity > lead.severity {
        lead.severity = other.severity;
        lead.severity_source = other.severity_source;
    }
    lead.title = lead.title.take().or(other.title);
    lead.signals.extend(other.signals);
    lead.malicious |= other.malicious;
}

/// Applies VEX, exceptions and the policy; also gives what VEX could not settle.
pub(crate) fn judge<'a>(
    findings: Vec<Finding>,
    packages: &Packages<'a>,
    policy: &PolicyView<'a>,
    vex: Option<&VexIndex<'_>>,
) -> (Vec<Judged<'a>>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let judged = findings
        .into_iter()
        .map(|mut finding| {
            let package = packages.get(&finding.package);
            let decision = policy.finding(&finding, package);
            let counted = policy.counted_severity(&finding);
            let (exception, expired) = policy.exceptions(&finding, package, || package.map(|p| PurlParts::of(&p.purl)));
            finding.effect = decision.effect;
            // Matching suppresses nothing; a report that is judged again keeps what its VEX documents said.
            finding.suppressed_by = finding.suppressed_by.filter(|s| s.kind == "vex" && vex.is_none());
            if let Some((vex, package)) = vex.zip(package) {
                let answer = vex.answer(&finding, package);
                gaps.extend(answer.gaps);
                if let Some(verdict) = answer.verdict {
                    if verdict.status == layergate_policy::VexStatus::NotAffected {
                        finding.status = Status::NotAffected;
                    }
                    finding.suppressed_by = Some(Suppression {
                        kind: "vex".into(),
                        id: verdict.document,
                        justification: verdict.justification,
                        expires: verdict.expires,
                    });
                }
            }
            if let (None, Some(exception)) = (&finding.suppressed_by, exception) {
                finding.suppressed_by = Some(Suppression {
                    kind: "exception".into(),
                    id: exception.id.clone(),
                    justification: exception.reason.clone(),
                    expires: exception.last_day(),
                });
            }
            let suppressed = finding.suppressed_by.is_some();
            if suppressed {
                finding.effect = Effect::Ignore;
            }
            let expired = if suppressed { Vec::new() } else { expired };
            Judged { finding, package, rule: decision.rule, counted, expired }
        })
        .collect();
    (judged, gaps)
}
