//! `layergate scan` on the images of this repository and on a real registry, as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{collections::BTreeSet, fs, path::Path};

use layergate_tests::{
    layout::Image,
    program::{Program, fixture, root},
    recipe::{LayerRecipe, Recipe},
    servers::Server,
};
use serde_json::Value;

fn image(name: &str) -> String {
    format!("oci:{}", fixture(&format!("images/{name}")))
}

fn recipe(name: &str) -> Image {
    Image::build(&Recipe::read(Path::new(&fixture(&format!("recipes/{name}.toml")))).unwrap()).unwrap()
}

fn strings<'a>(report: &'a Value, list: &str, key: &str) -> BTreeSet<&'a str> {
    report[list].as_array().unwrap().iter().filter_map(|p| p[key].as_str()).collect()
}

#[test]
fn the_committed_images_are_what_their_recipes_make() {
    for name in ["shop", "kiosk", "ledger"] {
        let blobs = root().join(format!("tests/fixtures/images/{name}/blobs/sha256"));
        let committed: BTreeSet<_> = fs::read_dir(blobs)
            .unwrap()
            .map(|e| format!("sha256:{}", e.unwrap().file_name().to_string_lossy()))
            .collect();
        let built = recipe(name);
        assert!(built.blobs.iter().all(|(digest, _)| committed.contains(digest)), "run `just fixtures` for {name}");
    }
}

#[test]
fn the_shop_fails_and_says_why_and_what_to_do() {
    let program = Program::default();
    let (run, report) = program.scan(&image("shop"), &[]);
    assert_eq!((run.code, &report["verdict"]), (1, &Value::from("fail")), "{}", run.stderr);
    let found = strings(&report, "findings", "advisory");
    let all: BTreeSet<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|f| f["aliases"].as_array().unwrap().iter().filter_map(Value::as_str))
        .chain(found)
        .collect();
    for id in ["CVE-2023-5363", "CVE-2023-38545", "CVE-2023-4863", "CVE-2021-23337"] {
        assert!(all.contains(id), "{id} is not among {all:?}");
    }
    assert!(!all.contains("CVE-2021-44906"), "minimist 1.2.8 is fixed");
    let names = strings(&report, "packages", "name");
    assert!(names.is_superset(&BTreeSet::from(["libssl3", "curl", "lodash", "@shop/cart"])), "{names:?}");
    let layer = |name: &str| {
        report["packages"].as_array().unwrap().iter().find(|p| p["name"] == name).map(|p| p["layer"].clone()).unwrap()
    };
    assert_eq!((layer("openssl"), layer("curl"), layer("lodash")), (0.into(), 1.into(), 2.into()));
    let advice = strings(&report, "findings", "remediation");
    assert!(advice.iter().any(|a| a.contains("3.0.11-1~deb12u2")) && advice.iter().any(|a| a.contains("4.17.21")));
    let table = program.run(["scan", "--offline", "--db", &fixture("advisories"), &image("shop")]);
    assert_eq!(table.code, 1);
    for word in ["CVE-2023-4863", "lodash", "4.17.21", "FAIL"] {
        assert!(table.stdout.contains(word), "{word} is not in\n{}", table.stdout);
    }
    assert!(!table.stdout.contains('\u{1b}'), "no colours off a terminal");
}

#[test]
fn the_kiosk_passes_and_the_ledger_fails_on_an_epoch() {
    let program = Program::default();
    let (run, report) = program.scan(&image("kiosk"), &[]);
    assert_eq!((run.code, &report["verdict"]), (0, &Value::from("pass")), "{} {}", run.stderr, run.stdout);
    assert!(report["gaps"].as_array().unwrap().iter().all(|g| g["effect"] != "error"));
    let (run, report) = program.scan(&image("ledger"), &[]);
    assert_eq!(run.code, 1, "{} {}", run.stderr, run.stdout);
    let openssl = report["packages"].as_array().unwrap().iter().find(|p| p["name"] == "openssl-libs").unwrap();
    assert_eq!(openssl["version"], "1:1.1.1k-7.el8_6");
}

#[test]
fn two_scans_are_byte_for_byte_the_same_cold_and_warm() {
    let (one, two) = (Program::default(), Program::default());
    let first = one.scan(&image("shop"), &[]).0.stdout;
    assert_eq!(first, one.scan(&image("shop"), &[]).0.stdout, "the report that was kept");
    std::fs::remove_dir_all(one.home.path().join(".cache/layergate/reports")).unwrap();
    assert_eq!(first, one.scan(&image("shop"), &[]).0.stdout, "judged anew from the layers that were kept");
    assert_eq!(first, two.scan(&image("shop"), &[]).0.stdout);
}

