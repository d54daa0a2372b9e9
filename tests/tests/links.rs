//! Packages behind links, in images and directories, as a user scans them: found, or reported; and links of ordinary
//! images, of which nothing is reported.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, os::unix::fs::symlink, path::Path};

use layergate_tests::{
    layout::Image,
    program::Program,
    recipe::{LayerRecipe, Recipe},
};
use serde_json::Value;

const STATUS: &str =
    "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u1\n\n";
const APK: &str = "P:libssl3\nV:3.1.2-r0\nA:x86_64\n\n";
const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
const LODASH: &str = r#"{"name":"lodash","version":"4.17.20"}"#;
const PILLOW: &str = "Metadata-Version: 2.1\nName: Pillow\nVersion: 9.0.0\n\n";
const PACMAN: &str = "%NAME%\nopenssl\n\n%VERSION%\n3.0.0-1\n\n%ARCH%\nx86_64\n\n";

/// A layer from lines: `PATH = TEXT`, `PATH -> TARGET` a symbolic link, `PATH => TARGET` a hard link, `- PATH` a
/// whiteout. `$STATUS` and its like stand for the texts above.
fn layer(lines: &[&str]) -> LayerRecipe {
    let mut layer = LayerRecipe { compression: "none".into(), ..LayerRecipe::default() };
    for line in lines {
        if let Some(path) = line.strip_prefix("- ") {
            layer.whiteouts.push(path.into());
        } else if let Some((path, target)) = line.split_once(" -> ") {
            layer.links.insert(path.into(), target.into());
        } else if let Some((path, target)) = line.split_once(" => ") {
            layer.hard_links.insert(path.into(), target.into());
        } else if let Some((path, text)) = line.split_once(" = ") {
            layer.files.insert(path.into(), text_of(text));
        }
    }
    layer
}

fn text_of(text: &str) -> String {
    let known = [
        ("$STATUS", STATUS),
        ("$APK", APK),
        ("$DEBIAN", DEBIAN),
        ("$LODASH", LODASH),
        ("$PILLOW", PILLOW),
        ("$PACMAN", PACMAN),
    ];
    known.iter().find(|(name, _)| *name == text).map_or(text, |(_, text)| text).to_owned()
}

fn scan(layers: &[&[&str]]) -> Value {
    let program = Program::default();
    let layer = layers.iter().map(|l| layer(l)).collect();
    let recipe = Recipe { platform: "linux/amd64".into(), config: Default::default(), layer };
    let at = program.home.path().join("image");
    Image::build(&recipe).unwrap().write_layout(&at).unwrap();
    report(&program, &format!("oci:{}", at.display()))
}

fn report(program: &Program, image: &str) -> Value {
    let (run, report) = program.scan(image, &[]);
    assert!(!report.is_null(), "{image}: {}", run.stderr);
    report
}

/// `NAME VERSION LOCATION`, and gaps that are about files.
fn listed(report: &Value) -> (Vec<String>, Vec<String>) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let packages = report["packages"].as_array().unwrap().iter();
    let packages =
        packages.map(|p| format!("{} {} {}", text(&p["name"]), text(&p["version"]), text(&p["locations"][0])));
    const ABOUT_FILES: [&str; 8] = [
        "unread_link",
        "hard_link",
        "unreadable_file",
        "unreadable_database",
        "hostile_path",
        "no_packages",
        "no_package_database",
        "layer_unavailable",
    ];
    let gaps = report["gaps"].as_array().unwrap().iter();
    let gaps = gaps.filter(|g| ABOUT_FILES.contains(&g["kind"].as_str().unwrap_or_default()));
    (packages.collect(), gaps.map(|g| format!("{} {}", text(&g["kind"]), text(&g["where"]))).collect())
}

