//! Names that links give: which layer is asked again, for what, and what a hard link shows.

mod support;

use layergate_image::{MergeLayer, Readers, looks};
use layergate_model::{GapKind, LayerPath};
use support::{image, layer, lines, path};

/// Reads a database, file lists, and `package.json` of packages in `node_modules`.
struct Reads;

fn kind(path: &str) -> Option<&'static str> {
    let below = |d: &str| path.starts_with(d);
    match path {
        "var/lib/dpkg/status" => Some("status"),
        _ if below("var/lib/dpkg/info/") => Some("list"),
        _ if path.ends_with("/package.json") && path.rsplit('/').nth(2) == Some("node_modules") => Some("npm"),
        _ => None,
    }
}

impl Readers for Reads {
    fn places(&self) -> Vec<LayerPath> {
        vec![path("var/lib/dpkg/info"), path("var/lib/dpkg/status")]
    }

    fn wants_name(&self, name: &str) -> bool {
        name == "package.json"
    }

    fn tells_more(&self, name: &LayerPath, path: &LayerPath) -> bool {
        kind(name).is_some() && kind(name) != kind(path)
    }
}

/// `LAYER NAME < PATH`, and for what another entry shows ` @LAYER PATH`; gaps as `KIND PLACE`.
fn asked(layers: &[&str]) -> Vec<String> {
    let layers: Vec<_> = layers.iter().map(|l| layer(l)).collect();
    let layers: Vec<_> = layers.iter().map(|l| MergeLayer { digest: l.blob, inventory: l }).collect();
    let found = looks(&layers, &Reads);
    let looks = found.looks.iter().map(|look| {
        let shown = look.shown_by.as_ref().map(|(at, path)| format!(" @{at} {path}")).unwrap_or_default();
        format!("{} {} < {}{shown}", look.layer, look.alias.name, look.alias.path)
    });
    looks.chain(found.gaps.iter().map(|(layer, gap)| format!("{layer} {} {}", gap.kind, gap.place))).collect()
}

