//! Layers from a few lines of text, one entry a line, and an image's packages as lines of text.
//!
//! `d PATH` a directory, `f PATH` a file, `f PATH: NAME VERSION, …` a file that proves packages (what kind, its name
//! shows), `l PATH TARGET` a symbolic link, `h PATH TARGET` a hard link, `w PATH` a whiteout of PATH, `o PATH` an
//! opaque marker in PATH. Other things found: `own PROOF PACKAGE PATH…`, `os PATH RANK ID VERSION`,
//! `sets PATH CONTENT_SET…`, `gap KIND PLACE`,
//! `fact KIND PATH`, `secret PATH`, `license PROOF PACKAGE LICENSE`.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use layergate_image::{MergeLayer, MergeOptions, merge};
use layergate_model::*;

pub(crate) fn path(text: &str) -> LayerPath {
    LayerPath::normalise(text).unwrap()
}

fn kind_of(evidence: &str) -> PackageKind {
    match evidence {
        p if p.ends_with("apk/db/installed") => PackageKind::Apk,
        p if p.contains("lib/dpkg/") => PackageKind::Deb,
        p if p.contains("rpm") => PackageKind::Rpm,
        p if p.ends_with("METADATA") => PackageKind::Pypi,
        p if p.starts_with("nix/") => PackageKind::Nix,
        p if p.contains(".jar") => PackageKind::Maven,
        _ => PackageKind::Npm,
    }
}

/// One layer; its digest is that of the text.
pub(crate) fn layer(text: &str) -> LayerInventory {
    let mut table = PathTableBuilder::default();
    let mut section = Section { revision: 1, ..Section::default() };
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (entry, packages) = line.split_once(": ").unwrap_or((line, ""));
        let words: Vec<&str> = entry.trim_end_matches(':').split_whitespace().collect();
        let mut push = |p: &str, kind, target: &str| table.push(&path(p), kind, 0o644, target);
        match words[..] {
            ["d", p] => push(p, EntryKind::Directory, ""),
            ["f", p] => {
                section.forget(p);
                push(p.split('!').next().unwrap(), EntryKind::File, "");
            }
            ["l", p, target] => push(p, EntryKind::Symlink, target),
            ["h", p, target] => push(p, EntryKind::HardLink, target),
            ["w", p] => {
                let (parent, name) = p.rsplit_once('/').unwrap_or(("", p));
                push(&format!("{parent}/.wh.{name}"), EntryKind::File, "");
            }
            ["o", p] => push(&format!("{p}/.wh..wh..opq"), EntryKind::File, ""),
            ["own", evidence, package, ref paths @ ..] => section.owned.push(OwnedFiles {
                evidence: path(evidence),
                package: package.into(),
                paths: paths.iter().map(|p| path(p)).collect(),
            }),
            ["os", p, rank, id, version] => {
                let release = OsRelease([("ID".into(), id.into()), ("VERSION_ID".into(), version.into())].into());
                section.os_releases.push(OsReleaseFile { path: path(p), rank: rank.parse().unwrap(), release });
            }
            ["sets", p, ref names @ ..] => section
                .content_sets
                .push(ContentSets { path: path(p), names: names.iter().map(|n| (*n).to_owned()).collect() }),
            ["gap", kind, place] => {
                let kind = GapKind::ALL.iter().find(|k| k.as_str() == kind).unwrap();
                section.gaps.push(Gap::new(*kind, place, "why"));
            }
            ["fact", kind, p] => {
                let kind = serde_json::from_value(kind.into()).unwrap();
                section.facts.push(CheckFact { kind, path: path(p) });
            }
            ["secret", p] => section.secrets.push(Secret {
                rule: "rule".into(),
                title: "A token".into(),
                severity: Severity::High,
                path: p.into(),
                line: 1,
                redacted: "ab****yz".into(),
            }),
            ["license", evidence, package, license] => section.licenses.push(LicenseFact {
                evidence: path(evidence),
                package: package.into(),
                licenses: vec![license.into()],
            }),
            _ => panic!("{line}"),
        }
        for package in packages.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, version) = package.split_once(' ').unwrap();
            let at = words[1];
            let mut package = Package::new(kind_of(at), name, version, &path(at));
            package.locations = vec![at.to_owned()];
            section.packages.push(package);
        }
    }
    LayerInventory {
        blob: Digest::of(text.as_bytes()),
        size: 1,
        unpacked: 1,
        sections: [(AnalyzerId::new("test"), section)].into(),
        gaps: Vec::new(),
        paths: table.finish(),
    }
}

pub(crate) fn image_of(
    layers: &[LayerInventory],
    config: Option<&ImageConfig>,
    options: &MergeOptions<'_>,
) -> ImageInventory {
    let layers: Vec<_> = layers.iter().map(|l| MergeLayer { digest: l.blob, inventory: l }).collect();
    merge(&layers, config, options)
}

pub(crate) fn image(layers: &[&str]) -> ImageInventory {
    let layers: Vec<_> = layers.iter().map(|l| layer(l)).collect();
    image_of(&layers, None, &MergeOptions::default())
}

/// `NAME VERSION @LAYER LOCATION…`, and the owner.
pub(crate) fn lines(image: &ImageInventory) -> Vec<String> {
    let name = |id: &PackageId| image.packages.iter().find(|p| p.id == *id).unwrap().package.name.clone();
    let line = |p: &ImagePackage| {
        let owner = p.owned_by.as_ref().map(|id| format!(" by {}", name(id))).unwrap_or_default();
        let layer = p.layer.map_or("-".into(), |l| l.to_string());
        format!("{} {} @{layer} {}{owner}", p.package.name, p.package.version, p.package.locations.join(" "))
    };
    image.packages.iter().map(line).collect()
}
