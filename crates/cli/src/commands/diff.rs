//! `layergate diff OLD NEW`: what came and what went between two reports, and why it may have.

use std::{collections::BTreeSet, fmt::Write};

use anyhow::anyhow;
use layergate_model::Report;

use crate::{
    args::ReportDiffArgs,
    exit::{Failure, Outcome, usage},
    output, reports,
};

pub(crate) fn run(args: &ReportDiffArgs) -> Result<Outcome, Failure> {
    let single = |path| {
        let mut all = reports::read(path)?;
        match (all.pop(), all.is_empty()) {
            (Some(report), true) => Ok(report),
            _ => Err(usage(anyhow!("{} holds several reports; compare one with one", path.display()))),
        }
    };
    let (old, new) = (single(&args.old)?, single(&args.new)?);
    output::to_stdout(difference(&old, &new).as_bytes())?;
    Ok(Outcome::Done)
}

/// Packages by name, version and kind and findings by advisory and package: ids differ when a layer moved.
fn difference(old: &Report, new: &Report) -> String {
    let packages = |r: &Report| -> BTreeSet<String> {
        r.packages.iter().map(|p| format!("{} {} ({})", p.name, p.version, p.kind)).collect()
    };
    let findings = |r: &Report| -> BTreeSet<String> {
        r.findings
            .iter()
            .filter(|f| f.suppressed_by.is_none())
            .map(|f| {
                let name = r.packages.iter().find(|p| p.id == f.package).map_or("?", |p| p.name.as_str());
                format!("{} {} in {name}", f.severity, f.advisory)
            })
            .collect()
    };
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "verdict: {} -> {}", old.verdict.as_str(), new.verdict.as_str());
    let (a, b) = (&old.inputs, &new.inputs);
    for (what, same) in [
        ("advisories", a.snapshot == b.snapshot),
        ("policy", a.policy == b.policy && a.exceptions == b.exceptions && a.vex == b.vex),
        ("analyzers or limits", a.analyzers == b.analyzers && a.limits == b.limits),
        ("day", a.as_of == b.as_of),
        ("image", old.image.digest == new.image.digest),
    ] {
        if !same {
            let _ = writeln!(out, "changed: {what}");
        }
    }
    for (title, old, new) in [("packages", packages(old), packages(new)), ("findings", findings(old), findings(new))] {
        let (gone, came): (Vec<_>, Vec<_>) = (old.difference(&new).collect(), new.difference(&old).collect());
        let _ = writeln!(out, "{title}: {} gone, {} new", gone.len(), came.len());
        for line in gone {
            let _ = writeln!(out, "- {line}");
        }
        for line in came {
            let _ = writeln!(out, "+ {line}");
        }
    }
    out
}
