//! What a path says of the files below it: whether a manifest there is about software that is there, or an example.

/// Directories that hold documentation and examples.
const EXAMPLES: [&str; 9] =
    ["doc", "docs", "documentation", "example", "examples", "sample", "samples", "demo", "demos"];

/// Whether the path lies in documentation or examples that some software brings along: below `share/doc` anywhere, and
/// below a directory of [`EXAMPLES`] in the places of installed software (`usr`, `opt`, `var/lib`, but not `usr/src`,
/// where applications are put too). A project's own directories are its own business: `app/examples` may be what runs.
pub(crate) fn is_documentation(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let directories = &parts[..parts.len().saturating_sub(1)];
    if directories.windows(2).any(|pair| pair[0] == "share" && matches!(pair[1], "doc" | "doc-base" | "examples")) {
        return true;
    }
    let software = match directories {
        ["usr", "src", ..] => return false,
        ["usr", rest @ ..] | ["opt", rest @ ..] | ["var", "lib", rest @ ..] => rest,
        _ => return false,
    };
    // The first is the software's own name.
    software.iter().skip(1).any(|part| EXAMPLES.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_examples_lie() {
        for (path, documentation) in [
            ("usr/share/doc/prometheus/examples/go.mod", true),
            ("usr/local/share/doc/x/pom.xml", true),
            ("opt/x/share/doc/x/Cargo.lock", true),
            ("opt/activemq/examples/openwire/java/pom.xml", true),
            ("var/lib/tool/samples/a/package-lock.json", true),
            ("usr/lib/node/docs/package.json", true),
            ("usr/src/app/examples/package-lock.json", false),
            ("app/examples/go.mod", false),
            ("opt/examples/go.mod", false),
            ("srv/docs/yarn.lock", false),
            ("usr/share/doc", false),
            ("go.mod", false),
        ] {
            assert_eq!(is_documentation(path), documentation, "{path}");
        }
    }
}
