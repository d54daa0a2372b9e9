//! Other scanners' ignore files as exceptions: `.trivyignore` as text and as YAML
//! (trivy.dev/docs/configuration/filtering), the `ignore` rules of `.grype.yaml` (github.com/anchore/grype, "Specifying
//! matches to ignore").
//!
//! What cannot be said as an exception (a license, a fix state, a namespace) is an error that names it: a rule that is passed
//! over in silence would be thought to hold. Limits: 1 MiB, 10,000 entries.

use jiff::civil::Date;
use serde::Deserialize;

use crate::{Exception, ExceptionSubject, Expiry, PackagePattern, PathPattern};

/// Bytes of a file.
const MAX_BYTES: usize = 1 << 20;
/// Entries of a file.
const MAX_ENTRIES: usize = 10_000;

/// An ignore file that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in the ignore file {file}: {place}: {what}")]
pub struct IgnoreFileError {
    /// The file as it was named.
    pub file: String,
    /// The line or entry.
    pub place: String,
    /// What is wrong with it, and what to do.
    pub what: String,
}

/// The exceptions of an ignore file; `path` is what messages call it, its last part what reports call it.
pub fn parse_ignore_file(text: &str, path: &str) -> Result<Vec<Exception>, IgnoreFileError> {
    let error = |place: &str, what: String| IgnoreFileError { file: path.into(), place: place.into(), what };
    if text.len() > MAX_BYTES {
        return Err(error("the file", format!("{} bytes are over the limit of {MAX_BYTES}", text.len())));
    }
    let own = path.rsplit('/').next().unwrap_or(path);
    let exception = |e: Entry| -> Result<Exception, IgnoreFileError> {
        if matches!(&e.subject, ExceptionSubject::Advisory(id) if id.is_empty() || id.contains('*') && e.package.is_none())
        {
            return Err(error(&e.place, "it would except everything: name the vulnerability, or the package".into()));
        }
        let pattern = |text: &str, e: crate::PatternError| error(text, e.to_string());
        let reason = e.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
        Ok(Exception {
            id: format!("{own}:{}", e.place.trim_start_matches("line ")),
            subject: e.subject,
            package: e.package.map(|p| PackagePattern::new(&p).map_err(|e| pattern(&p, e))).transpose()?,
            image: None,
            seen: None,
            path: e.path.map(|p| PathPattern::new(&p).map_err(|e| pattern(&p, e))).transpose()?,
            reason: reason.map_or_else(|| format!("listed in {own}"), str::to_owned),
            expires: e.expires.map_or(Expiry::Never, Expiry::After),
            file: own.to_owned(),
            line: e.line,
        })
    };
    let entries = if is_yaml(text, path) { yaml(text, &error)? } else { Lines(text).read(&error)? };
    if entries.len() > MAX_ENTRIES {
        return Err(error("the file", format!("{} entries are over the limit of {MAX_ENTRIES}", entries.len())));
    }
    entries.into_iter().map(exception).collect()
}

/// The exceptions as `[[exception]]` tables of a policy.
pub fn exceptions_to_toml(exceptions: &[Exception]) -> String {
    // TOML's basic strings take what JSON's do.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut out = String::new();
    for e in exceptions {
        let (key, subject) = match &e.subject {
            ExceptionSubject::Advisory(id) => ("advisory", id.as_str()),
            ExceptionSubject::Check(id) => ("check", id.as_str()),
            ExceptionSubject::Secret(id) => ("secret", id.as_str()),
            ExceptionSubject::Gap(kind) => ("gap", kind.as_str()),
        };
        out.push_str(&format!("[[exception]]\nid = {}\n{key} = {}\n", quoted(&e.id), quoted(subject)));
        for (key, text) in [
            ("package", e.package.as_ref().map(PackagePattern::as_str)),
            ("path", e.path.as_ref().map(PathPattern::as_str)),
            ("reason", Some(e.reason.as_str())),
        ] {
            out.extend(text.map(|t| format!("{key} = {}\n", quoted(t))));
        }
        out.push_str(&match e.expires {
            Expiry::Never => "expires = \"never\"\n\n".to_owned(),
            Expiry::After(day) => format!("expires = {day}\n\n"),
        });
    }
    out
}

/// What an entry says, before it is an exception.
struct Entry {
    place: String,
    line: usize,
    subject: ExceptionSubject,
    package: Option<String>,
    path: Option<String>,
    reason: Option<String>,
    expires: Option<Date>,
}

type Raise<'a> = &'a dyn Fn(&str, String) -> IgnoreFileError;

fn is_yaml(text: &str, path: &str) -> bool {
    let named = [".yaml", ".yml"].iter().any(|end| path.to_ascii_lowercase().ends_with(end));
    let first = text.lines().map(str::trim_end).find(|l| !l.is_empty() && !l.starts_with('#'));
    named || first.is_some_and(|l| l.ends_with(':') || l == "---")
}

