//! From matches to the report: the order of the steps is the order of this file.

use jiff::civil::Date;
use layergate_model::{
    Effect, FindingCounts, Gap, GapKind, ImageInventory, ImagePackage, Inputs, REPORT_SCHEMA, Report, ReportImage,
    ReportPackage, Severity, Summary, Verdict,
};
use layergate_policy::{Policy, VexDocument, VexImage, VexIndex};

use crate::{
    AssessInput, JUDGE_VERSION, Matches,
    dependencies::Needs,
    findings::{self, Judged, Packages},
    freshness, items,
    matching::match_image,
    reasons::{self, Case},
    text,
};

/// Judges an image: matches its packages against the snapshot, then does as [`assess_matches`].
pub fn assess(input: AssessInput<'_>) -> Report {
    let matches = input.snapshot.map(|s| match_image(input.inventory, s)).unwrap_or_default();
    assess_matches(input, matches)
}

/// Judges an image whose advisories have been matched.
pub fn assess_matches(input: AssessInput<'_>, mut matches: Matches) -> Report {
    let AssessInput { mut image, inventory, snapshot, policy, vex, limits, analyzers, as_of } = input;
    image.distro = inventory.distro.clone().or(image.distro);
    if let (Some(distro), Some(snapshot)) = (&mut image.distro, snapshot) {
        distro.end_of_life = snapshot.end_of_life(distro).map(str::to_owned).or(distro.end_of_life.take());
    }
    image.base = image.base.or_else(|| inventory.base.clone());
    matches.gaps.extend(others(&image));
    let mut vex_digests: Vec<_> = vex.iter().map(|d| d.digest).collect();
    vex_digests.sort();
    vex_digests.dedup();
    let inputs = Inputs {
        snapshot: snapshot.map(|s| s.digest()),
        snapshot_date: snapshot.and_then(|s| s.newest()).map(str::to_owned),
        policy: policy.digest(),
        exceptions: policy.exceptions_digest(),
        vex: vex_digests,
        limits: limits.fingerprint(),
        analyzers: analyzers.to_owned(),
        judge: JUDGE_VERSION.to_owned(),
        as_of: as_of.to_string(),
    };
    decide(Facts { image, inventory, inputs, policy, vex, as_of }, matches)
}

/// The gap of the platforms of the index that nobody asked for.
fn others(image: &ReportImage) -> Option<Gap> {
    let others = &image.other_platforms;
    let place = image.index_digest.map_or_else(|| image.reference.clone(), |digest| digest.to_string());
    let detail = format!(
        "the index has {} besides, which nobody asked for: {}",
        text::count(others.len(), "image", "images"),
        text::listed(others, 10, ", ")
    );
    (!others.is_empty()).then(|| Gap::new(GapKind::PlatformNotScanned, place, detail))
}

/// Everything but the snapshot itself, of which only the pins are needed once the matches are known.
pub(crate) struct Facts<'a> {
    pub(crate) image: ReportImage,
    pub(crate) inventory: &'a ImageInventory,
    pub(crate) inputs: Inputs,
    pub(crate) policy: &'a Policy,
    pub(crate) vex: &'a [VexDocument],
    pub(crate) as_of: Date,
}

