//! `layergate.toml`: what is the same for every run. Flags win over the environment, the environment over this file. An
//! unknown key is an error with its line: a misspelt rule must not be a rule that silently does not hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use layergate_model::{Limits, Severity};
use serde::Deserialize;

use crate::{
    args::{JudgeArgs, OfflineArgs, SourceArgs},
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
    only_fixed: Option<bool>,
    cache_dir: Option<PathBuf>,
    offline: Option<bool>,
    plain_http: Option<bool>,
    /// The public key by which snapshots must be signed.
    verify_key: Option<PathBuf>,
    /// Days after which `scan` refreshes the snapshot by itself.
    pub(crate) refresh_after_days: Option<u16>,
    /// Coordinators.
    pub(crate) server: Vec<String>,
    /// The deterministic limits.
    pub(crate) limits: Option<Limits>,
    /// The file that all this comes from.
    #[serde(skip)]
    file: PathBuf,
}

/// A key of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Db,
    Policy,
    Vex,
    FailOn,
    OnlyFixed,
    CacheDir,
    Offline,
    PlainHttp,
    Signer,
    RefreshAfterDays,
    Server,
    Limits,
}

impl Config {
    /// Reads the file that was named, or `layergate.toml` in the working directory where there is one.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let default = Path::new("layergate.toml");
        let path = match named {
            Some(path) => path,
            None if default.is_file() => {
                // Whoever can add a file to a working directory must not change a gate unseen.
                eprintln!("layergate: the configuration ./{} of the working directory is used", default.display());
                default
            }
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
        path.clone_into(&mut config.file);
        Ok(config)
    }

    /// Refuses the keys that `command` has no use for: a service whose operator believes that they hold would judge
    /// by something else without a word.
    pub(crate) fn only(&self, keys: &[Key], command: &str) -> Result<(), Failure> {
        match self.given().find(|(key, _)| !keys.contains(key)) {
            Some((_, name)) => Err(usage(anyhow!(
                "the configuration {} has `{name}`, which a {command} has no use for: take it out, or give the {command} a file of its own (--config)",
                self.file.display()
            ))),
            None => Ok(()),
        }
    }

    /// The keys that the file gives a value, with their names.
    fn given(&self) -> impl Iterator<Item = (Key, &'static str)> {
        [
            (Key::Db, "db", self.db.is_some()),
            (Key::Policy, "policy", self.policy.is_some()),
            (Key::Vex, "vex", !self.vex.is_empty()),
            (Key::FailOn, "fail-on", self.fail_on.is_some()),
            (Key::OnlyFixed, "only-fixed", self.only_fixed.is_some()),
            (Key::CacheDir, "cache-dir", self.cache_dir.is_some()),
            (Key::Offline, "offline", self.offline.is_some()),
            (Key::PlainHttp, "plain-http", self.plain_http.is_some()),
            (Key::Signer, "verify-key", self.verify_key.is_some()),
            (Key::RefreshAfterDays, "refresh-after-days", self.refresh_after_days.is_some()),
            (Key::Server, "server", !self.server.is_empty()),
            (Key::Limits, "limits", self.limits.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, name, given)| given.then_some((key, name)))
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
        args.only_fixed = args.only_fixed.or(self.only_fixed);
        if args.vex.is_empty() {
            args.vex.clone_from(&self.vex);
        }
    }

    /// Fills what neither flags nor environment said.
    pub(crate) fn source(&self, args: &mut SourceArgs) {
        args.cache_dir = args.cache_dir.take().or_else(|| self.cache_dir.clone());
        args.plain_http = args.plain_http.or(self.plain_http);
    }

    /// Fills what neither flags nor environment said.
    pub(crate) fn offline(&self, args: &mut OfflineArgs) {
        args.offline = args.offline.or(self.offline);
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
        assert_eq!(config.limits.as_ref().unwrap().max_entries, 5);
        assert!(config.only(&[Key::Db, Key::Limits], "coordinator").is_ok());
        let Err(Failure::Usage(error)) = config.only(&[Key::Limits], "worker") else { panic!("accepted") };
        assert!(error.to_string().contains("`db`") && error.to_string().contains("worker"), "{error}");
    }

    #[test]
    fn flags_hold_over_the_file_in_both_directions() {
        let config: Config = toml::from_str("offline = true\nonly-fixed = true\nplain-http = true").unwrap();
        for (flag, want) in [(None, Some(true)), (Some(false), Some(false)), (Some(true), Some(true))] {
            let mut judge = JudgeArgs { only_fixed: flag, ..JudgeArgs::default() };
            let mut source = SourceArgs { plain_http: flag, ..SourceArgs::default() };
            let mut offline = OfflineArgs { offline: flag };
            config.judge(&mut judge);
            config.source(&mut source);
            config.offline(&mut offline);
            assert_eq!([judge.only_fixed, source.plain_http, offline.offline], [want; 3]);
        }
    }
}
