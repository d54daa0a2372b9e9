//! `layergate policy`: read a policy and say what is wrong with it; test it on kept reports; say what it would change.
//!
//! Kept reports (`-o json`) are judged again without images and without advisories (`judge::rejudge`), so that a policy
//! can be tried in the pull request that edits it.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use layergate_judge::rejudge;
use layergate_model::{Effect, Reason, Report, Verdict};
use layergate_policy::{Policy, PolicyCase};

use crate::{
    args::{PolicyArgs, PolicyCommand},
    exit::{Failure, Outcome, usage},
    judge, output, reports,
};

pub(crate) fn run(args: PolicyArgs) -> Result<Outcome, Failure> {
    match args.command {
        PolicyCommand::Check { file } => check(&file),
        PolicyCommand::Import { files } => {
            let exceptions = crate::judge::ignore_files(&files)?;
            output::to_stdout(layergate_policy::exceptions_to_toml(&exceptions).as_bytes())?;
            Ok(Outcome::Done)
        }
        PolicyCommand::Test { cases, policy } => test(&cases, &chosen(policy.as_deref())?),
        PolicyCommand::WhatIf { reports, policy, as_of } => {
            let policy = chosen(policy.as_deref())?;
            let mut reported = WhatIf::default();
            for path in files(&reports)? {
                for old in reports::read(&path)? {
                    reported.add(&old, &rejudge(&old, &policy, as_of));
                }
            }
            output::to_stdout(reported.finish().as_bytes())?;
            Ok(Outcome::Done)
        }
    }
}

fn check(file: &Path) -> Result<Outcome, Failure> {
    let policy = judge::policy(file)?;
    let day = judge::today();
    let mut out = format!("{}: good ({}, {} exceptions)\n", file.display(), policy.digest(), policy.exceptions().len());
    for exception in policy.exceptions().iter().filter(|e| e.expired(day)) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {}:{}: the exception {} has expired", exception.file, exception.line, exception.id);
    }
    output::to_stdout(out.as_bytes())?;
    Ok(Outcome::Done)
}

fn chosen(file: Option<&Path>) -> Result<Policy, Failure> {
    file.map_or_else(|| Ok(Policy::default()), judge::policy)
}

/// Every case is reported; the outcome is a fail when one does not hold.
fn test(path: &Path, policy: &Policy) -> Result<Outcome, Failure> {
    let text = crate::bounded::text(path)
        .with_context(|| format!("the cases {} cannot be read", path.display()))
        .map_err(usage)?;
    let cases = PolicyCase::parse_all(&text, &path.display().to_string()).map_err(usage)?;
    let home = path.parent().unwrap_or(Path::new("."));
    let mut out = String::new();
    let mut broken = 0;
    for case in &cases {
        let kept = reports::read(&home.join(&case.report))?;
        let unmet: Vec<String> =
            kept.iter().flat_map(|report| case.unmet(&rejudge(report, policy, case.as_of))).collect();
        broken += usize::from(!unmet.is_empty());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} {}", if unmet.is_empty() { "ok    " } else { "BROKEN" }, case.name);
        for line in unmet {
            let _ = writeln!(out, "       {line}");
        }
    }
    let _ = writeln!(out, "{} cases, {broken} broken", cases.len());
    output::to_stdout(out.as_bytes())?;
    Ok(Outcome::Judged(if broken == 0 { Verdict::Pass } else { Verdict::Fail }))
}

/// The files as given, and the `.json` files directly in the directories, sorted.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let context = || format!("the directory {} cannot be read", path.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(context).map_err(usage)? {
            inside.push(entry.with_context(context).map_err(usage)?.path());
        }
        inside.retain(|p| p.extension().is_some_and(|e| e == "json"));
        if inside.is_empty() {
            return Err(usage(anyhow!("there is no .json file in {}", path.display())));
        }
        inside.sort();
        out.append(&mut inside);
    }
    Ok(out)
}

/// What changes from the kept verdicts to the new ones.
#[derive(Default)]
struct WhatIf {
    text: String,
    turns: BTreeMap<(Verdict, Verdict), usize>,
}

impl WhatIf {
    fn add(&mut self, old: &Report, new: &Report) {
        *self.turns.entry((old.verdict, new.verdict)).or_default() += 1;
        let (gone, came) = (difference(&old.reasons, &new.reasons), difference(&new.reasons, &old.reasons));
        if old.verdict == new.verdict && gone.is_empty() && came.is_empty() {
            return;
        }
        let platform = old.image.platform.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
        let _ = writeln!(self.text, "{}{platform}: {}", old.image.reference, turn((old.verdict, new.verdict)));
        for (sign, reasons) in [('-', gone), ('+', came)] {
            for reason in reasons {
                let _ = writeln!(self.text, "  {sign} {} {}: {}", word(reason.effect), reason.rule, reason.text);
            }
        }
    }

    fn finish(mut self) -> String {
        let total: usize = self.turns.values().sum();
        let turns: Vec<String> = self.turns.iter().map(|(verdicts, n)| format!("{n} {}", turn(*verdicts))).collect();
        let _ = writeln!(self.text, "{total} reports: {}", turns.join(", "));
        self.text
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Ignore => "ignore",
        Effect::Warn => "warn",
        Effect::Fail => "fail",
        Effect::Error => "error",
    }
}

fn turn((old, new): (Verdict, Verdict)) -> String {
    if old == new { format!("{} as before", old.as_str()) } else { format!("{} -> {}", old.as_str(), new.as_str()) }
}

/// The reasons of `a` that count and that `b` does not give in the same words.
fn difference<'r>(a: &'r [Reason], b: &[Reason]) -> Vec<&'r Reason> {
    let same = |r: &Reason| b.iter().any(|o| (o.effect, &o.rule, &o.text) == (r.effect, &r.rule, &r.text));
    a.iter().filter(|r| r.effect > Effect::Ignore && !same(r)).collect()
}
