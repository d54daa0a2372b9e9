//! Layers of an image in which files, directories, links and marks take each other's places, above and below, each file
//! with content of its own, so that it can be reported which of them a container shows.

use super::Choices;
use crate::rawtar::{Head, RawTar};

const PARTS: [&str; 3] = ["a", "b", "node_modules"];
const TARGETS: [&str; 14] = [
    "a",
    "b",
    "a/b",
    "../a",
    "../b",
    "/a/b",
    "/b",
    ".",
    "..",
    "../../..",
    "/a/node_modules",
    "../b/node_modules",
    "x/../b",
    "/c",
];

/// Archives, bottom first. Every file that counts is `…/node_modules/m/package.json` and names its own package.
pub fn layers(c: &mut Choices<'_>) -> Vec<Vec<u8>> {
    (0..=c.below(4)).map(|number| layer(c, number)).collect()
}

fn layer(c: &mut Choices<'_>, number: usize) -> Vec<u8> {
    let mut tar = RawTar::new();
    for step in 0..c.below(10) {
        let path = path(c);
        let content = format!(r#"{{"name":"n{number}x{step}","version":"1.0.0"}}"#);
        let (parent, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(p, n)| (p, n));
        let beside = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        tar = match c.below(20) {
            0..=6 => tar.file(&file(&path), &content),
            7 | 8 => tar.dir(&format!("{path}/")),
            9..=11 => tar.symlink(&path, c.of(&TARGETS)),
            12 => tar.symlink(
                &file(&path),
                c.of(&["/a/node_modules/m/package.json", "../../../b/node_modules/m/package.json", "/a", "x"]),
            ),
            13 => tar.hard_link(&file(&path), &file(&self::path(c))),
            14 => tar.file(&path, "plain"),
            15 => tar.entry(Head::ustar(&path, c.of(b"634"), 0), b""),
            16 | 17 => tar.file(&beside(&format!(".wh.{name}")), ""),
            18 => tar.file(&format!("{path}/.wh..wh..opq"), ""),
            _ => match c.below(6) {
                0 => tar.file(".wh..wh..opq", ""),
                1 => tar.file(&format!("{path}/node_modules/.wh.m"), ""),
                2 => tar.file(&format!("{path}/../.wh.{name}"), ""),
                3 => tar.file(&format!("./{path}//node_modules/m/package.json"), &content),
                4 => tar.file(&format!("{path}/../{}", file("a")), &content),
                _ => tar.pax_of(b'g', &[("path", "a")]),
            },
        };
    }
    tar.end()
}

fn path(c: &mut Choices<'_>) -> String {
    (0..c.of(&[1, 1, 2, 2, 3])).map(|_| c.of(&PARTS)).collect::<Vec<_>>().join("/")
}

fn file(path: &str) -> String {
    format!("{path}/node_modules/m/package.json")
}
