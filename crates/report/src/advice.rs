//! What a person can do about a gap, in one sentence for each kind.

use layergate_model::GapKind;

/// The next step that makes such a gap go away.
pub(crate) const fn for_gap(kind: GapKind) -> &'static str {
    match kind {
        GapKind::CorruptLayer => "push the image again: the layer's bytes in the registry are damaged",
        GapKind::UnsupportedLayer => "scan a copy of the image whose layers are plain, unencrypted tar archives",
        GapKind::LayerLimit => "if you trust the image, raise the limit that the gap names (--max-…)",
        GapKind::UnreadableDatabase => "rebuild the image: its package database is damaged or of an unknown format",
        GapKind::NoPackages => {
            "check that this is the right image; if it truly has no packages, allow this gap in the policy"
        }
        GapKind::NoPackageDatabase => {
            "keep the package manager's database in the image, or allow this gap in the policy"
        }
        GapKind::PackageDatabaseRemoved => "do not remove or replace the package database in a later build step",
        GapKind::ForgedFileList => "find out who changed the package database; it claims files of others",
        GapKind::ConflictingRelease => "let os-release say what the packages are of, as the distribution wrote it",
        GapKind::UnreadLink => "put the file itself where its name is, rather than a link to it",
        GapKind::UnreadableFile => "look at the file: its package may be missing from this report",
        GapKind::FileLimit => "if you trust the image, raise --max-file-bytes",
        GapKind::HardLink => "scan the image from its registry rather than from an archive",
        GapKind::HostilePath => "find out who wrote this layer: ordinary builders do not make such entries",
        GapKind::LayerUnavailable => "check the registry, the network and the credentials, then scan again",
        GapKind::Quarantined => "the layer failed repeatedly; it is tried again when its rest is over",
        GapKind::UnsupportedPlatform => "judge this image by other means; only Linux images can be read",
        GapKind::UnknownDistribution => "add /etc/os-release to the image, or allow this gap in the policy",
        GapKind::NoAdvisories => {
            "add a feed for it to the snapshot (layergate db status), or allow this gap in the policy"
        }
        GapKind::PartialAdvisories => {
            "get the whole source (layergate db update; db status shows what is partial), or allow this gap in the policy"
        }
        GapKind::UnwatchedEcosystem => "look these packages up by hand: nobody publishes advisories for their kind",
        GapKind::ThirdPartyPackage => "look up the publisher's own advisories, then allow this gap in the policy",
        GapKind::UnidentifiedPackage => "compare the package with the advisories that the gap names by hand",
        GapKind::StaleAdvisories => "run layergate db update",
        GapKind::RuleWithoutFeed => {
            "get the feed that the rule asks (layergate db update), or switch the rule off in the policy"
        }
        GapKind::EndOfLife => "rebuild on a supported release",
        GapKind::UnreadableVersion => {
            "restore the package's version, compare it with the advisories by hand, or remove the package"
        }
        GapKind::UncomparableVersion => "compare the version with the advisory by hand",
        GapKind::AnalyzerFailed => "report this with the file: an analyzer could not cope with it",
        GapKind::InvalidVex => "fix the VEX document; the statement was not applied",
        GapKind::SbomIncomplete => "make the SBOM anew with package URLs on all components",
        GapKind::PackedProgram => {
            "ship the program unpacked, or an SBOM of what is in it, or accept it with an exception"
        }
        GapKind::UnreadPackages => {
            "scan what holds them by itself (`layergate scan dir:…`, or the archive), or remove it"
        }
        GapKind::UnreadCarrier => "remove the archive, or scan it by itself",
        GapKind::PlatformNotScanned => "scan it too with --platform all",
    }
}
