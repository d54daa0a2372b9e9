//! Layers upon layers: marks that only one way of putting them together obeys (containerd's native applier, the kernel's
//! overlayfs), and what one layer says twice. Hidden is only what both hide.

use layergate_tests::rawtar::{Head, RawTar};

use crate::way::{EVIL, GOOD, LODASH, Layer, Says::*, Way, app, base, plain};

const OPAQUE: &str = ".wh..wh..opq";

/// A lower layer where `srv` is a link to `opt`, which has the package.
fn linked() -> Layer {
    plain(RawTar::new().file("opt/node_modules/lodash/package.json", EVIL).symlink("srv", "opt"))
}

pub(crate) fn ways() -> Vec<Way> {
    let over = |name, lower: Layer, upper: RawTar| Way::new(name, vec![base(), lower, plain(upper)], Listed);
    let tar = RawTar::new;
    let both = [marks(), twice(), links(), globals(), aliases()].into_iter().flatten();
    let through_links = vec![
        over("a whiteout through a lower link", linked(), tar().file("srv/.wh.node_modules", "")),
        over("an opaque mark through a lower link", linked(), tar().file(&format!("srv/{OPAQUE}"), "")),
        over("a replacement through a lower link", linked(), tar().file(LODASH, GOOD)),
        over("a file in the place of a directory behind a lower link", linked(), tar().file("srv/node_modules", "")),
        over(
            "a link in the place of a directory behind a lower link",
            linked(),
            tar().symlink("srv/node_modules", "x"),
        ),
        over(
            "a directory upon a lower link, and a whiteout in it",
            linked(),
            tar().dir("srv/").file("srv/.wh.node_modules", ""),
        ),
        over(
            "a whiteout through a lower link's parent",
            plain(tar().file("opt/a/node_modules/lodash/package.json", EVIL).symlink("srv", "opt/a/b")),
            tar().file("srv/../.wh.node_modules", ""),
        ),
    ];
    both.chain(through_links).collect()
}

fn marks() -> Vec<Way> {
    let over = |name, upper: RawTar| Way::new(name, vec![base(), app(LODASH), plain(upper)], Listed);
    let tar = RawTar::new;
    vec![
        over("an opaque mark on the root", tar().file(OPAQUE, "")),
        over("an opaque mark on the root, spelled with a dot", tar().file(&format!("./{OPAQUE}"), "")),
        over("an opaque mark on the root, through a parent", tar().file(&format!("srv/../{OPAQUE}"), "")),
        over(
            "an opaque mark with another name",
            tar().file("srv/.wh..opq", "").file("srv/.wh..wh..opqx", "").file("srv/.wh..wh.opq", ""),
        ),
        over("a whiteout of nothing", tar().file("srv/.wh.", "")),
        over("a whiteout of a dot", tar().file("srv/.wh..", "")),
        over("a whiteout of the parent", tar().file("srv/x/.wh...", "")),
        over("a whiteout of a path", tar().file("srv/.wh.node_modules%2flodash", "")),
        over("a file below a whiteout's name", tar().file("srv/.wh.node_modules/x", "")),
        over(
            "a whiteout of a directory that the layer has",
            tar().file("srv/.wh.node_modules", "").dir("srv/node_modules/"),
        ),
        over(
            "a whiteout of a directory that the layer fills",
            tar().file("srv/.wh.node_modules", "").file("srv/node_modules/a", ""),
        ),
        over("a whiteout of a parent that the layer fills", tar().file(".wh.srv", "").file("srv/node_modules/a", "")),
        Way::new(
            "a whiteout in the layer of its file",
            vec![base(), plain(tar().file(LODASH, EVIL).file("srv/node_modules/.wh.lodash", ""))],
            Listed,
        ),
        Way::new(
            "an opaque mark in the layer of its file",
            vec![base(), plain(tar().file(LODASH, EVIL).file(&format!("srv/{OPAQUE}"), ""))],
            Listed,
        ),
        Way::new(
            "a file behind its whiteout",
            vec![base(), app(LODASH), plain(tar().file("srv/node_modules/.wh.lodash", "").file(LODASH, EVIL))],
            Listed,
        ),
        Way::new(
            "an attribute that redirects a directory",
            vec![
                base(),
                app("opt/node_modules/lodash/package.json"),
                plain(tar().pax(&[("SCHILY.xattr.trusted.overlay.redirect", "/opt")]).dir("srv/").file(".wh.opt", "")),
            ],
            Gap("hostile_path"),
        ),
        Way::new(
            "a hard link out of aufs's own directory",
            vec![base(), plain(tar().file(".wh..wh.plnk/1.2", EVIL).hard_link(LODASH, ".wh..wh.plnk/1.2"))],
            Listed,
        ),
    ]
}