/// Trivy's words for its own checks; ours have other names, so that such an entry stands for nothing but is still listed.
fn subject(id: &str) -> ExceptionSubject {
    let upper = id.to_ascii_uppercase();
    if upper.starts_with("AVD-") || upper.starts_with("KSV") || upper.starts_with("DS0") || upper.starts_with("DS-") {
        ExceptionSubject::Check(id.into())
    } else if id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_') {
        // A rule of the secret scanner: ids of vulnerabilities have capital letters.
        ExceptionSubject::Secret(id.into())
    } else {
        ExceptionSubject::Advisory(id.into())
    }
}

/// One entry a line, `#` comments, `exp:2027-01-31` behind it.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn read(&self, error: Raise<'_>) -> Result<Vec<Entry>, IgnoreFileError> {
        let mut out = Vec::new();
        let mut comment = String::new();
        for (number, line) in self.0.lines().enumerate().map(|(i, l)| (i + 1, l.trim())) {
            let place = format!("line {number}");
            if line.is_empty() {
                comment.clear();
                continue;
            }
            if let Some(text) = line.strip_prefix('#') {
                // The comment above an entry is why it is there.
                comment = format!("{comment} {}", text.trim()).trim().to_owned();
                continue;
            }
            let (entry, behind) = line.split_once('#').unwrap_or((line, ""));
            let mut words = entry.split_whitespace();
            let id = words.next().unwrap_or_default();
            let mut expires = None;
            for word in words {
                let Some(day) = word.strip_prefix("exp:") else {
                    return Err(error(&place, format!("{word:?} is not understood; write ID exp:YYYY-MM-DD")));
                };
                expires = Some(day.parse().map_err(|_| error(&place, format!("{day:?} is not a day (YYYY-MM-DD)")))?);
            }
            let reason = if behind.trim().is_empty() { std::mem::take(&mut comment) } else { behind.trim().to_owned() };
            comment.clear();
            out.push(Entry {
                place,
                line: number,
                subject: subject(id),
                package: None,
                path: None,
                reason: Some(reason),
                expires,
            });
        }
        Ok(out)
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Document {
    vulnerabilities: Vec<TrivyEntry>,
    misconfigurations: Vec<TrivyEntry>,
    secrets: Vec<TrivyEntry>,
    licenses: Vec<serde_norway::Value>,
    ignore: Vec<GrypeEntry>,
}

/// A key that is not known would narrow the entry, or is a slip of one that does: without it more would be excepted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrivyEntry {
    id: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    purls: Vec<String>,
    #[serde(default)]
    expired_at: Option<String>,
    #[serde(default)]
    statement: Option<String>,
}

#[derive(Deserialize)]
struct GrypeEntry {
    #[serde(default)]
    vulnerability: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    package: Option<GrypePackage>,
    #[serde(flatten)]
    others: std::collections::BTreeMap<String, serde_norway::Value>,
}

#[derive(Deserialize)]
struct GrypePackage {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    location: Option<String>,
    #[serde(flatten)]
    others: std::collections::BTreeMap<String, serde_norway::Value>,
}

