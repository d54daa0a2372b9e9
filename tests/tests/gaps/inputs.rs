//! One input for each kind of gap.

use std::{collections::BTreeMap, fs};

use layergate_tests::recipe::LayerRecipe;
use serde_json::json;

use crate::{
    Row,
    scene::{Scene, files, replace_layer},
};

const fn row(kind: &'static str, build: fn(&mut Scene)) -> Row {
    Row { kind, beside: &[], build }
}

/// All kinds, in the order of `docs/gaps.md`.
pub(crate) const ROWS: &[Row] = &[
    row("corrupt_layer", |s| {
        s.layers.push(files([("srv/a", "a file\n")]));
        // The archive ends inside of its first file's name.
        s.change = Some(|image| replace_layer(image, 1, b"srv/a cut archive".repeat(40)));
    }),
    row("unsupported_layer", |s| {
        s.layers.push(files([("srv/a", "a file\n")]));
        s.change = Some(|image| {
            let text = String::from_utf8(image.manifest.clone()).unwrap();
            let (first, rest) = text.rsplit_once("tar+gzip").unwrap();
            image.manifest = format!("{first}tar+gzip+encrypted{rest}").into_bytes();
        });
    }),
    row("layer_limit", |s| {
        let many: BTreeMap<_, _> = (0..50).map(|n| (format!("srv/{n}"), "x".to_owned())).collect();
        s.layers.push(LayerRecipe { files: many, ..LayerRecipe::default() });
        s.arguments = vec!["--max-entries".into(), "20".into()];
    }),
    row("unreadable_database", |s| {
        s.layers.push(files([("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:damaged\n")]));
    }),
    row("no_packages", |s| s.layers = vec![files([("hello", "#!/bin/sh\n")])]),
    row("no_package_database", |s| {
        s.layers = vec![files([("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"), ("srv/package.json", "{}")])];
        s.layers.push(node("left-pad", "1.3.0"));
    }),
    row("package_database_removed", |s| {
        s.layers.push(LayerRecipe { whiteouts: vec!["lib/apk/db/installed".into()], ..LayerRecipe::default() });
    }),
    row("forged_file_list", |s| {
        let installed = s.layers[0].files.get_mut("lib/apk/db/installed").unwrap();
        let maintainer = "m:Natanael Copa <ncopa@alpinelinux.org>";
        let files = "F:srv/node_modules/left-pad\nR:package.json";
        installed.push_str(&format!("P:base\nV:1.0-r0\nA:x86_64\no:base\n{maintainer}\n{files}\n\n"));
        let text = r#"{"name": "left-pad", "version": "1.3.0"}"#;
        s.layers[0].files.insert("srv/node_modules/left-pad/package.json".into(), text.into());
    }),
    row("conflicting_release", |s| {
        s.layers.push(files([("etc/os-release", "ID=debian\nVERSION_ID=12\n")]));
    }),
    row("unread_link", |s| {
        s.layers.push(files([("opt/blob", "{\"name\": \"lodash\", \"version\": \"4.17.21\"}")]));
        let link = |n| (format!("srv/node_modules/p{n}/package.json"), "/opt/blob".to_owned());
        let links = (0..2001).map(link).collect();
        s.layers.push(LayerRecipe { links, ..LayerRecipe::default() });
    }),
    row("unreadable_file", |s| s.layers.push(files([("srv/node_modules/a/package.json", "{\"name\": ")]))),
    row("packed_program", |s| {
        let program = [&b"\x7fELF\x02\x01\x01\0"[..], &[0; 200], b"UPX!", &[0; 4000]].concat();
        s.layers.push(blob("usr/bin/tool", program));
    }),
    row("unread_packages", |s| {
        s.layers.push(files([(
            "opt/rootfs/var/lib/dpkg/status",
            "Package: libssl3\nStatus: install ok installed\nVersion: 3\n",
        )]));
    }),
    row("unread_carrier", |s| s.layers.push(blob("opt/tool.deb", b"!<arch>\ndebian-binary   ".to_vec()))),
    row("file_limit", |s| {
        let text = format!("{{\"name\": \"a\", \"version\": \"1.0.0\", \"x\": \"{}\"}}", "x".repeat(5000));
        s.layers.push(files([("srv/node_modules/a/package.json", text.as_str())]));
        s.arguments = vec!["--max-file-bytes".into(), "4000".into()];
    }),
    row("hard_link", |s| {
        let hard_links = [("srv/node_modules/a/package.json".to_owned(), "opt/gone".to_owned())].into();
        s.layers.push(LayerRecipe { hard_links, ..LayerRecipe::default() });
    }),
    row("hostile_path", |s| {
        s.layers.push(files([("srv/a", "a file\n")]));
        s.change = Some(|image| replace_layer(image, 1, outside()));
    }),
    row("layer_unavailable", |s| {
        s.layers.push(files([("srv/a", "a file\n")]));
        s.change = Some(|image| drop(image.blobs.remove(1)));
    }),
    row("quarantined", |s| {
        // A large archive inside of another is kept in a temporary file, and there is no place for one.
        s.layers.push(blob("srv/app.jar", nested_jar()));
        s.environment = vec![("TMPDIR", s.path("nowhere").display().to_string())];
    }),
    Row { kind: "unsupported_platform", beside: &["no_packages"], build: |s| s.platform = "windows/amd64" },
    row("unknown_distribution", |s| {
        s.layers[0].files.remove("etc/os-release");
        s.layers[0].files.remove("etc/alpine-release");
    }),
    row("no_advisories", |s| {
        let spec = "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\nend\n";
        s.layers.push(files([("usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec", spec)]));
    }),
    // The advisories of this test are a handful.
    row("partial_advisories", |_| {}),
    row("unwatched_ecosystem", |s| {
        let text = r#"{"name": "openssl", "version": "1.1.1q", "build": "h0", "license": "OpenSSL", "depends": []}"#;
        s.layers.push(files([("opt/conda/conda-meta/openssl-1.1.1q-h0.json", text)]));
    }),
    row("third_party_package", |s| {
        let installed = s.layers[0].files.get_mut("lib/apk/db/installed").unwrap();
        installed
            .push_str("P:nginx\nV:1.25.0-r1\nA:x86_64\nm:NGINX Packaging <nginx-packaging@nginx.com>\no:nginx\n\n");
    }),
    row("unidentified_package", |s| {
        let zips = [("srv/parser-1.0.jar".to_owned(), [("a.txt".to_owned(), "a".to_owned())].into())].into();
        s.layers.push(LayerRecipe { zips, ..LayerRecipe::default() });
    }),
    row("stale_advisories", |s| {
        s.as_of = "2026-11-01";
        s.policy.push_str("[advisories]\nmax-age-days = 30\n");
    }),
    // The list of what is exploited has one record here.
    row("rule_without_feed", |s| {
        s.layers.push(node("lodash", "4.17.20"));
        s.policy.push_str("[findings]\nfail-on = \"never\"\n");
    }),
    // The last day of Alpine 3.20 is 2026-04-01.
    row("end_of_life", |s| s.as_of = "2026-06-01"),
    row("unreadable_version", |s| s.layers.push(node("lodash", "latest"))),
    row("uncomparable_version", |s| {
        let lock = r#"{"lockfileVersion": 3, "packages": {"": {"name": "app"}, "node_modules/lodash": {"version": "4.17.20", "resolved": "git+ssh://git@example.com/lodash.git#0123456789012345678901234567890123456789"}}}"#;
        s.layers.push(files([("srv/package-lock.json", lock)]));
    }),
    Row {
        kind: "analyzer_failed",
        beside: &["unreadable_file"],
        // More gaps than are reported one by one.
        build: |s| {
            let broken = (0..1001).map(|n| (format!("srv/node_modules/p{n}/package.json"), "{".to_owned()));
            s.layers.push(LayerRecipe { files: broken.collect(), ..LayerRecipe::default() });
        },
    },
    row("invalid_vex", |s| {
        let vex = json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex", "author": "a",
            "timestamp": "2024-04-01T00:00:00Z", "version": 1,
            "statements": [{"vulnerability": {"name": "CVE-2020-1"}, "status": "not_affected", "products": [{"@id": "pkg:apk/alpine/musl"}]}],
        });
        s.arguments = vec!["--vex".into(), s.write("vex.json", &vex.to_string())];
    }),
    row("sbom_incomplete", |s| {
        let sbom = json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "container", "name": "app"}},
            "components": [
                {"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"},
                {"type": "library", "name": "something"},
            ],
        });
        s.image = format!("sbom:{}", s.write("sbom.json", &sbom.to_string()));
    }),
    row("platform_not_scanned", |s| {
        let layout = s.path("image");
        s.built().write_layout(&layout).unwrap();
        let index = fs::read_to_string(layout.join("index.json")).unwrap();
        let mut index: serde_json::Value = serde_json::from_str(&index).unwrap();
        let mut other = index["manifests"][0].clone();
        other["platform"]["architecture"] = json!("s390x");
        index["manifests"].as_array_mut().unwrap().push(other);
        fs::write(layout.join("index.json"), index.to_string()).unwrap();
        s.image = format!("oci:{}", layout.display());
        s.arguments = vec!["--platform".into(), "linux/amd64".into()];
    }),
];

fn blob(path: &str, bytes: Vec<u8>) -> LayerRecipe {
    LayerRecipe { blobs: [(path.to_owned(), bytes)].into(), ..LayerRecipe::default() }
}

/// An installed Node package.
fn node(name: &str, version: &str) -> LayerRecipe {
    let text = json!({"name": name, "version": version}).to_string();
    files([(format!("srv/node_modules/{name}/package.json").as_str(), text.as_str())])
}

/// An archive with a path that leaves it.
fn outside() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..9].copy_from_slice(b"../etc/a\0");
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(0);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, &[][..]).unwrap();
    builder.into_inner().unwrap()
}

/// A small archive with one inside that unpacks to two megabytes.
fn nested_jar() -> Vec<u8> {
    use std::io::Write as _;
    let deflated = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    let stored = deflated.compression_method(zip::CompressionMethod::Stored);
    let archive = |name: &str, bytes: &[u8], options| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file(name, options).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap().into_inner()
    };
    archive("lib/inner.jar", &archive("zeros", &vec![0; 2 << 20], stored), deflated)
}
