//! What came and what went between two reports, and why it may have: `layergate diff`.
//!
//! Packages are compared by kind and name, findings by advisory and package name: ids differ when a layer moved.

use std::collections::{BTreeMap, BTreeSet};

use layergate_model::{Effect, Finding, Report, Severity, Verdict};
use serde::Serialize;

use crate::{
    stamp::advisory_url,
    text::{clean, count, markdown as md, pad},
    view,
};

/// The schema of the JSON form.
pub const DIFFERENCE_SCHEMA: &str = "layergate.diff/v1";

/// A package that came, went or has other versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageChange {
    /// The name.
    pub name: String,
    /// `deb`, `npm`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its versions in the old report, sorted; none for one that came.
    pub old: Vec<String>,
    /// Its versions in the new report, sorted; none for one that went.
    pub new: Vec<String>,
}

/// A vulnerability of a package that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingChange {
    /// The vulnerability.
    pub advisory: String,
    /// The package's name.
    pub package: String,
    /// `deb`, `npm`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The installed version.
    pub version: String,
    /// How bad it is.
    pub severity: Severity,
    /// What fixes it.
    pub fixed_versions: Vec<String>,
    /// What the policy makes of it.
    pub effect: Effect,
}

/// The difference of two reports.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// [`DIFFERENCE_SCHEMA`].
    pub schema: &'static str,
    /// The verdict of the old report.
    pub old_verdict: Verdict,
    /// The verdict of the new one.
    pub new_verdict: Verdict,
    /// What the verdicts were made with and is not the same: `image`, `advisories`, `policy`, `analyzers or limits`, `day`.
    pub changed: Vec<&'static str>,
    /// Packages, sorted.
    pub packages: Vec<PackageChange>,
    /// Findings of the new report that the old one does not have, worst first.
    pub new_findings: Vec<FindingChange>,
    /// Findings of the old report that the new one does not have, worst first.
    pub gone_findings: Vec<FindingChange>,
}

impl Difference {
    /// Compares two reports. Suppressed findings count as not there.
    pub fn between(old: &Report, new: &Report) -> Self {
        let (a, b) = (&old.inputs, &new.inputs);
        let changed = [
            ("image", old.image.digest == new.image.digest),
            ("advisories", a.snapshot == b.snapshot),
            ("policy", a.policy == b.policy && a.exceptions == b.exceptions && a.vex == b.vex),
            ("analyzers or limits", a.analyzers == b.analyzers && a.limits == b.limits),
            ("day", a.as_of == b.as_of),
        ];
        let (had, has) = (findings(old), findings(new));
        let only = |these: &BTreeMap<_, FindingChange>, those: &BTreeMap<_, FindingChange>| {
            let mut out: Vec<FindingChange> =
                these.iter().filter(|(key, _)| !those.contains_key(*key)).map(|(_, f)| f.clone()).collect();
            out.sort_by(|a, b| {
                (b.effect, b.severity).cmp(&(a.effect, a.severity)).then_with(|| a.advisory.cmp(&b.advisory))
            });
            out
        };
        Self {
            schema: DIFFERENCE_SCHEMA,
            old_verdict: old.verdict,
            new_verdict: new.verdict,
            changed: changed.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect(),
            packages: packages(old, new),
            new_findings: only(&has, &had),
            gone_findings: only(&had, &has),
        }
    }

