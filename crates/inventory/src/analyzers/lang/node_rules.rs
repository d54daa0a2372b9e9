//! Rules that Node's lock files share: which entries a Linux image can have installed, and which ones are the registry's
//! packages of their names.

use layergate_model::Provenance;

/// Whether what runs on these systems (`os` of a package.json: names, or `!name` for all others) may be installed in a Linux
/// image. Package managers leave optional packages of other systems out and keep them in their lock files.
pub(super) fn runs_on_linux<'t>(systems: impl IntoIterator<Item = &'t str>) -> bool {
    let (mut positive, mut named) = (false, false);
    for system in systems.into_iter().map(str::trim).filter(|s| !s.is_empty()) {
        match system.strip_prefix('!') {
            Some("linux") => return false,
            Some(_) => {}
            None => {
                positive = true;
                named |= matches!(system, "linux" | "any" | "none");
            }
        }
    }
    named || !positive
}

/// Where an entry comes from, by what the lock says it was resolved to: a URL, a protocol with what it names, or nothing.
/// Archives of registries have `/-/` in their URL.
pub(super) fn provenance(resolved: &str) -> Provenance {
    let resolved = resolved.trim();
    let elsewhere =
        ["git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "file:", "link:", "portal:", "patch:file"]
            .iter()
            .any(|scheme| resolved.starts_with(scheme));
    let url = resolved.starts_with("https://") || resolved.starts_with("http://");
    let archive = url && !resolved.contains("/-/") && !resolved.contains("/download/");
    if elsewhere || archive { Provenance::Elsewhere } else { Provenance::Registry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems() {
        for (systems, runs) in [
            (&[][..], true),
            (&["linux"], true),
            (&["darwin"], false),
            (&["darwin", "linux"], true),
            (&["!win32"], true),
            (&["!linux"], false),
            (&["win32", "!x"], false),
        ] {
            assert_eq!(runs_on_linux(systems.iter().copied()), runs, "{systems:?}");
        }
    }

    #[test]
    fn where_it_comes_from() {
        for (resolved, registry) in [
            ("", true),
            ("4.17.20", true),
            ("https://registry.npmjs.org/a/-/a-1.0.0.tgz", true),
            ("https://npm.pkg.github.com/download/@a/b/1.0.0/abc", true),
            ("https://codeload.github.com/a/b/tar.gz/abc", false),
            ("https://example.com/a-1.0.0.tgz", false),
            ("git+ssh://git@github.com/a/b.git#abc", false),
            ("file:../a", false),
        ] {
            assert_eq!(provenance(resolved) == Provenance::Registry, registry, "{resolved}");
        }
    }
}
