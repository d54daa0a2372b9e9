//! The policy file: TOML to [`Rules`] and [`Exception`]s. Unknown keys, unknown words, empty reasons and impossible
//! dates are errors with their line; the file is bounded to 4 MiB.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use layergate_model::{Effect, GapKind};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::{
    Exception, ExceptionSubject, Expiry, FindingPatch, GapRules, ImagePattern, ItemRules, LicenseRules, Override,
    PackagePattern, PathPattern, PatternError, PolicyError, Rules, Threshold, error::place,
};

const LARGEST: usize = 4 << 20;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct File {
    version: Option<Spanned<u32>>,
    findings: FindingPatch,
    gaps: BTreeMap<GapKind, Effect>,
    advisories: Advisories,
    licenses: Licenses,
    checks: Items,
    secrets: Items,
    vex: Vex,
    #[serde(rename = "override")]
    overrides: Vec<RawOverride>,
    exception: Vec<Spanned<RawException>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Advisories {
    max_age_days: Option<u32>,
    warn_age_days: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Licenses {
    deny: Vec<Spanned<String>>,
    allow: Vec<Spanned<String>>,
    effect: Option<Effect>,
    unknown: Option<Effect>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Items {
    fail_on: Option<Threshold>,
    warn_on: Option<Threshold>,
    ids: BTreeMap<String, Effect>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Vex {
    max_age_days: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawOverride {
    packages: Vec<Spanned<String>>,
    paths: Vec<Spanned<String>>,
    images: Vec<Spanned<String>>,
    reason: Option<String>,
    findings: FindingPatch,
    gaps: BTreeMap<GapKind, Effect>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RawException {
    id: Option<String>,
    advisory: Option<Spanned<String>>,
    check: Option<String>,
    secret: Option<String>,
    gap: Option<GapKind>,
    package: Option<Spanned<String>>,
    image: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
    expires: Option<Spanned<Day>>,
}

/// A date as TOML's own or as a string.
pub(crate) struct Day(pub(crate) String);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a day such as 2027-01-31, or \"never\"")]
        enum Either {
            Date(toml::value::Datetime),
            Text(String),
        }
        Ok(Self(match Either::deserialize(d)? {
            Either::Date(date) => date.to_string(),
            Either::Text(text) => text,
        }))
    }
}

/// Where errors are: the file's name and text.
struct Source<'a> {
    path: &'a str,
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, offset: usize, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.path, self.text, offset, message)
    }

    fn pattern<T>(
        &self,
        text: &Spanned<String>,
        new: impl Fn(&str) -> Result<T, PatternError>,
    ) -> Result<T, PolicyError> {
        new(text.get_ref()).map_err(|e| self.error(text.span().start, e.to_string()))
    }

    fn patterns<T>(
        &self,
        texts: &[Spanned<String>],
        new: impl Fn(&str) -> Result<T, PatternError>,
    ) -> Result<Vec<T>, PolicyError> {
        texts.iter().map(|t| self.pattern(t, &new)).collect()
    }
}

