//! What to do about a report: as few steps as fix the most, the most pressing first.
//!
//! The base image's packages are fixed by one rebuild on a current base; packages of one source are upgraded together,
//! each to the one version that fixes everything known of it. What has no fix keeps the sentence that the judge gave
//! it.

use std::collections::{BTreeMap, BTreeSet};

use layergate_model::{
    Effect, Finding, GapKind, Origin, PackageKind, Report, ReportPackage, Secret, Severity, Verdict,
};

use crate::{
    advice,
    text::count,
    view::{self, secret_effect, tally_text},
};

/// Names in one sentence before "and N more".
const NAMES: usize = 3;

/// Something to do, and what it fixes.
struct Step<'a> {
    text: String,
    fixes: BTreeSet<(&'a str, &'a str)>,
    severities: BTreeMap<Severity, usize>,
    effect: Effect,
}

impl<'a> Step<'a> {
    fn new() -> Self {
        Self { text: String::new(), fixes: BTreeSet::new(), severities: BTreeMap::new(), effect: Effect::Ignore }
    }

    /// One vulnerability of several binary packages of a source is fixed once.
    fn add(&mut self, name: &'a str, finding: &'a Finding) {
        self.effect = self.effect.max(finding.effect);
        if self.fixes.insert((name, &finding.advisory)) {
            *self.severities.entry(finding.severity).or_default() += 1;
        }
    }
}

/// What one upgrades: the kind of package, its source (or itself) and the version to go to.
type Target<'a> = (PackageKind, &'a str, &'a str);

/// `upgrade curl, libcurl4 to 8.1`.
pub(crate) fn upgrade(kind: PackageKind, name: &str, packages: &BTreeSet<&str>, version: &str) -> String {
    if kind == PackageKind::Golang && matches!(name, "stdlib" | "toolchain") {
        return format!("rebuild with Go {} or later", version.trim_start_matches(['v', 'g', 'o']));
    }
    let mut names: Vec<&str> = packages.iter().copied().take(NAMES).collect();
    // The source's own name is the one that people know.
    if let Some(own) = packages.get(name).filter(|own| !names.contains(own)) {
        names.insert(0, own);
        names.truncate(NAMES);
    }
    let more = packages.len().saturating_sub(names.len());
    let more = if more > 0 {
        format!(" and {} of {name}", count(more, "more package", "more packages"))
    } else {
        String::new()
    };
    format!("upgrade {}{more} to {version}", names.join(", "))
}

/// Whether a rebuild on a newer base brings this package's fixes.
fn from_base(report: &Report, package: &ReportPackage) -> bool {
    report.image.base.is_some() && package.origin == Origin::Base && package.kind.is_os()
}

fn rebuild(report: &Report, fixes: usize, of: usize, unfixed: usize) -> String {
    // As one writes it in a Dockerfile.
    let short = |name: &'_ str| name.trim_start_matches("docker.io/").trim_start_matches("library/").to_owned();
    let named = report.image.base.as_ref().and_then(|b| b.name.as_deref()).map(short);
    let base = match (named, view::distro_text(report)) {
        (Some(name), _) => format!("a current {name}"),
        (None, Some(distro)) => format!("a current base image of {distro}"),
        (None, None) => "a current base image".to_owned(),
    };
    let open = match unfixed {
        0 => String::new(),
        1 => "; 1 has no fix yet".to_owned(),
        n => format!("; {n} have no fix yet"),
    };
    format!("rebuild on {base}, which fixes {fixes} of {of} in the base{open}")
}

