//! Databases that an upper layer takes away, empties or falsifies, and managers that really remove and upgrade.

mod support;

use layergate_model::GapKind;
use support::image;

const STATUS: &str = "var/lib/dpkg/status";
const APK: &str = "lib/apk/db/installed";

/// The distribution packages as `name version`, and whether the gap is reported.
fn seen(layers: &[&str]) -> (String, bool) {
    let image = image(layers);
    let packages: Vec<_> = image.packages.iter().map(|p| format!("{} {}", p.package.name, p.package.version)).collect();
    (packages.join(","), image.gaps.iter().any(|g| g.kind == GapKind::PackageDatabaseRemoved))
}

#[test]
fn what_a_database_said_counts_while_its_files_are_there() {
    let plain = format!("f usr/bin/x\nf {STATUS}: openssl 1, bash 5");
    let listed = format!(
        "f usr/bin/openssl\nf usr/lib/o.so\nf usr/bin/bash\nf {STATUS}: openssl 1, bash 5\n\
         f var/lib/dpkg/info/openssl.list\nown var/lib/dpkg/info/openssl.list openssl usr/bin/openssl usr/lib/o.so\n\
         f var/lib/dpkg/info/bash.list\nown var/lib/dpkg/info/bash.list bash bin/bash"
    );
    let apk = format!("f lib/a.so\nf {APK}: a 1, b 1\nown {APK} a lib/a.so");
    let (both, only) = ("bash 5,openssl 1", "bash 5");
    let bash = format!("f {STATUS}: bash 5");
    let new = format!("f {STATUS}: openssl 2, bash 5");
    let cases: &[(&str, &[&str], &str, bool)] = &[
        ("untouched", &[&plain], both, false),
        ("whited out", &[&plain, &format!("w {STATUS}")], both, true),
        ("with its directory", &[&listed, "w var/lib/dpkg"], both, true),
        ("opaque", &[&listed, "o var/lib/dpkg"], both, true),
        ("emptied", &[&plain, &format!("f {STATUS}")], both, true),
        ("a link in its place", &[&plain, &format!("l {STATUS} /dev/null")], both, true),
        ("a directory in its place", &[&plain, &format!("d {STATUS}")], both, true),
        ("smaller", &[&plain, &bash], both, true),
        ("another version", &[&plain, &new], "bash 5,openssl 1,openssl 2", true),
        ("smaller, beside other work", &[&listed, &format!("f usr/bin/y\nw usr/share/doc/z\n{bash}")], both, true),
        ("another version, with the files of the old", &[&listed, &new], "bash 5,openssl 1,openssl 2", true),
        ("two layers above", &[&listed, "f app/x", "w var/lib"], both, true),
        ("apk", &[&apk, &format!("w {APK}")], "a 1,b 1", true),
        ("moved", &[&listed, &format!("w {STATUS}\nf var/lib/dpkg/status.d/all: openssl 1, bash 5")], both, false),
        // What package managers do.
        ("removed", &[&listed, &format!("w usr/bin/openssl\nw usr/lib/o.so\n{bash}")], only, false),
        ("removed, without lists", &[&plain, &format!("w usr/bin/y\n{bash}")], only, false),
        ("upgraded", &[&listed, &format!("f usr/bin/openssl\nf usr/lib/o.so\n{new}")], "bash 5,openssl 2", false),
        ("everything removed", &[&listed, "w usr\nw var"], "", false),
        ("installed", &[&plain, &format!("f {STATUS}: openssl 1, bash 5, curl 8")], "bash 5,curl 8,openssl 1", false),
    ];
    for (what, layers, packages, reported) in cases {
        assert_eq!(seen(layers), ((*packages).to_owned(), *reported), "{what}: {layers:#?}");
    }
}

#[test]
fn metadata_that_goes_alone_leaves_its_package_behind() {
    let npm = "f s/node_modules/a/package.json: a 1\nf s/node_modules/a/i.js\nf s/node_modules/a/l.js";
    let python = "f l/a-1.dist-info/METADATA: a 1\nf l/a/__init__.py\nf l/a/b.py";
    let nested =
        format!("{npm}\nf s/node_modules/a/node_modules/b/package.json: b 1\nf s/node_modules/a/node_modules/b/i.js");
    let (here, json) = ("a 1", "s/node_modules/a/package.json");
    let cases: &[(&str, &[&str], &str, bool)] = &[
        ("untouched", &[npm], here, false),
        ("whited out", &[npm, &format!("w {json}")], here, true),
        ("another version in its place", &[npm, &format!("f {json}: a 2")], "a 1,a 2", true),
        ("the same in its place", &[npm, &format!("f {json}: a 1")], here, false),
        ("Python", &[python, "w l/a-1.dist-info"], here, true),
        ("one file patched", &[npm, &format!("w {json}\nf s/node_modules/a/i.js")], here, true),
        ("two layers above", &[npm, "f x", &format!("w {json}")], here, true),
        // What package managers do.
        ("upgraded", &[npm, &format!("f {json}: a 2\nf s/node_modules/a/i.js\nf s/node_modules/a/l.js")], "a 2", false),
        ("removed", &[npm, "w s/node_modules/a"], "", false),
        ("removed with what is in it", &[&nested, "w s/node_modules/a"], "", false),
        (
            "the inner one is another",
            &[&nested, &format!("w {json}\nf s/node_modules/a/i.js\nf s/node_modules/a/l.js")],
            "b 1",
            false,
        ),
        (
            "installed elsewhere as well",
            &[npm, &format!("w {json}\nf t/node_modules/a/package.json: a 1")],
            here,
            false,
        ),
        (
            "Python upgraded",
            &[python, "w l/a-1.dist-info\nf l/a-2.dist-info/METADATA: a 2\nf l/a/__init__.py\nf l/a/b.py"],
            "a 2",
            false,
        ),
        ("a project's own", &["f s/package.json: s 1\nf s/i.js", "f s/package.json: s 2"], "s 2", false),
    ];
    for (what, layers, packages, reported) in cases {
        assert_eq!(seen(layers), ((*packages).to_owned(), *reported), "{what}: {layers:#?}");
    }
}

#[test]
fn what_is_kept_names_its_layer_and_the_distribution() {
    let base = format!("f etc/os-release\nos etc/os-release 0 debian 12\nf {STATUS}: openssl 1");
    let image = image(&[&base, "f app/x", &format!("w {STATUS}")]);
    let package = &image.packages[0];
    assert_eq!(
        (package.layer, package.purl.to_string()),
        (Some(0), "pkg:deb/debian/openssl@1?distro=debian-12".into())
    );
    assert_eq!(image.gaps.len(), 1, "{:?}", image.gaps);
    assert!(image.gaps[0].detail.contains("openssl"), "{:?}", image.gaps);
}
