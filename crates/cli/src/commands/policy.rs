//! `layergate policy`: read a policy, show the default, judge a report anew.

use layergate_judge::reassess;
use layergate_policy::Policy;

use crate::{
    args::{PolicyArgs, PolicyCommand},
    exit::{Failure, Outcome},
    judge, output, reports,
};

pub(crate) fn run(args: PolicyArgs) -> Result<Outcome, Failure> {
    match args.command {
        PolicyCommand::Check { file } => {
            let policy = judge::policy(&file)?;
            let day = judge::today();
            println!("{}: good ({}, {} exceptions)", file.display(), policy.digest(), policy.exceptions().len());
            for exception in policy.exceptions().iter().filter(|e| e.expired(day)) {
                println!("  expired: {exception}");
            }
            Ok(Outcome::Done)
        }
        PolicyCommand::WhatIf { policy, report } => {
            let policy = judge::policy(&policy)?;
            let anew: Vec<_> = reports::read(&report)?.into_iter().map(|r| reassess(r, &policy)).collect();
            output::write(&anew, &[], false)?;
            let worst = anew.iter().map(|r| r.verdict).max();
            Ok(worst.map_or(Outcome::Done, Outcome::Judged))
        }
    }
}
