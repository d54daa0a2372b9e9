//! A gap: something that was not, or could not be, looked at. Gaps are carried to the verdict, never dropped.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! gap_kinds {
    ($($variant:ident = $word:literal, $hides:literal, $cacheable:literal, $doc:literal;)*) => {
        /// What sort of thing was not looked at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum GapKind { $(#[doc = $doc] #[serde(rename = $word)] $variant,)* }

        impl GapKind {
            /// Every kind there is.
            pub const ALL: &'static [GapKind] = &[$(Self::$variant,)*];

            /// The word in reports and policies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Whether an unknown number of packages or their advisories may be hidden behind such a gap, so that
            /// "nothing found" would be a lie. The default policy answers these with `error`, the others with `warn`.
            pub const fn hides_packages(self) -> bool {
                match self { $(Self::$variant => $hides,)* }
            }

            /// Whether the gap follows from the bytes and the deterministic limits alone, so that a layer inventory
            /// which has it may be cached (invariant 3).
            pub const fn is_deterministic(self) -> bool {
                match self { $(Self::$variant => $cacheable,)* }
            }
        }
    };
}

gap_kinds! {
    CorruptLayer = "corrupt_layer", true, true, "The layer's bytes are not what they say: a broken archive or compressed stream.";
    UnsupportedLayer = "unsupported_layer", true, true, "A foreign, encrypted or otherwise unreadable kind of layer.";
    LayerLimit = "layer_limit", true, true, "A deterministic limit ended the reading of a layer; the detail names it and its number.";
    UnreadableDatabase = "unreadable_database", true, true, "A package manager's database could not be read, or only in part.";
    NoPackages = "no_packages", true, true, "No package of any kind was found: there is nothing that could be judged.";
    NoPackageDatabase = "no_package_database", true, true, "The image is of a known distribution, and no package database of it could be found.";
    PackageDatabaseRemoved = "package_database_removed", true, true, "An upper layer removed, emptied or falsified a package database while what it described is still in the image.";
    ForgedFileList = "forged_file_list", true, true, "A package's list of files claims what its distribution cannot have put there: it would silence the package that lies there.";
    ConflictingRelease = "conflicting_release", true, true, "The files that say of which distribution and release the image is contradict each other or the packages.";
    UnreadLink = "unread_link", true, true, "Links give files names of package metadata, too many of them to be read under these.";
    UnreadableVersion = "unreadable_version", true, true, "An installed package without a version, or with one that its ecosystem cannot read, and an advisory on its name.";
    UnreadableFile = "unreadable_file", true, true, "One file of one package or application could not be read (a broken package.json).";
    PackedProgram = "packed_program", true, true, "A packed or bundled program: the packages in it cannot be seen.";
    UnreadPackages = "unread_packages", true, true, "Installed packages are in something that was not read: another root file system, an application in an archive, a saved image.";
    UnreadCarrier = "unread_carrier", false, true, "A package's archive that lies in the image was not read.";
    FileLimit = "file_limit", true, true, "A file that an analyzer wanted is over its limit.";
    HardLink = "hard_link", true, true, "A hard link whose name is that of package metadata leads to a file that is in none of the layers.";
    HostilePath = "hostile_path", true, true, "An entry whose path leaves the layer, is too long or is redirected by an attribute: runtimes disagree on where it lies.";
    LayerUnavailable = "layer_unavailable", true, false, "The layer could not be had: registry, network, credentials, time.";
    Quarantined = "quarantined", true, false, "The layer has failed too often and rests for a while.";
    UnsupportedPlatform = "unsupported_platform", true, true, "An image of an operating system that nothing here can read.";
    UnknownDistribution = "unknown_distribution", true, true, "Distribution packages are there, but no file says of which distribution, or nobody knows it.";
    NoAdvisories = "no_advisories", true, true, "The snapshot has no advisories for this distribution, release or ecosystem.";
    PartialAdvisories = "partial_advisories", false, true, "Only a part of the advisories for this distribution, release or ecosystem is in the snapshot: their source has many more.";
    UnwatchedEcosystem = "unwatched_ecosystem", false, true, "No advisory database speaks of this kind of package: its packages are listed and not judged.";
    ThirdPartyPackage = "third_party_package", false, true, "Packages of somebody else than the distribution, of which its advisories say nothing.";
    UnidentifiedPackage = "unidentified_package", false, true, "A package of which a part of the name is missing, and an advisory that may be about it.";
    StaleAdvisories = "stale_advisories", false, true, "The advisories are older than the policy allows.";
    RuleWithoutFeed = "rule_without_feed", false, true, "A rule of the policy asks for what no feed of the snapshot shows (known exploitation, EPSS, another signal): it can say nothing.";
    EndOfLife = "end_of_life", false, true, "The distribution's release is no longer fixed by anybody.";
    UncomparableVersion = "uncomparable_version", false, true, "A version that cannot be held against an advisory: a branch, a package that does not come from its registry, a bound that cannot be read.";
    AnalyzerFailed = "analyzer_failed", true, true, "An analyzer gave up on a file it claimed.";
    InvalidVex = "invalid_vex", false, true, "A VEX statement that contradicts another, has expired or names nothing.";
    SbomIncomplete = "sbom_incomplete", true, true, "The SBOM has components that cannot be matched.";
    PlatformNotScanned = "platform_not_scanned", false, true, "A platform of the index that nobody asked for.";
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that was not looked at, where it is, and why not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// The sort of gap.
    pub kind: GapKind,
    /// Where: a path of the layer, a layer's digest, a distribution, a package.
    #[serde(rename = "where")]
    pub place: String,
    /// What happened, with the numbers, in a sentence that an operator understands.
    pub detail: String,
}

impl Gap {
    /// A gap of `kind` at `place`.
    pub fn new(kind: GapKind, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, place: place.into(), detail: detail.into() }
    }
}
