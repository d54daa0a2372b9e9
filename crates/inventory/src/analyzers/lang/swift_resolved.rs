//! Swift's `Package.resolved`, versions 1 to 3 (github.com/apple/swift-package-manager). A package is named by where it comes from,
//! without scheme and `.git`; one that follows a branch has that as its version.

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Text},
};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `Package.resolved`.
pub struct SwiftResolved;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resolved {
    object: Record<Pins>,
    pins: List<Record<Pin>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pins {
    pins: List<Record<Pin>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pin {
    package: Text,
    identity: Text,
    #[serde(rename = "repositoryURL")]
    url: Text,
    location: Text,
    state: Record<State>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    version: Text,
    branch: Text,
}

impl Analyzer for SwiftResolved {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("swift-resolved")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Package.resolved"), Interest::Name(".package.resolved")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let resolved: Resolved = input::json(file)?;
        let start = out.packages.len();
        for pin in resolved.pins.0.iter().chain(&resolved.object.pins.0) {
            let version = pin.state.version.get().or_else(|| pin.state.branch.get()).unwrap_or_default();
            let place = pin.location.get().or_else(|| pin.url.get()).map(place);
            let name =
                place.as_deref().or_else(|| pin.identity.get()).or_else(|| pin.package.get()).unwrap_or_default();
            input::push(out, PackageKind::Swift, name, version, file);
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `https://github.com/apple/swift-nio.git` and `git@github.com:apple/swift-nio` are `github.com/apple/swift-nio`.
fn place(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bare = bare.split_once('@').map_or(bare, |(_, rest)| rest);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    bare.strip_suffix(".git").unwrap_or(bare).replacen(':', "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn versions() {
        let one = br#"{"object":{"pins":[{"package":"N","repositoryURL":"https://github.com/Quick/Nimble.git","state":{"branch":null,"version":"9.2.1"}}]},"version":1}"#;
        assert_eq!(packages(&SwiftResolved, "Package.resolved", one), ["github.com/Quick/Nimble 9.2.1"]);
        let two = br#"{"pins":[{"identity":"x","location":"git@github.com:a/x","state":{"branch":"main","revision":"0"}},{"identity":"org.y","kind":"registry","location":"","state":{"version":"1"}}],"version":2}"#;
        assert_eq!(packages(&SwiftResolved, "Package.resolved", two), ["github.com/a/x main", "org.y 1"]);
    }
}
