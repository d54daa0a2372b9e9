//! JARs whose group nothing shows. Maven's advisories are filed under `group:artifact`, so such a package can match
//! none of them; where some advisory speaks of an artifact of its name, under whatever group, and holds its version,
//! that is a gap. An in-house JAR of whose name no advisory speaks is none.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use layergate_advisory::{Namespace, Snapshot};
use layergate_model::{Gap, GapKind, ImagePackage, PackageKind};

use super::{hit, subject::Subject};

/// Advisories that a gap lists before "and N more".
const LISTED: usize = 5;

/// The gaps of the packages among `packages` that have no group, one for each.
pub(super) fn gaps<'p>(packages: impl Iterator<Item = &'p ImagePackage>, snapshot: &Snapshot) -> Vec<Gap> {
    let groupless = |p: &&ImagePackage| p.package.kind == PackageKind::Maven && !p.package.name.contains(':');
    let mut by_artifact: BTreeMap<&str, Vec<&ImagePackage>> = BTreeMap::new();
    for package in packages.filter(groupless) {
        by_artifact.entry(package.package.name.as_str()).or_default().push(package);
    }
    let Some(namespace) = Namespace::new("maven").ok().filter(|_| !by_artifact.is_empty()) else { return Vec::new() };
    let mut suspects: BTreeMap<&str, (&ImagePackage, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for (artifact, packages) in &by_artifact {
        let names = snapshot.names_of_artifact(artifact).iter();
        for (name, package) in names.flat_map(|name| packages.iter().map(move |package| (name, package))) {
            let subject = Subject {
                name: Cow::Borrowed(name),
                version: Cow::Borrowed(package.package.version.as_str()),
                unfixed_only: false,
            };
            let (mut hits, mut undecided) = (Vec::new(), BTreeSet::new());
            hit::collect(&subject, &package.package, &namespace, snapshot, &mut hits, &mut undecided);
            let ids = hits.iter().filter_map(|h| Some(snapshot.vulnerability(h.entry.vulnerability)?.id.to_owned()));
            let ids: BTreeSet<String> = ids.chain(undecided.into_iter().map(|u| u.vulnerability)).collect();
            if !ids.is_empty() {
                let suspect = suspects
                    .entry(package.purl.as_str())
                    .or_insert_with(|| (*package, BTreeSet::new(), BTreeSet::new()));
                suspect.1.insert(name.to_string());
                suspect.2.extend(ids);
            }
        }
    }
    suspects.into_values().map(|(package, names, ids)| gap(package, &names, &ids)).collect()
}

fn gap(package: &ImagePackage, names: &BTreeSet<String>, ids: &BTreeSet<String>) -> Gap {
    let list = |texts: &BTreeSet<String>| {
        let mut text = texts.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        if texts.len() > LISTED {
            text.push_str(&format!(" and {} more", texts.len() - LISTED));
        }
        text
    };
    let detail = format!(
        "no file shows the group of {}; if it is {}, it is affected by {}",
        package.package.name,
        list(names),
        list(ids)
    );
    Gap::new(GapKind::UnidentifiedPackage, package.purl.as_str(), detail)
}