fn yaml(text: &str, error: Raise<'_>) -> Result<Vec<Entry>, IgnoreFileError> {
    let document: Document = serde_norway::from_str::<Option<Document>>(text)
        .map_err(|e| error(&format!("line {}", e.location().map_or(0, |l| l.line())), e.to_string()))?
        .unwrap_or_default();
    if !document.licenses.is_empty() {
        return Err(error(
            "licenses",
            "there are no exceptions for licenses: allow them in the policy ([licenses])".into(),
        ));
    }
    let mut out = Vec::new();
    let sections: [(&str, &[TrivyEntry], fn(String) -> ExceptionSubject); 3] = [
        ("vulnerabilities", &document.vulnerabilities, ExceptionSubject::Advisory),
        ("misconfigurations", &document.misconfigurations, ExceptionSubject::Check),
        ("secrets", &document.secrets, ExceptionSubject::Secret),
    ];
    for (section, entries, subject) in sections {
        for (n, e) in entries.iter().enumerate() {
            let place = format!("{section}[{n}]");
            let day = |d: &String| {
                d.get(..10).unwrap_or(d).parse().map_err(|_| error(&place, format!("{d:?} is not a day (YYYY-MM-DD)")))
            };
            let expires: Option<Date> = e.expired_at.as_ref().map(day).transpose()?;
            // One exception for each pair of package and path: an exception has one of each.
            let any = |list: &[String]| -> Vec<Option<String>> {
                if list.is_empty() { vec![None] } else { list.iter().cloned().map(Some).collect() }
            };
            let mut pairs = 0;
            for package in any(&e.purls) {
                for path in any(&e.paths) {
                    pairs += 1;
                    out.push(Entry {
                        // The place becomes the exception's id, which must be unique.
                        place: if pairs == 1 { place.clone() } else { format!("{place}#{pairs}") },
                        line: 1,
                        subject: subject(e.id.clone()),
                        package: package.clone(),
                        path,
                        reason: e.statement.clone(),
                        expires,
                    });
                }
            }
        }
    }
    for (n, e) in document.ignore.iter().enumerate() {
        let place = format!("ignore[{n}]");
        let inner = e.package.as_ref().map(|p| p.others.keys().map(|k| format!("package.{k}"))).into_iter().flatten();
        if let Some(key) = e.others.keys().cloned().chain(inner).next() {
            let hint = match key.as_str() {
                "fix-state" => "say --only-fixed, or only-fixed in the policy",
                _ => "write an [[exception]] in the policy (docs/policy.md)",
            };
            return Err(error(&place, format!("`{key}` cannot be taken over: {hint}")));
        }
        let package = e.package.as_ref().and_then(|p| p.name.clone());
        out.push(Entry {
            place,
            line: 1,
            subject: ExceptionSubject::Advisory(e.vulnerability.clone().unwrap_or_else(|| "*".into())),
            package,
            path: e.package.as_ref().and_then(|p| p.location.clone()),
            reason: e.reason.clone(),
            expires: None,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn listed(text: &str, path: &str) -> Result<Vec<String>, String> {
        let all = parse_ignore_file(text, path).map_err(|e| e.to_string())?;
        // What is written as a policy is read back as the same exceptions.
        let again = Policy::parse(&format!("version = 1\n{}", exceptions_to_toml(&all)), "p.toml").unwrap();
        let same = |e: &Exception| (e.id.clone(), e.subject.clone(), e.reason.clone(), e.expires);
        assert_eq!(again.exceptions().iter().map(same).collect::<Vec<_>>(), all.iter().map(same).collect::<Vec<_>>());
        Ok(all
            .iter()
            .map(|e| {
                let package = e.package.as_ref().map_or("-", PackagePattern::as_str);
                let path = e.path.as_ref().map_or("-", PathPattern::as_str);
                let expires = serde_json::to_string(&e.expires).unwrap();
                format!("{} {:?} {package} {path} {expires} {}", e.id, e.subject, e.reason)
            })
            .collect())
    }

    #[test]
    fn other_scanners_ignore_files_are_exceptions() {
        let rows: &[(&str, &str, &[&str])] = &[
            (
                ".trivyignore",
                "# Accept the risk\nCVE-2018-14618\n\nCVE-2019-14697 exp:2027-01-01 # \"until\" January\nAVD-DS-0002\ngeneric-rule\n",
                &[
                    ".trivyignore:2 Advisory(\"CVE-2018-14618\") - - \"never\" Accept the risk",
                    ".trivyignore:4 Advisory(\"CVE-2019-14697\") - - \"2027-01-01\" \"until\" January",
                    ".trivyignore:5 Check(\"AVD-DS-0002\") - - \"never\" listed in .trivyignore",
                    ".trivyignore:6 Secret(\"generic-rule\") - - \"never\" listed in .trivyignore",
                ],
            ),
            (
                "ci/.trivyignore.yaml",
                "vulnerabilities:\n  - id: CVE-2022-40897\n    paths: [\"usr/local/**\"]\n    purls: [\"pkg:pypi/setuptools\"]\n    expired_at: 2027-02-01\n    statement: never parsed\nsecrets:\n  - id: aws\n    paths: [\"a\", \"b\"]\n",
                &[
                    ".trivyignore.yaml:vulnerabilities[0] Advisory(\"CVE-2022-40897\") pkg:pypi/setuptools usr/local/** \"2027-02-01\" never parsed",
                    ".trivyignore.yaml:secrets[0] Secret(\"aws\") - a \"never\" listed in .trivyignore.yaml",
                    ".trivyignore.yaml:secrets[0]#2 Secret(\"aws\") - b \"never\" listed in .trivyignore.yaml",
                ],
            ),
            (
                ".grype.yaml",
                "ignore:\n  - vulnerability: CVE-2008-4318\n    reason: not reachable\n  - package:\n      name: libcurl\n",
                &[
                    ".grype.yaml:ignore[0] Advisory(\"CVE-2008-4318\") - - \"never\" not reachable",
                    ".grype.yaml:ignore[1] Advisory(\"*\") libcurl - \"never\" listed in .grype.yaml",
                ],
            ),
            (".trivyignore", "", &[]),
            (".grype.yaml", "# nothing\n", &[]),
        ];
        for (path, text, want) in rows {
            assert_eq!(listed(text, path).unwrap(), *want, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        for (path, text, word) in [
            (".trivyignore", "CVE-1 until:2027\n", "line 1"),
            (".trivyignore", "CVE-1 exp:soon\n", "not a day"),
            (".trivyignore", "CVE-*\n", "except everything"),
            ("x.yaml", "licenses:\n  - id: MIT\n", "licenses"),
            (".grype.yaml", "ignore:\n  - vulnerability: CVE-1\n    fix-state: unknown\n", "--only-fixed"),
            (".grype.yaml", "ignore:\n  - package: {name: a, version: 1}\n", "package.version"),
            (".grype.yaml", "ignore:\n  - reason: x\n", "except everything"),
            ("x.yaml", "vulnerabilities: 7\n", "x.yaml"),
            ("x.yaml", "vulnerabilities:\n  - id: CVE-1\n    purl: [\"pkg:npm/a\"]\n", "`purl`"),
        ] {
            let error = listed(text, path).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
