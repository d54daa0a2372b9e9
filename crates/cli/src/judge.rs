//! What a verdict is made with, read from files: policy, VEX, the day.

use std::path::Path;

use anyhow::{Context, anyhow};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use layergate_policy::{Exception, Overrides, Policy, VexDocument, parse_ignore_file};

use crate::{
    args::JudgeArgs,
    exit::{Failure, usage},
};

/// A policy or VEX file of more bytes is none.
const MAX_FILE: u64 = 64 << 20;

/// Reads a policy file; what is wrong with it is the user's to fix.
pub(crate) fn policy(path: &Path) -> Result<Policy, Failure> {
    let text = read(path, "policy")?;
    let text = String::from_utf8(text).map_err(|_| usage(anyhow!("the policy {} is not text", path.display())))?;
    Policy::parse(&text, &path.display().to_string()).map_err(usage)
}

/// The policy of a scan on this machine or of a coordinator: the file's, or the default, with the flags over it.
pub(crate) fn local_policy(args: &JudgeArgs) -> Result<Policy, Failure> {
    let file = args.policy.as_deref().map(policy).transpose()?;
    let overrides = Overrides { fail_on: args.fail_on, only_fixed: args.only_fixed, policy: file };
    Ok(Policy::default().with_overrides(&overrides))
}

/// Reads VEX documents.
pub(crate) fn vex(paths: &[impl AsRef<Path>]) -> Result<Vec<VexDocument>, Failure> {
    paths
        .iter()
        .map(|path| {
            let path = path.as_ref();
            VexDocument::parse(&read(path, "VEX document")?, &path.display().to_string()).map_err(usage)
        })
        .collect()
}

/// Reads other scanners' ignore files.
pub(crate) fn ignore_files(paths: &[impl AsRef<Path>]) -> Result<Vec<Exception>, Failure> {
    let mut out = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let text = String::from_utf8(read(path, "ignore file")?)
            .map_err(|_| usage(anyhow!("the ignore file {} is not text", path.display())))?;
        out.extend(parse_ignore_file(&text, &path.display().to_string()).map_err(usage)?);
    }
    Ok(out)
}

/// Today in UTC.
pub(crate) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let context = || format!("the {what} {} cannot be read", path.display());
    crate::bounded::read(path, MAX_FILE).with_context(context).map_err(usage)
}