/// The steps that fix findings of at least this effect.
fn steps(report: &Report, at_least: Effect) -> Vec<Step<'_>> {
    let by_id = view::packages(report);
    let mut base = Step::new();
    let mut upgrades: BTreeMap<Target<'_>, (Step<'_>, BTreeSet<&str>)> = BTreeMap::new();
    let mut others: BTreeMap<&str, Step<'_>> = BTreeMap::new();
    for f in report.findings.iter().filter(|f| f.suppressed_by.is_none() && f.effect >= at_least) {
        let package = by_id.get(&f.package).copied();
        let name = package.map_or(f.package.as_str(), view::source_name);
        let mendable = !f.fixed_versions.is_empty() && !f.malicious;
        if let Some(package) = package {
            if mendable && from_base(report, package) {
                base.add(name, f);
                continue;
            }
            if let Some(version) = package.upgrade_to.as_deref().filter(|_| mendable) {
                let target = (package.kind, name, version);
                let (step, packages) = upgrades.entry(target).or_insert_with(|| (Step::new(), BTreeSet::new()));
                step.add(name, f);
                packages.insert(&package.name);
                continue;
            }
        }
        if !f.remediation.is_empty() {
            others.entry(&f.remediation).or_insert_with(Step::new).add(name, f);
        }
    }
    let mut steps = Vec::new();
    if !base.fixes.is_empty() {
        // A rebuild fixes more than what stops the image: all that is known of the base counts, each vulnerability of a
        // source once.
        let (mut all, mut fixed, mut unfixed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for f in report.findings.iter().filter(|f| f.suppressed_by.is_none()) {
            let Some(package) = by_id.get(&f.package).filter(|p| p.origin == Origin::Base) else { continue };
            let vulnerability = (view::source_name(package), f.advisory.as_str());
            all.insert(vulnerability);
            if f.fixed_versions.is_empty() {
                unfixed.insert(vulnerability);
            } else if !f.malicious && from_base(report, package) {
                fixed.insert(vulnerability);
            }
        }
        base.text = rebuild(report, fixed.len(), all.len(), unfixed.len());
        steps.push(base);
    }
    steps.extend(upgrades.into_iter().map(|((kind, name, version), (step, packages))| Step {
        text: upgrade(kind, name, &packages, version),
        ..step
    }));
    steps.extend(others.into_iter().map(|(text, step)| Step { text: text.to_owned(), ..step }));
    let key = |s: &Step<'_>| {
        let gravest = s.severities.last_key_value().map(|(severity, n)| (*severity, *n));
        (s.effect, gravest, s.fixes.len())
    };
    steps.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.text.cmp(&b.text)));
    steps
}

/// What to do so that the image passes, in sentences, the most pressing first; nothing for one that passes.
pub(crate) fn todo(report: &Report) -> Vec<String> {
    if report.verdict == Verdict::Pass {
        return Vec::new();
    }
    let steps = steps(report, Effect::Fail);
    let mut todo: Vec<String> = steps.iter().map(|s| format!("{} ({})", s.text, tally_text(&s.severities))).collect();
    let stops = |s: &&Secret| secret_effect(report, s.severity) >= Effect::Fail;
    match report.secrets.iter().filter(stops).count() {
        0 => {}
        n => todo.push(format!("revoke {}, then take it out of its layer", count(n, "secret", "secrets"))),
    }
    let checks = report.checks.iter().filter(|c| c.effect >= Effect::Fail);
    todo.extend(checks.map(|c| format!("{}: {}", c.location, c.remediation)));
    let mut gaps: BTreeMap<GapKind, usize> = BTreeMap::new();
    report.gaps.iter().filter(|g| g.effect >= Effect::Fail).for_each(|g| *gaps.entry(g.kind).or_default() += 1);
    todo.extend(gaps.iter().map(|(kind, n)| format!("{} ({n} × {kind})", advice::for_gap(*kind))));
    todo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let names = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<&str>>();
        let rows = [
            (PackageKind::Npm, "lodash", names(&["lodash"]), "upgrade lodash to 1.2"),
            (PackageKind::Deb, "openssl", names(&["libssl3", "openssl"]), "upgrade libssl3, openssl to 1.2"),
            (
                PackageKind::Deb,
                "zlib",
                names(&["a", "b", "c", "d", "zlib"]),
                "upgrade zlib, a, b and 2 more packages of zlib to 1.2",
            ),
            (PackageKind::Golang, "stdlib", names(&["stdlib"]), "rebuild with Go 1.2 or later"),
        ];
        for (kind, name, packages, want) in rows {
            assert_eq!(upgrade(kind, name, &packages, "1.2"), want);
        }
    }
}
