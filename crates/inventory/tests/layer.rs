//! The pass over whole layers: forgetting, hard links, corruption, limits and lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_inventory::{Catalogue, LayerError, inventory_layer, links, look_again};
use layergate_model::{Alias, Digest, GapKind, LayerInventory, LayerPath, Limits};

fn package_json(version: &str) -> Vec<u8> {
    format!(r#"{{"name":"a","version":"{version}"}}"#).into_bytes()
}

enum Item<'a> {
    File(&'a str, Vec<u8>),
    Hard(&'a str, &'a str),
    Symlink(&'a str, &'a str),
}

fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for item in items {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        match item {
            Item::File(path, bytes) => {
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, path, &bytes[..]).unwrap();
            }
            Item::Hard(path, target) => {
                header.set_entry_type(tar::EntryType::Link);
                builder.append_link(&mut header, path, target).unwrap();
            }
            Item::Symlink(path, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, path, target).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

fn scan(blob: &[u8], limits: &Limits) -> LayerInventory {
    inventory_layer(blob, Digest::of(blob), &Catalogue::standard(), limits).unwrap()
}

fn found(inventory: &LayerInventory) -> Vec<String> {
    let packages = inventory.sections.values().flat_map(|s| &s.packages);
    packages.map(|p| format!("{} {}", p.version, p.evidence())).collect()
}

fn gaps(inventory: &LayerInventory) -> Vec<GapKind> {
    inventory.gaps.iter().chain(inventory.sections.values().flat_map(|s| &s.gaps)).map(|g| g.kind).collect()
}

const AT: &str = "node_modules/a/package.json";

#[test]
fn a_later_entry_of_the_same_layer_replaces_an_earlier_one() {
    let first = Item::File(AT, package_json("1"));
    let blob = tar(&[first, Item::File(AT, package_json("2"))]);
    assert_eq!(found(&scan(&blob, &Limits::default())), [format!("2 {AT}")]);
    // In a link's place until then, perhaps one of a lower layer: what was written through it is still where it led.
    let blob = tar(&[Item::File(AT, package_json("1")), Item::Symlink("node_modules", "elsewhere")]);
    assert_eq!(found(&scan(&blob, &Limits::default())), [format!("1 {AT}")]);
}

#[test]
fn hard_links_prove_the_same() {
    let blob = tar(&[Item::File(AT, package_json("1")), Item::Hard("x/node_modules/a/package.json", AT)]);
    assert_eq!(found(&scan(&blob, &Limits::default())), [format!("1 {AT}"), "1 x/node_modules/a/package.json".into()]);
}

/// What a layer's own hard links show in a second look, by their names.
fn within(blob: &[u8]) -> Vec<String> {
    let (catalogue, limits) = (Catalogue::standard(), Limits::default());
    let names = links::within(&catalogue, &scan(blob, &limits).paths);
    if names.is_empty() {
        return Vec::new();
    }
    let again = look_again(blob, Digest::of(blob), &catalogue, &limits, &names, false).unwrap();
    assert!(again.paths.is_empty() && again.gaps.is_empty(), "{:?}", again.gaps);
    found(&again)
}

#[test]
fn hard_links_whose_first_name_says_nothing_are_read_in_a_second_look() {
    const B: &str = "srv/node_modules/b/package.json";
    let store = || Item::File("root/store/ab", package_json("1"));
    let data = Item::File("data", vec![1; 3000]);
    for (items, want) in [
        (vec![data, store(), Item::Hard(AT, "root/store/ab")], vec![format!("1 {AT}")]),
        (vec![store(), Item::Hard(AT, "root/store/ab"), Item::Hard(B, AT)], vec![format!("1 {AT}"), format!("1 {B}")]),
        (vec![store(), Item::Hard("opt/x", "root/store/ab"), Item::Hard(AT, "opt/x")], vec![format!("1 {AT}")]),
        // A store after what it gives: everything was read the first time.
        (vec![Item::File(AT, package_json("1")), Item::Hard("root/store/ab", AT)], vec![]),
        // What lies in no layer, or in another.
        (vec![Item::Hard(AT, "root/store/ab")], vec![]),
        (vec![store(), Item::Hard("opt/x", "root/store/ab")], vec![]),
    ] {
        assert_eq!(within(&tar(&items)), want);
    }
}

#[test]
fn a_second_look_reads_what_it_is_asked_and_shows_it_where_it_lies() {
    let status = b"Package: openssl\nStatus: install ok installed\nVersion: 1\n\n".to_vec();
    let list = b"/usr/bin/openssl\n".to_vec();
    let blob = tar(&[
        Item::File("opt/d/status", status.clone()),
        Item::File("opt/d/info/openssl.list", list),
        Item::File("opt/blob", status),
        Item::File("opt/p", package_json("2")),
        Item::File(AT, package_json("3")),
    ]);
    let path = |text: &str| LayerPath::normalise(text).unwrap();
    let look = |aliases: &[(&str, &str)]| {
        let aliases: Vec<_> = aliases.iter().map(|(name, of)| Alias { name: path(name), path: path(of) }).collect();
        look_again(&blob[..], Digest::of(&blob), &Catalogue::standard(), &Limits::default(), &aliases, true).unwrap()
    };
    let directory = look(&[("var/lib/dpkg", "opt/d")]);
    assert_eq!(found(&directory), ["1 opt/d/status"]);
    let owned: Vec<_> = directory.sections.values().flat_map(|s| &s.owned).map(|o| o.evidence.as_str()).collect();
    assert_eq!(owned, ["opt/d/info/openssl.list"]);
    assert_eq!(found(&look(&[("var/lib/dpkg/status", "opt/blob")])), ["1 opt/blob"]);
    assert_eq!(found(&look(&[(AT, "opt/p"), ("x/node_modules/b/package.json", "opt/p")])), ["2 opt/p"]);
    // Of what is no such file the gap lies where the file does.
    let broken = look(&[("node_modules/a/package.json", "opt/blob")]);
    let places: Vec<_> = broken.sections.values().flat_map(|s| &s.gaps).map(|g| (g.kind, g.place.as_str())).collect();
    assert_eq!(places, [(GapKind::UnreadableFile, "opt/blob")]);
    assert!(found(&look(&[("node_modules", "nowhere")])).is_empty());
}

#[test]
fn what_the_bytes_hide_is_a_gap_and_what_was_read_before_stays() {
    let mut blob = tar(&[Item::File(AT, package_json("1")), Item::File("big", vec![1; 5000])]);
    blob.truncate(2500);
    let cut = scan(&blob, &Limits::default());
    assert_eq!((gaps(&cut), found(&cut).len(), cut.is_cacheable()), (vec![GapKind::CorruptLayer], 1, true));
    let broken = scan(&tar(&[Item::File(AT, b"{".to_vec())]), &Limits::default());
    assert_eq!(gaps(&broken), [GapKind::UnreadableFile]);
    let limits = Limits { max_file_bytes: 5, ..Limits::default() };
    assert_eq!(gaps(&scan(&tar(&[Item::File(AT, package_json("1"))]), &limits)), [GapKind::FileLimit]);
    let limits = Limits { max_entries: 0, ..Limits::default() };
    assert_eq!(gaps(&scan(&tar(&[Item::File(AT, package_json("1"))]), &limits)), [GapKind::LayerLimit]);
}

#[test]
fn a_credential_file_too_large_to_search_is_a_gap() {
    let limits = Limits::default();
    let text = |size: usize| b"A=b\n".repeat(size / 4);
    let rows = [
        ("app/.env", text(16 << 20), &[][..]),
        ("app/.env", text((16 << 20) + 4), &[GapKind::FileLimit]),
        // Of data that may hold anything only small files are in scope, and what is no text has no secrets in this
        // sense.
        ("app/data.json", text(17 << 20), &[]),
        ("app/.env", vec![0; 17 << 20], &[]),
    ];
    for (path, bytes, want) in rows {
        assert_eq!(gaps(&scan(&tar(&[Item::File(path, bytes)]), &limits)), want, "{path}");
    }
}

#[test]
fn absurdly_long_names_are_gaps() {
    let manifest = |name: &str| format!(r#"{{"name":"{name}","version":"1","license":"{name}"}}"#).into_bytes();
    let long = scan(&tar(&[Item::File(AT, manifest(&"x".repeat(5000)))]), &Limits::default());
    assert_eq!((gaps(&long), found(&long).len()), (vec![GapKind::UnreadableFile], 0));
    assert_eq!(gaps(&scan(&tar(&[Item::File(AT, manifest(&"x".repeat(4000)))]), &Limits::default())), []);
    let status = b"Package: a\0b\nVersion: 1\nStatus: install ok installed\n\nPackage: c\nVersion: 1\n\n".to_vec();
    let control = scan(&tar(&[Item::File("var/lib/dpkg/status", status)]), &Limits::default());
    assert_eq!((gaps(&control), found(&control).len()), (vec![GapKind::UnreadableFile], 1));
}

#[test]
fn other_bytes_than_the_manifest_pins_are_no_inventory() {
    let blob = tar(&[Item::File(AT, package_json("1"))]);
    let catalogue = Catalogue::standard();
    let other = inventory_layer(&blob[..], Digest::of(b"other"), &catalogue, &Limits::default());
    assert!(matches!(other, Err(LayerError::DigestMismatch { .. })));
    let small = Limits { max_layer_bytes: 100, ..Limits::default() };
    assert!(matches!(
        inventory_layer(&blob[..], Digest::of(&blob), &catalogue, &small),
        Err(LayerError::TooLarge(100))
    ));
}

#[test]
fn archive_order_does_not_matter() {
    let b = || Item::File("node_modules/b/package.json", br#"{"name":"b","version":"1"}"#.to_vec());
    let one = scan(&tar(&[Item::File(AT, package_json("1")), b()]), &Limits::default());
    let two = scan(&tar(&[b(), Item::File(AT, package_json("1"))]), &Limits::default());
    assert_eq!(one.sections, two.sections);
}