#[test]
fn what_links_lead_to_is_asked_for_where_it_is_shown() {
    const FILE: &str = "l var/lib/dpkg/status /opt/blob";
    const DIRECTORY: &str = "l var/lib/dpkg /opt/d";
    let status = "0 var/lib/dpkg/status < opt/blob";
    let in_d = "0 var/lib/dpkg/status < opt/d/status";
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("a file", &[&format!("f opt/blob\n{FILE}")], &[status]),
        ("in a layer below", &["f opt/blob", FILE], &[status]),
        ("in a layer above", &[FILE, "f opt/blob"], &["1 var/lib/dpkg/status < opt/blob"]),
        ("a newer one above", &[&format!("f opt/blob\n{FILE}"), "f opt/blob"], &["1 var/lib/dpkg/status < opt/blob"]),
        ("through a linked directory", &["l opt /srv\nf srv/blob", FILE], &["0 var/lib/dpkg/status < srv/blob"]),
        ("relative", &["f opt/blob\nl var/lib/dpkg/status ../../../opt/blob"], &[status]),
        ("out of the root", &["f opt/blob\nl var/lib/dpkg/status ../../../../../../opt/blob"], &[status]),
        ("a chain", &["f opt/blob\nl opt/a blob\nl opt/b a\nl var/lib/dpkg/status /opt/b"], &[status]),
        ("a directory", &[&format!("f opt/d/status\n{DIRECTORY}")], &[in_d]),
        ("a directory above the file", &["f opt/d/status", DIRECTORY], &[in_d]),
        ("a parent", &["f opt/lib/dpkg/status\nl var/lib /opt/lib"], &["0 var/lib/dpkg/status < opt/lib/dpkg/status"]),
        (
            "a chain of directories",
            &["f d/status\nl v/lib /o\nl o/dpkg /d\nl var /v"],
            &["0 var/lib/dpkg/status < d/status"],
        ),
        (
            "what lies below a place",
            &["f opt/d/info/a.list\nl var/lib/dpkg /opt/d"],
            &["0 var/lib/dpkg/info < opt/d/info"],
        ),
        ("a directory below a place", &["f x/a.list\nl var/lib/dpkg/info /x"], &["0 var/lib/dpkg/info < x"]),
        ("a file in a place", &["f x/b\nl var/lib/dpkg/info/a.list /x/b"], &["0 var/lib/dpkg/info/a.list < x/b"]),
        (
            "written through a link",
            &["l lib usr/lib\nl var/lib/dpkg/status /lib/b", "f lib/b"],
            &["1 var/lib/dpkg/status < lib/b"],
        ),
        (
            "a package",
            &["f opt/blob\nl app/node_modules/a/package.json /opt/blob"],
            &["0 app/node_modules/a/package.json < opt/blob"],
        ),
        (
            "a package's directory",
            &["f opt/a/package.json\nl app/node_modules/a /opt/a"],
            &["0 app/node_modules/a < opt/a"],
        ),
        ("all packages", &["f opt/a/package.json\nl app/node_modules /opt"], &["0 app/node_modules < opt"]),
        (
            "packages that are links in a store",
            &["f cas/1/package.json\nl store/a ../cas/1\nl app/node_modules /store"],
            &["0 app/node_modules/a < cas/1"],
        ),
        // What is there is enough.
        (
            "pnpm",
            &[
                "f app/node_modules/.pnpm/a@1/node_modules/a/package.json\nl app/node_modules/a .pnpm/a@1/node_modules/a",
            ],
            &[],
        ),
        ("a merged /usr", &["l lib usr/lib\nf usr/lib/node_modules/a/package.json"], &[]),
        ("to nothing", &[FILE], &[]),
        ("to a directory", &[&format!("d opt/blob\n{FILE}")], &[]),
        ("to what a later layer deletes", &[&format!("f opt/blob\n{FILE}"), "w opt/blob"], &[]),
        ("deleted itself", &[&format!("f opt/blob\n{FILE}"), "w var/lib/dpkg/status"], &[]),
        ("replaced by the file itself", &[&format!("f opt/blob\n{FILE}"), "f var/lib/dpkg/status"], &[]),
        (
            "its directory replaced",
            &[&format!("f opt/d/status\n{DIRECTORY}"), "d var/lib/dpkg\nf var/lib/dpkg/status"],
            &[],
        ),
        ("in circles", &[&format!("l opt/blob /var/lib/dpkg/status\n{FILE}")], &[]),
        ("to itself", &["l a/node_modules .\nf a/b/package.json"], &["0 a/node_modules < a"]),
        // Hard links. Those within a layer are read with it.
        ("within the layer", &["f opt/blob\nh var/lib/dpkg/status opt/blob"], &[]),
        (
            "a layer below",
            &["f opt/blob", "h var/lib/dpkg/status opt/blob"],
            &["0 var/lib/dpkg/status < opt/blob @1 var/lib/dpkg/status"],
        ),
        (
            "to what was there then",
            &["f opt/blob", "h var/lib/dpkg/status opt/blob", "f opt/blob"],
            &["0 var/lib/dpkg/status < opt/blob @1 var/lib/dpkg/status"],
        ),
        (
            "to what is deleted since",
            &["f opt/blob", "h var/lib/dpkg/status opt/blob\nw opt/blob"],
            &["0 var/lib/dpkg/status < opt/blob @1 var/lib/dpkg/status"],
        ),
        (
            "over two layers",
            &["f opt/blob", "h opt/c opt/blob", "h var/lib/dpkg/status opt/c"],
            &["0 var/lib/dpkg/status < opt/blob @2 var/lib/dpkg/status"],
        ),
        (
            "behind a symbolic link",
            &["f opt/blob\nh opt/c opt/blob\nl var/lib/dpkg/status /opt/c"],
            &["0 var/lib/dpkg/status < opt/blob @0 opt/c"],
        ),
        ("a hard link to nothing", &["h var/lib/dpkg/status opt/blob"], &["0 hard_link var/lib/dpkg/status"]),
        ("of no interest", &["h opt/a opt/blob"], &[]),
    ];
    for (what, layers, want) in cases {
        let found = asked(layers);
        // The same may be asked for by its directory, too.
        let right = want.is_empty() == found.is_empty() && want.iter().all(|w| found.iter().any(|f| f == w));
        assert!(right, "{what}: {found:?} for {layers:#?}");
    }
}

#[test]
fn one_look_has_an_end_and_says_so() {
    let many: String =
        (0..2100).map(|n| format!("f opt/{n}\nl app/node_modules/p{n}/package.json /opt/{n}\n")).collect();
    let layer = layer(&many);
    let found = looks(&[MergeLayer { digest: layer.blob, inventory: &layer }], &Reads);
    assert_eq!(found.looks.len(), 2000);
    let gaps: Vec<_> = found.gaps.iter().map(|(layer, gap)| (*layer, gap.kind)).collect();
    assert_eq!(gaps, [(0, GapKind::UnreadLink)]);
    assert!(found.gaps[0].1.detail.starts_with("100 files"), "{:?}", found.gaps);
}

