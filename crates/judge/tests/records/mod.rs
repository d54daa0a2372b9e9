//! Packages, records and snapshots in few words, for tests of matching.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use layergate_advisory::{Affected, Builder, Namespace, Record, Snapshot};
use layergate_judge::{Matches, match_image};
use layergate_model::{
    Distro, Finding, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind, SourcePackage,
};

pub fn ns(text: &str) -> Namespace {
    Namespace::new(text).unwrap()
}

pub fn distro(id: &str, version: &str) -> Option<Distro> {
    Some(Distro {
        id: id.into(),
        version: Some(version.into()),
        codename: None,
        like: vec!["debian".into()],
        name: None,
        end_of_life: None,
    })
}

pub fn package(kind: PackageKind, name: &str, version: &str, source: Option<(&str, &str)>) -> ImagePackage {
    let at = LayerPath::normalise("evidence").unwrap();
    let mut package = Package::new(kind, name, version, &at);
    package.source = source.map(|(name, version)| SourcePackage { name: name.into(), version: version.into() });
    let purl = package.purl(None);
    ImagePackage {
        id: PackageId::derive(&purl, None, "evidence"),
        purl,
        package,
        layer: Some(2),
        origin: Origin::Unknown,
        owned_by: None,
    }
}

pub fn snapshot(records: &[Record]) -> Snapshot {
    let mut builder = Builder::new();
    records.iter().for_each(|r| builder.add(r).unwrap());
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

pub fn matched(distro: Option<Distro>, packages: Vec<ImagePackage>, records: &[Record]) -> Matches {
    match_image(&ImageInventory { distro, packages, ..ImageInventory::default() }, &snapshot(records))
}

pub fn record(feed: &'static str, id: &str, aliases: &[&str], affected: Affected) -> Record {
    let aliases = aliases.iter().map(|a| (*a).to_owned()).collect();
    Record { aliases, affected: vec![affected], ..Record::new(feed, id) }
}

pub fn only(matches: Matches) -> Finding {
    assert_eq!(matches.findings.len(), 1, "{matches:?}");
    matches.findings.into_iter().next().unwrap()
}