#[test]
fn several_images_end_with_the_worst_of_their_verdicts() {
    let program = Program::default();
    let (run, report) = program.scan(&image("shop"), &[&image("kiosk")]);
    assert_eq!((run.code, &report["schema"], &report["verdict"]), (1, &"layergate.reports/v1".into(), &"fail".into()));
    let (run, _) = program.scan(&image("shop"), &["oci:/nowhere"]);
    assert_eq!(run.code, 3);
}

#[test]
fn a_real_registry_with_and_without_credentials() {
    let shop = recipe("shop");
    assert!(shop.blobs.len() > 3, "three layers and a configuration");
    let program = Program::default();
    let Some(open) = Server::registry(None) else { return };
    let pushed = open.push("team/shop", "v1", &shop, None);
    let (run, report) = program.scan(&format!("{}/team/shop:v1", open.host()), &[]);
    assert_eq!((run.code, &report["image"]["digest"]), (1, &Value::from(pushed)), "{}", run.stderr);
    let (run, _) = program.scan(&format!("{}/team/shop:none", open.host()), &[]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not found"), "{}", run.stderr);

    let Some(closed) = Server::registry(Some("alice")) else { return };
    let basic = "Basic YWxpY2U6c2VjcmV0"; // alice:secret
    closed.push("team/shop", "v1", &shop, Some(basic));
    let reference = format!("{}/team/shop:v1", closed.host());
    let fresh = Program::default();
    let (run, _) = fresh.scan(&reference, &[]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not allowed"), "{}", run.stderr);
    let docker = fresh.home.path().join(".docker");
    fs::create_dir_all(&docker).unwrap();
    fs::write(
        docker.join("config.json"),
        format!(r#"{{"auths":{{"{}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#, closed.host()),
    )
    .unwrap();
    let (run, report) = fresh.scan(&reference, &[]);
    assert_eq!((run.code, &report["verdict"]), (1, &Value::from("fail")), "{}", run.stderr);
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains("YWxpY2U6c2VjcmV0") && !text.contains("alice:secret"), "a credential is shown");
    }
}

/// A layout with one layer, changed by `change` after it was written.
fn damaged(change: impl Fn(&Path)) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    recipe("kiosk").write_layout(&path).unwrap();
    change(&path);
    let reference = format!("oci:{}", path.display());
    (directory, reference)
}

fn largest_blob(layout: &Path) -> std::path::PathBuf {
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap().map(|e| e.unwrap().path());
    // A gzip layer: the manifest and the configuration begin with a brace.
    blobs
        .filter(|p| fs::read(p).unwrap().first() == Some(&0x1f))
        .max_by_key(|p| fs::metadata(p).unwrap().len())
        .unwrap()
}

#[test]
fn a_directory_that_is_no_root_file_system_is_no_pass() {
    let program = Program::default();
    type Build = fn(&Path);
    let rows: [(&str, Build); 4] = [
        ("nothing", |_| {}),
        ("an OCI layout", |at| recipe("kiosk").write_layout(at).unwrap()),
        ("a saved image", |at| fs::write(at.join("image.tar"), [0; 1024]).unwrap()),
        ("a folder of archives", |at| {
            fs::create_dir(at.join("images")).unwrap();
            fs::write(at.join("images/a.tar.gz"), b"\x1f\x8b").unwrap();
        }),
    ];
    for (what, build) in rows {
        let directory = tempfile::tempdir().unwrap();
        build(directory.path());
        let (run, report) = program.scan(&format!("dir:{}", directory.path().display()), &[]);
        assert_eq!(run.code, 3, "{what}: {} {}", run.stdout, run.stderr);
        assert_ne!(report["verdict"], "pass", "{what}");
        let reported = format!("{}{}", run.stderr, report["gaps"]);
        assert!(reported.len() > 40, "{what}: nothing is said: {reported}");
    }
}

