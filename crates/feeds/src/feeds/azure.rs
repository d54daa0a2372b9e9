//! Azure Linux and CBL-Mariner OVAL (github.com/microsoft/AzureLinuxVulnerabilityData).
//!
//! A definition is one vulnerability in one source package. `less than` names the version that fixes it; `less than or
//! equal` names the last version that is known to be affected, and nothing fixes it yet. Marked "Not Applicable",
//! the vulnerability never affected the package and is left out; with a `less than` so marked it did before that
//! version. Which release a file is of is known by the package versions' own tag (`.cm2`, `.azl3`), else by the
//! platform and the file's name.

use layergate_advisory::{Affected, End, Namespace, Record, Start, VersionRange};
use layergate_model::Status;

use crate::{
    feed::{Feed, FeedFile, FeedRow, Sink},
    oval::{Oval, without_zero_epoch},
};

pub(crate) struct AzureOval;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "azurelinux-oval",
    name: "Azure Linux and CBL-Mariner OVAL",
    url: "https://github.com/microsoft/AzureLinuxVulnerabilityData",
    license: "MIT",
}];

impl Feed for AzureOval {
    fn id(&self) -> &'static str {
        "azurelinux-oval"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.has("<oval_definitions", 8192)
            && (file.has("com.microsoft.cbl-mariner", 16384) || file.has("com.microsoft.azurelinux", 16384))
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let Some(oval) = Oval::read(file, sink) else { return };
        let Some(namespace) = release(&oval, file) else {
            return sink.problem("neither package versions nor platform show which release it is of");
        };
        for definition in &oval.definitions {
            let Some(id) = definition.cves.first() else { continue };
            let applies = definition.patchable.as_deref() != Some("Not Applicable");
            let mut record = Record::new("azurelinux-oval", id.as_str());
            record.aliases = definition.cves.iter().skip(1).cloned().collect();
            let severity = definition.date_and_rate(&mut record, "microsoft");
            for test in definition.tests.iter().filter_map(|t| oval.package_test(t)) {
                let version = without_zero_epoch(test.evr).to_owned();
                let (status, end) = match test.operation {
                    "less than" => (Status::Fixed, End::Fixed(version)),
                    "less than or equal" if !applies => continue,
                    "less than or equal" => (Status::Affected, End::Last(version)),
                    other => {
                        sink.problem(format!(
                            "{}: an operation {other:?} that nobody has seen there before",
                            definition.id
                        ));
                        continue;
                    }
                };
                record.affected.push(Affected {
                    ranges: vec![VersionRange { start: Start::Beginning, end }],
                    severity,
                    ..Affected::bare(namespace.clone(), test.package, status)
                });
            }
            if !record.affected.is_empty() {
                sink.record(record);
            }
        }
    }
}

fn release(oval: &Oval, file: &FeedFile) -> Option<Namespace> {
    let count = |tag: &str| oval.versions().filter(|v| v.ends_with(tag)).count();
    let tags =
        [(".cm1", "mariner:1.0"), (".cm2", "mariner:2.0"), (".azl3", "azurelinux:3.0"), (".azl4", "azurelinux:4.0")];
    let best = tags.iter().map(|(tag, ns)| (count(tag), *ns)).filter(|(n, _)| *n > 0).max();
    if let Some((_, namespace)) = best {
        return Namespace::new(namespace).ok();
    }
    let name = file.name();
    let number = name.split(|c: char| !c.is_ascii_digit() && c != '.').find(|w| w.contains('.') && w.len() >= 3)?;
    let family = if file.has("com.microsoft.azurelinux", 16384) { "azurelinux" } else { "mariner" };
    Namespace::of(family, Some(number.trim_matches('.'))).ok()
}
