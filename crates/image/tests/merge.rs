//! What is reported of an image besides the files: distribution, owners, licenses, gaps, secrets, checks, origins.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layergate_image::MergeOptions;
use layergate_model::{Digest, ImageConfig, ImageInventory, Origin};
use support::{image, image_of, layer, lines};

fn distro(layers: &[&str]) -> Option<(String, String)> {
    image(layers).distro.map(|d| (d.id, d.version.unwrap_or_default()))
}

#[test]
fn the_best_visible_file_names_the_distribution_and_older_ones_the_exact_version() {
    let debian =
        "f etc/os-release\nos etc/os-release 0 debian 12\nf etc/debian_version\nos etc/debian_version 5 debian 12.8";
    let ubuntu =
        "f etc/os-release\nos etc/os-release 0 ubuntu 22.04\nf etc/debian_version\nos etc/debian_version 5 debian 12.8";
    let alpine = "l etc/os-release ../usr/lib/os-release\nf usr/lib/os-release\nos usr/lib/os-release 1 alpine 3.20\n\
                  f etc/alpine-release\nos etc/alpine-release 4 alpine 3.20.3";
    type Case<'a> = (&'a [&'a str], Option<(&'a str, &'a str)>);
    let old_ubuntu = "f etc/debian_version\nos etc/debian_version 3 debian 10\n\
                      f etc/lsb-release\nos etc/lsb-release 4 ubuntu 18.04";
    let cases: [Case<'_>; 8] = [
        (&[old_ubuntu], Some(("ubuntu", "18.04"))),
        (&[debian], Some(("debian", "12.8"))),
        (&[ubuntu], Some(("ubuntu", "22.04"))),
        (&[alpine], Some(("alpine", "3.20.3"))),
        (&[debian, "w etc"], None),
        (&[debian, "w etc/os-release"], Some(("debian", "12.8"))),
        (&[debian, "w etc/debian_version", alpine], Some(("alpine", "3.20.3"))),
        // Two that contradict each other: nobody knows.
        (&[debian, alpine], None),
    ];
    for (layers, want) in cases {
        assert_eq!(distro(layers), want.map(|(i, v)| (i.into(), v.into())), "{layers:?}");
    }
}

#[test]
fn purls_name_the_distribution_and_ids_do_not_change() {
    let layers = ["f etc/os-release\nos etc/os-release 0 alpine 3.20.3\nf lib/apk/db/installed: musl 1"];
    let first = image(&layers);
    assert_eq!(first.packages[0].purl.as_str(), "pkg:apk/alpine/musl@1?distro=alpine-3.20.3");
    assert_eq!(first, image(&layers));
    let one = [layer(layers[0])];
    let rootfs = image_of(&one, None, &MergeOptions { without_layers: true, ..Default::default() });
    assert_eq!(rootfs.packages[0].layer, None);
}

#[test]
fn owners_are_found_through_links_and_not_where_somebody_upgraded() {
    let base = "l lib usr/lib\nf var/lib/dpkg/status: python3-x 1\nf var/lib/dpkg/info/python3-x.list\n\
                own var/lib/dpkg/info/python3-x.list python3-x lib/py/x/METADATA usr/share/doc/x\n\
                f usr/lib/py/x/METADATA: x 1";
    assert_eq!(
        lines(&image(&[base])),
        ["python3-x 1 @0 var/lib/dpkg/status", "x 1 @0 usr/lib/py/x/METADATA by python3-x"]
    );
    let cases = [
        ("upgraded in place", "f usr/lib/py/x/METADATA: x 2", "x 2 @1 usr/lib/py/x/METADATA"),
        ("rewritten as it was", "f usr/lib/py/x/METADATA: x 1", "x 1 @0 usr/lib/py/x/METADATA by python3-x"),
        ("the list is gone", "w var/lib/dpkg/info", "x 1 @0 usr/lib/py/x/METADATA"),
        ("a second copy", "f opt/x/METADATA: x 1", "x 1 @0 opt/x/METADATA usr/lib/py/x/METADATA"),
    ];
    for (name, upper, want) in cases {
        assert_eq!(lines(&image(&[base, upper]))[1], want, "{name}");
    }
}

#[test]
fn owners_come_and_go_with_the_layers() {
    let base = "l lib usr/lib\nf var/lib/dpkg/status: python3-x 1, libc6 2\nf var/lib/dpkg/info/python3-x.list\n\
                own var/lib/dpkg/info/python3-x.list python3-x lib/py/x/METADATA\nf usr/lib/py/x/METADATA: x 1";
    let x = |layers: &[&str]| -> Vec<String> {
        lines(&image(layers)).into_iter().filter(|l| l.starts_with("x ")).collect()
    };
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "purged",
            &["f var/lib/dpkg/status: libc6 2\nw var/lib/dpkg/info/python3-x.list\nw usr/lib/py/x/METADATA"],
            &[],
        ),
        (
            "taken out of the database, the files left",
            &["f var/lib/dpkg/status: libc6 2\nw var/lib/dpkg/info/python3-x.list"],
            &["x 1 @0 usr/lib/py/x/METADATA"],
        ),
        (
            "out of the database alone: it is installed as before",
            &["f var/lib/dpkg/status: libc6 2"],
            &["x 1 @0 usr/lib/py/x/METADATA by python3-x"],
        ),
        (
            "upgraded by the package manager",
            &["f var/lib/dpkg/status: python3-x 2, libc6 2\nf usr/lib/py/x/METADATA: x 2"],
            &["x 2 @1 usr/lib/py/x/METADATA by python3-x"],
        ),
        (
            "upgraded by pip, then another package installed",
            &["f usr/lib/py/x/METADATA: x 2", "f var/lib/dpkg/status: python3-x 1, libc6 2, curl 8"],
            &["x 2 @1 usr/lib/py/x/METADATA"],
        ),
        (
            "upgraded by pip, then by the package manager",
            &[
                "f usr/lib/py/x/METADATA: x 2",
                "f var/lib/dpkg/status: python3-x 3, libc6 2\nf usr/lib/py/x/METADATA: x 3",
            ],
            &["x 3 @2 usr/lib/py/x/METADATA by python3-x"],
        ),
        (
            "removed by pip and installed anew elsewhere",
            &["w usr/lib/py/x/METADATA\nf usr/local/lib/py/x/METADATA: x 1"],
            &["x 1 @1 usr/local/lib/py/x/METADATA"],
        ),
    ];
    for (name, upper, want) in cases {
        let layers: Vec<&str> = std::iter::once(base).chain(upper.iter().copied()).collect();
        assert_eq!(x(&layers), *want, "{name}");
    }
    // The databases of apk, rpm and their like are list and evidence in one file.
    for database in ["lib/apk/db/installed", "usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/Packages"] {
        let base =
            format!("f {database}: py3-x 1\nown {database} py3-x usr/lib/py/x/METADATA\nf usr/lib/py/x/METADATA: x 1");
        assert_eq!(x(&[&base]), ["x 1 @0 usr/lib/py/x/METADATA by py3-x"], "{database}");
        let upgraded = "f usr/lib/py/x/METADATA: x 2";
        assert_eq!(x(&[&base, upgraded]), ["x 2 @1 usr/lib/py/x/METADATA"], "{database}");
        assert_eq!(x(&[&base, &format!("f {database}: other 1")]), ["x 1 @0 usr/lib/py/x/METADATA"], "{database}");
    }
}

