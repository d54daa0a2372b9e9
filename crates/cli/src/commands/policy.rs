//! `layergate policy`: read a policy and say what is wrong with it.

use crate::{
    args::{PolicyArgs, PolicyCommand},
    exit::{Failure, Outcome},
    judge,
};

pub(crate) fn run(args: PolicyArgs) -> Result<Outcome, Failure> {
    match args.command {
        PolicyCommand::Check { file } => {
            let policy = judge::policy(&file)?;
            let day = judge::today();
            println!("{}: good ({}, {} exceptions)", file.display(), policy.digest(), policy.exceptions().len());
            for exception in policy.exceptions().iter().filter(|e| e.expired(day)) {
                println!("  {}:{}: the exception {} has expired", exception.file, exception.line, exception.id);
            }
            Ok(Outcome::Done)
        }
    }
}
