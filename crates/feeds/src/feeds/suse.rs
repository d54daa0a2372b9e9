//! SUSE and openSUSE OVAL (ftp.suse.com/pub/projects/security/oval): one definition for each CVE (`-affected`, which
//! has the unfixed ones too) or update (`-patch`). Several products stand under one definition, each with its packages;
//! server, desktop, modules and their like of one service pack share its packages and become one release.
//! "X is not affected" gives nothing. Products that are no base system (Manager, Storage) are passed over.

use std::collections::{BTreeMap, BTreeSet};

use layergate_advisory::{Affected, Namespace, Record};
use layergate_model::Status;

use crate::{
    cvss_score::cvss,
    ecosystem,
    feed::{Feed, FeedFile, FeedRow, Sink},
    oval::Oval,
    oval_criteria::{Asked, guarded},
    rpm_rows::{Build, FixedBuilds},
};

pub(crate) struct SuseOval;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "suse-oval",
    name: "SUSE and openSUSE OVAL",
    url: "https://ftp.suse.com/pub/projects/security/oval",
    license: "CC-BY-4.0",
}];

impl Feed for SuseOval {
    fn id(&self) -> &'static str {
        "suse-oval"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("<oval_definitions", 8192) && file.has("oval:org.opensuse.security:def:", 16384)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let Some(oval) = Oval::read(file, sink) else { return };
        for definition in &oval.definitions {
            // A CVE's definition calls itself by it; an update's title is prose.
            let title = definition.title.trim();
            let named = title.split_whitespace().next().filter(|w| w.starts_with("CVE-"));
            let id = match named {
                Some(cve) => cve.to_owned(),
                None => definition.id.rsplit(':').next().map(|n| format!("SUSE-OVAL-{n}")).unwrap_or_default(),
            };
            let mut record = Record::new("suse-oval", id);
            if named.is_none() {
                record.aliases.clone_from(&definition.cves);
                record.title = Some(title.to_owned());
            } else {
                let vectors: BTreeSet<&str> = definition.vectors().collect();
                record.cvss = vectors.into_iter().filter_map(|v| cvss("suse", v)).collect();
            }
            let severity = definition.date_and_rate(&mut record, "suse");
            let (mut fixed, mut open) = (FixedBuilds::default(), BTreeMap::new());
            for (guard, asked) in guarded(&oval, definition) {
                let platforms = if guard.platforms.is_empty() { &definition.platforms } else { &guard.platforms };
                let releases: BTreeSet<Namespace> = platforms.iter().filter_map(|p| release(p.trim())).collect();
                for namespace in releases {
                    match &asked {
                        Asked::Test(test) if test.operation == "less than" => {
                            let build = Build { name: test.package, evr: test.evr, arch: "", module: None, severity };
                            fixed.add(&namespace, &build);
                        }
                        Asked::Affected(name) => {
                            open.insert((namespace, (*name).to_owned()), ());
                        }
                        Asked::Test(_) => {}
                    }
                }
            }
            record.affected = fixed.finish();
            for (namespace, name) in open.into_keys() {
                if !record.affected.iter().any(|a| a.namespace == namespace && a.name == name) {
                    let affected = Affected::unfixed(namespace, name, Status::Affected);
                    record.affected.push(Affected { severity, ..affected });
                }
            }
            if !record.affected.is_empty() {
                sink.record(record);
            }
        }
    }
}

/// The release that a product belongs to.
fn release(product: &str) -> Option<Namespace> {
    if let Some(rest) = product.strip_prefix("openSUSE ") {
        return ecosystem::namespace(&format!("openSUSE:{rest}"));
    }
    ecosystem::suse_product(product.strip_prefix("SUSE ")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_their_releases() {
        let cases = [
            ("SUSE Linux Enterprise Server 15 SP3", Some("suse:15.3")),
            ("SUSE Linux Enterprise Module for Basesystem 15 SP4", Some("suse:15.4")),
            ("SUSE Linux Enterprise Server 16.0", Some("suse:16.0")),
            ("SUSE Linux Enterprise Micro 5.3", Some("sle-micro:5.3")),
            ("SUSE Linux Micro 6.0", Some("sle-micro:6.0")),
            ("openSUSE Leap 15.2", Some("opensuse:15.2")),
            ("openSUSE Tumbleweed", Some("opensuse-tumbleweed")),
            ("SUSE Manager Server 4.3", None),
            ("Open Enterprise Server 23.4", None),
        ];
        for (product, want) in cases {
            assert_eq!(release(product).as_ref().map(Namespace::as_str), want, "{product}");
        }
    }
}
