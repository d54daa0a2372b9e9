//! Oracle Linux OVAL (linux.oracle.com/security/oval): one definition for each ELSA advisory, with a version for each
//! binary package, release and architecture, under the module where there is one. Ksplice and FIPS builds
//! (`.ksplice`, `_fips`) have epochs of their own, above every plain build: each flavour is a family of its own, and an
//! installed build is held against its own flavour.

use std::collections::BTreeMap;

use layergate_advisory::{Namespace, Record};

use crate::{
    cvss_score::cvss,
    feed::{Feed, FeedFile, FeedRow, Sink},
    oval::Oval,
    oval_criteria::{Asked, guarded},
    rpm_rows::{Build, FixedBuilds},
};

pub(crate) struct OracleOval;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "oracle-oval",
    name: "Oracle Linux OVAL",
    url: "https://linux.oracle.com/security/oval",
    license: "LicenseRef-Oracle",
}];

impl Feed for OracleOval {
    fn id(&self) -> &'static str {
        "oracle-oval"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("<oval_definitions", 8192) && file.has("com.oracle.elsa", 16384)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let Some(oval) = Oval::read(file, sink) else { return };
        for definition in &oval.definitions {
            let title = definition.title.trim();
            let id = title.split([':', ' ']).next().filter(|id| id.starts_with("ELSA-"));
            let Some(id) = id.map(str::to_owned).or_else(|| numbered(&definition.id)) else { continue };
            let mut record = Record::new("oracle-oval", id);
            record.aliases.clone_from(&definition.cves);
            record.title = title.split_once(':').map(|(_, t)| t.trim().to_owned());
            let severity = definition.date_and_rate(&mut record, "oracle");
            if let [_] = definition.cves.as_slice() {
                record.cvss = definition.vectors().filter_map(|v| cvss("oracle", v)).collect();
            }
            let mut releases: BTreeMap<Namespace, FixedBuilds> = BTreeMap::new();
            for (guard, asked) in guarded(&oval, definition) {
                let Asked::Test(test) = asked else { continue };
                if test.operation != "less than" {
                    continue;
                }
                let family = layergate_advisory::oracle_flavour(test.evr);
                let platforms = if guard.platforms.is_empty() { &definition.platforms } else { &guard.platforms };
                for release in platforms.iter().filter_map(|p| p.trim().strip_prefix("Oracle Linux ")) {
                    let Ok(namespace) = Namespace::of(family, Some(release)) else { continue };
                    let arch = guard.arch.as_deref().unwrap_or("");
                    let build =
                        Build { name: test.package, evr: test.evr, arch, module: guard.module.as_deref(), severity };
                    releases.entry(namespace.clone()).or_default().add(&namespace, &build);
                }
            }
            record.affected = releases.into_values().flat_map(FixedBuilds::finish).collect();
            if record.affected.is_empty() && releases_unknown(definition) {
                sink.problem(format!("{}: no Oracle Linux release among its platforms", record.id));
                continue;
            }
            sink.record(record);
        }
    }
}

fn releases_unknown(definition: &crate::oval::Definition) -> bool {
    !definition.platforms.iter().any(|p| p.trim().starts_with("Oracle Linux "))
}

/// `ELSA-2007-0057` of `oval:com.oracle.elsa:def:20070057`.
fn numbered(id: &str) -> Option<String> {
    let digits = id.rsplit(':').next().filter(|d| d.len() > 4 && d.bytes().all(|b| b.is_ascii_digit()))?;
    let (year, number) = digits.split_at_checked(4)?;
    Some(format!("ELSA-{year}-{number}"))
}