    /// The JSON form.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        crate::json::pretty(self)
    }

    /// Lines for people.
    pub fn table(&self) -> String {
        let mut out = format!("verdict: {} → {}\n", self.old_verdict.as_str(), self.new_verdict.as_str());
        if !self.changed.is_empty() {
            out.push_str(&format!("changed: {}\n", self.changed.join(", ")));
        }
        let heads = [(&self.new_findings, "new", '+'), (&self.gone_findings, "gone", '-')];
        for (list, what, sign) in heads {
            out.push_str(&format!(
                "\n{}\n",
                count(list.len(), &format!("{what} finding"), &format!("{what} findings"))
            ));
            for f in list {
                let severity = pad(&f.severity.as_str().to_uppercase(), 10);
                let stops = if f.effect >= Effect::Fail { " ✗" } else { "" };
                let line = format!("{sign} {severity}  {}  {} {}{stops}", f.advisory, f.package, f.version);
                out.push_str(&format!("{}\n", clean(&line)));
            }
        }
        out.push_str(&format!("\n{}\n", count(self.packages.len(), "package differs", "packages differ")));
        for p in &self.packages {
            let line = match (p.old.as_slice(), p.new.as_slice()) {
                ([], new) => format!("+ {} {} ({})", p.name, new.join(", "), p.kind),
                (old, []) => format!("- {} {} ({})", p.name, old.join(", "), p.kind),
                (old, new) => format!("~ {} {} → {} ({})", p.name, old.join(", "), new.join(", "), p.kind),
            };
            out.push_str(&format!("{}\n", clean(&line)));
        }
        out
    }

    /// A comment for a pull request, under GitHub's limit of a comment.
    pub fn markdown(&self) -> String {
        /// Rows of one table; 200 rows of some 200 bytes stay far below 65,536.
        const ROWS: usize = 100;
        let mut out = format!("## layergate: {} → {}\n\n", self.old_verdict.as_str(), self.new_verdict.as_str());
        if !self.changed.is_empty() {
            out.push_str(&format!("Changed: {}.\n\n", self.changed.join(", ")));
        }
        for (list, what) in [(&self.new_findings, "New"), (&self.gone_findings, "Gone")] {
            if list.is_empty() {
                out.push_str(&format!("{what}: nothing.\n\n"));
                continue;
            }
            out.push_str(&format!("### {what}: {}\n\n", count(list.len(), "finding", "findings")));
            out.push_str("| Severity | Vulnerability | Package | Fixed in |\n|---|---|---|---|\n");
            for f in list.iter().take(ROWS) {
                let cell = |text: &str| md(&crate::text::fit(&clean(text), 80));
                let id = match advisory_url(&f.advisory) {
                    Some(url) => format!("[{}]({url})", f.advisory),
                    None => cell(&f.advisory),
                };
                let (package, fixed) = (format!("{} {}", f.package, f.version), f.fixed_versions.join(", "));
                out.push_str(&format!("| {} | {id} | {} | {} |\n", f.severity, cell(&package), cell(&fixed)));
            }
            if list.len() > ROWS {
                out.push_str(&format!("\nand {} more\n", list.len() - ROWS));
            }
            out.push('\n');
        }
        out.push_str(&format!("{}\n", count(self.packages.len(), "package differs", "packages differ")));
        out
    }
}

type Key = (String, &'static str, String);

fn findings(report: &Report) -> BTreeMap<Key, FindingChange> {
    let by_id = view::packages(report);
    let change = |f: &Finding| {
        let package = by_id.get(&f.package);
        let name = package.map_or(f.package.as_str(), |p| p.name.as_str()).to_owned();
        let kind = package.map_or("", |p| p.kind.as_str());
        let change = FindingChange {
            advisory: f.advisory.clone(),
            package: name.clone(),
            kind,
            version: package.map(|p| p.version.clone()).unwrap_or_default(),
            severity: f.severity,
            fixed_versions: f.fixed_versions.clone(),
            effect: f.effect,
        };
        ((f.advisory.clone(), kind, name), change)
    };
    report.findings.iter().filter(|f| f.suppressed_by.is_none()).map(change).collect()
}

fn packages(old: &Report, new: &Report) -> Vec<PackageChange> {
    let mut all: BTreeMap<(&str, &'static str), [BTreeSet<&str>; 2]> = BTreeMap::new();
    for (side, report) in [old, new].into_iter().enumerate() {
        for p in &report.packages {
            all.entry((p.name.as_str(), p.kind.as_str())).or_default()[side].insert(&p.version);
        }
    }
    let list = |set: &BTreeSet<&str>| set.iter().map(|v| (*v).to_owned()).collect();
    all.into_iter()
        .filter(|(_, [old, new])| old != new)
        .map(|((name, kind), [old, new])| PackageChange { name: name.into(), kind, old: list(&old), new: list(&new) })
        .collect()
}
