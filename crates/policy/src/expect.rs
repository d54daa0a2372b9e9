//! The file of `layergate policy test`: reports that were kept, and the verdict that a policy must give on each.
//!
//! ```toml
//! [[case]]
//! name = "the shop's image of May"
//! report = "reports/shop.json"
//! verdict = "fail"
//! rules = ["kev", "severity"]     # each must be among the reasons of that effect or worse
//! silent = ["license"]            # none of these may
//! as-of = 2026-05-01              # default: the report's own day
//! ```

use jiff::civil::Date;
use layergate_model::{Effect, Report, Verdict};
use serde::Deserialize;
use toml::Spanned;

use crate::{PolicyError, file::Day};

/// What a policy must say of one report.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyCase {
    /// The case's name, or the report's path.
    pub name: String,
    /// The report's path as written; relative to the file of cases.
    pub report: String,
    /// The verdict that must come out.
    pub verdict: Verdict,
    /// Rules that must be among the reasons with an effect of `warn` or more.
    pub rules: Vec<String>,
    /// Rules that must not.
    pub silent: Vec<String>,
    /// The day of judgement; `None` is the report's own.
    pub as_of: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Spanned<RawCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCase {
    name: Option<String>,
    report: String,
    verdict: Verdict,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
    as_of: Option<Spanned<Day>>,
}

impl PolicyCase {
    /// Reads a file of cases; one without any is an error, for it would prove nothing.
    pub fn parse_all(text: &str, path: &str) -> Result<Vec<Self>, PolicyError> {
        let file: File = toml::from_str(text).map_err(|e| PolicyError::toml(path, text, &e))?;
        if file.case.is_empty() {
            return Err(PolicyError::at(path, text, 0, "there is no [[case]] in this file")
                .help("write [[case]] with `report = \"FILE\"` and `verdict = \"pass|fail|error\"`"));
        }
        file.case
            .into_iter()
            .map(|spanned| {
                let raw = spanned.into_inner();
                let as_of = match raw.as_of {
                    None => None,
                    Some(day) => Some(day.get_ref().0.trim().parse().map_err(|_| {
                        PolicyError::at(path, text, day.span().start, format!("{:?} is not a day", day.get_ref().0))
                            .help("write year-month-day, for example 2027-01-31")
                    })?),
                };
                Ok(Self {
                    name: raw.name.unwrap_or_else(|| raw.report.clone()),
                    report: raw.report,
                    verdict: raw.verdict,
                    rules: raw.rules,
                    silent: raw.silent,
                    as_of,
                })
            })
            .collect()
    }

    /// What a report under the policy does not meet, in sentences; empty when the case holds.
    pub fn unmet(&self, report: &Report) -> Vec<String> {
        let reported = |rule: &str| report.reasons.iter().any(|r| r.rule == rule && r.effect > Effect::Ignore);
        let mut out = Vec::new();
        if report.verdict != self.verdict {
            let why = report.reasons.first().map(|r| format!(" ({})", r.text)).unwrap_or_default();
            out.push(format!("expected {}, got {}{why}", self.verdict.as_str(), report.verdict.as_str()));
        }
        out.extend(
            self.rules.iter().filter(|r| !reported(r)).map(|r| format!("the rule {r} is not among the reasons")),
        );
        out.extend(self.silent.iter().filter(|r| reported(r)).map(|r| format!("the rule {r} is among the reasons")));
        out
    }
}