/// A layer that says twice what a path is: on a file system only what it said last is left, and a directory that is left is
/// merged with the one below it.
fn twice() -> Vec<Way> {
    let over = |name, upper: RawTar| Way::new(name, vec![base(), app(LODASH), plain(upper)], Listed);
    let tar = RawTar::new;
    let pipe = |name: &str| Head::ustar(name, b'6', 0);
    vec![
        over("a file, then a directory", tar().file("srv", "").dir("srv/")),
        over("a link, then a directory", tar().symlink("srv", "opt").dir("srv/")),
        over("a pipe, then a directory", tar().entry(pipe("srv"), b"").dir("srv/")),
        over("a directory, then a file, then a directory", tar().dir("srv/").file("srv", "").dir("srv/")),
        over(
            "a file in the middle, then a directory",
            tar().dir("srv/").file("srv/node_modules", "").dir("srv/node_modules/"),
        ),
        over("an opaque mark that is lost", tar().file(&format!("srv/{OPAQUE}"), "").file("srv", "").dir("srv/")),
        over("a whiteout that is lost", tar().file("srv/node_modules/.wh.lodash", "").file("srv", "").dir("srv/")),
        over("a replacement that is lost", tar().file(LODASH, GOOD).file("srv", "").dir("srv/")),
        over(
            "a replacement that is lost with its parent",
            tar().file(LODASH, GOOD).symlink("srv/node_modules", "x").dir("srv/node_modules/"),
        ),
        Way::tar("a second file in its place", tar().file(LODASH, GOOD).file(LODASH, EVIL), Listed),
        Way::tar("a directory of it, then the file", tar().dir(LODASH).file(LODASH, EVIL), Listed),
        Way::tar("a file in the way, then a directory", tar().file("srv", "").dir("srv/").file(LODASH, EVIL), Listed),
    ]
}

/// A global header is no entry, but runtimes remove what is at its path.
fn globals() -> Vec<Way> {
    let over = |name, upper: RawTar| {
        let tar = upper.pax_of(b'g', &[("path", "srv/node_modules"), ("comment", "x")]);
        Way::new(name, vec![base(), app(LODASH), plain(tar)], Gap("hostile_path"))
    };
    let tar = RawTar::new;
    let named = Head::ustar("srv/node_modules", b'g', 0);
    vec![
        over("a global header takes a whiteout away", tar().file("srv/.wh.node_modules", "")),
        over("a global header takes an opaque mark away", tar().file(&format!("srv/node_modules/{OPAQUE}"), "")),
        over("a global header takes a replacement away", tar().file(LODASH, GOOD)),
        over("a global header takes a replacement away through a link", {
            tar().dir("mnt/").file("mnt/lodash/x", "").symlink("srv", "mnt")
        }),
        Way::new(
            "a global header by its own name",
            vec![base(), app(LODASH), plain(tar().file(LODASH, GOOD).entry(named, b""))],
            Gap("hostile_path"),
        ),
        Way::tar(
            "a global header of no consequence",
            tar().pax_of(b'g', &[("comment", "x")]).file(LODASH, EVIL),
            Listed,
        ),
    ]
}