#[test]
fn licenses_beside_the_database_also_through_a_shared_directory() {
    let base = "f var/lib/dpkg/status: libssl3 3, libssl-dev 3\nf usr/share/doc/libssl3/copyright\n\
                license usr/share/doc/libssl3/copyright libssl3 Apache-2.0\nl usr/share/doc/libssl-dev libssl3";
    let licenses = |image: ImageInventory| image.packages.into_iter().map(|p| p.package.licenses).collect::<Vec<_>>();
    assert_eq!(licenses(image(&[base])), [["Apache-2.0"], ["Apache-2.0"]]);
    assert_eq!(licenses(image(&[base, "w usr/share/doc"])), [[""; 0], [""; 0]]);
}

#[test]
fn gaps_go_with_their_file_and_with_nothing_else() {
    let base =
        "f a/package.json\ngap unreadable_file a/package.json\ngap layer_limit entries\ngap unreadable_file nowhere";
    let digest = Digest::of(base.as_bytes());
    let reported = |layers: &[&str]| image(layers).gaps.into_iter().map(|g| g.place).collect::<Vec<_>>();
    let stays = [format!("entries in layer {digest}"), format!("nowhere in layer {digest}")];
    assert_eq!(reported(&[base]), [stays[0].as_str(), "a/package.json", stays[1].as_str()]);
    assert_eq!(reported(&[base, "w a"]), stays);
    assert_eq!(reported(&[base, "f a"]), stays);
}

#[test]
fn deleted_secrets_are_reported_as_such() {
    let base = "f root/.npmrc\nsecret root/.npmrc";
    let title = |layers: &[&str]| image(layers).secrets.into_iter().map(|s| s.title).collect::<Vec<_>>();
    assert_eq!(title(&[base]), ["A token"]);
    assert_eq!(title(&[base, "f root/.npmrc\nsecret root/.npmrc"]), ["A token"]);
    let deleted = title(&[base, "w root"]);
    assert!(deleted.len() == 1 && deleted[0].contains("still readable in layer 0"), "{deleted:?}");
}

