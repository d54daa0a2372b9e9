//! One package's version, checked and taken apart once, to be held against the bounds of many advisories.
//!
//! A kernel is held against thousands of bounds: what is the package's own in each comparison is done here once. The
//! answers are those of [`Scheme::compare_to_bound`]. `Form::Dpkg` and `Form::Rpm` read bytes, which spares the look at
//! whether they are text.

use std::cmp::Ordering;

use crate::{
    Scheme, VersionError,
    order::{dpkg, pep440, rpm, semver},
};

/// A version that its scheme can order.
#[derive(Clone, Debug)]
pub struct Candidate<'v> {
    scheme: Scheme,
    text: &'v str,
    form: Form<'v>,
}

/// The version in parts, where its scheme's order begins with that.
#[derive(Clone, Debug)]
enum Form<'v> {
    Dpkg(dpkg::Parts<'v>),
    Rpm(rpm::Parts<'v>),
    Semver(semver::Parts<'v>),
    Pep440(pep440::Parts<'v>),
    /// Read anew for each comparison.
    Text,
}

impl Scheme {
    /// Checks a version and takes it apart.
    pub fn candidate<'v>(&self, version: &'v str) -> Result<Candidate<'v>, VersionError> {
        self.check(version)?;
        let form = match self {
            Scheme::Dpkg => dpkg::read(version.as_bytes()).map_or(Form::Text, Form::Dpkg),
            Scheme::Rpm => Form::Rpm(rpm::split(version.as_bytes())),
            Scheme::Semver | Scheme::Npm | Scheme::Cargo | Scheme::Hex | Scheme::Swift => {
                Form::Semver(semver::split(version, 3))
            }
            Scheme::Pep440 => pep440::parse(version).map_or(Form::Text, Form::Pep440),
            _ => Form::Text,
        };
        Ok(Candidate { scheme: *self, text: version, form })
    }
}

impl Candidate<'_> {
    /// How the version stands to a bound in an advisory.
    pub fn compare_to_bound(&self, bound: &str) -> Result<Ordering, VersionError> {
        match &self.form {
            Form::Dpkg(_) | Form::Rpm(_) => self.compare_to_bytes(bound.as_bytes()),
            Form::Semver(parts) => {
                self.scheme.check(bound)?;
                Ok(semver::order(parts, &semver::split(bound, 3)))
            }
            Form::Pep440(parts) => {
                self.scheme.check_length(bound.as_bytes())?;
                Ok(match pep440::parse(bound) {
                    Some(bound) => pep440::order_against(parts, &bound),
                    // What is no version of Python's is older than all that are.
                    None => Ordering::Greater,
                })
            }
            Form::Text => self.scheme.compare_to_bound(self.text, bound),
        }
    }

    /// As [`Candidate::compare_to_bound`], of a bound that nobody has checked to be text; bytes that are none are no version.
    pub fn compare_to_bytes(&self, bound: &[u8]) -> Result<Ordering, VersionError> {
        match &self.form {
            Form::Dpkg(parts) => {
                self.scheme.check_length(bound)?;
                let read = dpkg::read(bound);
                let bound = read.map_err(|why| self.scheme.invalid(&String::from_utf8_lossy(bound), why))?;
                Ok(dpkg::order(parts, &bound))
            }
            Form::Rpm(parts) => {
                self.scheme.check_length(bound)?;
                Ok(rpm::against(parts, &rpm::split(bound)))
            }
            Form::Semver(_) | Form::Pep440(_) | Form::Text => {
                self.compare_to_bound(std::str::from_utf8(bound).unwrap_or(""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of these under every scheme: the answer is the one of the two texts.
    #[test]
    fn as_the_texts_compare() {
        let versions = "| |0|1|1.0|1.0.0|v1.2|1:1.0-1|0:1.0-1|1.0-1|1.0-0|1.0-|1.0~rc1-2|1.0~rc1|1.0+deb12u1-3|2:|x:1|1:2:3-4-5|\
            1.0-1-2|0a00|0a-0|3.16.10-1+deb12u2|1.0.post1|1.0.dev3|1.0a1|1.0+local|1.0+local.2|1!0.1|latest|not-a-version|\
            1.2.3-rc.1|1.2.3-rc.2+b|=1.2.3|1.21rc1|007.1|é|1.0 |^1.2|1.2^git1-3|5.14.0-70.el9|5.14.0";
        let long = "1".repeat(crate::MAX_VERSION_LEN + 1);
        let all: Vec<&str> = versions.split('|').chain([long.as_str()]).collect();
        for scheme in Scheme::all() {
            for version in &all {
                for bound in &all {
                    let want = scheme.compare_to_bound(version, bound);
                    let got = scheme.candidate(version).and_then(|c| c.compare_to_bound(bound));
                    assert_eq!(got, want, "{scheme}: {version:?} against {bound:?}");
                    let bytes = scheme.candidate(version).and_then(|c| c.compare_to_bytes(bound.as_bytes()));
                    assert_eq!(bytes, want, "{scheme}: {version:?} against the bytes of {bound:?}");
                }
            }
        }
    }
}
