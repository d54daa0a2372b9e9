//! Small texts: versions in every scheme and their ranges, references, package URLs, paths, digests.

use std::cmp::Ordering;

use layergate_model::{Digest, ImageReference, LayerPath, Platform, Purl};
use layergate_registry::Location;
use layergate_version::{Constraint, Scheme};

use crate::{Target, lines};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("version", version),
        Target::new("constraint", constraint),
        Target::new("reference", reference),
        Target::new("purl", |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let Ok(purl) = text.parse::<Purl>() else { return };
            assert!(purl.parts().is_some(), "{purl} cannot be read again");
            let _ = purl.without_qualifiers();
        }),
        Target::new("layer-path", |bytes| {
            if let Ok(path) = LayerPath::from_bytes(bytes) {
                assert!(LayerPath::normalise(path.as_str()).as_ref() == Ok(&path), "{path} is not normal");
                assert!(!path.as_str().split('/').any(|p| p == ".."), "{path} leaves the layer");
            }
        }),
    ]
}

fn scheme(name: &str) -> Option<Scheme> {
    Scheme::all().find(|s| s.as_str() == name)
}

/// A scheme's name and versions, one a line: the order does not depend on who is asked first.
fn version(bytes: &[u8]) {
    let Some(lines) = lines(bytes) else { return };
    let Some((scheme, versions)) = lines.split_first().and_then(|(name, rest)| Some((scheme(name)?, rest))) else {
        return;
    };
    for a in versions.iter().take(4) {
        if let Ok(version) = scheme.parse(a) {
            assert!(version.compare(&version).ok() == Some(Ordering::Equal), "{a:?} is not equal to itself");
        }
        for b in versions.iter().take(4) {
            let (there, back) = (scheme.compare(a, b).ok(), scheme.compare(b, a).ok());
            assert!(there == back.map(Ordering::reverse), "{scheme:?}: {a:?} and {b:?}: {there:?}, {back:?}");
            let _ = scheme.compare_to_bound(a, b);
        }
    }
}

/// A scheme's name, a version and a constraint.
fn constraint(bytes: &[u8]) {
    let Some(lines) = lines(bytes) else { return };
    let [name, version, texts @ ..] = lines.as_slice() else { return };
    let Some(scheme) = scheme(name) else { return };
    for text in texts.iter().take(4) {
        let Ok(constraint) = Constraint::parse(scheme, text) else { continue };
        let _ = constraint.complement().intervals().len();
        let _ = constraint.matches(version);
    }
}

fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(reference) = text.parse::<ImageReference>() {
        assert!(reference.to_string().parse::<ImageReference>().ok().as_ref() == Some(&reference), "{reference}");
    }
    if let Ok(location) = text.parse::<Location>() {
        assert!(location.to_string().parse::<Location>().ok().as_ref() == Some(&location), "{location}");
    }
    let _ = (text.parse::<Digest>(), text.parse::<Platform>());
}