#[test]
fn facts_hold_while_their_file_is_as_the_layer_wrote_it() {
    let base = "d srv\nfact world_writable srv\nf usr/bin/su\nfact setuid usr/bin/su";
    let found = |layers: &[&str]| image(layers).checks.into_iter().map(|c| (c.id, c.location)).collect::<Vec<_>>();
    let setuid = ("setuid-file".to_owned(), "usr/bin/su".to_owned());
    let writable = ("world-writable".to_owned(), "srv".to_owned());
    assert_eq!(found(&[base]), [setuid.clone(), writable.clone()]);
    assert_eq!(found(&[base, "d srv"]), [setuid], "the directory's mode was changed");
    assert_eq!(found(&[base, "f usr/bin/su"]), [writable], "so was the file's");
}

#[test]
fn packages_are_the_bases_or_the_applications() {
    let config: ImageConfig = serde_json::from_str(
        r#"{"config":{"User":"app","Healthcheck":{"Test":["CMD","true"]}},
            "history":[{"created_by":"ADD rootfs.tar / "},{"created_by":"CMD [\"sh\"]","empty_layer":true},
                       {"created_by":"COPY . /app"},{"created_by":"CMD [\"app\"]","empty_layer":true}]}"#,
    )
    .unwrap();
    let layers = [layer("f lib/apk/db/installed: musl 1"), layer("f app/package.json: x 1")];
    let image = image_of(&layers, Some(&config), &MergeOptions::default());
    let origins: Vec<_> = image.packages.iter().map(|p| p.origin).collect();
    assert_eq!(origins, [Origin::Base, Origin::Application]);
    assert!(image.checks.is_empty(), "{:?}", image.checks);
}

#[test]
fn a_lock_beside_what_is_installed_gives_way_across_layers_and_not_in_a_directory() {
    let lock = "f app/package-lock.json: a 1, b 1";
    let installed = "f app/node_modules/a/package.json: a 1";
    let one = "a 1 @0 app/node_modules/a/package.json app/package-lock.json";
    assert_eq!(lines(&image(&[lock, installed])), [one]);
    assert_eq!(lines(&image(&[lock, installed, "w app/node_modules"])).len(), 2, "nothing is installed any more");
    let bare = "f app/node_modules/b/i.js";
    assert_eq!(lines(&image(&[lock, installed, bare])).len(), 2, "b is there, and only the lock tells its version");
    assert_eq!(lines(&image(&[lock, installed, bare, "w app/node_modules/b"])), [one]);
    let both = [layer(&format!("{lock}\n{installed}"))];
    let tree = image_of(&both, None, &MergeOptions { without_layers: true, ..Default::default() });
    assert_eq!(tree.packages.len(), 2);
}

#[test]
fn a_lock_without_a_reader_is_no_gap_beside_what_is_installed() {
    let lock = "f app/bun.lockb\ngap unread_packages app/bun.lockb";
    let kinds = |layers: &[&str]| image(layers).gaps.iter().map(|g| g.kind.as_str()).collect::<Vec<_>>();
    assert!(kinds(&[lock]).contains(&"unread_packages"));
    assert!(!kinds(&[lock, "f app/node_modules/a/package.json: a 1"]).contains(&"unread_packages"));
    assert!(kinds(&[lock, "f srv/node_modules/a/package.json: a 1"]).contains(&"unread_packages"));
    assert!(!kinds(&[lock, "w app/bun.lockb"]).contains(&"unread_packages"), "it goes with its file");
}

#[test]
fn repositories_are_those_of_each_layer() {
    let below = "f root/buildinfo/content_manifests/a.json\nsets root/buildinfo/content_manifests/a.json b-rpms a-rpms";
    let config: ImageConfig =
        serde_json::from_str(r#"{"config":{"Labels":{"cpe":"cpe:/o:redhat:rhel_eus:9.2::baseos"}}}"#).unwrap();
    let found = |layers: &[&str], config, without_layers| {
        let layers: Vec<_> = layers.iter().map(|l| layer(l)).collect();
        let options = MergeOptions { without_layers, ..Default::default() };
        let image = image_of(&layers, config, &options);
        image.repositories.into_iter().map(|r| (r.layer, r.names.join(" "))).collect::<Vec<_>>()
    };
    let of_layer = (Some(0), "a-rpms b-rpms".to_owned());
    let label = (None, "cpe:/o:redhat:rhel_eus:9.2::baseos".to_owned());
    assert_eq!(found(&[below, "f x"], None, false), std::slice::from_ref(&of_layer));
    assert_eq!(
        found(&[below, "w root/buildinfo"], None, false),
        std::slice::from_ref(&of_layer),
        "the layer has said it"
    );
    assert_eq!(found(&[below], Some(&config), false), [label.clone(), of_layer]);
    assert_eq!(found(&[below], None, true), [(None, "a-rpms b-rpms".to_owned())]);
    assert_eq!(found(&["f x"], Some(&config), false), [label]);
}