#[test]
fn bad_input_ends_in_an_error_that_says_what_and_never_in_a_pass() {
    let program = Program::default();
    type Change = Box<dyn Fn(&Path)>;
    let edit = |file: &'static str, edit: fn(String) -> String| -> Change {
        Box::new(move |layout: &Path| {
            let path = layout.join(file);
            fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
        })
    };
    let cases: Vec<(&str, Change)> = vec![
        (
            "truncated blob",
            Box::new(|l| {
                let path = largest_blob(l);
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }),
        ),
        (
            "corrupted blob",
            Box::new(|l| {
                let path = largest_blob(l);
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0xff;
                fs::write(&path, bytes).unwrap();
            }),
        ),
        ("missing blob", Box::new(|l| fs::remove_file(largest_blob(l)).unwrap())),
        ("broken index", edit("index.json", |_| "{".into())),
        ("empty index", edit("index.json", |_| r#"{"schemaVersion":2,"manifests":[]}"#.into())),
        ("index of another platform", edit("index.json", |t| t.replace("amd64", "riscv64"))),
        ("index.json is gone", Box::new(|l| fs::remove_file(l.join("index.json")).unwrap())),
    ];
    for (name, change) in cases {
        let (_keep, reference) = damaged(change);
        let (run, report) =
            program.scan(&reference, if name.contains("platform") { &["--platform", "linux/amd64"] } else { &[] });
        assert_eq!(run.code, 3, "{name}: {} {}", run.stdout, run.stderr);
        assert_ne!(report["verdict"], "pass", "{name}");
        let reported = format!("{}{}", run.stderr, report["gaps"]);
        assert!(reported.len() > 40, "{name}: nothing is said: {reported}");
    }
}

#[test]
fn what_is_not_an_ordinary_image_is_no_pass() {
    let program = Program::default();
    let changed = |from: &str, to: &str| {
        let mut image = recipe("kiosk");
        let manifest = String::from_utf8(image.manifest.clone()).unwrap();
        assert!(manifest.contains(from), "{manifest}");
        image.manifest = manifest.replace(from, to).into_bytes();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        image.write_layout(&path).unwrap();
        (directory, format!("oci:{}", path.display()))
    };
    for (from, to) in [
        ("vnd.oci.image.layer.v1.tar+gzip", "vnd.example.unknown"),
        ("vnd.oci.image.layer.v1.tar+gzip", "vnd.oci.image.layer.v1.tar+gzip+encrypted"),
        ("vnd.oci.image.config.v1+json", "vnd.cncf.helm.config.v1+json"),
        ("vnd.oci.image.manifest.v1+json", "vnd.docker.distribution.manifest.v1+json"),
    ] {
        let (_keep, reference) = changed(from, to);
        let (run, report) = program.scan(&reference, &[]);
        assert_eq!(run.code, 3, "{to}: {} {}", run.stdout, run.stderr);
        assert_ne!(report["verdict"], "pass", "{to}");
    }
}

fn one_layer(layer: LayerRecipe) -> (tempfile::TempDir, String) {
    let recipe = Recipe { platform: "linux/amd64".into(), config: serde_json::Map::new(), layer: vec![layer] };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    Image::build(&recipe).unwrap().write_layout(&path).unwrap();
    let reference = format!("oci:{}", path.display());
    (directory, reference)
}

#[test]
fn hostile_layers_are_gaps_with_their_numbers() {
    let program = Program::default();
    let os = ("etc/os-release".to_owned(), "ID=alpine\nVERSION_ID=3.20.3\n".to_owned());
    // A gigabyte of zeros in a megabyte: a bomb as far as the ratio goes.
    let bomb = LayerRecipe { blobs: [("zeros".to_owned(), vec![0; 300 << 20])].into(), ..LayerRecipe::default() };
    let (_keep, reference) = one_layer(bomb);
    let (run, report) = program.scan(&reference, &[]);
    assert_eq!((run.code, report["gaps"][0]["kind"].as_str()), (3, Some("layer_limit")), "{}", run.stdout);
    assert!(report["gaps"][0]["detail"].as_str().unwrap().contains("max-ratio"), "{}", report["gaps"]);
    // A database cut in half.
    let database = layergate_tests::rpm::database(&[]);
    let cut = LayerRecipe {
        files: [os.clone()].into(),
        blobs: [("var/lib/rpm/Packages.db".to_owned(), database[..database.len() / 2].to_vec())].into(),
        ..LayerRecipe::default()
    };
    let (_keep, reference) = one_layer(cut);
    let (run, report) = program.scan(&reference, &[]);
    assert_eq!((run.code, report["gaps"][0]["kind"].as_str()), (3, Some("unreadable_database")), "{}", run.stdout);
    // A limit that the user set.
    let (run, report) = program.scan(&image("shop"), &["--max-entries", "3"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(report["gaps"].to_string().contains("max-entries"));
}

#[test]
fn usage_errors_are_two() {
    let program = Program::default();
    let policy = program.home.path().join("policy.toml");
    fs::write(&policy, "nonsense = 1\n").unwrap();
    let db = fixture("advisories");
    let shop = image("shop");
    let policy = policy.display().to_string();
    for arguments in [
        vec!["scan"],
        vec!["scan", "--no-such-flag", &shop],
        vec!["scan", "--offline", "--db", &db, "--policy", &policy, &shop],
        vec!["scan", "--offline", "--db", &db, "--policy", "/nowhere.toml", &shop],
        vec!["scan", "--offline", "--db", &db, "-o", "jsn", &shop],
        vec!["scan", "--offline", "--db", &db, "--platform", "linux", &shop],
        vec!["scan", "--offline", "--db", &db, "UPPER/case:x"],
        vec!["scan", "--server", "http://127.0.0.1:1", &shop],
    ] {
        let run = program.run(&arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty());
    }
    let run = program.run(["scan", "--offline", "--db", "/nowhere", &shop]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let run = program.run(["scan", "--offline", &shop]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("db update"), "{}", run.stderr);
}
