//! Layer stacks and the packages that the image shows of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use support::{image, lines};

/// What it shows, the layers bottom first, and the packages that remain.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    ("one layer", &["f a/package.json: x 1"], &["x 1 @0 a/package.json"]),
    ("a file over a file", &["f a/package.json: x 1", "f a/package.json: x 2"], &["x 2 @1 a/package.json"]),
    ("a file over a file that proves nothing any more", &["f a/package.json: x 1", "f a/package.json"], &[]),
    ("a whiteout", &["f a/package.json: x 1", "w a/package.json"], &[]),
    ("a whiteout of an ancestor", &["f a/b/package.json: x 1", "w a"], &[]),
    ("a whiteout of another name", &["f a/package.json: x 1", "w a/package"], &["x 1 @0 a/package.json"]),
    ("a whiteout before the file in its own layer", &["f p: x 1", "w p\nf p: x 2"], &["x 2 @1 p"]),
    ("a whiteout after the file in its own layer", &["f p: x 1", "f p: x 2\nw p"], &["x 2 @1 p"]),
    ("a whiteout below the layer that it is in", &["w p", "f p: x 1"], &["x 1 @1 p"]),
    ("an opaque directory", &["f a/p: x 1\nf b/p: y 1", "o a\nf a/q: z 1"], &["y 1 @0 b/p", "z 1 @1 a/q"]),
    ("an opaque marker after its layer's files", &["f a/p: x 1", "f a/q: z 1\no a"], &["z 1 @1 a/q"]),
    ("an opaque root, which overlayfs ignores", &["f a/p: x 1", "o .\nf q: z 1"], &["x 1 @0 a/p", "z 1 @1 q"]),
    ("opaque two levels up", &["f a/b/c/p: x 1", "o a"], &[]),
    ("a file in the place of a directory", &["f a/b/p: x 1", "f a"], &[]),
    ("a link in the place of a directory", &["f a/b/p: x 1", "l a c"], &[]),
    ("a directory over a directory", &["f a/p: x 1", "d a\nf a/q: y 1"], &["x 1 @0 a/p", "y 1 @1 a/q"]),
    ("a directory in the place of a file", &["f a: x 1", "d a"], &[]),
    ("a file below what was a file", &["f a: x 1", "f a/b/c"], &[]),
    ("down and up again", &["f a/p: x 1", "w a", "f a/q: y 1", "f a/p: x 3"], &["x 3 @3 a/p", "y 1 @2 a/q"]),
    (
        "one database under two names",
        &["l lib usr/lib\nf usr/lib/apk/db/installed: musl 1, zlib 1", "f lib/apk/db/installed: musl 1, zlib 2"],
        &[
            "musl 1 @0 lib/apk/db/installed usr/lib/apk/db/installed",
            "zlib 1 @0 usr/lib/apk/db/installed",
            "zlib 2 @1 lib/apk/db/installed",
        ],
    ),
    (
        "the other way round",
        &["l lib usr/lib\nf lib/apk/db/installed: musl 1", "f usr/lib/apk/db/installed: zlib 2\nw sbin/z"],
        &["zlib 2 @1 usr/lib/apk/db/installed"],
    ),
    (
        "rpm's database has moved",
        &[
            "l var/lib/rpm ../../usr/lib/sysimage/rpm\nf usr/lib/sysimage/rpm/rpmdb.sqlite: bash 5",
            "f var/lib/rpm/rpmdb.sqlite: bash 5, vim 9",
        ],
        &["bash 5 @0 usr/lib/sysimage/rpm/rpmdb.sqlite var/lib/rpm/rpmdb.sqlite", "vim 9 @1 var/lib/rpm/rpmdb.sqlite"],
    ),
    ("a whiteout through a lower link", &["l lib usr/lib\nf usr/lib/x/p: x 1", "w lib/x"], &["x 1 @0 usr/lib/x/p"]),
    (
        "a whiteout in a layer that goes through a link of its own",
        &["f usr/lib/x/p: x 1\nf q: y 1", "l lib usr/lib\nw lib/x\nw q"],
        &["x 1 @0 usr/lib/x/p", "y 1 @0 q"],
    ),
    (
        "a file in a layer that goes through a link of its own",
        &["f usr/lib/p: x 1\nf q: y 1", "l lib usr/lib\nf lib/p: x 2\nf q: y 2", "w usr/lib/p\nw q"],
        &["x 1 @0 usr/lib/p", "y 1 @0 q"],
    ),
    ("a file, then a directory", &["f a/p: x 1", "f a\nd a"], &["x 1 @0 a/p"]),
    (
        "a link, then a directory, and what goes there",
        &["f a/p: x 1", "l a b\nd a\nf a/p: x 2", "w b/p"],
        &["x 1 @0 a/p", "x 2 @1 a/p"],
    ),
    ("an opaque directory through a lower link", &["l a /b/c\nf b/c/p: x 1", "o a"], &["x 1 @0 b/c/p"]),
    ("a file through a lower link", &["l a b\nf b/p: x 1", "f a/p"], &["x 1 @0 b/p"]),
    (
        "a whiteout of a directory that its layer has, too",
        &["f a/p: x 1", "w a\nf a/q: y 1"],
        &["x 1 @0 a/p", "y 1 @1 a/q"],
    ),
    ("a whiteout of a directory with a file in its place", &["f a/p: x 1", "w a\nf a: y 1"], &["y 1 @1 a"]),
    ("the link itself goes, not its target", &["l a b\nf b/p: x 1", "w a"], &["x 1 @0 b/p"]),
    ("a link to a link", &["l a b\nl b c\nf c/p: x 1", "f a/p: x 2"], &["x 1 @0 c/p", "x 2 @1 a/p"]),
    ("a directory replaces the link", &["l a b\nf b/p: x 1", "d a\nf a/p: y 1"], &["x 1 @0 b/p", "y 1 @1 a/p"]),
    ("the link of a layer between", &["f b/p: x 1", "l a b", "f a/p: x 2"], &["x 1 @0 b/p", "x 2 @2 a/p"]),
    ("links in circles hide nothing", &["l a b\nl b a\nf a/p: x 1", "w a/p"], &["x 1 @0 a/p"]),
    ("a link to itself", &["l a a/a\nf a/p: x 1"], &["x 1 @0 a/p"]),
    ("links above the root stay at the root", &["l a ../../../b\nf a/p: x 1", "w b/p"], &[]),
    ("dangling links lead where they say", &["l a b/c\nf a/p: x 1", "w b/c"], &[]),
    ("packages inside an archive", &["f opt/app.jar!lib/y.jar: g:y 1", "w opt/app.jar"], &[]),
    (
        "a removed package",
        &["f var/lib/dpkg/status: a 1, b 1", "f var/lib/dpkg/status: a 1\nw usr/bin/b"],
        &["a 1 @0 var/lib/dpkg/status"],
    ),
    (
        "upgraded, downgraded, and there again",
        &[
            "f var/lib/dpkg/status: a 1, b 1, c 1",
            "f var/lib/dpkg/status: a 1, b 2\nw usr/bin/c",
            "f etc/motd",
            "f var/lib/dpkg/status: a 1, b 1, c 1\nw usr/bin/b2",
        ],
        &["a 1 @0 var/lib/dpkg/status", "b 1 @3 var/lib/dpkg/status", "c 1 @3 var/lib/dpkg/status"],
    ),
    (
        "a database that was removed and made anew",
        &["f var/lib/dpkg/status: a 1", "w var/lib/dpkg", "f var/lib/dpkg/status: a 1"],
        &["a 1 @2 var/lib/dpkg/status"],
    ),
    (
        "files of status.d",
        &["f var/lib/dpkg/status.d/a: a 1", "f var/lib/dpkg/status.d/b: b 1"],
        &["a 1 @0 var/lib/dpkg/status.d/a", "b 1 @1 var/lib/dpkg/status.d/b"],
    ),
    (
        "one package in two places is listed once",
        &["f b/package.json: x 1\nf a/package.json: x 1", "f c/package.json: x 1\nf d/package.json: x 2"],
        &["x 1 @0 a/package.json b/package.json c/package.json", "x 2 @1 d/package.json"],
    ),
    (
        "the lowest layer that still shows it",
        &["f a/package.json: x 1", "w a\nf b/package.json: x 1"],
        &["x 1 @1 b/package.json"],
    ),
    (
        "directories that prove something are merged",
        &["d nix/store/h-x-1: x 1", "d nix/store/h-x-1", "d nix/store/h-y-1: y 1"],
        &["x 1 @0 nix/store/h-x-1", "y 1 @2 nix/store/h-y-1"],
    ),
    (
        "a hard link to a lower layer's file",
        &["f a/package.json: x 1", "h b/package.json a/package.json"],
        &["x 1 @0 a/package.json b/package.json"],
    ),
    (
        "the hard link outlives its target",
        &["f a/package.json: x 1", "h b/package.json a/package.json", "w a"],
        &["x 1 @1 b/package.json"],
    ),
    (
        "a hard link of another name",
        &["f var/lib/dpkg/status: a 1", "h opt/status var/lib/dpkg/status", "w var/lib/dpkg/status\nw usr"],
        &["a 1 @1 opt/status"],
    ),
    ("a hard link over a file", &["f a/p: x 1", "h a/p b"], &[]),
    ("names that are not English", &["f é/ü: x 1\nf é/ö: y 1", "w é/ü"], &["y 1 @0 é/ö"]),
];

