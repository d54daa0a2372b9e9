//! `-o junit`: JUnit's XML as CI servers read it. A test suite for each image: the verdict itself is the first test, so
//! that a clean image shows a passed test rather than nothing; then one test for each finding, check, secret and gap.

use std::{collections::BTreeMap, fmt::Write as _};

use layergate_model::{Effect, Report, Verdict};

use crate::{advice, text::html as xml, view};

/// What became of one test.
enum Outcome {
    Passed,
    Skipped(String),
    Failed(Said),
    Broken(Said),
}

/// What a CI server shows in its list, and what behind it: never the same twice.
struct Said {
    message: String,
    more: String,
}

struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

pub(crate) fn render(reports: &[Report]) -> String {
    let mut names = Names::default();
    let suites: Vec<_> = reports
        .iter()
        .map(|report| {
            let mut name = report.image.reference.clone();
            let platforms = reports.iter().filter(|r| r.image.reference == report.image.reference).count();
            if let Some(platform) = report.image.platform.as_ref().filter(|_| platforms > 1) {
                name.push_str(&format!(" ({platform})"));
            }
            (report, names.unique(&name), cases(report))
        })
        .collect();
    let all = || suites.iter().flat_map(|(.., cases)| cases);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"layergate\" {}>", totals(all()));
    for (report, name, cases) in &suites {
        let name = xml(name);
        let time = crate::stamp::local_time(report);
        let _ = writeln!(out, "  <testsuite name=\"{name}\" timestamp=\"{time}\" time=\"0\" {}>", totals(cases.iter()));
        if !report.image.left_out.is_empty() {
            out.push_str("    <properties>\n");
            for what in &report.image.left_out {
                let _ = writeln!(out, "      <property name=\"left-out-of-the-index\" value=\"{}\"/>", xml(what));
            }
            out.push_str("    </properties>\n");
        }
        for case in cases {
            let _ = write!(
                out,
                "    <testcase classname=\"{name}.{}\" name=\"{}\" time=\"0\"",
                case.class,
                xml(&case.name)
            );
            let (tag, said) = match &case.outcome {
                Outcome::Passed => {
                    out.push_str("/>\n");
                    continue;
                }
                Outcome::Skipped(text) => {
                    let _ = writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", xml(text));
                    continue;
                }
                Outcome::Failed(said) => ("failure", said),
                Outcome::Broken(said) => ("error", said),
            };
            let (class, message) = (case.class, xml(&said.message));
            let more: Vec<_> = said.more.lines().map(xml).collect();
            let more = more.join("\n");
            let _ =
                writeln!(out, ">\n      <{tag} type=\"{class}\" message=\"{message}\">{more}</{tag}>\n    </testcase>");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn totals<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    for case in cases {
        tests += 1;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Skipped(_) => skipped += 1,
            Outcome::Failed(_) => failures += 1,
            Outcome::Broken(_) => errors += 1,
        }
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn outcome(effect: Effect, message: String, more: String) -> Outcome {
    match effect {
        Effect::Error => Outcome::Broken(Said { message, more }),
        Effect::Fail => Outcome::Failed(Said { message, more }),
        Effect::Warn | Effect::Ignore => Outcome::Skipped(message),
    }
}

/// Names that were given already: CI servers take two tests of one name for one.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn unique(&mut self, name: &str) -> String {
        let times = self.0.entry(name.to_owned()).or_default();
        *times += 1;
        if *times > 1 { format!("{name} #{times}") } else { name.to_owned() }
    }
}

fn cases(report: &Report) -> Vec<Case> {
    let why: Vec<&str> = report.reasons.iter().map(|r| r.text.as_str()).collect();
    let why = || Said { message: format!("the verdict is {}", report.verdict.as_str()), more: why.join("\n") };
    let verdict = match report.verdict {
        Verdict::Pass => Outcome::Passed,
        Verdict::Fail => Outcome::Failed(why()),
        Verdict::Error => Outcome::Broken(why()),
    };
    let mut cases = vec![Case { class: "verdict", name: "verdict".into(), outcome: verdict }];
    let by_id = view::packages(report);
    for f in &report.findings {
        let package = by_id.get(&f.package);
        let (name, version) = package.map_or((f.package.as_str(), ""), |p| (p.name.as_str(), p.version.as_str()));
        let text = format!("{}; fix: {}", f.severity, view::fix(f));
        let title = f.title.as_deref().map(|t| format!("{t}\n")).unwrap_or_default();
        let more = format!("{title}{} lists {}\n{}", f.evidence.feed, f.evidence.range, f.remediation);
        let outcome = match &f.suppressed_by {
            Some(by) => Outcome::Skipped(format!("taken out by {} {}: {}", by.kind, by.id, by.justification)),
            None => outcome(f.effect, text, more.trim_end().to_owned()),
        };
        cases.push(Case { class: "vulnerability", name: format!("{} in {name} {version}", f.advisory), outcome });
    }
    for c in &report.checks {
        let text = format!("{}: {}", c.severity, c.title);
        cases.push(Case {
            class: "check",
            name: format!("{}: {}", c.location, c.title),
            outcome: outcome(c.effect, text, c.remediation.clone()),
        });
    }
    for s in &report.secrets {
        let effect = view::secret_effect(report, s.severity);
        let text = format!("{}: {} {}", s.severity, s.title, s.redacted);
        let name = format!("{} in {}:{}", s.rule, s.path, s.line);
        cases.push(Case { class: "secret", name, outcome: outcome(effect, text, "revoke it".into()) });
    }
    for g in &report.gaps {
        cases.push(Case {
            class: "gap",
            name: format!("{} at {}", g.kind, g.place),
            outcome: outcome(g.effect, g.detail.clone(), advice::for_gap(g.kind).into()),
        });
    }
    let mut names = Names::default();
    for case in &mut cases {
        case.name = names.unique(&case.name);
    }
    cases
}
