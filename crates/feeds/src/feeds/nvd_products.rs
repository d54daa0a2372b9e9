//! NVD's configurations of products (CPE 2.3, NIST IR 7695; `configurations` of JSON 2.0) as affected programs.
//!
//! Only `vendor:product`s of the table of programs are read: NVD knows neither distributions' backports nor package
//! names. A configuration that holds on other systems than Linux alone (by its target software, or by the systems that
//! it is joined with) gives nothing, and neither do pre-releases and commercial editions.

use std::collections::BTreeMap;

use layergate_advisory::{Affected, End, Namespace, Program, Start, VersionRange, program_version};
use layergate_model::Status;
use serde::Deserialize;

/// One alternative.
#[derive(Deserialize)]
pub(super) struct Configuration {
    operator: Option<String>,
    #[serde(default)]
    negate: bool,
    #[serde(default)]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    negate: bool,
    #[serde(rename = "cpeMatch", default)]
    matches: Vec<Match>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerable: bool,
    criteria: String,
    version_start_including: Option<String>,
    version_start_excluding: Option<String>,
    version_end_including: Option<String>,
    version_end_excluding: Option<String>,
}

/// The affected programs. `disputed`: what nothing fixes is under investigation.
pub(super) fn affected(configurations: &[Configuration], disputed: bool) -> Vec<Affected> {
    let Ok(namespace) = Namespace::new("nvd") else { return Vec::new() };
    let mut out: BTreeMap<String, Affected> = BTreeMap::new();
    for configuration in configurations.iter().filter(|c| !c.negate) {
        let all = configuration.operator.as_deref() == Some("AND");
        if all && !configuration.nodes.iter().all(runs_on_linux) {
            continue;
        }
        for found in configuration.nodes.iter().filter(|n| !n.negate).flat_map(|n| &n.matches).filter(|m| m.vulnerable)
        {
            let Some(cpe) = Cpe::read(&found.criteria) else { continue };
            if cpe.part != "a" || !Program::has_cpe(&cpe.product) || cpe.is_elsewhere() {
                continue;
            }
            let affected = out
                .entry(cpe.product.clone())
                .or_insert_with(|| Affected::bare(namespace.clone(), cpe.product.clone(), Status::Affected));
            match (cpe.version.as_str(), found.range()) {
                ("*", Some(range)) => affected.ranges.push(range),
                ("*", None) => affected.ranges.push(VersionRange { start: Start::Beginning, end: End::Open }),
                _ => affected.versions.extend(cpe.exact()),
            }
        }
    }
    let mut all: Vec<Affected> = out.into_values().filter(|a| !a.ranges.is_empty() || !a.versions.is_empty()).collect();
    for affected in &mut all {
        affected.ranges.sort();
        affected.ranges.dedup();
        affected.versions.sort();
        affected.versions.dedup();
        affected.status = match affected.ranges.iter().any(|r| matches!(r.end, End::Fixed(_))) {
            true => Status::Fixed,
            false if disputed => Status::UnderInvestigation,
            false => Status::Affected,
        };
    }
    all
}

/// Whether a node that must hold beside another can hold in a container: it names a program or a Linux, or no system at
/// all.
fn runs_on_linux(node: &Node) -> bool {
    const LINUX: [&str; 14] = [
        "linux",
        "debian",
        "ubuntu",
        "fedora",
        "alpine",
        "suse",
        "enterprise",
        "centos",
        "unix",
        "photon",
        "android_x86",
        "rocky",
        "alma",
        "amazon",
    ];
    let fits = |found: &Match| {
        Cpe::read(&found.criteria).is_some_and(|cpe| match cpe.part.as_str() {
            "a" => true,
            "o" => LINUX.iter().any(|word| cpe.product.contains(word)),
            _ => false,
        })
    };
    node.negate || node.matches.iter().any(fits)
}

impl Match {
    fn range(&self) -> Option<VersionRange> {
        let start = match (&self.version_start_including, &self.version_start_excluding) {
            (Some(v), _) => Start::From(bound(v)),
            (None, Some(v)) => Start::After(bound(v)),
            (None, None) => Start::Beginning,
        };
        let end = match (&self.version_end_excluding, &self.version_end_including) {
            (Some(v), _) => End::Fixed(bound(v)),
            (None, Some(v)) => End::Last(bound(v)),
            (None, None) => End::Open,
        };
        (start != Start::Beginning || end != End::Open).then_some(VersionRange { start, end })
    }
}

/// A bound in the form of programs' versions; of a pre-release its release, which is the first version that counts
/// here.
fn bound(version: &str) -> String {
    let end = version.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(version.len());
    program_version(version).or_else(|| program_version(&version[..end])).unwrap_or_else(|| version.to_owned())
}

/// What is read of a CPE name.
struct Cpe {
    part: String,
    /// `vendor:product`, lower case.
    product: String,
    version: String,
    update: String,
    edition: String,
    target: String,
}