#[test]
fn what_links_hide_is_found() {
    let dpkg = "openssl 3.0.11-1~deb12u1 opt/d/status";
    let blob = "openssl 3.0.11-1~deb12u1 opt/blob";
    let lodash = "lodash 4.17.20 srv/blob";
    let os = "etc/os-release = $DEBIAN";
    let cases: &[(&str, &[&[&str]], &str)] = &[
        ("a file", &[&[os, "opt/blob = $STATUS", "var/lib/dpkg/status -> /opt/blob"]], blob),
        (
            "a file in a layer below",
            &[&[os, "opt/blob = $STATUS"], &["var/lib/dpkg/status -> ../../../opt/blob"]],
            blob,
        ),
        ("a file in a layer above", &[&[os, "var/lib/dpkg/status -> /opt/blob"], &["opt/blob = $STATUS"]], blob),
        ("a directory", &[&[os, "opt/d/status = $STATUS", "var/lib/dpkg -> /opt/d"]], dpkg),
        (
            "a parent",
            &[&[os, "opt/dpkg/status = $STATUS", "var/lib -> /opt"]],
            "openssl 3.0.11-1~deb12u1 opt/dpkg/status",
        ),
        ("out of the root", &[&[os, "opt/d/status = $STATUS", "var/lib/dpkg -> ../../../../../opt/d"]], dpkg),
        (
            "a chain over layers",
            &[&[os, "opt/d/status = $STATUS"], &["a -> opt/d"], &["b -> /a", "var/lib/dpkg -> ../../b"]],
            dpkg,
        ),
        (
            "one file a package",
            &[&[os, "opt/a = $STATUS", "var/lib/dpkg/status.d/openssl -> /opt/a"]],
            "openssl 3.0.11-1~deb12u1 opt/a",
        ),
        (
            "such a directory",
            &[&[os, "opt/s/openssl = $STATUS", "var/lib/dpkg/status.d -> /opt/s"]],
            "openssl 3.0.11-1~deb12u1 opt/s/openssl",
        ),
        ("apk", &[&["opt/x/installed = $APK", "lib/apk/db -> /opt/x"]], "libssl3 3.1.2-r0 opt/x/installed"),
        (
            "pacman",
            &[&["opt/l/openssl-3.0.0-1/desc = $PACMAN", "var/lib/pacman/local -> /opt/l"]],
            "openssl 3.0.0-1 opt/l/openssl-3.0.0-1/desc",
        ),
        ("package.json", &[&["srv/blob = $LODASH", "srv/node_modules/lodash/package.json -> /srv/blob"]], lodash),
        (
            "dist-info",
            &[&["opt/x/METADATA = $PILLOW", "app/site-packages/pillow.dist-info -> /opt/x"]],
            "Pillow 9.0.0 opt/x/METADATA",
        ),
        // Hard links, in one layer and to another.
        (
            "a hard link",
            &[&[os, "opt/blob = $STATUS", "var/lib/dpkg/status => opt/blob"]],
            "openssl 3.0.11-1~deb12u1 var/lib/dpkg/status",
        ),
        ("over layers", &[&[os, "opt/blob = $STATUS"], &["var/lib/dpkg/status => opt/blob"]], blob),
        (
            "whose target is deleted",
            &[&["srv/blob = $LODASH"], &["srv/node_modules/lodash/package.json => srv/blob", "- srv/blob"]],
            "lodash 4.17.20 srv/node_modules/lodash/package.json",
        ),
        (
            "to a store",
            &[&["root/store/ab = $LODASH", "srv/node_modules/lodash/package.json => root/store/ab"]],
            "lodash 4.17.20 srv/node_modules/lodash/package.json",
        ),
        (
            "to what was read, deleted",
            &[&["a/node_modules/lodash/package.json = $LODASH"], &["x => a/node_modules/lodash/package.json", "- a"]],
            "lodash 4.17.20 x",
        ),
    ];
    for (what, layers, want) in cases {
        let (packages, gaps) = listed(&scan(layers));
        assert!(packages.iter().any(|p| p == want) && gaps.is_empty(), "{what}: {packages:?} {gaps:?}");
    }
}

