//! VMware Photon OVAL (packages.vmware.com/photon/photon_oval_definitions): one definition for each PHSA advisory, with
//! the CVEs that it fixes and a version for each binary package.

use layergate_advisory::{Affected, Namespace, Record};

use crate::{
    feed::{Feed, FeedFile, FeedRow, Sink},
    oval::{Oval, without_zero_epoch},
};

pub(crate) struct PhotonOval;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "photon-oval",
    name: "VMware Photon OS OVAL",
    url: "https://packages.vmware.com/photon/photon_oval_definitions",
    license: "LicenseRef-VMware",
}];

impl Feed for PhotonOval {
    fn id(&self) -> &'static str {
        "photon-oval"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("<oval_definitions", 8192) && file.has("com.vmware.phsa", 16384)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let Some(oval) = Oval::read(file, sink) else { return };
        for definition in &oval.definitions {
            // `Photon 3` names release 3.0, as its os-release does.
            let release = definition
                .platforms
                .iter()
                .find_map(|p| p.trim().strip_prefix("Photon "))
                .map(|r| if r.contains('.') { r.to_owned() } else { format!("{r}.0") });
            let Some(namespace) = release.and_then(|r| Namespace::of("photon", Some(&r)).ok()) else {
                sink.problem(format!("{}: no Photon release among its platforms", definition.id));
                continue;
            };
            let id = definition.title.split_whitespace().next().unwrap_or(&definition.id);
            let mut record = Record::new("photon-oval", id);
            record.aliases.clone_from(&definition.cves);
            record.title = Some(definition.title.clone());
            let severity = definition.date_and_rate(&mut record, "photon");
            for test in definition.tests.iter().filter_map(|t| oval.package_test(t)) {
                if test.operation == "less than" {
                    let fixed = without_zero_epoch(test.evr);
                    let affected = Affected::fixed(namespace.clone(), test.package, fixed);
                    record.affected.push(Affected { severity, ..affected });
                }
            }
            sink.record(record);
        }
    }
}
