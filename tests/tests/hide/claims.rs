//! What the files of an image claim of its packages: databases that are gone or false, releases that it is not of, lists that
//! say who owns what.

use layergate_tests::rawtar::RawTar;

use crate::way::{EVIL, LODASH, Layer, Says::*, Way, base, plain};

const OS: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
const STATUS: &str = "var/lib/dpkg/status";

fn status(packages: &[(&str, &str, &str)]) -> String {
    let one = |(name, version, more): &(&str, &str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{more}\n")
    };
    packages.iter().map(one).collect()
}

/// A Debian with a vulnerable libssl3, its files and its list.
fn debian() -> Layer {
    let packages = [("base-files", "12.4+deb12u5", ""), ("libssl3", "3.0.9-1", "Source: openssl\n")];
    plain(
        RawTar::new()
            .file("etc/os-release", OS)
            .file("etc/debian_version", "12.8\n")
            .file(STATUS, &status(&packages))
            .file(
                "var/lib/dpkg/info/libssl3:amd64.list",
                "/.\n/usr\n/usr/lib\n/usr/lib/libssl.so.3\n/usr/lib/libcrypto.so.3\n",
            )
            .file("usr/lib/libssl.so.3", "ssl")
            .file("usr/lib/libcrypto.so.3", "crypto"),
    )
}

pub(crate) fn ways() -> Vec<Way> {
    [databases(), orphans(), releases(), owners(), files(), versions()].into_iter().flatten().collect()
}

