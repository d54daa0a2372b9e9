//! WordPress: its core by `wp-includes/version.php`, plugins by the comment at the head of a PHP file right below
//! `wp-content/plugins/NAME/`, themes by that of `style.css` (developer.wordpress.org, "Header Requirements"). Nothing is executed.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads WordPress' core, plugins and themes.
pub struct WordPress;

/// WordPress itself looks for a header in the first 8 KiB only.
const HEAD: usize = 8 << 10;

#[derive(PartialEq)]
enum Place<'p> {
    Core,
    Plugin(&'p str),
    Theme(&'p str),
}

fn place(path: &str) -> Option<Place<'_>> {
    let parts: Vec<&str> = path.rsplitn(5, '/').collect();
    match *parts.as_slice() {
        ["version.php", "wp-includes", ..] => Some(Place::Core),
        [file, name, "plugins" | "mu-plugins", "wp-content", ..] if file.ends_with(".php") => Some(Place::Plugin(name)),
        [file, "plugins" | "mu-plugins", "wp-content", ..] => file.strip_suffix(".php").map(Place::Plugin),
        ["style.css", name, "themes", "wp-content", ..] => Some(Place::Theme(name)),
        _ => None,
    }
}

impl Analyzer for WordPress {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("wordpress")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".php"), Interest::Name("style.css")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.contains("wp-") && place(entry.path).is_some()
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let head = String::from_utf8_lossy(&file.bytes[..file.bytes.len().min(HEAD)]);
        let field = |key: &str| {
            let value = head.lines().find_map(|line| {
                let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
                let (name, value) = line.split_once(':')?;
                name.trim().eq_ignore_ascii_case(key).then(|| value.trim().trim_end_matches("*/").trim())
            })?;
            (!value.is_empty()).then_some(value)
        };
        let (name, heading) = match place(file.path) {
            Some(Place::Core) => {
                let line = head.lines().find_map(|l| l.trim().strip_prefix("$wp_version")).unwrap_or_default();
                let version = line.split(['\'', '"']).nth(1).unwrap_or_default();
                input::push(out, PackageKind::Wordpress, "wordpress", version, file);
                return Ok(());
            }
            Some(Place::Plugin(name)) => (name, "Plugin Name"),
            Some(Place::Theme(name)) => (name, "Theme Name"),
            None => return Ok(()),
        };
        // Most PHP files of a plugin have no header.
        if let (Some(_), Some(version)) = (field(heading), field("Version"))
            && let Some(new) = input::push(out, PackageKind::Wordpress, name, version, file)
        {
            new.licenses = field("License").and_then(license::normal).into_iter().collect();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn core_plugins_and_themes() {
        let core = b"<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.4.2';\n";
        assert_eq!(packages(&WordPress, "var/www/html/wp-includes/version.php", core), ["wordpress 6.4.2"]);
        let plugin = b"<?php\n/**\n * Plugin Name: Akismet Anti-spam: x\n * Version: 5.3\n * License: GPLv2 or later\n */\nVersion: no\n";
        assert_eq!(packages(&WordPress, "www/wp-content/plugins/akismet/akismet.php", plugin), ["akismet 5.3"]);
        assert_eq!(
            packages(&WordPress, "www/wp-content/plugins/akismet/class.php", b"<?php\n// Version: 1\n"),
            [""; 0]
        );
        assert_eq!(
            packages(
                &WordPress,
                "www/wp-content/plugins/hello.php",
                b"<?php /*\nPlugin Name: Hello\nVersion: 1.7.2\n*/"
            ),
            ["hello 1.7.2"]
        );
        let theme = b"/*\nTheme Name: Twenty\nVersion: 1.0\n*/\n";
        assert_eq!(packages(&WordPress, "wp-content/themes/twenty/style.css", theme), ["twenty 1.0"]);
        assert!(place("wp-content/plugins/a/inc/b.php").is_none());
    }
}