/// One place under two names: what comes under one of them takes away what stands under the other.
fn aliases() -> Vec<Way> {
    let over = |name, upper: RawTar| Way::new(name, vec![base(), app(LODASH), plain(upper)], Listed);
    let tar = || RawTar::new().dir("srv/").symlink("mnt", "srv");
    vec![
        over(
            "a replacement that is lost under another name",
            tar().file(LODASH, GOOD).file("mnt/node_modules", "").dir("srv/node_modules/"),
        ),
        over(
            "a file under another name, then a directory",
            tar().file("mnt/node_modules", "").dir("srv/node_modules/"),
        ),
        over("a replacement under another name that is lost", {
            tar()
                .file("mnt/node_modules/lodash/package.json", GOOD)
                .file("srv/node_modules", "")
                .dir("srv/node_modules/")
        }),
        over(
            "a whiteout under another name that is lost",
            tar().file("mnt/.wh.node_modules", "").dir("srv/node_modules/"),
        ),
        over(
            "an opaque mark on the root under another name",
            RawTar::new().symlink("mnt", ".").file(&format!("mnt/{OPAQUE}"), ""),
        ),
        Way::new(
            "a link by another name, and a whiteout where it seems to lead",
            vec![
                base(),
                plain(
                    RawTar::new()
                        .file("a/x", "")
                        .symlink("b", "a")
                        .symlink("a", "/opt")
                        .file("b/node_modules/lodash/package.json", EVIL),
                ),
                plain(RawTar::new().file(".wh.a", "")),
            ],
            Listed,
        ),
        Way::new(
            "a link that its own layer whites out",
            vec![
                base(),
                plain(RawTar::new().symlink("srv", "/opt").file(".wh.srv", "").file(LODASH, EVIL)),
                plain(RawTar::new().file(".wh.opt", "").file("opt/.wh.node_modules", "")),
            ],
            Listed,
        ),
    ]
}

/// Links inside of one layer.
fn links() -> Vec<Way> {
    let tar = RawTar::new;
    let way = |name, tar: RawTar| Way::tar(name, tar, Listed);
    let alias = || tar().dir("opt/").symlink("srv", "opt").file(LODASH, EVIL);
    let name = "opt/node_modules/lodash/package.json";
    vec![
        way("a file through a link of its layer", alias()),
        way("a file through a link that is then replaced", alias().file("srv", "")),
        way("a file through a link that then leads elsewhere", alias().symlink("srv", "mnt")),
        way("a file through a link, and another one in its name", alias().symlink("srv", "mnt").file(LODASH, GOOD)),
        way("a file through a link that is then a directory", alias().dir("srv/").file(LODASH, GOOD)),
        way("a file through a link whose parent is replaced", {
            tar()
                .dir("opt/")
                .dir("a/")
                .symlink("a/b", "/opt")
                .file("a/b/node_modules/lodash/package.json", EVIL)
                .file("a", "")
        }),
        way(
            "a file through a lower link that is then replaced",
            tar().file("lib/node_modules/lodash/package.json", EVIL).file("lib", ""),
        ),
        way(
            "a hard link whose first name is then replaced",
            tar().file(name, EVIL).hard_link(LODASH, name).file(name, GOOD),
        ),
        way(
            "a hard link whose first name is then gone",
            tar().file(name, EVIL).hard_link(LODASH, name).file("opt", ""),
        ),
        way(
            "a hard link to a hard link",
            tar()
                .file(name, EVIL)
                .hard_link("var/package.json", name)
                .hard_link(LODASH, "var/package.json")
                .file("opt", ""),
        ),
        Way::tar("a hard link to a file of another name", tar().file("opt/x", EVIL).hard_link(LODASH, "opt/x"), Listed),
        Way::tar(
            "a hard link through a symbolic one",
            tar().file(name, EVIL).symlink("mnt", "opt").hard_link(LODASH, "mnt/node_modules/lodash/package.json"),
            Listed,
        ),
        Way::tar(
            "a symbolic link to a file of another name",
            tar().file("opt/x", EVIL).symlink(LODASH, "/opt/x"),
            Listed,
        ),
        Way::tar(
            "a directory behind a link",
            tar()
                .file("opt/x/package.json", EVIL)
                .dir("srv/node_modules/")
                .symlink("srv/node_modules/lodash", "/opt/x"),
            Listed,
        ),
        Way::new(
            "a symbolic link to a lower layer's file",
            vec![base(), plain(tar().file("opt/x", EVIL)), plain(tar().symlink(LODASH, "/opt/x"))],
            Listed,
        ),
        Way::new(
            "a link to a link to a file of another name",
            vec![
                base(),
                plain(tar().file("opt/x", EVIL).symlink("opt/y", "x")),
                plain(tar().symlink(LODASH, "../../../opt/y")),
            ],
            Listed,
        ),
        Way::new(
            "a file whose hard link is whited out",
            vec![
                base(),
                plain(tar().file(name, EVIL).hard_link(LODASH, name)),
                plain(tar().file("opt/node_modules/.wh.lodash", "")),
            ],
            Listed,
        ),
    ]
}
