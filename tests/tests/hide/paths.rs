//! Paths that are spelled so that a reader takes them for others.

use layergate_tests::rawtar::{Head, RawTar};

use crate::way::{EVIL, GOOD, LODASH, Says::*, Way, app, base, plain};

pub(crate) fn ways() -> Vec<Way> {
    let file = |name, path: &str, says| Way::tar(name, RawTar::new().file(path, EVIL), says);
    let long = |path: String| {
        RawTar::new().long(b'L', &path).entry(Head::ustar("x", b'0', EVIL.len() as u64), EVIL.as_bytes())
    };
    let bytes =
        |at: usize, name: &[u8]| Head::ustar(&"_".repeat(at + name.len()), b'0', EVIL.len() as u64).set(at, name);
    let latin = bytes(0, b"srv/node_modules/lod\xe4sh/package.json");
    vec![
        file("a path with a dot in front", &format!("./{LODASH}"), Listed),
        file("an absolute path", &format!("/{LODASH}"), Listed),
        file("a directory of packages in itself", "srv/node_modules/node_modules/lodash/package.json", Listed),
        file("a directory of packages in a scope", "srv/node_modules/@s/node_modules/lodash/package.json", Listed),
        file("many slashes", &format!("//{}", LODASH.replace('/', "//")), Listed),
        file("a path through dots", "srv/./node_modules/././lodash/package.json", Listed),
        file("a path through its parent", "srv/x/../node_modules/lodash/package.json", Listed),
        file("a path through the root", "srv/../../srv/node_modules/lodash/package.json", Gap("hostile_path")),
        file("a path that leaves the root", "../srv/node_modules/lodash/package.json", Gap("hostile_path")),
        file("an absolute path that leaves the root", "/../srv/node_modules/lodash/package.json", Listed),
        Way::tar("thousands of dots", long(format!("{}{LODASH}", "./".repeat(5000))), Listed),
        Way::tar("a path of five thousand bytes", long(format!("{}{LODASH}", "d/".repeat(2500))), Gap("hostile_path")),
        Way::tar("a part of three hundred bytes", long(format!("{}/{LODASH}", "d".repeat(300))), Listed),
        file("a line feed in the path", "srv/a\nb/node_modules/lodash/package.json", Listed),
        file("a backslash in the path", "srv\\x/node_modules/lodash/package.json", Listed),
        file("an exclamation mark in the path", "srv/a!b/node_modules/lodash/package.json", Listed),
        file("control characters in the path", "srv/\u{1b}[8m/node_modules/lodash/package.json", Listed),
        file("a path that is written from right to left", "srv/\u{202e}x/node_modules/lodash/package.json", Listed),
        Way::tar("bytes that are not UTF-8", RawTar::new().entry(latin.clone(), EVIL.as_bytes()), Listed),
        Way::new(
            "a whiteout that only looks like the name",
            vec![
                base(),
                plain(RawTar::new().entry(latin, EVIL.as_bytes())),
                plain(RawTar::new().file("srv/node_modules/.wh.lod\\xe4sh", "")),
            ],
            Listed,
        ),
        Way::new(
            "a whiteout up to an exclamation mark",
            vec![base(), app("srv/a!b/node_modules/lodash/package.json"), plain(RawTar::new().file("srv/.wh.a", ""))],
            Listed,
        ),
        Way::new(
            "a file up to an exclamation mark",
            vec![base(), app("srv!/node_modules/lodash/package.json"), plain(RawTar::new().file("srv", ""))],
            Listed,
        ),
        Way::new(
            "a whiteout in another case",
            vec![
                base(),
                app(LODASH),
                plain(RawTar::new().file("srv/.wh.NODE_MODULES", "").file("srv/.WH.node_modules", "")),
            ],
            Listed,
        ),
        Way::new(
            "a whiteout in another normal form",
            vec![
                base(),
                app("srv/caf\u{e9}/node_modules/lodash/package.json"),
                plain(RawTar::new().file("srv/.wh.cafe\u{301}", "")),
            ],
            Listed,
        ),
        Way::new(
            "a replacement in another case",
            vec![base(), app(LODASH), plain(RawTar::new().file("srv/node_modules/Lodash/package.json", GOOD))],
            Listed,
        ),
        Way::new(
            "a whiteout with a space behind it",
            vec![base(), app(LODASH), plain(RawTar::new().file("srv/.wh.node_modules ", ""))],
            Listed,
        ),
    ]
}
