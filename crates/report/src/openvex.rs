//! `-o openvex`: OpenVEX 0.2.0 statements about the image, to be edited by people and given back with `--vex`.
//!
//! A VEX statement that took a finding out is passed on as `not_affected` with its justification. An exception is not:
//! it accepts a risk, it does not deny it, so the statement stays `affected` and says that somebody accepted it.

use layergate_model::{Finding, Report, Status};
use serde_json::{Value, json};

use crate::{stamp, text::clean, view};

/// The five justifications of the specification; anything else is an impact statement.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

pub(crate) fn render(reports: &[Report]) -> Result<String, serde_json::Error> {
    let mut statements = Vec::new();
    let mut ids = String::new();
    for report in reports {
        ids.push_str(&stamp::uuid(report, "openvex")?);
        let by_id = view::packages(report);
        let product = stamp::product(&report.image);
        for f in &report.findings {
            let purl = by_id.get(&f.package).map(|p| p.purl.as_str());
            statements.push(statement(&product, purl, f));
        }
    }
    let time = reports.first().map_or_else(|| "1970-01-01T00:00:00Z".into(), stamp::time);
    crate::json::pretty(&json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/layergate-{}", layergate_model::Digest::of(ids.as_bytes()).to_hex()),
        "author": "layergate",
        "role": "scanner",
        "timestamp": time,
        "version": 1,
        "tooling": format!("layergate {}", stamp::VERSION),
        "statements": statements,
    }))
}

fn statement(product: &str, purl: Option<&str>, f: &Finding) -> Value {
    let mut products = json!([{"@id": product}]);
    if let Some(purl) = purl {
        products[0]["subcomponents"] = json!([{"@id": purl}]);
    }
    let mut vulnerability = json!({"name": clean(&f.advisory)});
    if !f.aliases.is_empty() {
        vulnerability["aliases"] = f.aliases.iter().map(|a| clean(a).into_owned()).collect();
    }
    let mut statement = json!({"vulnerability": vulnerability, "products": products});
    let by_vex = f.suppressed_by.as_ref().filter(|s| s.kind == "vex");
    if by_vex.is_some() || f.status == Status::NotAffected {
        statement["status"] = "not_affected".into();
        let why = by_vex.map_or("", |s| s.justification.trim());
        match JUSTIFICATIONS.iter().find(|j| **j == why) {
            Some(justification) => statement["justification"] = (*justification).into(),
            None if why.is_empty() => {
                statement["impact_statement"] = "stated by a VEX document without a reason".into()
            }
            None => statement["impact_statement"] = clean(why).into(),
        }
    } else if f.status == Status::UnderInvestigation && f.suppressed_by.is_none() {
        statement["status"] = "under_investigation".into();
    } else {
        statement["status"] = "affected".into();
        let action = match &f.suppressed_by {
            Some(s) => {
                let until = s.expires.as_deref().map(|e| format!(" until {e}")).unwrap_or_default();
                format!("accepted by {} {}{until}: {}", s.kind, s.id, s.justification)
            }
            None if f.remediation.is_empty() => view::fix(f),
            None => f.remediation.clone(),
        };
        statement["action_statement"] = clean(&action).into();
    }
    statement
}
