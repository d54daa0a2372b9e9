//! Which of the files that a package manager installed are worth remembering: the ones that another analyzer might claim.
//! The catalogue has the last word once the layer is read; here only what nobody ever claims is dropped early, for a
//! package's manual pages and translations outnumber its programs.

use layergate_model::LayerPath;

/// The path as the layer names it; `None` for what is no path of a layer, or never interesting.
pub(crate) fn owned_path(raw: &str) -> Option<LayerPath> {
    const DULL: [&str; 8] = [
        "usr/share/doc/",
        "usr/share/man/",
        "usr/share/locale/",
        "usr/share/info/",
        "usr/share/lintian/",
        "usr/share/zoneinfo/",
        "usr/share/icons/",
        "usr/share/terminfo/",
    ];
    let path = raw.trim_start_matches('/');
    if path.is_empty() || DULL.iter().any(|d| path.starts_with(d)) {
        return None;
    }
    LayerPath::normalise(path).ok().filter(|p| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dull_and_hostile_paths_are_dropped() {
        assert_eq!(owned_path("/usr/bin/python3").unwrap().as_str(), "usr/bin/python3");
        for none in ["", "/", "/.", "/usr/share/man/man1/a.1.gz", "../etc/passwd", "a/../../b", "a\0b"] {
            assert!(owned_path(none).is_none(), "{none:?}");
        }
    }
}