#[test]
fn the_image_shows_what_an_overlay_would() {
    for (name, layers, want) in CASES {
        assert_eq!(lines(&image(layers)), *want, "{name}");
    }
}

#[test]
fn evidence_that_the_table_does_not_have_is_visible_until_it_is_hidden() {
    let mut lower = support::layer("f a/p: x 1");
    lower.paths = layergate_model::PathTable::default();
    let options = layergate_image::MergeOptions::default();
    assert_eq!(lines(&support::image_of(&[lower.clone()], None, &options)), ["x 1 @0 a/p"]);
    assert!(lines(&support::image_of(&[lower, support::layer("w a")], None, &options)).is_empty());
}

#[test]
fn the_same_layer_twice_and_no_layer_at_all() {
    let layers = ["f var/lib/dpkg/status: a 1", "w var", "f var/lib/dpkg/status: a 1"];
    assert_eq!(lines(&image(&layers)), ["a 1 @2 var/lib/dpkg/status"]);
    assert!(lines(&image(&[])).is_empty());
}

#[test]
fn deep_paths_and_many_links_end_soon() {
    // Each link's way is new and deep, each whiteout names the same directory: the work must stay linear.
    let deep = "a/".repeat(1000);
    let mut text = String::from("f p: x 1\n");
    for i in 0..500 {
        text.push_str(&format!("l {deep}d{i}/l {deep}d{}/m\nw {deep}d{i}\no {deep}\n", i + 1));
    }
    text.push_str("l c0 c1\n");
    for i in 1..60 {
        text.push_str(&format!("l c{i} c{}/..//c{}\n", i + 1, i + 1));
    }
    text.push_str("f c0/q: y 1\n");
    let start = std::time::Instant::now();
    assert_eq!(lines(&image(&[&text, "w p\nw c59/q"])), ["y 1 @0 c0/q"]);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
