//! Findings as the rows of a table: one row for each vulnerability of what one would upgrade, grouped by target (the
//! distribution, a lock file or program that holds several packages, else the ecosystem), the most pressing first.
//!
//! Debian builds a dozen binary packages from one source, each with the same vulnerabilities, and an application may hold
//! one library in ten places: each is one row that counts how many findings it stands for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layergate_model::{Effect, Finding, Origin, PackageKind, Report, ReportPackage, Status};

use crate::{text::width, view};

/// One vulnerability of one package (or of all binary packages of one source).
pub(crate) struct Row<'a> {
    /// The first of the findings that the row stands for.
    pub(crate) finding: &'a Finding,
    /// The name of the source package, or the package's own.
    pub(crate) source: &'a str,
    /// The installed version.
    pub(crate) version: &'a str,
    /// Names of the affected packages.
    pub(crate) packages: BTreeSet<&'a str>,
    /// Layers that brought them.
    pub(crate) layers: BTreeSet<u32>,
    pub(crate) origin: Origin,
    /// The files that show that they are there, for packages outside a distribution's database.
    pub(crate) locations: BTreeSet<&'a str>,
    /// Findings that the row stands for.
    pub(crate) findings: usize,
}

/// Cells that several names may take before their source's name stands for them.
const NAMES: usize = 24;

impl Row<'_> {
    /// `libssl3, openssl`, or `linux (14)` for many.
    pub(crate) fn name(&self) -> String {
        let names = self.packages.iter().copied().collect::<Vec<_>>().join(", ");
        match self.packages.len() {
            1 if self.findings > 1 => format!("{names} ({})", self.findings),
            2.. if width(&names) > NAMES => format!("{} ({})", self.source, self.findings),
            _ => names,
        }
    }

    /// `0 base`, `1`, `3 layers`.
    pub(crate) fn layer(&self) -> String {
        let layers = match self.layers.iter().collect::<Vec<_>>().as_slice() {
            [] => String::new(),
            [one] => one.to_string(),
            [one, two] => format!("{one}, {two}"),
            more => format!("{} layers", more.len()),
        };
        let origin = if self.origin == Origin::Base { "base" } else { "" };
        format!("{layers} {origin}").trim().to_owned()
    }

    /// What makes it pressing: the policy, exploitation, severity, and how likely exploitation is.
    fn urgency(&self) -> impl Ord + use<> {
        let f = self.finding;
        (f.effect, f.signals.exploited() || f.malicious, f.severity, f.signals.epss(), !f.fixed_versions.is_empty())
    }
}

/// Rows that belong together.
pub(crate) struct Target<'a> {
    /// `debian 12.8 (bookworm)`, `npm`, `app/server.jar (maven)`.
    pub(crate) title: String,
    pub(crate) rows: Vec<Row<'a>>,
}

/// What fixes a finding, in a column: the versions, or why there is none.
pub(crate) fn fix(finding: &Finding) -> String {
    match (finding.fixed_versions.as_slice(), finding.status) {
        ([], _) if finding.malicious => "remove it".into(),
        ([], Status::WillNotFix) => "won't fix".into(),
        ([], Status::UnderInvestigation) => "investigating".into(),
        ([], _) => "none yet".into(),
        (versions, _) => versions.join(", "),
    }
}

/// `31 %` as a column has it: `31%`, `<1%`.
pub(crate) fn epss(finding: &Finding) -> String {
    match finding.signals.epss() {
        None => String::new(),
        Some(millionths) if millionths < 10_000 => "<1%".into(),
        Some(millionths) => format!("{}%", millionths / 10_000),
    }
}

/// The findings that count (not suppressed), by target; targets and rows the most pressing first.
pub(crate) fn targets(report: &Report) -> Vec<Target<'_>> {
    let by_id = view::packages(report);
    let mut shared: HashMap<&str, usize> = HashMap::new();
    for location in report.packages.iter().filter_map(own_location) {
        *shared.entry(location).or_default() += 1;
    }
    let distro = view::distro_text(report);
    let mut targets: BTreeMap<String, BTreeMap<_, Row<'_>>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.suppressed_by.is_none()) {
        let package = by_id.get(&finding.package).copied();
        let location = package.and_then(own_location);
        let title = match package {
            None => "not listed".to_owned(),
            Some(p) if p.kind.is_os() => distro.clone().unwrap_or_else(|| p.kind.to_string()),
            Some(p) => match location.filter(|l| p.kind == PackageKind::Golang || shared.get(l) > Some(&1)) {
                Some(file) => format!("{file} ({})", p.kind),
                None => p.kind.to_string(),
            },
        };
        let source = package.map_or(finding.package.as_str(), view::source_name);
        let version = package.map_or("", |p| p.version.as_str());
        let origin = package.map_or(Origin::Unknown, |p| p.origin);
        let f = finding;
        let same = (source, version, origin, &f.advisory, (f.effect, f.severity, f.status, &f.fixed_versions));
        let row = targets.entry(title).or_default().entry(same).or_insert_with(|| Row {
            finding,
            source,
            version,
            packages: BTreeSet::new(),
            layers: BTreeSet::new(),
            origin,
            locations: BTreeSet::new(),
            findings: 0,
        });
        row.packages.insert(package.map_or(finding.package.as_str(), |p| p.name.as_str()));
        row.layers.extend(finding.layer);
        row.locations.extend(location);
        row.findings += 1;
    }
    let mut targets: Vec<_> =
        targets.into_iter().map(|(title, rows)| Target { title, rows: sorted(rows.into_values().collect()) }).collect();
    targets.sort_by(|a, b| {
        let first = |t: &Target<'_>| t.rows.first().map(Row::urgency);
        first(b).cmp(&first(a)).then_with(|| a.title.cmp(&b.title))
    });
    targets
}

fn sorted(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    rows.sort_by(|a, b| {
        let name = |r: &Row<'_>| (r.source.to_owned(), r.version.to_owned(), r.finding.advisory.clone());
        b.urgency().cmp(&a.urgency()).then_with(|| name(a).cmp(&name(b)))
    });
    rows
}

/// The file that shows a package outside a distribution's database.
fn own_location(package: &ReportPackage) -> Option<&str> {
    package.locations.first().map(String::as_str).filter(|_| !package.kind.is_os())
}

/// How many of the rows stop the image.
pub(crate) fn stopping(rows: &[Row<'_>]) -> usize {
    rows.iter().filter(|r| r.finding.effect >= Effect::Fail).count()
}
