//! Every feed that can be read, in the order in which they are asked whether a file is theirs. A new feed is one file
//! under `feeds/` and one line here; the most particular ones stand first.

use layergate_advisory::FeedInfo;

use crate::{feed::Feed, feeds};

/// Rises when a parser reads something differently, so that snapshots cached by a directory's fingerprint are rebuilt.
pub const CATALOGUE_REVISION: u32 = 6;

/// The list.
pub(crate) const CATALOGUE: &[&dyn Feed] = &[
    &feeds::ubuntu::UbuntuTracker,
    &feeds::debian_lists::DebianLists,
    &feeds::debian_tracker::DebianTracker,
    &feeds::alpine::AlpineSecdb,
    &feeds::kev::Kev,
    &feeds::vulnrichment::Vulnrichment,
    &feeds::azure::AzureOval,
    &feeds::photon::PhotonOval,
    &feeds::node_wg::NodeWorkingGroup,
    &feeds::php::FriendsOfPhp,
    &feeds::oracle::OracleOval,
    &feeds::suse::SuseOval,
    &feeds::updateinfo::Updateinfo,
    &feeds::csaf::Csaf,
    &feeds::arch::ArchTracker,
    &feeds::nvd::Nvd,
    &feeds::epss::Epss,
    &feeds::rubysec::RubySec,
    &feeds::rustsec::RustSec,
    &feeds::osv::Osv,
];

/// The names of the catalogue's parsers, in order.
pub fn catalogue_ids() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|feed| feed.id())
}

/// What each parser can bring.
pub fn known_feeds() -> Vec<FeedInfo> {
    CATALOGUE.iter().flat_map(|feed| feed.infos()).map(|row| row.to_info()).collect()
}