#[test]
fn a_look_is_bounded_in_bytes_too() {
    let part = "p".repeat(200);
    let deep = [part.as_str(); 9].join("/");
    let links = (0..100).map(|n| format!("f opt/{n}\nl {deep}/node_modules/p{n}/package.json /opt/{n}\n"));
    let layer = layer(&links.collect::<String>());
    let found = looks(&[MergeLayer { digest: layer.blob, inventory: &layer }], &Reads);
    let bytes: usize = found.looks.iter().map(|l| l.alias.name.len() + l.alias.path.len()).sum();
    assert!((100 << 10..160 << 10).contains(&bytes), "{bytes}");
    assert_eq!(found.gaps.iter().map(|(_, g)| g.kind).collect::<Vec<_>>(), [GapKind::UnreadLink]);
}

#[test]
fn links_in_links_end_and_say_so_unless_they_are_a_workspace() {
    let gaps = |text: &str| {
        let layer = layer(text);
        looks(&[MergeLayer { digest: layer.blob, inventory: &layer }], &Reads).gaps.len()
    };
    let links = |count: usize| -> String {
        let each = (0..count).map(|n| format!("d o{n}\nl o{n}/x /o{}\n", n + 1));
        each.chain([format!("f o{count}/package.json\n")]).collect()
    };
    assert_eq!((gaps(&links(4)), gaps(&links(7))), (0, 1));
    // Two that lead to each other, by bare names and as workspaces do; and a chain of workspaces.
    assert_eq!(gaps("d a\nd b\nl a/x /b\nl b/x /a\nf a/package.json"), 0);
    let workspace = |pairs: &[(u32, u32)]| -> String {
        let each = |(a, b): &(u32, u32)| format!("f w/p{a}/package.json\nl w/p{a}/node_modules/p{b} ../../p{b}\n");
        pairs.iter().map(each).collect()
    };
    assert_eq!(gaps(&workspace(&[(0, 1), (1, 2), (2, 0), (0, 2), (2, 1), (1, 0)])), 0);
    assert_eq!(gaps(&workspace(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8)])), 0);
}

#[test]
fn many_names_for_many_files_end_soon_and_say_so() {
    let links: String = (0..5000).map(|n| format!("l app/p{n} /opt\nl opt/l{n} /opt/d\n")).collect();
    let files: String = (0..5000).map(|n| format!("f opt/d{n}/package.json\n")).collect();
    let layer = layer(&format!("{links}{files}"));
    let begin = std::time::Instant::now();
    let found = looks(&[MergeLayer { digest: layer.blob, inventory: &layer }], &Reads);
    assert!(found.gaps.iter().any(|(_, gap)| gap.kind == GapKind::UnreadLink), "{:?}", found.gaps);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn a_hard_link_shows_what_was_found_in_a_layer_below() {
    let base = "f app/a.jar: a 1";
    for (upper, want) in [
        ("h opt/b.jar app/a.jar", &["a 1 @0 app/a.jar opt/b.jar"][..]),
        ("h opt/b.jar app/a.jar\nw app/a.jar", &["a 1 @1 opt/b.jar"]),
        ("h opt/data app/a.jar\nw app/a.jar", &["a 1 @1 opt/data"]),
        ("w app/a.jar\nh opt/b.jar app/a.jar", &["a 1 @1 opt/b.jar"]),
        ("h opt/x app/a.jar\nh opt/b.jar opt/x\nw app/a.jar", &["a 1 @1 opt/b.jar opt/x"]),
        ("w app/a.jar", &[]),
    ] {
        assert_eq!(lines(&image(&[base, upper])), want, "{upper}");
    }
    let over = lines(&image(&[base, "h opt/b.jar app/a.jar\nw app/a.jar", "w opt/b.jar"]));
    assert!(over.is_empty(), "{over:?}");
    let broken = "f a.jar\ngap unreadable_file a.jar";
    let reported = |upper: &str| image(&[broken, upper]).gaps.iter().map(|g| g.kind).collect::<Vec<_>>();
    assert_eq!(reported("h b.jar a.jar\nw a.jar"), [GapKind::UnreadableFile], "what could not be read there");
    assert_eq!(reported("w a.jar"), []);
}