#[test]
fn what_cannot_be_read_behind_a_link_is_reported() {
    let cases: &[(&str, &[&[&str]], &str)] = &[
        (
            "no database",
            &[&["opt/blob = nothing", "lib/apk/db/installed -> /opt/blob"]],
            "unreadable_database opt/blob",
        ),
        ("no manifest", &[&["x = {", "srv/node_modules/a/package.json -> /x"]], "unreadable_file x"),
        ("a hard link to nothing", &[&["var/lib/dpkg/status => opt/blob"]], "hard_link var/lib/dpkg/status"),
    ];
    for (what, layers, want) in cases {
        let report = scan(layers);
        let (packages, gaps) = listed(&report);
        assert!(gaps.iter().any(|g| g == want), "{what}: {packages:?} {gaps:?}");
        assert_eq!(report["verdict"], "error", "{what}");
    }
}

#[test]
fn links_of_ordinary_images_tell_nothing() {
    let os = "usr/lib/os-release = $DEBIAN";
    let pnpm = "node_modules/.pnpm/lodash@4.17.20/node_modules/lodash";
    let (before, after) = (format!("app/{pnpm}"), format!("usr/src/app/{pnpm}"));
    let file = |at: &str| format!("{at}/package.json = $LODASH");
    let hard = |at: &str| format!("{at}/package.json => root/.local/share/pnpm/store/v3/files/ab/cd");
    let store = "root/.local/share/pnpm/store/v3/files/ab/cd = $LODASH";
    let cases: &[(&str, &[&[&str]], usize)] = &[
        (
            "Debian's alternatives and merged /usr",
            &[&[
                os,
                "etc/os-release -> ../usr/lib/os-release",
                "bin -> usr/bin",
                "lib -> usr/lib",
                "usr/bin/mawk = \u{7f}ELF",
                "etc/alternatives/awk -> /usr/bin/mawk",
                "usr/bin/awk -> /etc/alternatives/awk",
                "usr/bin/X11 -> .",
                "var/run -> /run",
                "usr/share/doc/libssl-dev -> libssl3",
                "usr/share/doc/libssl3/copyright = License: Apache-2.0",
                "var/lib/dpkg/status = $STATUS",
                "usr/lib/gone -> nowhere",
                "usr/lib/a.so -> a.so",
            ]],
            1,
        ),
        ("Alpine's merged /usr", &[&["lib -> usr/lib", "usr/lib/apk/db/installed = $APK"]], 1),
        (
            "distroless",
            &[&[os, "etc/os-release -> ../usr/lib/os-release", "var/lib/dpkg/status.d/openssl = $STATUS"]],
            1,
        ),
        (
            "pnpm, links before their targets",
            &[&["app/node_modules/lodash -> .pnpm/lodash@4.17.20/node_modules/lodash", &file(&before)]],
            1,
        ),
        ("pnpm's store after", &[&[&file(&before), &format!("root/store/cd => {before}/package.json")]], 1),
        (
            "pnpm's store before",
            &[&[store, &hard(&after), "usr/src/app/node_modules/lodash -> .pnpm/lodash@4.17.20/node_modules/lodash"]],
            1,
        ),
        (
            "uv's hard links",
            &[&[
                "root/.cache/uv/archive-v0/x/pillow.dist-info/METADATA = $PILLOW",
                "srv/.venv/lib/python3.12/site-packages/pillow.dist-info/METADATA => root/.cache/uv/archive-v0/x/pillow.dist-info/METADATA",
            ]],
            1,
        ),
        (
            "a shared virtual environment",
            &[&[
                "opt/venv/lib/python3.12/site-packages/pillow.dist-info/METADATA = $PILLOW",
                "app/.venv -> /opt/venv",
                "opt/venv/lib64 -> lib",
            ]],
            1,
        ),
        (
            "Nix",
            &[&[
                "nix/store/00000000000000000000000000000000-lodash-4.17.20/lib/node_modules/lodash/package.json = $LODASH",
                "nix/store/11111111111111111111111111111111-profile-1/lib -> /nix/store/00000000000000000000000000000000-lodash-4.17.20/lib",
                "root/.nix-profile -> /nix/store/11111111111111111111111111111111-profile-1",
            ]],
            1,
        ),
        (
            "a workspace",
            &[&["app/packages/mine/package.json = $LODASH", "app/node_modules/mine -> ../packages/mine"]],
            1,
        ),
    ];
    for (what, layers, count) in cases {
        let (packages, gaps) = listed(&scan(layers));
        assert!(gaps.is_empty(), "{what}: {packages:?} {gaps:?}");
        assert_eq!(packages.len(), *count, "{what}: {packages:?}");
    }
    // A database that lies elsewhere now, and its old name.
    let mut rpm = layer(&["var/lib/rpm -> ../../usr/lib/sysimage/rpm", "etc/os-release = ID=fedora\nVERSION_ID=40\n"]);
    rpm.rpms.push(
        serde_json::from_value(serde_json::json!({"name": "bash", "version": "5", "release": "1", "arch": "x86_64"}))
            .unwrap(),
    );
    let program = Program::default();
    let recipe = Recipe { platform: "linux/amd64".into(), config: Default::default(), layer: vec![rpm] };
    let at = program.home.path().join("image");
    Image::build(&recipe).unwrap().write_layout(&at).unwrap();
    let (packages, gaps) = listed(&report(&program, &format!("oci:{}", at.display())));
    assert_eq!((packages.len(), gaps.len()), (1, 0), "{packages:?} {gaps:?}");
}

