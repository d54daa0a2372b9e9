//! `scan --baseline`: what an older report has already is taken out of the verdict, so that a pipeline stops on what is new.
//!
//! Each finding, check and secret of the older report becomes an exception; the new report names them as such, and pins their
//! digest. Gaps do not: what was not looked at may hide what is new. A finding that has become worse since (a higher severity,
//! exploitation, malice) and another secret in the same file are new.

use layergate_model::Report;
use layergate_policy::{Exception, ExceptionSubject, Expiry, PackagePattern, PathPattern, PurlParts, Seen};

/// The exceptions that an older report makes.
pub(crate) fn exceptions(baseline: &[Report]) -> Vec<Exception> {
    let mut out = Vec::new();
    for report in baseline {
        let reason = format!("known in the baseline {}", report.image.reference);
        let exception = |subject, package, path, seen| Exception {
            id: "baseline".into(),
            subject,
            package,
            image: None,
            path,
            seen,
            reason: reason.clone(),
            expires: Expiry::Never,
            file: "baseline".into(),
            line: 1,
        };
        for finding in report.findings.iter().filter(|f| f.suppressed_by.is_none()) {
            let package = report.packages.iter().find(|p| p.id == finding.package);
            let base = package.map(|p| PurlParts::of(&p.purl).base);
            // A name that is a pattern would take out more than itself.
            let Some(base) = base.filter(|b| is_plain(b)).filter(|_| is_plain(&finding.advisory)) else { continue };
            if let Ok(pattern) = PackagePattern::new(&base) {
                let subject = ExceptionSubject::Advisory(finding.advisory.clone());
                out.push(exception(subject, Some(pattern), None, Some(Seen::of_finding(finding))));
            }
        }
        let placed = |subject, path: &str, seen| {
            let pattern = PathPattern::new(path).ok().filter(|_| is_plain(path))?;
            Some(exception(subject, None, Some(pattern), seen))
        };
        let checks = report.checks.iter();
        out.extend(checks.filter_map(|c| placed(ExceptionSubject::Check(c.id.clone()), &c.location, None)));
        out.extend(report.secrets.iter().filter_map(|s| {
            let seen = Seen::Secret { redacted: s.redacted.clone() };
            placed(ExceptionSubject::Secret(s.rule.clone()), &s.path, Some(seen))
        }));
    }
    out.sort_by_key(|e| serde_json::to_string(e).unwrap_or_default());
    out.dedup();
    out
}

fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}