/// Packages that Node finds all the same.
fn versions() -> Vec<Way> {
    let installed = |name, text| {
        let tar = RawTar::new().file("srv/node_modules/lodash/package.json", text);
        Way::new(name, vec![base(), plain(tar)], Gap("unreadable_version"))
    };
    vec![
        installed("an empty version", r#"{"name":"lodash","version":""}"#),
        installed("a version that is none", r#"{"name":"lodash","version":"latest"}"#),
        installed("a package.json without name and version", r#"{"main":"lodash.js"}"#),
    ]
}

fn databases() -> Vec<Way> {
    let over = |name, tar: RawTar, says| Way::new(name, vec![debian(), plain(tar)], says);
    let tar = RawTar::new;
    let without = status(&[("base-files", "12.4+deb12u5", "")]);
    let upgraded = status(&[("base-files", "12.4+deb12u5", ""), ("libssl3", "3.0.11-1~deb12u2", "Source: openssl\n")]);
    let removed = upgraded
        .replace("3.0.11-1~deb12u2", "3.0.9-1")
        .replacen("install ok installed", "x", 1)
        .replace("install ok installed", "deinstall ok config-files")
        .replacen("Status: x", "Status: install ok installed", 1);
    let lists = ".wh.info";
    vec![
        over("the database in the open", tar().file("srv/x", ""), Named("libssl3")),
        over("a whiteout of the database", tar().file("var/lib/dpkg/.wh.status", ""), Gap("package_database_removed")),
        over(
            "a whiteout of the database's directory",
            tar().file("var/lib/.wh.dpkg", ""),
            Gap("package_database_removed"),
        ),
        over(
            "an opaque mark on the database's directory",
            tar().file("var/lib/dpkg/.wh..wh..opq", ""),
            Gap("package_database_removed"),
        ),
        over("an empty database", tar().file(STATUS, ""), Gap("package_database_removed")),
        over("a database without the package", tar().file(STATUS, &without), Gap("package_database_removed")),
        over(
            "a database and lists without the package",
            tar().file(STATUS, &without).file(&format!("var/lib/dpkg/{lists}"), ""),
            Gap("package_database_removed"),
        ),
        over("a database that lies about the version", tar().file(STATUS, &upgraded), Gap("package_database_removed")),
        over(
            "a database that says the package was removed",
            tar().file(STATUS, &removed),
            Gap("package_database_removed"),
        ),
        over("a directory in the database's place", tar().dir(STATUS), Gap("package_database_removed")),
        over(
            "a link to nothing in the database's place",
            tar().symlink(STATUS, "/dev/null"),
            Gap("package_database_removed"),
        ),
        Way::new(
            "a database that lies elsewhere, with a link to its directory",
            vec![plain(
                tar()
                    .file("etc/os-release", OS)
                    .file("opt/db/status", &status(&[("libssl3", "3.0.9-1", "Source: openssl\n")]))
                    .symlink("var/lib/dpkg", "/opt/db"),
            )],
            Named("libssl3"),
        ),
        Way::new(
            "a database that lies elsewhere, with a link to it",
            vec![plain(
                tar()
                    .file("etc/os-release", OS)
                    .file("opt/db", &status(&[("libssl3", "3.0.9-1", "Source: openssl\n")]))
                    .symlink(STATUS, "/opt/db"),
            )],
            Named("libssl3"),
        ),
        Way::new(
            "a database that lies elsewhere, with a hard link to it",
            vec![plain(
                tar()
                    .file("etc/os-release", OS)
                    .file("opt/db", &status(&[("libssl3", "3.0.9-1", "Source: openssl\n")]))
                    .hard_link(STATUS, "opt/db"),
            )],
            Named("libssl3"),
        ),
        Way::new(
            "a database behind a link in its way",
            vec![plain(
                tar()
                    .file("etc/os-release", OS)
                    .file("opt/dpkg/status", &status(&[("libssl3", "3.0.9-1", "Source: openssl\n")]))
                    .symlink("var/lib", "../opt"),
            )],
            Named("libssl3"),
        ),
        Way::new(
            "a database in capitals",
            vec![plain(
                tar().file("etc/os-release", OS).file("var/lib/dpkg/STATUS", &status(&[("libssl3", "3.0.9-1", "")])),
            )],
            Gap("no_package_database"),
        ),
        Way::new(
            "no database",
            vec![plain(tar().file("etc/os-release", OS).file("usr/lib/libssl.so.3", "ssl"))],
            Gap("no_package_database"),
        ),
        Way::new("an empty image", vec![plain(tar())], Gap("no_packages")),
    ]
}

/// Language packages whose metadata goes and whose code stays.
fn orphans() -> Vec<Way> {
    let over = |name, upper| {
        let lower = RawTar::new().file(LODASH, EVIL).file("srv/node_modules/lodash/index.js", "x");
        Way::new(name, vec![base(), plain(lower), plain(upper)], Gap("package_database_removed"))
    };
    let metadata = "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\n";
    let python = RawTar::new()
        .file("usr/lib/python3/site-packages/requests-2.19.0.dist-info/METADATA", metadata)
        .file("usr/lib/python3/site-packages/requests/__init__.py", "x");
    vec![
        over("a whiteout of a package.json", RawTar::new().file("srv/node_modules/lodash/.wh.package.json", "")),
        over("a package.json with another version upon it", RawTar::new().file(LODASH, crate::way::GOOD)),
        Way::new(
            "a whiteout of a dist-info",
            vec![
                base(),
                plain(python),
                plain(RawTar::new().file("usr/lib/python3/site-packages/.wh.requests-2.19.0.dist-info", "")),
            ],
            Gap("package_database_removed"),
        ),
    ]
}

fn releases() -> Vec<Way> {
    let over = |name, path: &str, text: &str, says| {
        Way::new(name, vec![debian(), plain(RawTar::new().file(path, text))], says)
    };
    vec![
        over(
            "a release of another family",
            "etc/os-release",
            "ID=alpine\nVERSION_ID=3.3\n",
            Gap("conflicting_release"),
        ),
        over("a release of an RPM family", "etc/os-release", "ID=photon\nVERSION_ID=3.0\n", Gap("conflicting_release")),
        over(
            "another release of the family",
            "etc/os-release",
            "ID=debian\nVERSION_ID=13\n",
            Gap("conflicting_release"),
        ),
        over(
            "another distribution of the family",
            "etc/os-release",
            "ID=ubuntu\nVERSION_ID=22.04\n",
            Gap("conflicting_release"),
        ),
        over("a release that nobody knows", "etc/os-release", "ID=mine\nVERSION_ID=1\n", Gap("unknown_distribution")),
        over("an empty release file", "etc/os-release", "", Named("libssl3")),
        over("another vendor's release file", "etc/alpine-release", "3.20.3\n", Gap("conflicting_release")),
        Way::new(
            "a whiteout of the release files",
            vec![debian(), plain(RawTar::new().file("etc/.wh.os-release", "").file("etc/.wh.debian_version", ""))],
            Gap("unknown_distribution"),
        ),
        Way::new(
            "a link to nothing as the release file",
            vec![
                debian(),
                plain(RawTar::new().symlink("etc/os-release", "/dev/null").file("etc/.wh.debian_version", "")),
            ],
            Gap("unknown_distribution"),
        ),
        Way::new(
            "a link to another release file",
            vec![
                debian(),
                plain(RawTar::new().file("opt/r", "ID=alpine\nVERSION_ID=3.3\n").symlink("etc/os-release", "/opt/r")),
            ],
            Gap("conflicting_release"),
        ),
    ]
}

fn owners() -> Vec<Way> {
    let list = format!("/.\n/{LODASH}\n");
    let owned = |name, path: &str, more: &str, says| {
        let packages = [("base-files", "12.4+deb12u5", ""), ("node-lodash", "4.17.21+dfsg-1", more)];
        let tar = RawTar::new().file("etc/os-release", OS).file(STATUS, &status(&packages));
        Way::new(name, vec![plain(tar.file(path, &list).file(LODASH, EVIL))], says)
    };
    vec![
        owned(
            "a list of a package of the distribution",
            "var/lib/dpkg/info/node-lodash.list",
            "",
            Gap("forged_file_list"),
        ),
        owned(
            "a list of a package of somebody else",
            "var/lib/dpkg/info/node-lodash.list",
            "Maintainer: me <me@example.org>\n",
            Listed,
        ),
        owned("a list of a package that is not installed", "var/lib/dpkg/info/other.list", "", Listed),
        owned("checksums in the place of a list", "var/lib/dpkg/info/node-lodash.md5sums", "", Listed),
        Way::new(
            "a list of another package manager",
            vec![
                base(),
                plain(RawTar::new().file(LODASH, EVIL).file(
                    "lib/apk/db/installed",
                    "P:lodash\nV:4.17.21-r0\nA:x86_64\nF:srv/node_modules/lodash\nR:package.json\n\n",
                )),
            ],
            Gap("unknown_distribution"),
        ),
    ]
}

fn files() -> Vec<Way> {
    let content = |name, text: &str, says| Way::tar(name, RawTar::new().file(LODASH, text), says);
    vec![
        content(
            "a name twice, the vulnerable version last",
            r#"{"name":"lodash","version":"4.17.21","version":"4.17.20"}"#,
            Gap("unreadable_file"),
        ),
        content("a byte order mark in front", "\u{feff}{\"name\":\"lodash\",\"version\":\"4.17.20\"}", Listed),
        content(
            "a control character in the version",
            r#"{"name":"lodash","version":"4.17.20\u0000"}"#,
            Gap("unreadable_file"),
        ),
        content("a file that is broken", r#"{"name":"lodash","version":"4.17.20""#, Gap("unreadable_file")),
        content("spaces around the version", r#"{"name":"lodash","version":" 4.17.20 "}"#, Named("lodash")),
        content("a letter in front of the version", r#"{"name":"lodash","version":"v4.17.20"}"#, Named("lodash")),
        content("a version that no order reads", r#"{"name":"lodash","version":"4.17.20.x!"}"#, Named("lodash")),
    ]
}