/// Reads a policy file.
pub(crate) fn parse(text: &str, path: &str) -> Result<(Rules, Vec<Exception>), PolicyError> {
    if text.len() > LARGEST {
        return Err(PolicyError::at(path, "", 0, format!("the file has more than {LARGEST} bytes"))
            .help("split the exceptions by image, or let one advisory pattern stand for many"));
    }
    let raw: File = toml::from_str(text).map_err(|e| PolicyError::toml(path, text, &e))?;
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let source = Source { path, file, text };
    if let Some(version) = raw.version.filter(|v| *v.get_ref() != 1) {
        return Err(source
            .error(version.span().start, format!("policy version {} is not known", version.get_ref()))
            .help("this layergate reads version 1; a newer one may be needed"));
    }
    let mut rules = Rules::default();
    raw.findings.apply(&mut rules.findings);
    rules.gaps = GapRules(raw.gaps);
    rules.advisories.max_age_days = raw.advisories.max_age_days;
    if let Some(days) = raw.advisories.warn_age_days {
        rules.advisories.warn_age_days = days;
    }
    rules.licenses = licenses(&source, &raw.licenses)?;
    rules.checks = items(raw.checks);
    rules.secrets = items(raw.secrets);
    rules.vex_max_age_days = raw.vex.max_age_days;
    rules.overrides = raw.overrides.iter().map(|o| read_override(&source, o)).collect::<Result<_, _>>()?;
    let exceptions = raw.exception.iter().map(|e| exception(&source, e)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    for (one, raw) in exceptions.iter().zip(&raw.exception) {
        if !seen.insert(one.id.as_str()) {
            return Err(source
                .error(raw.span().start, format!("a second exception has the id {:?}", one.id))
                .help("ids stand in reports and must be unique; leave the key out to use file and line"));
        }
    }
    Ok((rules, exceptions))
}

fn items(raw: Items) -> ItemRules {
    let default = ItemRules::default();
    ItemRules {
        fail_on: raw.fail_on.unwrap_or(default.fail_on),
        warn_on: raw.warn_on.unwrap_or(default.warn_on),
        ids: raw.ids,
    }
}

fn licenses(source: &Source<'_>, raw: &Licenses) -> Result<LicenseRules, PolicyError> {
    let read = |list: &[Spanned<String>]| -> Result<Vec<String>, PolicyError> {
        let mut out = Vec::with_capacity(list.len());
        for id in list {
            let text = id.get_ref().trim();
            if text.is_empty() || text.contains([' ', '(', ')']) && !text.contains(" WITH ") {
                return Err(source
                    .error(id.span().start, format!("{text:?} is not one license"))
                    .help("write one SPDX id for each entry (`*` may stand in it), not an expression"));
            }
            out.push(text.to_owned());
        }
        out.sort();
        out.dedup();
        Ok(out)
    };
    let default = LicenseRules::default();
    Ok(LicenseRules {
        deny: read(&raw.deny)?,
        allow: read(&raw.allow)?,
        effect: raw.effect.unwrap_or(default.effect),
        unknown: raw.unknown.unwrap_or(default.unknown),
    })
}

fn read_override(source: &Source<'_>, raw: &RawOverride) -> Result<Override, PolicyError> {
    let out = Override {
        packages: source.patterns(&raw.packages, PackagePattern::new)?,
        paths: source.patterns(&raw.paths, PathPattern::new)?,
        images: source.patterns(&raw.images, ImagePattern::new)?,
        reason: raw.reason.clone(),
        findings: raw.findings.clone(),
        gaps: GapRules(raw.gaps.clone()),
    };
    if !out.gaps.0.is_empty() && !out.packages.is_empty() {
        let offset = raw.packages.first().map_or(0, |p| p.span().start);
        return Err(source
            .error(offset, "an override for packages cannot change gaps")
            .help("a gap has a place, not a package: use `paths` or `images`"));
    }
    Ok(out)
}

fn exception(source: &Source<'_>, spanned: &Spanned<RawException>) -> Result<Exception, PolicyError> {
    let (raw, start) = (spanned.get_ref(), spanned.span().start);
    let line = place(source.text, start).0;
    let subjects: Vec<ExceptionSubject> = [
        raw.advisory.as_ref().map(|a| ExceptionSubject::Advisory(a.get_ref().trim().to_owned())),
        raw.check.clone().map(ExceptionSubject::Check),
        raw.secret.clone().map(ExceptionSubject::Secret),
        raw.gap.map(ExceptionSubject::Gap),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Ok([subject]) = <[ExceptionSubject; 1]>::try_from(subjects) else {
        return Err(source
            .error(start, "an exception is about exactly one advisory, check, secret or gap")
            .help("give one of the keys `advisory`, `check`, `secret`, `gap`"));
    };
    if let (ExceptionSubject::Advisory(text), Some(spanned)) = (&subject, &raw.advisory) {
        let everything = text.chars().all(|c| c == '*');
        if text.is_empty() || everything && raw.package.is_none() {
            return Err(source
                .error(spanned.span().start, format!("the advisory {text:?} would except everything"))
                .help("name the advisory (CVE-…, GHSA-…), or name the package beside `*`"));
        }
    }
    let reason = raw.reason.as_ref().map(|r| r.get_ref().trim().to_owned()).unwrap_or_default();
    if reason.is_empty() {
        let at = raw.reason.as_ref().map_or(start, |r| r.span().start);
        return Err(source
            .error(at, "the exception has no reason")
            .help("write `reason = \"…\"`: why this is acceptable, for whoever reads the report"));
    }
    let Some(expires) = &raw.expires else {
        return Err(source
            .error(start, "the exception has no last day")
            .help("write `expires = 2027-01-31`, or `expires = \"never\"` if you mean it"));
    };
    let expires = match expires.get_ref().0.trim() {
        "never" => Expiry::Never,
        text => Expiry::After(text.parse::<Date>().map_err(|_| {
            source
                .error(expires.span().start, format!("{text:?} is not a day"))
                .help("write year-month-day, for example 2027-01-31, or \"never\"")
        })?),
    };
    Ok(Exception {
        id: raw.id.clone().filter(|i| !i.trim().is_empty()).unwrap_or_else(|| format!("{}:{line}", source.file)),
        subject,
        package: raw.package.as_ref().map(|t| source.pattern(t, PackagePattern::new)).transpose()?,
        image: raw.image.as_ref().map(|t| source.pattern(t, ImagePattern::new)).transpose()?,
        seen: None,
        path: raw.path.as_ref().map(|t| source.pattern(t, PathPattern::new)).transpose()?,
        reason,
        expires,
        file: source.file.to_owned(),
        line,
    })
}
