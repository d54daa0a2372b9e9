//! Reasons out of gaps: one for each kind and effect, the worst of them saying that there is no verdict.

use std::{cmp::Reverse, collections::BTreeMap};

use layergate_model::{Effect, GapKind, Reason, ReportGap, one_line};

use super::reason;
use crate::{items::Item, text::listed};

/// A kind of gap in words, for one and for many.
const fn words(kind: GapKind) -> (&'static str, &'static str) {
    match kind {
        GapKind::CorruptLayer => ("layer is damaged", "layers are damaged"),
        GapKind::UnsupportedLayer => {
            ("layer is of a kind that cannot be read", "layers are of kinds that cannot be read")
        }
        GapKind::LayerLimit => ("layer went over a limit", "layers went over a limit"),
        GapKind::UnreadableDatabase => ("package database could not be read", "package databases could not be read"),
        GapKind::NoPackages => ("place had no package", "places had no package"),
        GapKind::NoPackageDatabase => ("package database is missing", "package databases are missing"),
        GapKind::PackageDatabaseRemoved => {
            ("package database was removed by an upper layer", "package databases were removed by upper layers")
        }
        GapKind::ForgedFileList => {
            ("list of files is not the installed one", "lists of files are not the installed ones")
        }
        GapKind::ConflictingRelease => {
            ("statement on the distribution is contradicted", "statements on the distribution are contradicted")
        }
        GapKind::UnreadLink => ("link leads to what was not read", "links lead to what was not read"),
        GapKind::UnreadableFile => ("file could not be read", "files could not be read"),
        GapKind::FileLimit => ("file is larger than the limit", "files are larger than the limit"),
        GapKind::HardLink => {
            ("file is a link to content that was not kept", "files are links to content that was not kept")
        }
        GapKind::HostilePath => ("entry has a path that leaves the layer", "entries have paths that leave the layer"),
        GapKind::LayerUnavailable => ("layer could not be had", "layers could not be had"),
        GapKind::Quarantined => ("layer has failed too often and rests", "layers have failed too often and rest"),
        GapKind::UnsupportedPlatform => ("platform cannot be read", "platforms cannot be read"),
        GapKind::UnknownDistribution => ("distribution is not known", "distributions are not known"),
        GapKind::NoAdvisories => ("source of packages has no advisories", "sources of packages have no advisories"),
        GapKind::PartialAdvisories => (
            "source of packages has a part of its advisories only",
            "sources of packages have a part of their advisories only",
        ),
        GapKind::UnwatchedEcosystem => {
            ("kind of package has no advisories anywhere", "kinds of packages have no advisories anywhere")
        }
        GapKind::ThirdPartyPackage => (
            "publisher's packages are not the distribution's and were not judged",
            "publishers' packages are not the distribution's and were not judged",
        ),
        GapKind::UnidentifiedPackage => (
            "package is not named well enough for the advisories on its name",
            "packages are not named well enough for the advisories on their names",
        ),
        GapKind::StaleAdvisories => ("set of advisories is out of date", "sets of advisories are out of date"),
        GapKind::RuleWithoutFeed => ("rule had nothing to go by", "rules had nothing to go by"),
        GapKind::EndOfLife => ("release is past its end of life", "releases are past their end of life"),
        GapKind::UnreadableVersion => ("package's version cannot be read", "packages' versions cannot be read"),
        GapKind::UncomparableVersion => ("version cannot be compared", "versions cannot be compared"),
        GapKind::AnalyzerFailed => ("analyzer gave up on a file", "analyzers gave up on a file"),
        GapKind::InvalidVex => ("VEX statement was not used", "VEX statements were not used"),
        GapKind::SbomIncomplete => ("part of the SBOM cannot be matched", "parts of the SBOM cannot be matched"),
        GapKind::PackedProgram => ("program is packed or bundled", "programs are packed or bundled"),
        GapKind::UnreadPackages => {
            ("place holds installed packages that were not read", "places hold installed packages that were not read")
        }
        GapKind::UnreadCarrier => ("package archive was not read", "package archives were not read"),
        GapKind::PlatformNotScanned => ("platform was not asked for", "platforms were not asked for"),
    }
}

pub(super) fn reasons(gaps: &[Item<'_, ReportGap>]) -> Vec<Reason> {
    let mut groups: BTreeMap<(Reverse<Effect>, GapKind), Vec<&ReportGap>> = BTreeMap::new();
    for gap in gaps.iter().filter(|g| g.exception.is_none()) {
        groups.entry((Reverse(gap.effect), gap.value.kind)).or_default().push(&gap.value);
    }
    groups
        .into_iter()
        .map(|((Reverse(effect), kind), group)| {
            let rule = match kind {
                GapKind::EndOfLife => "end_of_life",
                GapKind::StaleAdvisories => "stale_advisories",
                _ => "gap",
            };
            let (one, many) = words(kind);
            let details: Vec<String> = group.iter().map(|g| sentence(kind, g)).collect();
            let prefix = if effect == Effect::Error { "no verdict: " } else { "" };
            let noun = if group.len() == 1 { one } else { many };
            let text = match (kind, group.len()) {
                // These say all by themselves.
                (GapKind::EndOfLife | GapKind::StaleAdvisories | GapKind::NoPackages, 1) => {
                    format!("{prefix}{}", details[0])
                }
                (_, n) => format!("{prefix}{n} {noun} ({kind}): {}", listed(&details, 3, "; ")),
            };
            reason(rule, effect, text, Vec::new())
        })
        .collect()
}

fn sentence(kind: GapKind, gap: &ReportGap) -> String {
    let detail = one_line(&gap.detail, 300);
    match kind {
        GapKind::EndOfLife | GapKind::StaleAdvisories => detail,
        _ if gap.place.is_empty() => detail,
        _ if detail.is_empty() => one_line(&gap.place, 200),
        _ => format!("{}: {detail}", one_line(&gap.place, 200)),
    }
}