impl Cpe {
    /// `cpe:2.3:a:nodejs:node.js:*:*:*:*:lts:*:*:*`; a colon behind a backslash is part of a field.
    fn read(text: &str) -> Option<Self> {
        let mut fields = vec![String::new()];
        let mut escaped = false;
        for c in text.strip_prefix("cpe:2.3:")?.chars().take(1000) {
            match (c, fields.last_mut()) {
                ('\\', _) if !escaped => escaped = true,
                (':', _) if !escaped => fields.push(String::new()),
                (c, Some(field)) => {
                    escaped = false;
                    field.push(c.to_ascii_lowercase());
                }
                (_, None) => {}
            }
        }
        let [part, vendor, product, version, update, _, _, edition, target, ..] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            part: part.clone(),
            product: format!("{vendor}:{product}"),
            version: version.clone(),
            update: update.clone(),
            edition: edition.clone(),
            target: target.clone(),
        })
    }

    /// Whether it is about another system, or an edition that nobody installs without paying.
    fn is_elsewhere(&self) -> bool {
        let systems = ["windows", "mac", "android", "iphone", "ios", "solaris", "aix", "freebsd", "netware", "vms"];
        systems.iter().any(|system| self.target.starts_with(system))
            || matches!(self.edition.as_str(), "plus" | "enterprise" | "commercial" | "premium")
    }

    /// The one version that it names: Java's `8:update312` is `8.0.312`; a pre-release names none.
    fn exact(&self) -> Option<String> {
        let update = self.update.as_str();
        let digits = |word: &str| word.trim_start_matches('_').parse::<u32>().ok();
        if let Some(number) = update.strip_prefix("update").and_then(digits) {
            let major = self.version.strip_prefix("1.").unwrap_or(&self.version).split('.').next()?;
            return program_version(&format!("{major}.0.{number}"));
        }
        // A patch level (`p648`) belongs to the version before it.
        let plain = matches!(update, "*" | "-" | "") || update.strip_prefix('p').and_then(digits).is_some();
        if plain { program_version(&self.version) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(configurations: &str) -> Vec<String> {
        let read: Vec<Configuration> = serde_json::from_str(configurations).unwrap();
        let show = |a: &Affected| {
            let ranges: Vec<String> = a.ranges.iter().map(ToString::to_string).collect();
            format!("{} {} [{}] {:?}", a.name, ranges.join(" or "), a.versions.join(" "), a.status)
        };
        affected(&read, false).iter().map(show).collect()
    }

    fn one(criteria: &str, more: &str) -> String {
        format!(
            r#"[{{"nodes":[{{"operator":"OR","negate":false,"cpeMatch":[{{"vulnerable":true,"criteria":"{criteria}"{more}}}]}}]}}]"#
        )
    }

    #[test]
    fn products_of_the_table_with_their_ranges() {
        let node = "cpe:2.3:a:nodejs:node.js:*:*:*:*:lts:*:*:*";
        for (criteria, more, want) in [
            (
                node,
                r#","versionStartIncluding":"20.0.0","versionEndExcluding":"20.11.1""#,
                "nodejs:node.js >= 20.0.0, < 20.11.1 [] Fixed",
            ),
            (
                node,
                r#","versionStartExcluding":"20","versionEndIncluding":"20.11""#,
                "nodejs:node.js > 20.0.0, <= 20.11.0 [] Affected",
            ),
            (node, "", "nodejs:node.js * [] Affected"),
            ("cpe:2.3:a:python:python:3.13.0:-:*:*:*:*:*:*", "", "python:python  [3.13.0] Affected"),
            ("cpe:2.3:a:python:python:3.13.0:rc1:*:*:*:*:*:*", "", ""),
            (
                "cpe:2.3:a:python:python:*:*:*:*:*:*:*:*",
                r#","versionEndExcluding":"3.13.0rc2""#,
                "python:python < 3.13.0 [] Fixed",
            ),
            ("cpe:2.3:a:oracle:openjdk:8:update312:*:*:*:*:*:*", "", "oracle:openjdk  [8.0.312] Affected"),
            ("cpe:2.3:a:oracle:jdk:1.8.0:update_351:*:*:*:*:*:*", "", "oracle:jdk  [8.0.351] Affected"),
            ("cpe:2.3:a:ruby-lang:ruby:2.0.0:p648:*:*:*:*:*:*", "", "ruby-lang:ruby  [2.0.0] Affected"),
            ("cpe:2.3:a:php:php:*:*:*:*:*:windows:*:*", r#","versionEndExcluding":"8.1.2""#, ""),
            ("cpe:2.3:a:f5:nginx:*:*:*:*:plus:*:*:*", r#","versionEndExcluding":"30""#, ""),
            ("cpe:2.3:a:nodejs:undici:*:*:*:*:*:node.js:*:*", r#","versionEndExcluding":"5""#, ""),
            ("cpe:2.3:o:redis:redis:*:*:*:*:*:*:*:*", "", ""),
            ("cpe:2.3:a:redis:redis:-:*:*:*:*:*:*:*", "", ""),
            ("cpe:/a:redis:redis", "", ""),
        ] {
            assert_eq!(shown(&one(criteria, more)).join(" "), want, "{criteria} {more}");
        }
    }

    #[test]
    fn what_must_hold_beside_it() {
        let php = r#"{"negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:php:php:*:*:*:*:*:*:*:*","versionEndExcluding":"8.1.2"}]}"#;
        let beside = |criteria: &str| {
            format!(r#"{{"negate":false,"cpeMatch":[{{"vulnerable":false,"criteria":"{criteria}"}}]}}"#)
        };
        for (operator, criteria, want) in [
            ("AND", "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*", 0),
            ("AND", "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*", 1),
            ("AND", "cpe:2.3:o:redhat:enterprise_linux:8.0:*:*:*:*:*:*:*", 1),
            ("AND", "cpe:2.3:a:apache:http_server:-:*:*:*:*:*:*:*", 1),
            ("AND", "cpe:2.3:h:intel:cpu:-:*:*:*:*:*:*:*", 0),
            ("OR", "cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*", 1),
        ] {
            let text = format!(r#"[{{"operator":"{operator}","nodes":[{php},{}]}}]"#, beside(criteria));
            assert_eq!(shown(&text).len(), want, "{operator} {criteria}");
        }
    }
}