/// The verdict.
pub(crate) fn decide(facts: Facts<'_>, matches: Matches) -> Report {
    let Facts { image, inventory, inputs, policy, vex, as_of } = facts;
    let view = policy.view(&image.reference, as_of);
    let order = findings::report_order(inventory);
    let packages = Packages::new(&order);
    let digests = [image.digest, image.index_digest];
    let index = (!vex.is_empty()).then(|| {
        let this = VexImage { reference: &image.reference, digests, inventory };
        VexIndex::new(vex, this, as_of, policy.vex_max_age_days())
    });
    let found = findings::collapse(matches.findings, &packages);
    let (judged, vex_gaps) = findings::judge(found, &packages, &view, index.as_ref());

    let mut gaps: Vec<Gap> = inventory.gaps.iter().cloned().chain(matches.gaps).chain(vex_gaps).collect();
    gaps.extend(index.iter().flat_map(VexIndex::problems));
    let has_end = gaps.iter().any(|g| g.kind == GapKind::EndOfLife);
    gaps.extend(image.distro.as_ref().filter(|_| !has_end).and_then(|d| freshness::end_of_life(d, as_of)));
    let relevant = judged.iter().any(|j| !j.suppressed() && j.finding.effect < Effect::Fail);
    let aged = match inputs.snapshot {
        Some(_) => freshness::aged(inputs.snapshot_date.as_deref(), &matches.sources, relevant, as_of, &view),
        None => {
            let detail = "there is no advisory snapshot: nothing is known about any package; get one with `layergate db update`, or name one with --db";
            gaps.push(Gap::new(GapKind::NoAdvisories, freshness::PLACE, detail));
            Vec::new()
        }
    };
    if order.is_empty() {
        let detail = match image.layers.len() {
            0 => "no package was found: there is nothing that could be judged".to_owned(),
            n => format!(
                "no package was found in {}: there is nothing that could be judged",
                text::count(n, "layer", "layers")
            ),
        };
        gaps.push(Gap::new(GapKind::NoPackages, "", detail));
    }
    let gaps = items::gaps(gaps, aged, &view);
    let checks = items::checks(&inventory.checks, &view);
    let secrets = items::secrets(&inventory.secrets, &view);
    let licenses = items::licenses(&order, &view);

    let reasons = reasons::of(&Case {
        findings: &judged,
        gaps: &gaps,
        checks: &checks,
        secrets: &secrets,
        licenses: &licenses,
        packages: order.len(),
        reference: &image.reference,
        policy,
        as_of,
    });
    let needs = Needs::new(&order);
    let worst = reasons.iter().map(|r| r.effect).max().unwrap_or_default();
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        verdict: match worst {
            Effect::Error => Verdict::Error,
            Effect::Fail => Verdict::Fail,
            Effect::Warn | Effect::Ignore => Verdict::Pass,
        },
        reasons,
        inputs,
        summary: summary(&judged, order.len(), gaps.len()),
        packages: order.iter().map(|p| report_package(p, &needs, matches.upgrades.get(&p.id))).collect(),
        findings: judged.into_iter().map(|j| j.finding).collect(),
        checks: checks.into_iter().map(|c| c.value).collect(),
        secrets: secrets.into_iter().map(|s| s.value).collect(),
        gaps: gaps.into_iter().map(|g| g.value).collect(),
        sources: matches.sources,
        image,
    }
}

fn summary(judged: &[Judged<'_>], packages: usize, gaps: usize) -> Summary {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut counts = FindingCounts::default();
    let mut fixable = 0;
    let mut suppressed = 0;
    for finding in judged {
        if finding.suppressed() {
            suppressed += 1;
            continue;
        }
        fixable += u32::from(finding.fixable());
        let counter = match finding.finding.severity {
            Severity::Critical => &mut counts.critical,
            Severity::High => &mut counts.high,
            Severity::Medium => &mut counts.medium,
            Severity::Low => &mut counts.low,
            Severity::Negligible => &mut counts.negligible,
            Severity::Unknown => &mut counts.unknown,
        };
        *counter += 1;
    }
    Summary { packages: number(packages), findings: counts, fixable, suppressed, gaps: number(gaps) }
}

fn report_package(package: &ImagePackage, needs: &Needs<'_>, upgrade: Option<&String>) -> ReportPackage {
    let p = &package.package;
    ReportPackage {
        id: package.id.clone(),
        purl: package.purl.clone(),
        name: p.name.clone(),
        version: p.version.clone(),
        kind: p.kind,
        source: p.source.clone(),
        module: p.module.clone(),
        vendor: p.vendor.clone(),
        licenses: p.licenses.clone(),
        scope: p.scope,
        provenance: p.provenance,
        origin: package.origin,
        owned_by: package.owned_by.clone(),
        layer: package.layer,
        locations: p.locations.clone(),
        hashes: p.hashes.clone(),
        depends_on: needs.of(package),
        upgrade_to: upgrade.cloned(),
    }
}