/// A tree on disk; links are made as they are written.
fn plant(root: &Path, lines: &[&str]) {
    for line in lines {
        let (path, rest) = line.split_once(' ').unwrap();
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match rest.split_once(' ').unwrap() {
            ("->", target) => symlink(target, at).unwrap(),
            ("=>", target) => fs::hard_link(root.join(target), at).unwrap(),
            (_, text) => fs::write(at, text_of(text)).unwrap(),
        }
    }
}

#[test]
fn a_directory_is_read_as_if_it_were_the_root() {
    let os = "etc/os-release = $DEBIAN";
    let openssl = |at: &str| format!("openssl 3.0.11-1~deb12u1 {at}");
    for (what, lines, want) in [
        ("an absolute link", vec![os, "opt/blob = $STATUS", "var/lib/dpkg/status -> /opt/blob"], openssl("opt/blob")),
        ("a relative one", vec![os, "opt/d/status = $STATUS", "var/lib/dpkg -> ../../opt/d"], openssl("opt/d/status")),
        (
            "out of the directory",
            vec![os, "opt/d/status = $STATUS", "var/lib/dpkg -> ../../../../../../../opt/d"],
            openssl("opt/d/status"),
        ),
        (
            "a hard link",
            vec![os, "opt/blob = $STATUS", "var/lib/dpkg/status => opt/blob"],
            openssl("var/lib/dpkg/status"),
        ),
        (
            "loops",
            vec![os, "var/lib/dpkg/status = $STATUS", "a -> b", "b -> a", "var/lib/x -> ."],
            openssl("var/lib/dpkg/status"),
        ),
    ] {
        let program = Program::default();
        let root = program.home.path().join("root");
        plant(&root, &lines);
        let (packages, gaps) = listed(&report(&program, &format!("dir:{}", root.display())));
        assert_eq!((packages, gaps), (vec![want], vec![]), "{what}");
    }
    // What lies outside is not read: the container would not see it.
    let program = Program::default();
    plant(program.home.path(), &["blob = $STATUS"]);
    let root = program.home.path().join("root");
    let outside = format!("var/lib/dpkg/status -> {}", program.home.path().join("blob").display());
    plant(&root, &[os, &outside]);
    let (packages, gaps) = listed(&report(&program, &format!("dir:{}", root.display())));
    assert!(packages.is_empty() && gaps.iter().any(|g| g.starts_with("no_package")), "{packages:?} {gaps:?}");
}
