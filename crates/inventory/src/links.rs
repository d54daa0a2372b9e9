//! Links by whose name an analyzer would have read a file, had the file been there itself.
//!
//! A container that opens `var/lib/dpkg/status` follows a link on the way; an analyzer is asked about the file under its own
//! name, when the archive comes to it. Where that name says the same to the same analyzers (`lib` to `usr/lib`, a versioned
//! JAR, pnpm's store), everything is read once and in its place. Where it does not, nobody reads it: a gap, which the merge
//! drops when the link leads nowhere or to what was read.

use layergate_model::LayerPath;

use crate::Catalogue;

/// Files of a package's directory that make it one.
const PROBES: [&str; 2] = ["METADATA", "PKG-INFO"];

/// The places that a symbolic link makes up and nobody reads, each with the path that it leads to.
pub(crate) fn unread(catalogue: &Catalogue, link: &LayerPath, target: &str) -> Vec<(LayerPath, LayerPath)> {
    let Some(target) = led_to(link, target) else { return Vec::new() };
    let mut places = catalogue.places_below(link);
    places.push(link.clone());
    places.extend(PROBES.iter().map(|probe| link.join(probe)));
    let mut unread = Vec::new();
    for place in places {
        let wanted = catalogue.named(&place);
        if wanted.is_empty() {
            continue;
        }
        let Ok(to) = LayerPath::normalise(&format!("{target}{}", &place[link.len()..])) else { continue };
        let read = catalogue.named(&to);
        if !wanted.iter().all(|index| read.contains(index)) {
            unread.push((place, to));
        }
    }
    unread
}

/// Where a link leads, by its text; `None` for what leaves the root or is no path.
fn led_to(link: &LayerPath, target: &str) -> Option<LayerPath> {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { link.split('/').collect() };
    if !target.starts_with('/') {
        parts.pop();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    LayerPath::normalise(&parts.join("/")).ok().filter(|p| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_links_make_up_places_that_nobody_reads() {
        let catalogue = Catalogue::standard();
        for (link, target, want) in [
            ("var/lib/dpkg/status", "/opt/blob", "var/lib/dpkg/status>opt/blob"),
            ("var/lib/dpkg", "/opt/d", "var/lib/dpkg/status>opt/d/status"),
            ("var/lib/rpm/Packages", "../../../opt/x", "var/lib/rpm/Packages>opt/x"),
            ("lib/apk/db", "/opt/db", "lib/apk/db/installed>opt/db/installed"),
            ("lib/apk", "../usr/share/apk", "lib/apk/db/installed>usr/share/apk/db/installed"),
            ("srv/node_modules/lodash/package.json", "/srv/blob", "srv/node_modules/lodash/package.json>srv/blob"),
            ("srv/node_modules/lodash", "/opt/l", ""),
            ("usr/share/java/a.jar", "/opt/blob", "usr/share/java/a.jar>opt/blob"),
            // What every image has.
            ("lib", "usr/lib", ""),
            ("bin", "usr/bin", ""),
            ("lib64", "usr/lib64", ""),
            ("var/run", "/run", ""),
            ("var/lock", "/run/lock", ""),
            ("var/lib/rpm", "../../usr/lib/sysimage/rpm", ""),
            ("etc/os-release", "../usr/lib/os-release", ""),
            ("usr/lib/os-release", "./os.release.d/os-release-fedora", ""),
            ("etc/redhat-release", "almalinux-release", ""),
            ("usr/bin/python3", "python3.11", ""),
            ("usr/bin/awk", "/etc/alternatives/awk", ""),
            ("usr/lib/libz.so.1", "libz.so.1.3", ""),
            ("usr/share/java/a.jar", "a-1.0.jar", ""),
            ("usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js", ""),
            ("app/node_modules/a", ".pnpm/a@1.0.0/node_modules/a", ""),
            ("app/node_modules", "/deps/node_modules", ""),
            ("app/node_modules/mine", "../packages/mine", ""),
            ("app/node_modules/@me/mine", "../../packages/mine", ""),
            ("usr/share/doc/libssl-dev", "libssl3", ""),
            ("a/b", "../../../..", ""),
        ] {
            let link = LayerPath::normalise(link).unwrap();
            let found: Vec<_> = unread(&catalogue, &link, target).iter().map(|(a, b)| format!("{a}>{b}")).collect();
            assert!(found.contains(&want.to_owned()) || want.is_empty() && found.is_empty(), "{link}: {found:?}");
        }
    }
}
