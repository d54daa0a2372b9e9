//! `layergate.toml`: what is the same for every run. Flags win over the environment, the environment over this file. An
//! unknown key is an error with its line: a misspelt rule must not be a rule that silently does not hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use layergate_model::{Limits, Severity};
use serde::Deserialize;

use crate::{
    args::{JudgeArgs, SourceArgs},
    exit::{Failure, usage},
    signature::VerifyKey,
};

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Config {
    db: Option<PathBuf>,
    policy: Option<PathBuf>,
    vex: Vec<PathBuf>,
    fail_on: Option<Severity>,
    cache_dir: Option<PathBuf>,
    offline: bool,
    plain_http: bool,
    /// The public key by which snapshots must be signed.
    verify_key: Option<PathBuf>,
    /// Days after which `scan` refreshes the snapshot by itself.
    pub(crate) refresh_after_days: Option<u16>,
    /// Coordinators.
    pub(crate) server: Vec<String>,
    /// The deterministic limits.
    pub(crate) limits: Option<Limits>,
}

impl Config {
    /// Reads the file that was named, or `layergate.toml` in the working directory where there is one.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let default = Path::new("layergate.toml");
        let path = match named {
            Some(path) => path,
            None if default.is_file() => default,
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the configuration {} cannot be read", path.display()))
            .map_err(usage)?;
        let mut config: Self =
            toml::from_str(&text).map_err(|e| usage(anyhow!("in the configuration {}: {e}", path.display())))?;
        // Paths in the file are meant from where the file lies.
        let base = path.parent().unwrap_or(Path::new(""));
        let rebase = |p: &mut PathBuf| *p = base.join(&*p);
        let paths = config.db.iter_mut().chain(&mut config.policy).chain(&mut config.cache_dir);
        paths.chain(&mut config.verify_key).for_each(rebase);
        config.vex.iter_mut().for_each(|p| *p = base.join(&*p));
        Ok(config)
    }

    /// The key by which snapshots must be signed: a flag's, the environment's, or this file's. Without one, signatures
    /// are not looked at.
    pub(crate) fn verify_key(&self, flag: Option<&Path>) -> Result<Option<VerifyKey>, Failure> {
        let environment = std::env::var_os("LAYERGATE_VERIFY_KEY").filter(|v| !v.is_empty()).map(PathBuf::from);
        let path = flag.map(Path::to_owned).or(environment).or_else(|| self.verify_key.clone());
        path.map(|path| VerifyKey::read(&path)).transpose()
    }

    /// Fills what neither flags nor environment said.
    pub(crate) fn judge(&self, args: &mut JudgeArgs) {
        args.db = args.db.take().or_else(|| self.db.clone());
        args.policy = args.policy.take().or_else(|| self.policy.clone());
        args.fail_on = args.fail_on.or(self.fail_on);
        if args.vex.is_empty() {
            args.vex.clone_from(&self.vex);
        }
    }

    /// Fills what neither flags nor environment said.
    pub(crate) fn source(&self, args: &mut SourceArgs) {
        args.cache_dir = args.cache_dir.take().or_else(|| self.cache_dir.clone());
        args.offline |= self.offline;
        args.plain_http |= self.plain_http;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("layergate.toml");
        std::fs::write(&path, "offline = true\nfial-on = \"high\"\n").unwrap();
        let Err(Failure::Usage(error)) = Config::read(Some(&path)) else { panic!("accepted") };
        let text = error.to_string();
        assert!(text.contains("line 2") && text.contains("fial-on"), "{text}");
        std::fs::write(&path, "db = \"feeds\"\n[limits]\nmax-entries = 5\n").unwrap();
        let config = Config::read(Some(&path)).ok().unwrap();
        assert_eq!(config.db, Some(directory.path().join("feeds")));
        assert_eq!(config.limits.unwrap().max_entries, 5);
    }
}
